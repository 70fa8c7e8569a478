"""The committed schema of a role, read from its file as a client developer reads it: by coordinates."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from graphql import parse

from domain.access.people import Role
from schema.pages.snapshots import file_of


@cache
def committed(role: Role | None) -> frozenset[str]:
    """Every type, field, argument, input field and enum value that the committed file of a role has."""
    return frozenset(coordinates(file_of(role).read_text(encoding="utf-8")))


def coordinates(sdl: str) -> Iterator[str]:
    """The coordinates of a schema."""
    definition: Any
    for definition in parse(sdl).definitions:
        name = definition.name.value
        yield name
        for member in (*(getattr(definition, "fields", None) or ()), *(getattr(definition, "values", None) or ())):
            yield f"{name}.{member.name.value}"
            arguments = getattr(member, "arguments", None) or ()
            yield from (f"{name}.{member.name.value}({argument.name.value}:)" for argument in arguments)
