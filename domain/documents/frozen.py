"""Reads the contents of a document back from the canonical JSON that was frozen when it was issued."""

import json
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from domain.documents.contents import CONTENTS, Contents
from domain.documents.kinds import DocumentKind


def contents_of(data: bytes) -> Contents:
    """The contents of which `canonical_json` made these bytes."""
    told = json.loads(data)
    found: Contents = _value(CONTENTS[DocumentKind(told["kind"])], told["contents"])
    return found


def _value(type_: Any, value: Any) -> Any:
    if isinstance(type_, UnionType):
        # A value that may be missing.
        (known,) = (one for one in get_args(type_) if one is not type(None))
        return None if value is None else _value(known, value)
    if get_origin(type_) is tuple:
        return tuple(_value(get_args(type_)[0], one) for one in value)
    if type_ is date:
        return date.fromisoformat(value)
    if type_ is Decimal:
        return Decimal(value)
    if is_dataclass(type_):
        hints = get_type_hints(type_)
        return type_(**{one.name: _value(hints[one.name], value[one.name]) for one in fields(type_)})  # type: ignore[operator]
    return value
