"""Over HTTP, a name that a role may not see is answered exactly like a name that does not exist."""

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_introspection_query,
    get_named_type,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.access.people import Role
from permissions.roles import marks_of
from schema.pages.snapshots import name_of
from schema.whole import role_schemas
from tests.conftest import SignIn
from tests.permissions import role_tables
from tests.support.client import Client

VISIBLE_TO: dict[Role | None, dict[str, str]] = {
    None: role_tables.ANONYMOUS,
    Role.ATTORNEY: role_tables.ATTORNEY,
    Role.PHYSICIAN: role_tables.PHYSICIAN,
    Role.ANALYST: role_tables.ANALYST,
}
NAME = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*")


@pytest.fixture(scope="module")
def restricted(sign_in: SignIn, anonymous: Client) -> dict[Role | None, Client]:
    """A client of every role, and an anonymous one, from which something is hidden."""
    return {role: sign_in(role) if role else anonymous for role in VISIBLE_TO}


def names_in(coordinates: Any) -> set[str]:
    return {name for coordinate in coordinates for name in NAME.findall(str(coordinate))}


@cache
def everything_named() -> frozenset[str]:
    """Every name of the whole schema: types, fields, arguments, input fields, enum values."""
    return frozenset(names_in(marks_of(role_schemas()[Role.ADMIN])))


@cache
def visible(role: Role | None) -> frozenset[str]:
    """The names that the handwritten table gives a role, and GraphQL's own."""
    own = {"Int", "Float", "String", "Boolean", "ID", "include", "skip", "deprecated", "specifiedBy", "oneOf", "if"}
    return frozenset(names_in(VISIBLE_TO[role].items()) | own)


@cache
def hidden(role: Role | None) -> tuple[str, ...]:
    return tuple(sorted(everything_named() - visible(role)))


def test_an_attorney_who_queries_internal_notes_gets_the_error_of_an_unknown_field(sign_in: SignIn) -> None:
    response = sign_in(Role.ATTORNEY).post("{ invoices { nodes { internalNotes { body } } } }")
    assert response.status_code == 400
    assert response.json() == {
        "errors": [
            {
                "message": "Cannot query field 'internalNotes' on type 'Invoice'.",
                "locations": [{"line": 1, "column": 22}],
                "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
            }
        ]
    }


def test_the_tried_names_include_those_that_must_stay_hidden() -> None:
    for role in VISIBLE_TO:
        assert {
            "internalNotes",
            "Negotiation",
            "floorAmount",
            "hold",
            "reminders",
            "attorneyId",
            "ILLEGAL_TRANSITION",
        } <= set(hidden(role))
        assert "viewer" not in hidden(role)


# The positions of a name in a document: N is the name. V is a document with a variable and the variable's value.
SHAPES = {
    "field": "{ invoices { nodes { N } } }",
    "field of the root": "{ N }",
    "field with a selection": "{ invoices { nodes { patient { N { id } } } } }",
    "field of a node": '{ node(id: "x") { N } }',
    "field of a refusal": 'mutation { signIn(input: {email: "", password: ""}) { errors { N } } }',
    "mutation": "mutation { N(input: {}) { errors { message } } }",
    "subscription": "subscription { N { id } }",
    "inline fragment": "{ invoices { nodes { ... on N { id } } } }",
    "fragment": "{ viewer { ...F } } fragment F on N { id }",
    "spread": "{ viewer { ...N } }",
    "argument": "{ invoices(N: 1) { totalCount } }",
    "argument of a field": "{ invoices { nodes { lines(N: SCHEDULED) { label } } } }",
    "input field": "{ invoices(filter: {N: true}) { totalCount } }",
    "input field of signing in": 'mutation { signIn(input: {email: "", password: "", N: 1}) { token } }',
    "input field in a variable": "query ($value: InvoiceFilter) { invoices(filter: $value) { totalCount } }",
    "enum value": "{ invoices(filter: {status: [N]}) { totalCount } }",
    "enum value of an order": "{ invoices(orderBy: {field: N, direction: ASC}) { totalCount } }",
    "enum value in a variable": "query ($value: InvoiceStatus!) { invoices(filter: {status: [$value]}) { totalCount } }",
    "variable type": "query ($value: N) { viewer { id } }",
    "variable type in a list": "query ($value: [N!]!) { viewer { id } }",
    "type by name": '{ __type(name: "N") { name kind description fields { name } enumValues { name } inputFields { name } } }',
    "directive": "{ viewer @N { id } }",
    "argument of a directive": "{ viewer @include(N: true) { id } }",
    "alias": "{ viewer { N: id } }",
    "what an alias stands for": "{ viewer { a: N } }",
    "operation": "query N { viewer { id } }",
    "id": '{ node(id: "N") { id } }',
}
VARIABLES: dict[str, Any] = {
    "input field in a variable": lambda name: {"value": {name: True}},
    "enum value in a variable": lambda name: {"value": name},
}


@dataclass(frozen=True)
class Probe:
    """A name in a position."""

    shape: str
    name: str

    def sent(self, client: Client) -> tuple[int, str]:
        """Status and body of the answer."""
        variables = VARIABLES.get(self.shape, lambda name: {})(self.name)
        response = client.post(re.sub(r"\bN\b", self.name, SHAPES[self.shape]), **variables)
        return response.status_code, response.text


def mutated(name: str, how: str, place: int) -> str:
    """A name that resembles another as typos, guesses and prefix searches do."""
    at = place % len(name)
    return {
        "itself": name,
        "lower case": name.lower(),
        "upper case": name.upper(),
        "swapped case": name.swapcase(),
        "capitalised": name[0].upper() + name[1:],
        "uncapitalised": name[0].lower() + name[1:],
        "snake case": re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower(),
        "prefix": name[: at + 1],
        "suffix": name[at:],
        "a missing character": name[:at] + name[at + 1 :],
        "a doubled character": name[:at] + name[at] + name[at:],
        "another character": name[:at] + ("x" if name[at] != "x" else "y") + name[at + 1 :],
        "two swapped characters": name[:at] + name[at : at + 2][::-1] + name[at + 2 :],
        "plural": name + "s",
        "connection": name + "Connection",
    }[how]


HOW = [
    "itself",
    "lower case",
    "upper case",
    "swapped case",
    "capitalised",
    "uncapitalised",
    "snake case",
    "prefix",
    "suffix",
]
HOW += [
    "a missing character",
    "a doubled character",
    "another character",
    "two swapped characters",
    "plural",
    "connection",
]


def invented(name: str, seed: int) -> str:
    """A name of the same form that does not exist."""
    characters = "qzxjvkw"
    other = "".join(
        characters[(seed + place * 7) % 7] if character.isalnum() else character for place, character in enumerate(name)
    )
    return other[0].upper() + other[1:] if name[0].isupper() else other


def assert_unknown(client: Client, role: Role | None, probe: Probe, seed: int) -> None:
    """Assert that a name is answered like one that does not exist, and that the answer mentions no other hidden name."""
    twin = Probe(probe.shape, invented(probe.name, seed))
    status, answer = probe.sent(client)
    twin_status, twin_answer = twin.sent(client)
    assert (status, answer) == (twin_status, re.sub(rf"\b{twin.name}\b", probe.name, twin_answer))
    messages = [error["message"] for error in json.loads(answer).get("errors", ())]
    # A sentence may use words that are also names, such as "field"; a name it quotes, or one that is no word, is a name.
    quoted = [quotation for message in messages for quotation in re.findall(r"'([^']*)'", message)]
    mentioned = {name for name in names_in(messages) if not name.islower()} | names_in(quoted)
    assert mentioned & set(hidden(role)) <= names_in([SHAPES[probe.shape], probe.name])
    assert "Did you mean" not in answer


def try_a_name(restricted: dict[Role | None, Client], data: st.DataObject) -> None:
    """Draw a role, a name that resembles a hidden one and a position for it, and send the query."""
    role = data.draw(st.sampled_from([Role.ATTORNEY, Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST, None]))
    name = mutated(
        data.draw(st.sampled_from(hidden(role))), data.draw(st.sampled_from(HOW)), data.draw(st.integers(0, 40))
    )
    assume(NAME.fullmatch(name) and name not in visible(role) and name not in ("true", "false", "null", "on"))
    probe = Probe(data.draw(st.sampled_from(sorted(SHAPES))), name)
    seed = data.draw(st.integers(0, 6))
    assume(invented(name, seed) != name)
    assert_unknown(restricted[role], role, probe, seed)


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_a_hidden_name_is_answered_like_one_that_does_not_exist(
    restricted: dict[Role | None, Client], data: st.DataObject
) -> None:
    try_a_name(restricted, data)


@pytest.mark.prove
@settings(max_examples=5_000, deadline=None)
@given(data=st.data())
def test_thousands_of_hidden_names_are_answered_like_ones_that_do_not_exist(
    restricted: dict[Role | None, Client], data: st.DataObject
) -> None:
    try_a_name(restricted, data)


@pytest.mark.parametrize("shape", SHAPES)
def test_internal_notes_are_unknown_in_every_position(restricted: dict[Role | None, Client], shape: str) -> None:
    for role, client in restricted.items():
        assert_unknown(client, role, Probe(shape, "internalNotes"), 3)


# Required arguments of the fields on a path.
_REQUIRED = {"id": '"x"', "number": '"x"', "input": '{payerId: "x", serviceDate: "2026-06-30"}'}


def paths(schema: GraphQLSchema) -> dict[str, str]:
    """The path to each object type of a schema: the beginning of a query, with N where its fields stand."""
    assert schema.query_type
    found, waiting = {schema.query_type.name: "{ N }"}, deque([schema.query_type])
    while waiting:
        parent = waiting.popleft()
        for name, field in parent.fields.items():
            target = get_named_type(field.type)
            if isinstance(target, GraphQLObjectType) and target.name not in found:
                required = _REQUIRED | (
                    {"filter": '{from: "2026-01-01", to: "2026-06-30"}'} if name == "analytics" else {}
                )
                arguments = "".join(f"({arg}: {value})" for arg, value in required.items() if arg in field.args)
                found[target.name] = found[parent.name].replace("N", f"{name}{arguments} {{ N }}")
                waiting.append(target)
    return found


@pytest.mark.parametrize("role", list(VISIBLE_TO), ids=name_of)
def test_every_hidden_field_of_a_visible_type_is_unknown_there(
    restricted: dict[Role | None, Client], role: Role | None
) -> None:
    whole, own = role_schemas()[Role.ADMIN], VISIBLE_TO[role]
    tried = 0
    for type_name, query in paths(role_schemas()[role]).items():
        named = whole.type_map[type_name]
        assert isinstance(named, GraphQLObjectType)
        seen = names_in([re.sub(r"\([^)]*\)", "", own[type_name])])
        for name in set(named.fields) - seen:
            [message] = restricted[role].refusals(re.sub(r"\bN\b", f"{name} {{ id }}", query))
            assert message == f"Cannot query field '{name}' on type '{type_name}'."
            tried += 1
    assert tried > (10 if role else 5)


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_every_hidden_filter_order_and_enum_value_is_unknown(restricted: dict[Role | None, Client], role: Role) -> None:
    whole, own, client = role_schemas()[Role.ADMIN], VISIBLE_TO[role], restricted[role]
    order, wanted = whole.type_map["InvoiceOrderField"], whole.type_map["InvoiceFilter"]
    assert isinstance(order, GraphQLEnumType)
    assert isinstance(wanted, GraphQLInputObjectType)
    for value in set(order.values) - names_in([own["InvoiceOrderField"]]):
        [message] = client.refusals(f"{{ invoices(orderBy: {{field: {value}, direction: ASC}}) {{ totalCount }} }}")
        assert message == f"Value '{value}' does not exist in 'InvoiceOrderField' enum."
    hidden_filters = set(wanted.fields) - names_in([own["InvoiceFilter"]])
    assert {"attorneyId", "denied", "onHold", "hasDueReminder"} <= hidden_filters
    for name in hidden_filters:
        [message] = client.refusals(f"{{ invoices(filter: {{{name}: null}}) {{ totalCount }} }}")
        assert message.startswith(f"Expected value of type 'InvoiceFilter' not to include unknown field '{name}'")


def texts_under(part: Any, keys: set[str]) -> Iterator[str]:
    """Every text under one of the keys, anywhere in an answer."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in keys and isinstance(value, str):
                yield value
            yield from texts_under(value, keys)
    elif isinstance(part, list):
        for item in part:
            yield from texts_under(item, keys)


@pytest.mark.parametrize("role", list(VISIBLE_TO), ids=name_of)
def test_introspection_contains_no_hidden_name(restricted: dict[Role | None, Client], role: Role | None) -> None:
    query = get_introspection_query(specified_by_url=True, schema_description=True, input_value_deprecation=True)
    types = restricted[role].read(query)["__schema"]["types"]
    schema = [named for named in types if not named["name"].startswith("__")]
    names, prose = (
        names_in(texts_under(schema, {"name", "defaultValue"})),
        names_in(texts_under(schema, {"description"})),
    )
    prose -= {"Denial"} if role is Role.ANALYST else set()  # Analysts see the measure whose title is "Denial rate".
    assert "viewer" in names
    assert not names & set(hidden(role))
    # A sentence may use words that are also names, such as "facilities", but no name that is not a word.
    assert not {name for name in prose & set(hidden(role)) if not name.islower()}


@pytest.mark.parametrize("role", list(VISIBLE_TO), ids=name_of)
def test_introspection_finds_no_hidden_type_by_name(restricted: dict[Role | None, Client], role: Role | None) -> None:
    types = [name for name in role_schemas()[Role.ADMIN].type_map if name in hidden(role)]
    assert "Negotiation" in types
    for name in types:
        assert restricted[role].read("query ($name: String!) { __type(name: $name) { name } }", name=name) == {
            "__type": None
        }


def test_a_misspelt_name_gets_no_suggestion(sign_in: SignIn) -> None:
    """A misspelt name of a visible field is answered without a suggestion, as misspelt hidden ones are."""
    assert sign_in(Role.ATTORNEY).refusals("{ invoices { nodes { numbr } } }") == [
        "Cannot query field 'numbr' on type 'Invoice'."
    ]
    assert sign_in(Role.ATTORNEY).refusals("{ invoices(frist: 1) { totalCount } }") == [
        "Unknown argument 'frist' on field 'Query.invoices'."
    ]
