"""Steps on many records: each is taken or refused by itself, by the rules of the single step, and exactly once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import make_id
from domain.billing.invoices import InvoiceStatus
from domain.records.bulk_steps import MOST_AT_ONCE
from tests.support.api.mutations import answered
from tests.support.api.records import Found, nothing_changes, today, uuid_of
from tests.support.api.scenarios import TODAY, Clinic
from tests.support.client import Client
from tests.support.databases import rows

_ERROR = "{ __typename code message path ... on IllegalTransition { currentStatus transition legalNow } }"
_LATER = (today() + timedelta(days=30)).isoformat()
# Step → its single step, what is selected of its record, and what is the same for all records.
STEPS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "submitInvoices": ("submitInvoice", "invoice { id version }", {"submittedOn": TODAY, "method": "EMAIL"}),
    "addInternalNotes": ("addInternalNote", "invoice { id version }", {"body": "The same about all"}),
    "scheduleReminders": ("scheduleReminder", "reminder { id subject }", {"targetDate": _LATER, "subject": "Call"}),
    "placeHolds": ("placeHold", "hold { id reason }", {"untilOn": _LATER, "reason": "They asked for time"}),
}
_EVENTS = "select transition from invoice_events where invoice_id = any($1) order by invoice_id, seq"


def steps(client: Client, name: str, ids: list[str] | None, key: str | None = None, **values: Any) -> Any:
    """The payload of a step on many invoices."""
    _, record, same = STEPS[name]
    named = {} if ids is None else {"invoiceIds": ids}
    selection = f"outcomes {{ invoiceId isDone {record} warnings {{ code }} errors {_ERROR} }} doneCount remainingCount"
    return answered(client, name, selection, **{**named, "idempotencyKey": key or uuid4().hex, **same, **values})


def single(client: Client, name: str, invoice: str) -> Any:
    """The errors of the single step on an invoice."""
    of_one, record, same = STEPS[name]
    ask = f"""mutation ($input: {of_one[0].upper()}{of_one[1:]}Input!) {{
        {of_one}(input: $input) {{ {record} errors {_ERROR} }} }}"""
    return client.read(ask, input={"invoiceId": invoice, **same})[of_one]["errors"]


def happened(clinic: Clinic, ids: list[str], transition: str) -> int:
    """How often a step was recorded for invoices."""
    found = rows(clinic.address, _EVENTS, [uuid_of(one) for one in ids])
    return sum(row["transition"] == transition for row in found)


@pytest.fixture(scope="module")
def case(clinic: Clinic) -> str:
    return clinic.case()


@pytest.fixture
def drafts(clinic: Clinic, case: str) -> list[str]:
    """Invoices that were not submitted."""
    return [clinic.invoice("100.00", case) for _ in range(5)]


@pytest.mark.parametrize("name", STEPS)
def test_each_record_is_done_or_refused_by_itself_as_by_the_single_step(
    clinic: Clinic, drafts: list[str], found: Found, name: str
) -> None:
    void, other = (clinic.in_state(InvoiceStatus.VOID) for _ in range(2))
    of_void = single(clinic.billing, name, other)
    ids = [drafts[0], void, drafts[1], make_id("Invoice", uuid4()), found.foreign["Invoice"], drafts[2], drafts[0]]
    answer = steps(clinic.billing, name, ids)
    assert [one["invoiceId"] for one in answer["outcomes"]] == ids[:-1]
    assert answer["errors"] == []
    by_id = {one["invoiceId"]: one for one in answer["outcomes"]}
    field = STEPS[name][1].split()[0]
    for one in drafts[:3]:
        assert (by_id[one]["isDone"], by_id[one]["errors"]) == (True, [])
        assert by_id[one][field]["id"]
    refused = [one for one in ids[:-1] if not by_id[one]["isDone"]]
    assert answer["doneCount"] == len(ids) - 1 - len(refused)
    # Reminders and submissions are of open invoices; notes and holds of any.
    assert refused == [one for one in ids if one not in drafts and (one != void or of_void)]
    for one in refused:
        assert by_id[one][field] is None
        assert by_id[one]["errors"] == (of_void if one == void else single(clinic.billing, name, one))


def test_the_illegal_among_many_submissions_are_named_and_the_others_are_submitted(
    clinic: Clinic, case: str, drafts: list[str]
) -> None:
    paid = clinic.agreed(case=case)
    answer = steps(clinic.billing, "submitInvoices", [*drafts[:2], paid, *drafts[2:]])
    assert answer["doneCount"] == len(drafts)
    [refused] = [one for one in answer["outcomes"] if not one["isDone"]]
    assert refused["invoiceId"] == paid
    [error] = refused["errors"]
    assert (error["__typename"], error["currentStatus"]) == ("IllegalTransition", "PENDING_CHEQUE")
    assert happened(clinic, drafts, "submit_invoice") == len(drafts)
    documents = """select count(*) from issued_documents d join issued_document_invoices i on i.document_id = d.id
        where i.invoice_id = any($1) and d.file_status = 'queued'"""
    assert rows(clinic.address, documents, [uuid_of(one) for one in drafts])[0][0] == len(drafts)


@pytest.mark.parametrize("name", STEPS)
def test_the_same_request_again_does_nothing_twice(clinic: Clinic, drafts: list[str], name: str) -> None:
    first = steps(clinic.billing, name, drafts, "a key")
    with nothing_changes(clinic.address):
        again = steps(clinic.billing, name, drafts, "a key")
    assert first["doneCount"] == again["doneCount"] == len(drafts)
    plain = [{key: value for key, value in one.items() if key != "warnings"} for one in first["outcomes"]]
    assert plain == [{key: value for key, value in one.items() if key != "warnings"} for one in again["outcomes"]]


def test_more_records_under_the_same_key_are_done_besides(clinic: Clinic, drafts: list[str]) -> None:
    steps(clinic.billing, "submitInvoices", drafts[:2], "begun")
    assert steps(clinic.billing, "submitInvoices", drafts, "begun")["doneCount"] == len(drafts)
    assert happened(clinic, drafts, "submit_invoice") == len(drafts)


def test_a_key_of_another_request_is_refused_for_each_record(clinic: Clinic, drafts: list[str]) -> None:
    steps(clinic.billing, "addInternalNotes", drafts, "one note")
    answer = steps(clinic.billing, "addInternalNotes", drafts, "one note", body="Another")
    assert answer["doneCount"] == 0
    assert {one["errors"][0]["code"] for one in answer["outcomes"]} == {"CONFLICT"}


def test_what_was_refused_is_tried_again_by_the_same_request(clinic: Clinic, case: str, drafts: list[str]) -> None:
    waiting = clinic.agreed(case=case)
    assert steps(clinic.billing, "submitInvoices", [*drafts[:2], waiting], "later")["doneCount"] == 2
    clinic.step("voidInvoice", drafts[2], clinic.admin, reason="For this test")
    assert steps(clinic.billing, "submitInvoices", [*drafts[:3], waiting], "later")["doneCount"] == 2
    assert happened(clinic, drafts, "submit_invoice") == 2


def test_two_requests_at_once_under_one_key_do_each_record_once(clinic: Clinic, drafts: list[str]) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: steps(clinic.billing, "submitInvoices", drafts, "twice"), range(4)))
    assert {one["doneCount"] for one in answers} == {len(drafts)}
    assert happened(clinic, drafts, "submit_invoice") == len(drafts)


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"invoiceIds": []}, "invoiceIds"),
        ({"invoiceIds": [make_id("Invoice", uuid4()) for _ in range(MOST_AT_ONCE + 1)]}, "invoiceIds"),
        ({"invoiceIds": ["nonsense"]}, "invoiceIds"),
        ({"idempotencyKey": ""}, "idempotencyKey"),
        ({"idempotencyKey": "k" * 164}, "idempotencyKey"),
        ({"body": "NUL \x00"}, "body"),
    ],
)
def test_a_request_that_is_wrong_as_a_whole_does_nothing(
    clinic: Clinic, drafts: list[str], values: dict[str, Any], path: str
) -> None:
    with nothing_changes(clinic.address):
        answer = steps(clinic.billing, "addInternalNotes", drafts, **values)
    assert answer["outcomes"] == []
    assert answer["errors"][0]["path"][:2] == ["input", path]


def test_each_change_has_its_audit_event_and_the_refused_records_one_together(
    clinic: Clinic, drafts: list[str]
) -> None:
    counted = "select operation, count(*) from audit_events where operation like 'placeHolds%' group by operation"
    before = dict(map(tuple, rows(clinic.address, counted)))
    missing = [make_id("Invoice", uuid4()) for _ in range(2)]
    assert steps(clinic.billing, "placeHolds", [*drafts, *missing])["doneCount"] == len(drafts)
    clinic.billing.read("{ viewer { name } }")
    found = dict(map(tuple, rows(clinic.address, counted)))
    assert found["placeHolds"] - before.get("placeHolds", 0) == len(drafts)
