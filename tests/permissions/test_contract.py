"""Decides that the public surface is the one that was agreed upon, for all of it that stands already."""

from pathlib import Path
from typing import Any

import pytest
from graphql import DocumentNode, parse, print_ast

from domain.people import Role
from schema.whole import sdl

CONTRACT = Path(__file__).parents[3] / "shared" / "spec" / "api.graphql"
pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason="the agreed surface is not beside this checkout")

# What is agreed upon and not built yet. Both lists are exact, so that whoever builds something strikes it out here.
_LATER = """
"""
LATER_TYPES = set(_LATER.split())
LATER_FIELDS: dict[str, str] = {}
# Steps stand by their noun, and not in the order in which the agreement lists them.
UNORDERED = {"Mutation"}


def _types(document: DocumentNode) -> dict[str, Any]:
    return {definition.name.value: definition for definition in document.definitions}  # type: ignore[attr-defined]


def _agreed() -> dict[str, Any]:
    return _types(parse(CONTRACT.read_text(encoding="utf-8")))


def _built() -> dict[str, Any]:
    return _types(parse(sdl(Role.ADMIN)))


def _value(node: Any) -> tuple[str, str]:
    return print_ast(node.type), print_ast(node.default_value) if node.default_value else ""


def _shape(definition: Any) -> dict[str, Any]:
    """Members in their order, each with its type, its arguments or its default."""
    if definition.kind == "enum_type_definition":
        return {value.name.value: () for value in definition.values}
    if definition.kind == "input_object_type_definition":
        return {field.name.value: _value(field) for field in definition.fields}
    return {
        field.name.value: (print_ast(field.type), [(arg.name.value, *_value(arg)) for arg in field.arguments or ()])
        for field in getattr(definition, "fields", None) or ()
    }


def _later(name: str) -> set[str]:
    return set(LATER_FIELDS.get(name, "").split())


def _listed(name: str, shape: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(shape.items()) if name in UNORDERED else list(shape.items())


def test_every_agreed_type_is_built_or_known_to_come_later() -> None:
    assert set(_agreed()) - set(_built()) == LATER_TYPES


@pytest.mark.parametrize("name", sorted(set(_agreed()) - LATER_TYPES) if CONTRACT.exists() else [])
def test_what_is_built_of_a_type_has_the_agreed_names_types_arguments_and_order(name: str) -> None:
    agreed, built, later = _shape(_agreed()[name]), _shape(_built()[name]), _later(name)
    expected = {member: shape for member, shape in agreed.items() if member not in later}
    known = {member: shape for member, shape in built.items() if member in agreed}
    assert _listed(name, known) == _listed(name, expected)


@pytest.mark.parametrize("name", sorted(set(_agreed()) - LATER_TYPES) if CONTRACT.exists() else [])
def test_a_type_is_of_the_agreed_kind_and_has_the_agreed_interfaces(name: str) -> None:
    agreed, built = _agreed()[name], _built()[name]
    interfaces = [[face.name.value for face in getattr(each, "interfaces", None) or ()] for each in (agreed, built)]
    assert (built.kind, interfaces[1]) == (agreed.kind, interfaces[0])


def test_amounts_days_and_moments_say_where_they_are_specified() -> None:
    for name in ("Money", "Date", "DateTime"):
        assert [directive.name.value for directive in _built()[name].directives] == ["specifiedBy"]
