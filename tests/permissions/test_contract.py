"""The public API is the agreed one of docs/api.graphql, for all of it that is built."""

from functools import cache
from typing import Any

import pytest
from graphql import DocumentNode, parse, print_ast

from domain.access.people import Role
from schema.whole import sdl
from tests.house.source import PROJECT

CONTRACT = PROJECT / "docs" / "api.graphql"
SPECIFICATION = PROJECT.parent / "shared" / "spec" / "api.graphql"

# Agreed and not built yet. Both lists are exact, so that a developer who builds something removes it here.
_LATER = """
"""
LATER_TYPES = set(_LATER.split())
LATER_FIELDS: dict[str, str] = {}
# Where a later page of the specification asks less of a client than its api.graphql: money.md has payments without a scan.
RELAXED = {("RecordChequeInput", "documentId"): ("ID!", "ID")}
# Mutations are grouped by their noun, and not in the agreement's order.
UNORDERED = {"Mutation"}


def _types(document: DocumentNode) -> dict[str, Any]:
    return {definition.name.value: definition for definition in document.definitions}  # type: ignore[attr-defined]


@cache
def _agreed() -> dict[str, Any]:
    return _types(parse(CONTRACT.read_text(encoding="utf-8")))


@cache
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


def _agreed_part(shape: Any, agreed: Any) -> Any:
    """A field of an object type without the optional arguments that were added to it: clients of the contract do not send them."""
    if not shape or not isinstance(shape[1], list):
        return shape
    names = {name for name, *_ in agreed[1]}
    return shape[0], [given for given in shape[1] if given[0] in names or given[1].endswith("!")]


def _later(name: str) -> set[str]:
    return set(LATER_FIELDS.get(name, "").split())


def _listed(name: str, shape: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(shape.items()) if name in UNORDERED else list(shape.items())


def test_every_agreed_type_is_built_or_listed_as_later() -> None:
    assert set(_agreed()) - set(_built()) == LATER_TYPES, (
        "docs/api.graphql and the schema name different types: keep what is agreed, or change docs/api.graphql on purpose"
    )


@pytest.mark.parametrize("name", sorted(set(_agreed()) - LATER_TYPES))
def test_the_built_part_of_a_type_has_the_agreed_names_types_arguments_and_order(name: str) -> None:
    agreed, built, later = _shape(_agreed()[name]), _shape(_built()[name]), _later(name)
    expected = {member: shape for member, shape in agreed.items() if member not in later}
    both = {member: _agreed_part(shape, agreed[member]) for member, shape in built.items() if member in agreed}
    assert _listed(name, both) == _listed(name, expected), (
        f"{name} differs from docs/api.graphql: keep what is agreed, or change docs/api.graphql on purpose and say so in CHANGELOG.md"
    )


@pytest.mark.parametrize("name", sorted(set(_agreed()) - LATER_TYPES))
def test_a_type_is_of_the_agreed_kind_and_has_the_agreed_interfaces(name: str) -> None:
    agreed, built = _agreed()[name], _built()[name]
    interfaces = [[face.name.value for face in getattr(each, "interfaces", None) or ()] for each in (agreed, built)]
    assert (built.kind, interfaces[1]) == (agreed.kind, interfaces[0]), f"docs/api.graphql declares {name} differently"


def test_the_scalars_name_their_specification() -> None:
    for name in ("Money", "Date", "DateTime"):
        assert [directive.name.value for directive in _built()[name].directives] == ["specifiedBy"]


@pytest.mark.skipif(not SPECIFICATION.exists(), reason="the specification is not beside this checkout")
def test_the_committed_contract_is_that_of_the_specification() -> None:
    specified = {
        name: print_ast(node) for name, node in _types(parse(SPECIFICATION.read_text(encoding="utf-8"))).items()
    }
    committed = {name: print_ast(node) for name, node in _agreed().items()}
    for (name, field), (was, now) in RELAXED.items():
        line = f"  {field}: {was}\n"
        assert line in specified[name], f"{name}.{field} is no longer {was} in the specification"
        specified[name] = specified[name].replace(line, f"  {field}: {now}\n")
    assert committed == specified, "docs/api.graphql is no longer what the specification says: bring the two together"
