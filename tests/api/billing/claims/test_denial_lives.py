"""Denials over HTTP: appeals and outcomes, the action item that ends, who sees them, and what a replaced invoice takes along."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from db.laws import days, histories, invoices
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import TODAY, Clinic, broken_laws, line
from tests.support.client import Client

DENIAL = """denial { id status isFirst group reasonCode remarkCodes appealedOn closedOn amountRecovered
    events { number status happenedOn amountRecovered note documentUrl recordedBy { name } } invoice { id } }"""
DENIALS = "invoice { id denials { id status isFirst group remarkCodes amountRecovered events { status happenedOn } } }"
ITEMS = "{ actionItems(first: 500) { nodes { kind invoice { id } } } }"
DUE = (today() + timedelta(days=7)).isoformat()


@pytest.fixture(autouse=True)
def every_law_holds(address: DatabaseUrls) -> Iterator[None]:
    yield
    laws = (*days.LAWS, *histories.LAWS, *invoices.LAWS)
    assert [breach for breach in broken_laws(address) if breach.law in laws] == []


def _denied(clinic: Clinic, invoice: str, **more: Any) -> Any:
    """The last denial of an invoice, which is recorded now."""
    values = {"invoiceId": invoice, "deniedOn": TODAY, "reasonCode": "50", **more}
    return done(clinic.billing, "recordDenial", DENIALS, **values)["denials"][-1]


def _appeal(clinic: Clinic, denial: Any, **more: Any) -> Any:
    return done(clinic.billing, "appealDenial", DENIAL, denialId=denial["id"], **{"appealedOn": TODAY, **more})


def _close(clinic: Clinic, denial: Any, outcome: str, **more: Any) -> Any:
    values = {"denialId": denial["id"], "outcome": outcome, "closedOn": TODAY, **more}
    return done(clinic.billing, "closeDenial", DENIAL, **values)


def test_a_denial_is_appealed_with_a_letter_and_overturned(clinic: Clinic) -> None:
    invoice = clinic.submitted("400.00")
    denial = _denied(clinic, invoice, group="CO", remarkCodes=["n1"], appealDueOn=DUE)
    assert (denial["status"], denial["group"], denial["remarkCodes"], denial["isFirst"]) == ("OPEN", "CO", ["N1"], True)
    letter = clinic.upload()
    found = _appeal(clinic, denial, documentId=letter, note="With the records")
    assert (found["status"], found["appealedOn"], found["closedOn"]) == ("APPEALED", TODAY, None)
    [event] = found["events"]
    assert event["documentUrl"] is not None
    assert (event["note"], event["recordedBy"] is not None) == ("With the records", True)
    # A letter is used once.
    second = _denied(clinic, clinic.submitted("400.00"))
    error = refused(clinic.billing, "appealDenial", DENIAL, denialId=second["id"], appealedOn=TODAY, documentId=letter)
    assert error["path"] == ["input", "documentId"]
    found = _close(clinic, denial, "OVERTURNED")
    assert (found["status"], found["closedOn"], found["amountRecovered"]) == ("OVERTURNED", TODAY, "400.00")
    assert [event["status"] for event in found["events"]] == ["APPEALED", "OVERTURNED"]


def test_the_deadline_of_an_appeal_is_an_action_item_until_it_is_appealed_or_closed(clinic: Clinic) -> None:
    def kinds(invoice: str) -> list[str]:
        nodes = clinic.billing.read(ITEMS)["actionItems"]["nodes"]
        return [one["kind"] for one in nodes if one["invoice"] and one["invoice"]["id"] == invoice]

    ends: tuple[Callable[[str], object], ...] = (
        lambda denial: _appeal(clinic, denial),
        lambda denial: _close(clinic, denial, "CLOSED"),
    )
    for end in ends:
        invoice = clinic.submitted("400.00")
        denial = _denied(clinic, invoice, appealDueOn=DUE)
        assert kinds(invoice) == ["APPEAL_DEADLINE"]
        end(denial)
        assert kinds(invoice) == []


def test_the_last_outcome_counts_and_what_it_recovers_can_be_corrected(clinic: Clinic) -> None:
    denial = _denied(clinic, clinic.submitted("400.00"), amount="300.00")
    assert _close(clinic, denial, "PARTIAL", amountRecovered="120.00")["amountRecovered"] == "120.00"
    found = _appeal(clinic, denial)
    assert (found["status"], found["amountRecovered"], found["closedOn"]) == ("APPEALED", "120.00", None)
    assert _close(clinic, denial, "OVERTURNED")["amountRecovered"] == "300.00"
    assert _close(clinic, denial, "OVERTURNED", amountRecovered="299.00")["amountRecovered"] == "299.00"
    assert _close(clinic, denial, "UPHELD")["amountRecovered"] is None


@pytest.mark.parametrize(("name", "values", "code", "path"), [
    ("closeDenial", {"outcome": "UPHELD"}, "CONFLICT", "outcome"),
    ("closeDenial", {"outcome": "PARTIAL"}, "INVALID_INPUT", "amountRecovered"),
    ("closeDenial", {"outcome": "OVERTURNED", "amountRecovered": "400.01"}, "INVALID_INPUT", "amountRecovered"),
    ("closeDenial", {"outcome": "CLOSED", "closedOn": DUE}, "INVALID_INPUT", "closedOn"),
    ("closeDenial", {"outcome": "CLOSED", "closedOn": "2026-01-01"}, "INVALID_INPUT", "closedOn"),
    ("appealDenial", {"appealedOn": "2026-01-01"}, "INVALID_INPUT", "appealedOn"),
])  # fmt: skip
def test_a_step_that_does_not_fit_is_refused_and_changes_nothing(
    clinic: Clinic, name: str, values: dict[str, Any], code: str, path: str
) -> None:
    denial = _denied(clinic, clinic.submitted("400.00"))
    day = {"closedOn": TODAY} if name == "closeDenial" else {}
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, name, DENIAL, **{"denialId": denial["id"], **day, **values})
    assert (error["code"], error["path"]) == (code, ["input", path])


def test_a_denial_of_a_paid_invoice_can_be_closed_and_one_of_a_void_invoice_only_be_closed(clinic: Clinic) -> None:
    paid = clinic.submitted("400.00")
    denial = _denied(clinic, paid)
    clinic.step("submitInvoice", paid, submittedOn=TODAY, method="MAIL")
    clinic.step("acceptInFull", paid)
    clinic.pays("400.00", {paid: "400.00"})
    assert _close(clinic, denial, "OVERTURNED")["status"] == "OVERTURNED"
    void = clinic.submitted("400.00")
    denial = _denied(clinic, void)
    clinic.step("voidInvoice", void, clinic.admin, reason="Wrong case")
    error = refused(clinic.billing, "appealDenial", DENIAL, denialId=denial["id"], appealedOn=TODAY)
    assert (error["code"], "closeDenial" in error["message"]) == ("CONFLICT", True)
    assert _close(clinic, denial, "CLOSED")["status"] == "CLOSED"


def test_the_first_denial_is_that_of_the_earliest_day_of_each_payer(clinic: Clinic) -> None:
    invoice = clinic.submitted("400.00")
    payer = clinic.another_payer(clinic.look(invoice))
    _denied(clinic, invoice)
    _denied(clinic, invoice)
    clinic.step("transferBalance", invoice, payerId=payer, reason="OTHER", note="As it happens")
    _denied(clinic, invoice)
    query = "query ($id: ID!) { invoice(id: $id) { denials { isFirst } } }"
    # All are of today: the payer of the day is the new one, so that only the first recorded one is first.
    assert [one["isFirst"] for one in clinic.billing.read(query, id=invoice)["invoice"]["denials"]] == [
        True,
        False,
        False,
    ]


def test_invoices_are_found_by_what_has_become_of_their_denials(clinic: Clinic) -> None:
    own = clinic.case()
    appealed, upheld = (clinic.submitted("400.00", own) for _ in range(2))
    for invoice, is_over in ((appealed, False), (upheld, True)):
        denial = _denied(clinic, invoice)
        _appeal(clinic, denial)
        if is_over:
            _close(clinic, denial, "UPHELD")
    query = "query ($of: InvoiceFilter) { invoices(filter: $of) { nodes { id } } }"
    for statuses, expected in (
        (["APPEALED"], {appealed}),
        (["APPEALED", "UPHELD"], {appealed, upheld}),
        (["OPEN"], set()),
    ):
        nodes = clinic.billing.read(query, of={"caseId": [own], "denialStatus": statuses})["invoices"]["nodes"]
        assert {one["id"] for one in nodes} == expected


def test_a_replaced_invoice_takes_the_lives_of_its_denials_along(clinic: Clinic) -> None:
    invoice = clinic.submitted("400.00")
    denial = _denied(clinic, invoice, group="OA", remarkCodes=["N1"])
    _appeal(clinic, denial)
    _close(clinic, denial, "PARTIAL", amountRecovered="100.00")
    values = {"lines": [line("350.00")], "reason": "Too many units", "confirmDuplicate": True}
    [copy] = done(clinic.billing, "replaceInvoice", DENIALS, invoiceId=invoice, **values)["denials"]
    assert copy["id"] != denial["id"]
    assert (copy["status"], copy["amountRecovered"], copy["group"]) == ("PARTIAL", "100.00", "OA")
    assert [one["status"] for one in copy["events"]] == ["APPEALED", "PARTIAL"]


def test_attorneys_see_and_hear_nothing_of_the_life_of_a_denial(
    clinic: Clinic, attorney: Client, own_attorney: str, listen: Any, received: Any
) -> None:
    invoice = clinic.submitted("600.00")
    denial = _denied(clinic, invoice)
    case = clinic.look(invoice)["case"]["id"]
    done(clinic.billing, "assignAttorney", "case { id }", caseId=case, attorneyId=own_attorney)
    whole = "query ($id: ID!) { invoice(id: $id) { id number status billedAmount } }"
    before = attorney.read(whole, id=invoice)
    with listen("attorney") as of_attorney, listen("billing") as of_staff:
        _appeal(clinic, denial)
        heard = received(of_staff, of_attorney)
    assert heard == [[clinic.look(invoice)["number"]], []]
    assert attorney.read(whole, id=invoice) == before
    answer = attorney.ask(f'mutation {{ closeDenial(input: {{denialId: "{denial["id"]}"}}) {{ denial {{ id }} }} }}')
    assert "errors" in answer


def test_a_step_with_a_key_used_twice_is_made_once(clinic: Clinic) -> None:
    denial = _denied(clinic, clinic.submitted("400.00"))
    answers = [_appeal(clinic, denial, idempotencyKey=f"appeal {denial['id']}") for _ in range(2)]
    assert [len(one["events"]) for one in answers] == [1, 1]
    error = refused(clinic.billing, "appealDenial", DENIAL, denialId=denial["id"], appealedOn=TODAY)
    assert (error["code"], "closeDenial" in error["message"]) == ("CONFLICT", True)
