"""That nobody overwrites what somebody else has changed, and that a step which is sent again is done once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from db.pools import Database
from domain.invoices import InvoiceStatus
from schema.whole import role_schemas
from server.executing import Engine
from server.files import open_files
from server.graphql_http import GraphQLOverHTTP
from server.sessions import Sessions
from server.settings import read_settings
from tests.api.lives import CHEQUE, INVOICE, TODAY, Clinic, told
from tests.api.records import nothing_changes
from tests.api.steps import answered, document, done, refused
from tests.databases import rows

STALE = "acceptInFull(input: $input) { invoice { version } errors { __typename code path ... on StaleVersion { currentVersion } } }"


def test_a_version_that_somebody_has_overtaken_is_refused_with_the_current_one(clinic: Clinic) -> None:
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


def test_of_two_who_read_the_same_version_one_wins(clinic: Clinic) -> None:
    invoice = clinic.in_state(InvoiceStatus.PENDING_REDUCTION)
    version = clinic.look(invoice)["version"]
    given = {"invoiceId": invoice, "version": version, "party": "CLINIC", "amount": "950.00"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: answered(clinic.billing, "counterReduction", INVOICE, **given), range(8)))
    codes = sorted(error["code"] for answer in answers for error in answer["errors"])
    assert codes == ["STALE_VERSION"] * 7
    assert clinic.look(invoice)["version"] == version + 1


# Keys that make it safe to send a step again.


def test_the_same_key_answers_with_the_first_result_read_anew_and_writes_once(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    given = {"invoiceId": invoice, "submittedOn": TODAY, "method": "HAND", "idempotencyKey": "submit once"}
    assert done(clinic.billing, "submitInvoice", INVOICE, **given)["status"] == "PENDING_INVOICE"
    clinic.step("acceptInFull", invoice)
    with nothing_changes(clinic.address):
        again = done(clinic.billing, "submitInvoice", INVOICE, **given)
    assert (again["status"], again["version"]) == ("PENDING_CHEQUE", 3)
    assert told(again) == ["create_invoice", "submit_invoice", "accept_in_full"]


def test_the_same_key_with_another_input_or_another_step_is_a_conflict(clinic: Clinic) -> None:
    one, other = clinic.submitted(), clinic.submitted()
    given = {"invoiceId": one, "amount": "10.00", "idempotencyKey": "one thing"}
    done(clinic.billing, "requestReduction", INVOICE, **given)
    for name, said in (
        ("requestReduction", {**given, "amount": "11.00"}),
        ("requestReduction", {**given, "invoiceId": other}),
        ("requestReduction", {**given, "reason": "Hardship"}),
        ("acceptInFull", {"invoiceId": other, "idempotencyKey": "one thing"}),
    ):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, name, INVOICE, **said)
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", "idempotencyKey"])


def test_a_refusal_is_not_kept_so_that_the_key_is_good_for_the_next_attempt(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    accept = {"invoiceId": invoice, "idempotencyKey": "until it works"}
    assert refused(clinic.billing, "acceptInFull", INVOICE, **accept)["code"] == "ILLEGAL_TRANSITION"
    assert rows(clinic.address, "select 1 from idempotency_keys where key = 'until it works'") == []
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="FAX")
    assert done(clinic.billing, "acceptInFull", INVOICE, **accept)["status"] == "PENDING_CHEQUE"


def test_another_user_s_same_key_is_another_key(clinic: Clinic) -> None:
    one, other = clinic.submitted(), clinic.submitted()
    done(clinic.billing, "acceptInFull", INVOICE, invoiceId=one, idempotencyKey="shared word")
    done(clinic.admin, "acceptInFull", INVOICE, invoiceId=other, idempotencyKey="shared word")
    assert {clinic.look(one)["status"], clinic.look(other)["status"]} == {"PENDING_CHEQUE"}


def test_requests_with_one_key_at_once_write_once_and_answer_alike(clinic: Clinic) -> None:
    given = {
        "party": "PAYER",
        "amount": "800.00",
        "invoiceId": clinic.in_state(InvoiceStatus.PENDING_REDUCTION),
        "idempotencyKey": "at once",
    }
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: done(clinic.billing, "counterReduction", INVOICE, **given), range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert told(answers[0]).count("counter_reduction") == 1


def test_a_cheque_is_recorded_once_for_a_key_with_all_that_it_pays(clinic: Clinic) -> None:
    invoice = clinic.agreed()
    given = {**clinic.cheque_of("1000.00", {invoice: "1000.00"}), "idempotencyKey": "one cheque"}
    first = done(clinic.billing, "recordCheque", CHEQUE, **given)
    with nothing_changes(clinic.address):
        assert done(clinic.billing, "recordCheque", CHEQUE, **given) == first


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_1_to_200_characters(clinic: Clinic, key: str) -> None:
    error = refused(clinic.billing, "acceptInFull", INVOICE, invoiceId=clinic.invoice(), idempotencyKey=key)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "idempotencyKey"])


async def test_a_key_is_good_for_24_hours(clinic: Clinic, tmp_path: Path) -> None:
    """The real application with a clock of our own: within a day the first answer, a second later the step is new."""
    start = datetime.now(UTC)
    clock = [start]
    invoice = clinic.in_state(InvoiceStatus.PENDING_REDUCTION)
    given = {"invoiceId": invoice, "party": "CLINIC", "amount": "900.00", "idempotencyKey": "for a day"}
    body = {"query": document("counterReduction", INVOICE), "variables": {"input": given}}
    headers = {"authorization": f"Bearer {clinic.billing.token}"}
    files = open_files(read_settings({"BILLING_HOME": str(tmp_path)}))
    async with Database(clinic.address.login) as database:
        engine, sessions = Engine(role_schemas()), Sessions(database)
        application = GraphQLOverHTTP(engine, database, sessions, files=files, clock=lambda: clock[0])
        transport = httpx.ASGITransport(application)
        rounds = []
        async with httpx.AsyncClient(transport=transport, base_url="http://clinic", headers=headers) as http:
            for passed in (0, 24 * 3600, 24 * 3600 + 1, 48 * 3600):
                clock[0] = start + timedelta(seconds=passed)
                answer = (await http.post("/graphql", json=body)).json()["data"]["counterReduction"]
                assert answer["errors"] == []
                rounds.append(told(answer["invoice"]).count("counter_reduction"))
    assert rounds == [1, 1, 2, 2]
