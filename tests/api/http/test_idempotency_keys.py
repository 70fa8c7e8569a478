"""Optimistic locking and idempotency keys: no user overwrites another's change, and a repeated command runs once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from db.pools import Database
from domain.billing.invoices import InvoiceStatus
from identity.sessions import Sessions
from schema.whole import role_schemas
from server.execution.graphql_executor import GraphQLExecutor
from server.http.graphql import GraphQLOverHTTP
from server.settings import read_settings
from server.stores import open_files
from tests.support.api.mutations import answered, document, done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import CHEQUE, INVOICE, TODAY, Clinic, transition_names
from tests.support.databases import rows

STALE = "acceptInFull(input: $input) { invoice { version } errors { __typename code path ... on StaleVersion { currentVersion } } }"


def test_an_outdated_version_is_refused_with_the_current_one(clinic: Clinic) -> None:
    invoice = clinic.submitted()
    ask = f"mutation ($input: AcceptInFullInput!) {{ {STALE} }}"
    stale = clinic.billing.read(ask, input={"invoiceId": invoice, "version": 1})["acceptInFull"]
    assert stale == {
        "invoice": None,
        "errors": [
            {
                "__typename": "StaleVersion",
                "code": "STALE_VERSION",
                "path": ["input", "version"],
                "currentVersion": 2,
            }
        ],
    }
    assert clinic.step("acceptInFull", invoice, version=2)["version"] == 3


def test_of_concurrent_commands_on_one_version_one_succeeds(clinic: Clinic) -> None:
    invoice = clinic.in_state(InvoiceStatus.PENDING_REDUCTION)
    version = clinic.look(invoice)["version"]
    inputs = {"invoiceId": invoice, "version": version, "party": "CLINIC", "amount": "950.00"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: answered(clinic.billing, "counterReduction", INVOICE, **inputs), range(8)))
    codes = sorted(error["code"] for answer in answers for error in answer["errors"])
    assert codes == ["STALE_VERSION"] * 7
    assert clinic.look(invoice)["version"] == version + 1


# Idempotency keys, which make it safe to repeat a command.


def test_a_repeated_key_returns_the_present_state_of_the_first_result_and_writes_once(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    inputs = {"invoiceId": invoice, "submittedOn": TODAY, "method": "HAND", "idempotencyKey": "submit once"}
    assert done(clinic.billing, "submitInvoice", INVOICE, **inputs)["status"] == "PENDING_INVOICE"
    clinic.step("acceptInFull", invoice)
    with nothing_changes(clinic.address):
        again = done(clinic.billing, "submitInvoice", INVOICE, **inputs)
    assert (again["status"], again["version"]) == ("PENDING_CHEQUE", 3)
    assert transition_names(again) == ["create_invoice", "submit_invoice", "accept_in_full"]


def test_a_repeated_key_with_another_input_or_another_command_is_a_conflict(clinic: Clinic) -> None:
    one, other = clinic.submitted(), clinic.submitted()
    inputs = {"invoiceId": one, "amount": "10.00", "idempotencyKey": "one thing"}
    done(clinic.billing, "requestReduction", INVOICE, **inputs)
    for name, repeated in (
        ("requestReduction", {**inputs, "amount": "11.00"}),
        ("requestReduction", {**inputs, "invoiceId": other}),
        ("requestReduction", {**inputs, "reason": "Hardship"}),
        ("acceptInFull", {"invoiceId": other, "idempotencyKey": "one thing"}),
    ):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, name, INVOICE, **repeated)
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", "idempotencyKey"])


def test_a_refusal_does_not_use_up_its_key(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    accept = {"invoiceId": invoice, "idempotencyKey": "until it works"}
    assert refused(clinic.billing, "acceptInFull", INVOICE, **accept)["code"] == "ILLEGAL_TRANSITION"
    assert rows(clinic.address, "select 1 from idempotency_keys where key = 'until it works'") == []
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="FAX")
    assert done(clinic.billing, "acceptInFull", INVOICE, **accept)["status"] == "PENDING_CHEQUE"


def test_equal_keys_of_two_users_are_different_keys(clinic: Clinic) -> None:
    one, other = clinic.submitted(), clinic.submitted()
    done(clinic.billing, "acceptInFull", INVOICE, invoiceId=one, idempotencyKey="shared word")
    done(clinic.admin, "acceptInFull", INVOICE, invoiceId=other, idempotencyKey="shared word")
    assert {clinic.look(one)["status"], clinic.look(other)["status"]} == {"PENDING_CHEQUE"}


def test_concurrent_requests_with_one_key_write_once_and_get_one_answer(clinic: Clinic) -> None:
    inputs = {
        "party": "PAYER",
        "amount": "800.00",
        "invoiceId": clinic.in_state(InvoiceStatus.PENDING_REDUCTION),
        "idempotencyKey": "at once",
    }
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: done(clinic.billing, "counterReduction", INVOICE, **inputs), range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert transition_names(answers[0]).count("counter_reduction") == 1


def test_a_cheque_and_its_allocations_are_recorded_once_for_a_key(clinic: Clinic) -> None:
    invoice = clinic.agreed()
    inputs = {**clinic.cheque_of("1000.00", {invoice: "1000.00"}), "idempotencyKey": "one cheque"}
    first = done(clinic.billing, "recordCheque", CHEQUE, **inputs)
    with nothing_changes(clinic.address):
        assert done(clinic.billing, "recordCheque", CHEQUE, **inputs) == first


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_1_to_200_characters(clinic: Clinic, key: str) -> None:
    error = refused(clinic.billing, "acceptInFull", INVOICE, invoiceId=clinic.invoice(), idempotencyKey=key)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "idempotencyKey"])


async def test_a_key_is_valid_for_24_hours(clinic: Clinic, tmp_path: Path) -> None:
    """The real application with a clock of the test: within 24 hours the first answer, a second later the command runs again."""
    start = datetime.now(UTC)
    clock = [start]
    invoice = clinic.in_state(InvoiceStatus.PENDING_REDUCTION)
    inputs = {"invoiceId": invoice, "party": "CLINIC", "amount": "900.00", "idempotencyKey": "for a day"}
    body = {"query": document("counterReduction", INVOICE), "variables": {"input": inputs}}
    headers = {"authorization": f"Bearer {clinic.billing.token}"}
    files = open_files(read_settings({"BILLING_HOME": str(tmp_path)}))
    async with Database(clinic.address.login) as database:
        engine, sessions = GraphQLExecutor(role_schemas()), Sessions(database)
        application = GraphQLOverHTTP(engine, database, sessions, files=files, clock=lambda: clock[0])
        transport = httpx.ASGITransport(application)
        rounds = []
        async with httpx.AsyncClient(transport=transport, base_url="http://clinic", headers=headers) as http:
            for passed in (0, 24 * 3600, 24 * 3600 + 1, 48 * 3600):
                clock[0] = start + timedelta(seconds=passed)
                answer = (await http.post("/graphql", json=body)).json()["data"]["counterReduction"]
                assert answer["errors"] == []
                rounds.append(transition_names(answer["invoice"]).count("counter_reduction"))
    assert rounds == [1, 1, 2, 2]
