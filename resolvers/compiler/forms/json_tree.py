"""JSON made of constants and SQL expressions, written as one text: what is constant stands in it as it is, lists may have optional items."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Boolean, String, Text, case, cast, func, literal
from sqlalchemy.sql.elements import ColumnElement

Expression = ColumnElement[Any]
# PostgreSQL's limit of arguments of a function.
_MOST_ARGUMENTS = 100


@dataclass(frozen=True)
class OptionalItem:
    """An item of a list that is there where a condition holds."""

    condition: Expression
    value: Any


def as_json(tree: Any) -> Expression:
    """The JSON of a tree of dictionaries, lists, constants and expressions."""
    return cast(_joined(_parts(tree)), JSON)


def _parts(tree: Any) -> Iterator[str | Expression]:
    """The text of a tree in parts: constant text, and expressions whose value is the text of JSON."""
    if isinstance(tree, ColumnElement):
        yield _encoded(tree)
    elif isinstance(tree, dict):
        for place, (key, value) in enumerate(tree.items()):
            yield f"{',' if place else '{'}{_constant(key)}:"
            yield from _parts(value)
        yield "}" if tree else "{}"
    elif isinstance(tree, list):
        yield "["
        yield from _items(tree)
        yield "]"
    else:
        yield _constant(tree)


def _items(items: list[Any]) -> Iterator[str | Expression]:
    if any(isinstance(item, OptionalItem) for item in items):
        # Each item brings the comma before it; that of the first one is cut off.
        yield func.ltrim(_joined(part for item in items for part in _after_comma(item)), _text(","))
        return
    for place, item in enumerate(items):
        yield "," if place else ""
        yield from _parts(item)


def _after_comma(item: Any) -> Iterator[str | Expression]:
    if isinstance(item, OptionalItem):
        yield case((item.condition, _joined((",", *_parts(item.value)))), else_=_text(""))
    else:
        yield ","
        yield from _parts(item)


def _encoded(value: Expression) -> Expression:
    if isinstance(value.type, Boolean):
        return case((value, _text("true")), else_=_text("false"))
    if isinstance(value.type, String):
        # The type of a literal is not known to a function that takes any.
        value = cast(value, Text)
    json_text = value if isinstance(value.type, JSON) else func.to_json(value)
    return func.coalesce(cast(json_text, Text), _text("null"))


def _joined(parts: Any) -> Expression:
    """Parts as one text; constant ones that follow each other become one."""
    whole: list[Expression] = []
    constant = ""
    for part in parts:
        if isinstance(part, str):
            constant += part
        else:
            whole += [_text(constant), part] if constant else [part]
            constant = ""
    whole += [_text(constant)] if constant else []
    while len(whole) > _MOST_ARGUMENTS:
        whole = [
            func.concat(*whole[start : start + _MOST_ARGUMENTS]) for start in range(0, len(whole), _MOST_ARGUMENTS)
        ]
    return func.concat(*whole)


def _constant(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(text: str) -> Expression:
    return literal(text, Text(), literal_execute=True)
