"""That what a step answers belongs to the step: read in its transaction, as it is asked, and nothing is done where that fails."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import GraphQLInputObjectType

from db.pools import Database
from domain.people import Role
from domain.transitions import BY_NAME
from permissions.roles import DEFINITION
from resolvers.writing import snake
from schema.transitions import STEPS
from schema.whole import build_schema, role_schemas
from server.executing import Engine
from server.files import open_files
from server.graphql_http import GraphQLOverHTTP
from server.sessions import Sessions
from server.settings import read_settings
from tests.api.lives import INVOICE, TODAY, Clinic, mutation
from tests.api.records import nothing_changes
from tests.api.steps import document
from tests.client import Client
from tests.conftest import SignIn
from tests.databases import rows

SUBMIT = "mutation ($input: SubmitInvoiceInput!) { submitInvoice(input: $input) { %s errors { message } } }"


def sent(invoice: str, **said: Any) -> dict[str, Any]:
    """An input with which nothing is wrong."""
    return {"invoiceId": invoice, "submittedOn": TODAY, "method": "PORTAL", **said}


# A step whose answer cannot be read is not done.


@pytest.fixture
def unreadable(clinic: Clinic) -> Iterator[str]:
    """A field that billing staff may ask for, and that the database does not give out."""
    rows(clinic.address, "revoke select (updated_at) on invoices from clinic_billing")
    yield "updatedAt"
    rows(clinic.address, "grant select (updated_at) on invoices to clinic_billing")


@pytest.mark.parametrize("key", [None, "so that it is done once"])
def test_a_step_whose_answer_fails_is_undone_with_everything_that_it_wrote(
    clinic: Clinic, unreadable: str, key: str | None
) -> None:
    invoice = clinic.invoice()
    with nothing_changes(clinic.address):
        answer = clinic.billing.ask(SUBMIT % f"invoice {{ {unreadable} }}", input=sent(invoice, idempotencyKey=key))
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INTERNAL_ERROR"]
    assert rows(clinic.address, "select 1 from idempotency_keys where key = $1", key) == []
    clinic.billing.read(SUBMIT % "invoice { id }", input=sent(invoice, idempotencyKey=key))
    assert clinic.look(invoice)["submittedOn"] == TODAY


# It is answered as anything else is.


def test_a_step_is_answered_with_whatever_is_asked_under_whatever_name(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    ask = """mutation ($input: SubmitInvoiceInput!, $no: Boolean!) { sent: submitInvoice(input: $input) {
            what: __typename ... on InvoicePayload { wrong: errors { code } } ...Bill invoice @include(if: $no) { id } } }
        fragment Bill on InvoicePayload { bill: invoice { version } again: invoice { lines { units } } bill: invoice { id } }"""
    answer = clinic.billing.read(ask, input=sent(invoice), no=False)["sent"]
    assert list(answer) == ["what", "wrong", "bill", "again"]
    assert answer == {
        "what": "InvoicePayload",
        "wrong": [],
        "bill": {"version": 2, "id": invoice},
        "again": {"lines": [{"units": 1}]},
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("__typename", {"__typename": "InvoicePayload", "errors": []}),
        ("invoice { reminders(status: COMPLETED) { id } }", {"invoice": {"reminders": []}, "errors": []}),
        (
            "invoice { reminders(status: COMPLETED) { id } } short: invoice { version }",
            {"invoice": {"reminders": []}, "short": {"version": 2}, "errors": []},
        ),
    ],
)
def test_of_the_record_nothing_need_be_asked_and_what_is_asked_may_take_arguments(
    clinic: Clinic, asked: str, expected: Any
) -> None:
    answer = clinic.billing.read(SUBMIT % asked, input=sent(clinic.invoice()))
    assert answer == {"submitInvoice": expected}


def test_several_steps_in_one_document_are_done_one_after_the_other(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    ask = """mutation ($sent: SubmitInvoiceInput!, $id: ID!) {
        first: submitInvoice(input: $sent) { invoice { version } errors { code } }
        second: submitInvoice(input: $sent) { invoice { version } errors { code } }
        third: acceptInFull(input: {invoiceId: $id, version: 2}) { invoice { version status } errors { code } } }"""
    assert clinic.billing.read(ask, sent=sent(invoice), id=invoice) == {
        "first": {"invoice": {"version": 2}, "errors": []},
        "second": {"invoice": None, "errors": [{"code": "ILLEGAL_TRANSITION"}]},
        "third": {"invoice": {"version": 3, "status": "PENDING_CHEQUE"}, "errors": []},
    }


def test_every_field_of_an_input_is_known_by_the_name_that_the_schema_gives_it() -> None:
    inputs = [named for named in build_schema()._schema.type_map.values() if isinstance(named, GraphQLInputObjectType)]
    named = {name: item.extensions[DEFINITION].python_name for one in inputs for name, item in one.fields.items()}
    # A word of Python's own; no step takes it.
    assert {name: snake(name) for name in named} == named | {"from": "from"}


# The schema of a role is the first lock of a step; here it is open, and everybody is served the administrators' schema.

_STAFF = (Role.ADMIN, Role.BILLING)


def _may_not(role: Role) -> list[str]:
    return [name for name in STEPS if role not in BY_NAME[name].roles]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_a_step_refuses_at_run_time_whoever_may_not_take_it(
    clinic: Clinic, sign_in: SignIn, tmp_path: Path, role: Role
) -> None:
    who, invoice = sign_in(role), clinic.look(clinic.invoice())
    assert _may_not(role) == (["void_invoice", "write_off_invoice"] if role in _STAFF else list(STEPS))
    with nothing_changes(clinic.address):
        for name in _may_not(role):
            given = clinic.inputs(name, invoice, "", "")
            answer = asyncio.run(_with_the_first_lock_open(clinic, who, tmp_path, mutation(name), given))
            assert answer["data"] is None
            assert [error["message"] for error in answer["errors"]] == ["Not found"]
    for name in ("submit_invoice",) if role in _STAFF else ():
        given = clinic.inputs(name, invoice, "", "")
        answer = asyncio.run(_with_the_first_lock_open(clinic, who, tmp_path, mutation(name), given))
        assert answer["data"]["submitInvoice"]["errors"] == []


async def _with_the_first_lock_open(clinic: Clinic, who: Client, home: Path, name: str, given: dict[str, Any]) -> Any:
    files = open_files(read_settings({"BILLING_HOME": str(home)}))
    async with Database(clinic.address.login) as database:
        engine = Engine(dict.fromkeys((None, *Role), role_schemas()[Role.ADMIN]))
        application = GraphQLOverHTTP(engine, database, Sessions(database), files=files)
        headers = {"authorization": f"Bearer {who.token}"}
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://clinic", headers=headers) as http:
            asked = {"query": document(name, INVOICE), "variables": {"input": given}}
            return (await http.post("/graphql", json=asked)).json()
