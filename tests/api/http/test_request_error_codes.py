"""Errors of requests that cannot be executed: each has a code, and each value that does not fit its type has its path."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.access.people import Role
from tests.conftest import SignIn
from tests.support.client import Client

SECRET = "Winterbottom"
CREATE = "mutation ($input: CreatePatientInput!) { createPatient(input: $input) { errors { message } } }"
WRONG = {"firstName": 7, "birthDate": SECRET, "homeAddress": {"line": [SECRET]}, SECRET + " 1": 1}
READ = "query ($filter: InvoiceFilter, $first: Int) { invoices(filter: $filter, first: $first) { totalCount } }"


def errors_of(client: Client, query: str, variables: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The code and path of each error of a request; none repeats a value."""
    response = client.post(query, **variables)
    assert SECRET not in response.text
    told = response.json()["errors"]
    return [(error["extensions"]["code"], error["extensions"].get("path")) for error in told]


def test_all_values_of_the_variables_that_do_not_fit_come_in_one_answer(sign_in: SignIn) -> None:
    filter_ = {"status": ["PENDING_INVOICE", SECRET], "createdFrom": SECRET, "billedMin": 5, "caseId": [[1]]}
    told = errors_of(sign_in(Role.BILLING), READ, {"filter": filter_, "first": SECRET})
    assert sorted(told, key=str) == sorted(
        [
            ("BAD_USER_INPUT", ["filter", "status", 1]),
            ("BAD_USER_INPUT", ["filter", "createdFrom"]),
            ("BAD_USER_INPUT", ["filter", "billedMin"]),
            ("BAD_USER_INPUT", ["filter", "caseId", 0]),
            ("BAD_USER_INPUT", ["first"]),
        ],
        key=str,
    )


def test_a_missing_field_is_named_by_its_path(sign_in: SignIn) -> None:
    told = errors_of(sign_in(Role.BILLING), CREATE, {"input": {}})
    assert ("BAD_USER_INPUT", ["input", "lastName"]) in told
    assert {code for code, _ in told} == {"BAD_USER_INPUT"}


def test_a_key_that_is_no_field_is_not_repeated(sign_in: SignIn) -> None:
    assert ("BAD_USER_INPUT", ["input"]) in errors_of(sign_in(Role.BILLING), CREATE, {"input": WRONG})


def test_literals_that_do_not_fit_have_the_paths_of_their_arguments(sign_in: SignIn) -> None:
    query = f'{{ invoices(first: "1", filter: {{status: [PENDING_INVOICE, 5], createdFrom: "{SECRET}"}}) {{ totalCount }} }}'
    assert errors_of(sign_in(Role.BILLING), query, {}) == [
        ("BAD_USER_INPUT", ["first"]),
        ("BAD_USER_INPUT", ["filter", "status", 1]),
        ("BAD_USER_INPUT", ["filter", "createdFrom"]),
    ]


def test_an_answer_has_at_most_fifty_errors(sign_in: SignIn) -> None:
    assert len(errors_of(sign_in(Role.BILLING), READ, {"filter": {"status": [SECRET] * 60}})) == 50


@pytest.mark.parametrize("role", Role)
def test_codes_are_the_same_for_all_roles_and_hide_what_others_see(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    assert errors_of(client, "{ viewer { id }", {}) == [("GRAPHQL_PARSE_FAILED", None)]
    assert errors_of(client, "{ nothing }", {}) == [("GRAPHQL_VALIDATION_FAILED", None)]
    assert errors_of(client, "mutation { signIn { token } }", {})[0][0] == "GRAPHQL_VALIDATION_FAILED"


def test_an_anonymous_client_is_told_to_sign_in_whether_a_field_exists_or_not(anonymous: Client) -> None:
    assert errors_of(anonymous, "{ viewer { id }", {}) == [("GRAPHQL_PARSE_FAILED", None)]
    for query in ("{ nothing }", "{ invoices { totalCount } }"):
        assert errors_of(anonymous, query, {}) == [("UNAUTHENTICATED", None)]
    query = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"
    assert errors_of(anonymous, query, {"input": {"email": SECRET}}) == [("BAD_USER_INPUT", ["input", "password"])]
