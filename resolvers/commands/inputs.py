"""Reads the input of a command: ids as UUIDs, texts that can be stored, days within their bounds; all errors at once."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from db.global_ids import read_id
from domain.api_names import snake
from domain.days import check_day, check_days
from domain.errors import InputErrors, InputReason, InvalidInput
from domain.texts import can_be_kept


def read_inputs(input_: Any, today: date) -> dict[str, Any]:
    """The fields of an input, checked; InvalidInput names all values that are not valid by themselves."""
    try:
        inputs = values_of(input_)
        check_days(inputs, today)
    except InvalidInput:
        # Only an input that is wrong is walked a second time, to find everything that is.
        errors = InputErrors()
        for name, value, path in _leaves(input_):
            with errors.part():
                read = _value(name, value, path)
                if isinstance(read, date) and not isinstance(read, datetime):
                    check_day(read, today, name, path)
        errors.check()
        raise
    return inputs


def _leaves(input_: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """The values of an input with their names and paths, also those in its lists and objects."""
    for name, value in _fields_of(input_):
        yield from _leaves_of(name, value, (*path, name))


def _leaves_of(name: str, value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves_of(name, item, (*path, str(place)))
    elif isinstance(value, dict) or hasattr(value, "__dataclass_fields__"):
        yield from _leaves(value, path)
    else:
        yield name, value, path


def values_of(input_: Any, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of an input: ids as UUIDs, texts validated, omitted fields left out."""
    return {name: _value(name, value, (*path, name)) for name, value in _fields_of(input_)}


def _fields_of(input_: Any) -> Iterator[tuple[str, Any]]:
    """The given fields of an input object of graphql-core or of Strawberry."""
    if isinstance(input_, dict):
        return ((snake(name), value) for name, value in input_.items())
    named = ((name, getattr(input_, name)) for name in input_.__dataclass_fields__)
    return ((name, value) for name, value in named if value is not strawberry.UNSET)


def _value(name: str, value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_value(name, item, (*path, str(place))) for place, item in enumerate(value)]
    if isinstance(value, dict) or hasattr(value, "__dataclass_fields__"):
        return values_of(value, path)
    if isinstance(value, str) and (name == "id" or name.endswith(("_id", "_ids"))):
        return identity_of(value, path)
    return storable_text(value, path) if isinstance(value, str) else value


def storable_text(text: str, path: tuple[str, ...]) -> str:
    """The text itself if PostgreSQL can store it; otherwise InvalidInput."""
    if not can_be_kept(text):
        raise InvalidInput("The text contains a character that cannot be stored", path, InputReason.BAD_FORMAT)
    return text


def identity_of(text: str, path: tuple[str, ...]) -> UUID:
    """The UUID inside a global id; InvalidInput for a text that cannot be an id."""
    found = read_id(text)
    if found is None:
        raise InvalidInput("This is not a valid id", path, InputReason.BAD_FORMAT)
    return found[1]
