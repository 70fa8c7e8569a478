"""The cursor of every list and order: an invalid one is refused at its argument, whatever was changed in it."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_required_argument
from hypothesis import strategies as st

from db.fields import VIEWS
from domain.access.people import Role
from schema.whole import role_schemas
from tests.decoders.fuzzing import TEXTS, answered, fuzz, fuzzed, mutants
from tests.support.api.records import Found
from tests.support.client import Client

SCHEMA = role_schemas()[Role.ADMIN]
# The required arguments of lists.
GIVEN = {"asOf": '"2026-06-30"'}


@dataclass(frozen=True)
class List:
    """A list, and one of its orders: the selection around it, its arguments, and the head of its cursors."""

    before: str
    arguments: tuple[str, ...]
    after: str
    heads: tuple[str, ...]
    has_before: bool

    def document(self, first: int, argument: str = "") -> str:
        """A page of the list, from a cursor on (the variable `cursor`) or from its beginning."""
        head = "query ($cursor: String) " if argument else ""
        arguments = (*self.arguments, f"first: {first}", *((f"{argument}: $cursor",) if argument else ()))
        return f"{head}{{ {self.before}({', '.join(arguments)}) {{ edges {{ cursor }} }} {self.after} }}"


def _orders(name: str, field: GraphQLField) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The arguments of each order of a list, and the heads that its cursors may have."""
    required = tuple(f"{key}: {GIVEN[key]}" for key, item in field.args.items() if is_required_argument(item))
    connection: Any = get_named_type(field.type)
    target = get_named_type(connection.fields["nodes"].type).name
    yield required, (f"{target}.DEFAULT.ASC", f"{target}.DEFAULT.DESC")
    if "orderBy" in field.args:
        orders: Any = get_named_type(field.args["orderBy"].type)
        for order in get_named_type(orders.fields["field"].type).values:
            yield (
                (*required, f"orderBy: {{field: {order}, direction: ASC}}"),
                (
                    f"{target}.{order}.ASC",
                    f"{target}.{order}.DESC",
                ),
            )


def _connections(of: GraphQLObjectType) -> Iterator[tuple[str, GraphQLField]]:
    return ((name, field) for name, field in of.fields.items() if "after" in field.args)


def lists() -> Iterator[List]:
    """Every list of the schema below a root field, and every list of the records in it."""
    assert SCHEMA.query_type
    for name, field in _connections(SCHEMA.query_type):
        for arguments, heads in _orders(name, field):
            yield List(name, arguments, "", heads, "before" in field.args)
        required = f"({', '.join(arguments)})" if (arguments := next(_orders(name, field))[0]) else ""
        connection: Any = get_named_type(field.type)
        node: Any = get_named_type(connection.fields["nodes"].type)
        for inner, inner_field in _connections(node) if isinstance(node, GraphQLObjectType) else ():
            for inner_arguments, heads in _orders(inner, inner_field):
                before = f"{name}{required} {{ nodes {{ {inner}"
                yield List(before, inner_arguments, "} }", heads, "before" in inner_field.args)


LISTS = tuple(lists())


def _cursors(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "cursor":
                yield inner
            else:
                yield from _cursors(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _cursors(inner)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def decoded(cursor: str) -> str:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()


VALUES = st.one_of(
    TEXTS,
    st.integers(-(2**70), 2**70).map(str),
    st.decimals(allow_nan=True).map(str),
    st.dates().map(str),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.uuids().map(str),
    st.sampled_from(
        ["10000-01-01", "0000-01-01", "infinity", "-infinity", "2026-W01-1", "20260101", "24:00", "", "1_0"]
    ),
    st.sampled_from(
        ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00", "2026-01-01T24:00"]
    ),
)


def plain_texts(one: List) -> st.SearchStrategy[str]:
    """What a cursor of this list contains, with any value."""
    ids = st.one_of(st.uuids().map(str), st.just(str(UUID(int=1))), TEXTS)
    return st.builds(
        lambda head, identity, value: f"{head}|{identity}|{value}", st.sampled_from(one.heads), ids, VALUES
    )


def test_every_list_of_the_schema_is_tried() -> None:
    assert len(LISTS) > 20
    assert any("AGE" in argument for one in LISTS for argument in one.arguments)
    assert {head.partition(".")[0] for one in LISTS for head in one.heads} <= set(VIEWS)


@fuzzed
def test_a_changed_cursor_of_any_list_is_another_position_or_is_refused_at_its_argument(
    admin: Client, examples: int
) -> None:
    known = {one: list(_cursors(admin.ask(one.document(3)))) for one in LISTS}
    assert sum(map(bool, known.values())) > len(LISTS) // 2
    everything = sorted({cursor for cursors in known.values() for cursor in cursors})

    def changed(one: List) -> st.SearchStrategy[tuple[List, str]]:
        plain = [decoded(cursor) for cursor in known[one]] or [f"{one.heads[0]}|{UUID(int=1)}|1"]
        # The heads that the list itself writes, so that most are accepted and their values are read.
        heads = tuple({text.partition("|")[0] for text in plain})
        exact = replace(one, heads=heads if known[one] else one.heads)
        return st.tuples(
            st.just(one),
            st.one_of(mutants(everything), mutants(plain).map(encoded), plain_texts(exact).map(encoded), TEXTS),
        )

    inputs = st.tuples(st.sampled_from(LISTS).flatmap(changed), st.sampled_from(["after", "before"]))

    def check(given: tuple[tuple[List, str], str]) -> None:
        (one, cursor), argument = given
        if argument == "before" and not one.has_before:
            argument = "after"
        response = admin.post(one.document(2, argument), cursor=cursor)
        for error in answered(response, 200).get("errors", ()):
            assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": argument}, error
            assert len(error["message"]) < 200

    fuzz(examples * 4, inputs, check)


def test_a_cursor_of_another_clinic_reads_nothing_of_it(admin: Client, found: Found) -> None:
    foreign = encoded(f"Invoice.CREATED_ON.DESC|{UUID(int=2**127)}|9999-12-31")
    numbers = '{ invoices(after: "%s", first: 500, orderBy: {field: CREATED_ON, direction: DESC}) { nodes { id } } }'
    ids = {node["id"] for node in admin.read(numbers % foreign)["invoices"]["nodes"]}
    assert ids
    assert found.foreign["Invoice"] not in ids


@pytest.mark.parametrize("value", ["2147483648", "-1", "1.5", "x", ""])
def test_a_position_that_is_no_integer_of_the_database_is_refused(admin: Client, value: str) -> None:
    cursor = encoded(f"ExamType.DEFAULT.ASC|{UUID(int=1)}|{value}")
    lists = [one for one in LISTS if one.heads[0].startswith("ExamType.")]
    for one in lists:
        answered(admin.post(one.document(2, "after"), cursor=cursor), 200)
