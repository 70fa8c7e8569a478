"""The payload of a mutation is read in the mutation's transaction by the client's selection; where that fails, nothing is written."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import GraphQLInputObjectType

from db.pools import Database
from domain.access.people import Role
from domain.api_names import snake
from domain.billing.transitions import BY_NAME, TRANSITIONS
from identity.sessions import Sessions
from permissions.graphql_adapter import core_schema, python_name
from schema.whole import build_schema, role_schemas
from server.execution.graphql_executor import GraphQLExecutor
from server.http.graphql import GraphQLOverHTTP
from server.settings import read_settings
from server.stores import open_files
from tests.conftest import SignIn
from tests.support.api.mutations import document
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import INVOICE, TODAY, Clinic, mutation
from tests.support.client import Client
from tests.support.databases import rows

SUBMIT = "mutation ($input: SubmitInvoiceInput!) { submitInvoice(input: $input) { %s errors { message } } }"


def sent(invoice: str, **more: Any) -> dict[str, Any]:
    """A valid input."""
    return {"invoiceId": invoice, "submittedOn": TODAY, "method": "PORTAL", **more}


# A mutation whose payload cannot be read is rolled back.


@pytest.fixture
def unreadable(clinic: Clinic) -> Iterator[tuple[str, str]]:
    """An invoice, and a field that billing staff may select, and whose column the database does not let them read."""
    invoice = clinic.invoice()
    rows(clinic.address, "revoke select (encounter_id) on invoices from clinic_billing")
    yield invoice, "encounter { id }"
    rows(clinic.address, "grant select (encounter_id) on invoices to clinic_billing")


@pytest.mark.parametrize("key", [None, "so that it is done once"])
def test_a_mutation_whose_payload_cannot_be_read_is_rolled_back(
    clinic: Clinic, unreadable: tuple[str, str], key: str | None
) -> None:
    invoice, field = unreadable
    with nothing_changes(clinic.address):
        answer = clinic.billing.ask(SUBMIT % f"invoice {{ {field} }}", input=sent(invoice, idempotencyKey=key))
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INTERNAL_ERROR"]
    assert rows(clinic.address, "select 1 from idempotency_keys where key = $1", key) == []
    clinic.billing.read(SUBMIT % "invoice { id }", input=sent(invoice, idempotencyKey=key))
    assert clinic.look(invoice)["submittedOn"] == TODAY


# The payload follows the selection like any other answer.


def test_a_payload_contains_the_selected_fields_under_their_aliases(clinic: Clinic) -> None:
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
    ("selected", "expected"),
    [
        ("__typename", {"__typename": "InvoicePayload", "errors": []}),
        ("invoice { reminders(status: COMPLETED) { id } }", {"invoice": {"reminders": []}, "errors": []}),
        (
            "invoice { reminders(status: COMPLETED) { id } } short: invoice { version }",
            {"invoice": {"reminders": []}, "short": {"version": 2}, "errors": []},
        ),
    ],
)
def test_a_payload_need_not_select_the_record_and_its_fields_may_take_arguments(
    clinic: Clinic, selected: str, expected: Any
) -> None:
    answer = clinic.billing.read(SUBMIT % selected, input=sent(clinic.invoice()))
    assert answer == {"submitInvoice": expected}


def test_several_mutations_in_one_document_run_one_after_the_other(clinic: Clinic) -> None:
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


def test_the_python_name_of_every_input_field_is_that_of_the_schema() -> None:
    inputs = [
        named for named in core_schema(build_schema()).type_map.values() if isinstance(named, GraphQLInputObjectType)
    ]
    named = {name: python_name(item) for one in inputs for name, item in one.fields.items()}
    # A word of Python's own; no mutation has it.
    assert {name: snake(name) for name in named} == named | {"from": "from"}


# The schema of a role is the first lock of a mutation; here it is open: every role is served the administrators' schema.

_STAFF = (Role.ADMIN, Role.BILLING)
STEPS = [row.name for row in TRANSITIONS if row.roles and row.record == "invoice"]


def _not_permitted(role: Role) -> list[str]:
    return [name for name in STEPS if role not in BY_NAME[name].roles]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_a_mutation_refuses_roles_without_permission_at_run_time(
    clinic: Clinic, sign_in: SignIn, tmp_path: Path, role: Role
) -> None:
    client, invoice = sign_in(role), clinic.look(clinic.invoice())
    assert _not_permitted(role) == (
        ["void_invoice", "write_off_invoice", "reverse_write_off"] if role in _STAFF else STEPS
    )
    with nothing_changes(clinic.address):
        for name in _not_permitted(role):
            inputs = clinic.inputs(name, invoice, "", "")
            answer = asyncio.run(_with_the_first_lock_open(clinic, client, tmp_path, mutation(name), inputs))
            assert answer["data"] is None
            assert [error["message"] for error in answer["errors"]] == ["Not found"]
    for name in ("submit_invoice",) if role in _STAFF else ():
        inputs = clinic.inputs(name, invoice, "", "")
        answer = asyncio.run(_with_the_first_lock_open(clinic, client, tmp_path, mutation(name), inputs))
        assert answer["data"]["submitInvoice"]["errors"] == []


async def _with_the_first_lock_open(
    clinic: Clinic, client: Client, home: Path, name: str, inputs: dict[str, Any]
) -> Any:
    files = open_files(read_settings({"BILLING_HOME": str(home)}))
    async with Database(clinic.address.login) as database:
        engine = GraphQLExecutor(dict.fromkeys((None, *Role), role_schemas()[Role.ADMIN]))
        application = GraphQLOverHTTP(engine, database, Sessions(database), files=files)
        headers = {"authorization": f"Bearer {client.token}"}
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://clinic", headers=headers) as http:
            selected = {"query": document(name, INVOICE), "variables": {"input": inputs}}
            return (await http.post("/graphql", json=selected)).json()
