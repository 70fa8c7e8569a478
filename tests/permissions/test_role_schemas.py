"""Each role is served its own schema and nothing of the rest, as seen by a client."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    introspection_from_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

from domain.access.people import Role
from permissions.actions import ACTIONS
from permissions.classes import argument, enum_type, input_field, output_field, query_field
from permissions.coordinates import MissingRuleError
from permissions.graphql_adapter import core_schema
from permissions.roles import marks_of, schemas_of
from schema.connections import Node
from schema.pages.snapshots import file_of, name_of
from schema.whole import build_schema, role_schemas, sdl
from tests.permissions import role_tables

ROLES = (None, *Role)
STANDARD_DIRECTIVES = {"include", "skip", "deprecated", "specifiedBy", "oneOf"}
# Names that are also everyday words or those of HTTP headers, which a sentence may use without revealing anything.
EVERYDAY = set(
    "accept agreed any at authorization billed by change choice clinic closed computed correct count created default delivered "
    "difference document drawn file follow "
    "from full hand issued mail missing month negotiated open other payment place price rate record refusal refused replace row sent service "
    "state step submitted text to uncollectible until withdrawn word".split()
) | {"first reminder", "is ready", "new password", "part of", "second factor", "service on"}


def _ours(schema: GraphQLSchema) -> Iterator[GraphQLNamedType]:
    for named in schema.type_map.values():
        if not is_introspection_type(named) and not is_specified_scalar_type(named):
            yield named


def _members(named: GraphQLNamedType) -> str:
    if isinstance(named, GraphQLEnumType):
        return " ".join(named.values)
    if isinstance(named, GraphQLInputObjectType):
        return " ".join(named.fields)
    if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        fields = named.fields.items()
        return " ".join(f"{name}({' '.join(field.args)})" if field.args else name for name, field in fields)
    return ""


def _table(schema: GraphQLSchema) -> dict[str, str]:
    return {named.name: _members(named) for named in _ours(schema)}


def _texts_under(part: Any, keys: set[str]) -> Iterator[str]:
    """Every text under one of the keys, anywhere in an introspection answer."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in keys and isinstance(value, str):
                yield value
            yield from _texts_under(value, keys)
    elif isinstance(part, list):
        for item in part:
            yield from _texts_under(item, keys)


def _introspected(schema: GraphQLSchema) -> list[Any]:
    """The introspection of the product's own types, without GraphQL's."""
    ours = {named.name for named in _ours(schema)}
    answer: Any = introspection_from_schema(schema)
    return [named for named in answer["__schema"]["types"] if named["name"] in ours]


def _words(name: str) -> str:
    return " ".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)).lower()


def _singular(words: str) -> str:
    return re.sub(r"ies$", "y", words) if words.endswith("ies") else words.removesuffix("s")


def _words_hidden_from(role: Role | None) -> set[str]:
    """The names of the whole schema, as words, that a role's schema does not have in any number."""
    names = {each: set(_texts_under(_introspected(role_schemas()[each]), {"name"})) for each in (role, Role.ADMIN)}
    visible = {_singular(_words(name)) for name in names[role]}
    return {word for name in names[Role.ADMIN] if (word := _singular(_words(name))) not in visible} - EVERYDAY


def _long_names_seen_by(role: Role | None) -> set[str]:
    """The names of a role's schema that have several words, as words."""
    names = {_words(name) for name in _texts_under(_introspected(role_schemas()[role]), {"name"})}
    return {name for name in names if " " in name}


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_the_committed_schema_of_each_role_is_current(role: Role | None) -> None:
    written = file_of(role).read_text(encoding="utf-8") if file_of(role).exists() else ""
    assert written == sdl(role), (
        "What a role sees has changed: look at it, run `make snapshots` and commit the difference"
    )


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (None, role_tables.ANONYMOUS),
        (Role.ATTORNEY, role_tables.ATTORNEY),
        (Role.PHYSICIAN, role_tables.PHYSICIAN),
        (Role.ANALYST, role_tables.ANALYST),
    ],
    ids=["anonymous", "attorney", "physician", "analyst"],
)
def test_a_role_sees_what_the_access_table_grants_and_nothing_else(role: Role | None, expected: dict[str, str]) -> None:
    assert _table(role_schemas()[role]) == expected, (
        "if this role is meant to see more or less, write it into tests/permissions/role_tables.py by hand, and say why in the commit"
    )


def test_billing_staff_have_everything_of_administrators_except_administration() -> None:
    administrators, staff = (role_schemas()[role] for role in (Role.ADMIN, Role.BILLING))
    steps = {_camel(name) for name, rule in ACTIONS.items() if rule == "administration"}
    assert administrators.mutation_type
    assert staff.mutation_type
    assert set(administrators.mutation_type.fields) - set(staff.mutation_type.fields) == steps
    more, less = (marks_of(schema) for schema in (administrators, staff))
    alone = {name: more[name] for name in set(more) - set(less)}
    assert set(less) <= set(more)
    others = {name for name, rule in alone.items() if rule != "administration"}
    # The parts of pages are public for every role that has a page.
    assert {name for name in others if not re.search(r"(Connection|Edge)\.|\((first|after):\)$", name)} == set()
    assert alone


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def test_administrators_see_the_whole_schema() -> None:
    assert _table(role_schemas()[Role.ADMIN]) == _table(core_schema(build_schema()))


def _plain_words(text: str) -> str:
    """The words and numbers of a text, in lower case, with single blanks between them."""
    return " ".join(re.findall(r"[a-z]+|[0-9]+", text.lower().replace("_", " ")))


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_no_description_or_default_names_anything_hidden(role: Role | None) -> None:
    hidden = _words_hidden_from(role)
    texts = _texts_under(_introspected(role_schemas()[role]), {"description", "defaultValue", "deprecationReason"})
    # One pattern per role: each of thousands of texts is searched once, and not once for each of hundreds of words. From
    # administrators nothing is hidden: that pattern matches nothing.
    words = "|".join(sorted(hidden, key=len, reverse=True)) or "(?!)"
    any_hidden = re.compile(rf"\b({words})(s|es)?\b")
    # A name that the role sees may contain a hidden word: analysts see the field denialRate and not the type Denial.
    seen = re.compile("|".join(rf"\b{name}\b" for name in sorted(_long_names_seen_by(role), key=len, reverse=True)))
    revealing = {(found[1], text) for text in texts if (found := any_hidden.search(seen.sub("", _plain_words(text))))}
    assert not revealing, "these descriptions name what the role does not see: say it in other words"


@pytest.mark.parametrize("role", [None, Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST], ids=name_of)
def test_the_test_of_descriptions_has_words_to_search_for(role: Role | None) -> None:
    assert {"internal note", "negotiation", "floor amount", "hold", "reminder", "denial"} <= _words_hidden_from(role)


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_only_the_directives_of_the_specification_are_published(role: Role | None) -> None:
    assert {directive.name for directive in role_schemas()[role].directives} == STANDARD_DIRECTIVES, (
        "a directive that only this server knows must not be published"
    )


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_every_published_member_has_a_description_that_is_a_sentence(role: Role | None) -> None:
    undescribed = [
        f"{named['name']}.{part.get('name')}"
        for named in _introspected(role_schemas()[role])
        for part in _described_parts(named)
        if not re.fullmatch(r"[A-Z0-9].*\.", part["description"] or "")
    ]
    assert undescribed == [], "give each of these a description that is a sentence, where it is declared in schema/"


def _described_parts(named: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield named
    for key in ("fields", "inputFields", "enumValues"):
        for part in named.get(key) or ():
            yield part
            yield from part.get("args") or ()


class Side(Enum):
    LEFT = "left"


class UnruledSide(Enum):
    LEFT = "left"


enum_type(Side, "public", "A side.", {"LEFT": "Left."})
strawberry.enum(UnruledSide)


@strawberry.input
class UnruledInput:
    word: str


@strawberry.input
class FollowingInput:
    word: str = input_field(("Query.nowhere",), "A word.")


@strawberry.type
class RuledQuery:
    @query_field("public", "A side.")
    def side(self, word: Annotated[str, argument("A word.", "public")]) -> Side:
        return Side.LEFT


@strawberry.type
class UnruledField:
    word: str


@strawberry.type
class UnruledArgument:
    @query_field("public", "A side.")
    def side(self, word: str) -> Side:
        return Side.LEFT


@strawberry.type
class UnruledInputField:
    @query_field("public", "A side.")
    def side(self, word: Annotated[UnruledInput, argument("A word.", "public")]) -> Side:
        return Side.LEFT


@strawberry.type
class FollowsNothing:
    @query_field("public", "A side.")
    def side(self, word: Annotated[FollowingInput, argument("A word.", "public")]) -> Side:
        return Side.LEFT


@strawberry.type
class UnruledEnumValue:
    @query_field("public", "A side.")
    def side(self) -> UnruledSide:
        return UnruledSide.LEFT


def test_a_schema_with_a_rule_for_every_member_is_built() -> None:
    assert set(schemas_of(core_schema(strawberry.Schema(RuledQuery)))) == set(ROLES)


@pytest.mark.parametrize(
    ("query", "coordinate"),
    [
        (UnruledField, "UnruledField.word"),
        (UnruledArgument, "UnruledArgument.side(word:)"),
        (UnruledInputField, "UnruledInput.word"),
        (UnruledEnumValue, "UnruledSide.LEFT"),
        (FollowsNothing, "Query.nowhere"),
    ],
)
def test_a_schema_with_a_member_without_a_rule_is_refused(query: type, coordinate: str) -> None:
    with pytest.raises(MissingRuleError, match=re.escape(coordinate)):
        schemas_of(core_schema(strawberry.Schema(query)))


@strawberry.type
class Secret(Node):
    id: strawberry.ID = output_field("existence", "The id.")


@strawberry.type
class SecretQuery:
    node: Node | None = output_field("signed_in", "Any record.")
    viewer: str | None = output_field("public", "Who asks.")
    secret: Secret | None = output_field("staff", "A record for staff.")


@pytest.mark.parametrize(("role", "reaches"), [(Role.BILLING, True), (Role.ATTORNEY, False), (None, False)])
def test_an_interface_alone_does_not_lead_to_a_type(role: Role | None, reaches: bool) -> None:
    served = schemas_of(core_schema(strawberry.Schema(SecretQuery)))[role]
    assert ("Secret" in served.type_map) is reaches
