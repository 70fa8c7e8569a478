"""Every mutation with a day in its input refuses a year with a digit missing or too many, at its argument."""

from typing import Any
from uuid import UUID

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_required_input_field,
)

from db.global_ids import make_id
from domain.access.people import Role
from schema.whole import role_schemas
from tests.support.api.mutations import answered
from tests.support.client import Client

_ID = make_id("Invoice", UUID(int=7))
_SCALARS = {"ID": _ID, "String": "some", "Int": 1, "Boolean": True, "Money": "1.00", "Date": "2026-01-05"}
_MUTATION = role_schemas()[Role.ADMIN].mutation_type
assert _MUTATION is not None
_DAYS = [
    (name, field)
    for name, mutation in _MUTATION.fields.items()
    if "input" in mutation.args
    for field, each in get_named_type(mutation.args["input"].type).fields.items()
    if get_named_type(each.type).name == "Date"
]


def _filled(kind: GraphQLInputType) -> Any:
    """A plausible value of a type."""
    if isinstance(kind, GraphQLNonNull):
        return _filled(kind.of_type)
    if isinstance(kind, GraphQLList):
        return [_filled(kind.of_type)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        return {name: _filled(each.type) for name, each in kind.fields.items() if is_required_input_field(each)}
    return _SCALARS[kind.name]


def test_there_are_mutations_with_days() -> None:
    assert {("createPatient", "birthDate"), ("recordCheque", "receivedOn"), ("submitInvoice", "submittedOn")} <= set(
        _DAYS
    )


@pytest.mark.parametrize(("mutation", "field"), _DAYS)
@pytest.mark.parametrize(("day", "reason"), [("0026-11-14", "must not be before"), ("9926-11-14", "must not be after")])
def test_a_day_of_another_millennium_is_refused_where_it_stands(
    admin: Client, mutation: str, field: str, day: str, reason: str
) -> None:
    assert _MUTATION is not None
    inputs = {**_filled(_MUTATION.fields[mutation].args["input"].type), field: day}
    answer = answered(admin, mutation, "", **inputs)
    [error] = answer["errors"]
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", field])
    assert reason in error["message"] or (day > "2026" and error["message"] == "The date is in the future")
