"""Selections: what a filter found is frozen for its user, for ten minutes, and steps on many are about exactly these invoices."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.records.bulk_steps import MOST_SELECTED
from tests.api.bulk.test_bulk_steps import STEPS, happened, steps
from tests.support.api.mutations import answered
from tests.support.api.records import nothing_changes, uuid_of
from tests.support.api.scenarios import Clinic
from tests.support.client import Client
from tests.support.databases import rows

_SELECTION = "selection { token count sums { billed received balance } }"
_AGE = "update invoice_selections set recorded_at = recorded_at - $1::interval where id = $2::text::uuid"
_NONE = "There is no such selection, or it is older than ten minutes: select the invoices again"


def select(client: Client, **chosen: Any) -> Any:
    """The payload of a selection."""
    return answered(client, "selectInvoices", _SELECTION, filter=chosen)


def steps_of(client: Client, name: str, token: str, key: str | None = None, **values: Any) -> Any:
    """The payload of a step on the invoices of a selection."""
    return steps(client, name, None, key, token=token, **values)


@pytest.fixture
def case(clinic: Clinic) -> str:
    return clinic.case()


@pytest.fixture
def drafts(clinic: Clinic, case: str) -> list[str]:
    """Invoices that were not submitted, in a case of their own."""
    return [clinic.invoice(price, case) for price in ("100.00", "200.50", "300.00")]


@pytest.fixture
def token(clinic: Clinic, case: str, drafts: list[str]) -> str:
    """The token of a selection of them."""
    found: str = select(clinic.billing, caseId=[case])["selection"]["token"]
    return found


@pytest.mark.parametrize(
    "chosen", [{}, {"status": ["PENDING_CHEQUE"]}, {"agingBucket": ["DAYS_121_PLUS"], "onHold": False}]
)
def test_a_selection_has_the_number_and_the_sums_of_the_list(clinic: Clinic, chosen: dict[str, Any]) -> None:
    ask = "query ($f: InvoiceFilter) { invoices(filter: $f) { totalCount sums { billed received balance } } }"
    listed = clinic.billing.read(ask, f=chosen)["invoices"]
    found = select(clinic.billing, **chosen)["selection"]
    assert (found["count"], found["sums"]) == (listed["totalCount"], listed["sums"])
    assert found["count"] > 0


def test_a_selection_of_nothing_has_no_sums_and_no_steps(clinic: Clinic) -> None:
    found = select(clinic.billing, caseId=[clinic.case()])["selection"]
    assert (found["count"], {Decimal(one) for one in found["sums"].values()}) == (0, {Decimal(0)})
    assert steps_of(clinic.billing, "addInternalNotes", found["token"])["outcomes"] == []


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_about_the_invoices_that_were_selected_and_no_others(
    clinic: Clinic, case: str, drafts: list[str], token: str, name: str
) -> None:
    later = clinic.invoice("400.00", case)
    answer = steps_of(clinic.billing, name, token)
    assert [one["invoiceId"] for one in answer["outcomes"]] == drafts
    assert (answer["doneCount"], answer["remainingCount"]) == (3, 0)
    assert len(clinic.look(later)["history"]) == 1


def test_a_selection_is_of_its_user_alone(clinic: Clinic, token: str) -> None:
    with nothing_changes(clinic.address):
        answer = steps_of(clinic.admin, "addInternalNotes", token)
    assert [error["message"] for error in answer["errors"]] == [_NONE]


@pytest.mark.parametrize(
    "wrong", ["", "nonsense", "0" * 32, "x" * 10_000], ids=["empty", "word", "of_the_shape", "long"]
)
def test_a_token_of_no_selection_does_nothing(clinic: Clinic, wrong: str) -> None:
    answer = steps_of(clinic.billing, "addInternalNotes", wrong)
    assert (answer["outcomes"], [error["path"] for error in answer["errors"]]) == ([], [["input", "token"]])


def test_after_ten_minutes_a_selection_is_used_only_to_the_end_of_what_was_begun(clinic: Clinic, token: str) -> None:
    steps_of(clinic.billing, "addInternalNotes", token, "begun in time")
    rows(clinic.address, _AGE, timedelta(minutes=9), token)
    assert steps_of(clinic.billing, "addInternalNotes", token)["doneCount"] == 3
    rows(clinic.address, _AGE, timedelta(minutes=2), token)
    assert steps_of(clinic.billing, "addInternalNotes", token, "too late")["errors"][0]["message"] == _NONE
    assert steps_of(clinic.billing, "addInternalNotes", token, "begun in time")["doneCount"] == 3
    assert steps_of(clinic.billing, "addInternalNotes", token, "begun in")["errors"][0]["message"] == _NONE


def test_selections_of_yesterday_are_forgotten_with_the_next(clinic: Clinic, case: str, token: str) -> None:
    rows(clinic.address, _AGE, timedelta(hours=25), token)
    select(clinic.billing, caseId=[case])
    assert rows(clinic.address, "select 1 from invoice_selections where id = $1::text::uuid", token) == []


@pytest.fixture
def small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of two invoices."""
    monkeypatch.setattr("resolvers.commands.selections.MOST_AT_ONCE", 2)


@pytest.mark.usefixtures("small_requests")
def test_a_large_selection_takes_several_requests(clinic: Clinic, drafts: list[str], token: str) -> None:
    first = steps_of(clinic.billing, "submitInvoices", token, "in parts")
    assert ([one["invoiceId"] for one in first["outcomes"]], first["remainingCount"]) == (drafts[:2], 1)
    second = steps_of(clinic.billing, "submitInvoices", token, "in parts", skip=2)
    assert ([one["invoiceId"] for one in second["outcomes"]], second["remainingCount"]) == (drafts[2:], 0)
    assert steps_of(clinic.billing, "submitInvoices", token, "in parts", skip=9)["outcomes"] == []
    assert happened(clinic, drafts, "submit_invoice") == 3


@pytest.mark.parametrize("skip", [-1, MOST_SELECTED + 1])
def test_a_number_to_skip_beyond_a_selection_is_refused(clinic: Clinic, token: str, skip: int) -> None:
    answer = steps_of(clinic.billing, "addInternalNotes", token, skip=skip)
    assert answer["errors"][0]["path"] == ["input", "skip"]


def test_more_invoices_than_a_selection_has_are_refused(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, case: str, drafts: list[str]
) -> None:
    monkeypatch.setattr("resolvers.commands.selections.MOST_SELECTED", len(drafts) - 1)
    with nothing_changes(clinic.address):
        answer = select(clinic.billing, caseId=[case])
    assert answer["selection"] is None
    assert answer["errors"][0]["path"] == ["input", "filter"]


@pytest.mark.parametrize("values", [{}, {"token": "a", "invoiceIds": ["b"]}])
def test_either_a_token_or_ids_are_given(clinic: Clinic, values: dict[str, Any]) -> None:
    answer = answered(clinic.billing, "addInternalNotes", "outcomes { isDone }", body="x", idempotencyKey="x", **values)
    assert answer["outcomes"] == []
    assert answer["errors"]


def test_the_audit_log_has_the_filter_and_the_number_of_a_selection(clinic: Clinic, case: str, token: str) -> None:
    [event] = rows(
        clinic.address,
        "select filters, row_count, entities from audit_events where operation = 'selectInvoices' order by at desc limit 1",
    )
    assert (list(event["filters"]), event["row_count"]) == (["InvoiceFilter.caseId"], 3)
    assert uuid_of(case).bytes not in event["entities"]
