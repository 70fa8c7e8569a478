"""Errors for forms: of every mutation, all values that do not fit come in one answer, and all that are not valid in the next."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_required_input_field,
)

from domain.access.people import Role
from permissions.actions import ACTIONS
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.databases import rows

# A value of no type: a list in a list.
NO_VALUE: list[Any] = [[]]
WELL_TYPED = {"Boolean": True, "Int": 1, "Float": 1.0, "Money": "1.00", "DateTime": "2026-01-01T00:00:00Z"}
# They do not read their input as commands do: sign-in and passwords by one error, exports their columns first.
ELSEWHERE = (
    *("sign", "changePassword", "resetPassword", "acceptInvitation", "switchClinic", "joinLogins"),
    *("enrolSecondFactor", "confirmSecondFactor", "removeSecondFactor", "removeLostSecondFactor", "resetSecondFactor"),
    *("renewRecoveryCodes", "export"),
)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(Path("schemas/admin.graphql").read_text())


def mutations(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLInputObjectType]]:
    """Each mutation with one input object, and the type of the input."""
    assert schema.mutation_type
    for name, field in schema.mutation_type.fields.items():
        type_ = get_named_type(field.args["input"].type) if "input" in field.args else None
        payload = get_named_type(field.type)
        if isinstance(type_, GraphQLInputObjectType) and "errors" in getattr(payload, "fields", ()):
            yield name, type_


def document(name: str, type_: GraphQLInputObjectType) -> str:
    reasons = "errors { message path __typename ... on InvalidInput { reason limit } }"
    return f"mutation ($input: {type_.name}!) {{ {name}(input: $input) {{ {reasons} }} }}"


def test_all_values_that_do_not_fit_the_input_of_a_mutation_come_in_one_answer(
    sign_in: SignIn, schema: GraphQLSchema
) -> None:
    admin, tried = sign_in(Role.ADMIN), 0
    for name, type_ in mutations(schema):
        told = admin.ask(document(name, type_), input=dict.fromkeys(type_.fields, NO_VALUE))["errors"]
        assert {error["extensions"]["code"] for error in told} == {"BAD_USER_INPUT"}, name
        assert {error["extensions"]["path"][1] for error in told} == set(type_.fields), name
        needed = {field for field, declared in type_.fields.items() if is_required_input_field(declared)}
        if needed:
            told = admin.ask(document(name, type_), input={})["errors"]
            assert {tuple(error["extensions"]["path"]) for error in told} == {("input", field) for field in needed}
        tried += 1
    assert tried > len(ACTIONS) / 2


def invalid(type_: GraphQLInputObjectType) -> tuple[dict[str, Any], dict[str, str]]:
    """An input whose ids, days and texts are not valid and whose other values are; the reason of each by its name."""
    given: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    value: Any
    for name, field in type_.fields.items():
        named, is_list = get_named_type(field.type), isinstance(get_nullable_type(field.type), GraphQLList)
        if named.name == "Date":
            value, reasons[name] = "1800-01-01", "TOO_LOW"
        elif named.name in ("ID", "String"):
            value, reasons[name] = "\0", "BAD_FORMAT"
        elif not is_required_input_field(field):
            continue
        elif isinstance(named, GraphQLEnumType):
            value = next(iter(named.values))
        elif isinstance(named, GraphQLInputObjectType):
            value, inner = invalid(named)
            reasons |= {f"{name}.0.{one}" if is_list else f"{name}.{one}": why for one, why in inner.items()}
        else:
            value = WELL_TYPED[named.name]
        given[name] = [value] if is_list else value
        if is_list and name in reasons:
            reasons[f"{name}.0"] = reasons.pop(name)
    return given, reasons


def test_all_parts_of_the_input_of_a_mutation_that_are_not_valid_come_in_one_answer(
    sign_in: SignIn, schema: GraphQLSchema, address: DatabaseUrls
) -> None:
    admin, tried, others = sign_in(Role.ADMIN), 0, {}
    before = rows(address, "select count(*) from invoices")
    for name, type_ in mutations(schema):
        given, reasons = invalid(type_)
        if name.startswith(ELSEWHERE) or not reasons:
            continue
        answer = admin.ask(document(name, type_), input=given)
        assert "errors" not in answer, (name, answer)
        told = {".".join(error["path"][1:]): error.get("reason") for error in answer["data"][name]["errors"]}
        if told != reasons:
            others[name] = told
        tried += 1
    assert not others, " ".join(sorted(others))
    assert tried > len(ACTIONS) / 2
    assert rows(address, "select count(*) from invoices") == before
