"""Contractual adjustments over HTTP: what is recorded and shown, who sees it, and the refusals that name the step that helps."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from db.laws import days, histories, invoices
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.storage.stores import Folder
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import INVOICE, TODAY, Clinic, broken_laws, line
from tests.support.client import Client
from tests.support.files.export_files import bureau_over

ADJUSTED = """invoice { id number status balance contractualAmount openAmount agreedAmount version lines { id amount }
    adjustments { number kind amount adjustedOn group reasonCode remarkCodes line { id } cheque { id } note decidedBy { name } recordedAt }
    history { transition changes { field before after } } }"""
_WHOLE = "query ($id: ID!) { invoice(id: $id) { id number status billedAmount lines { amount } } }"


@pytest.fixture(autouse=True)
def every_law_holds(address: DatabaseUrls) -> Iterator[None]:
    yield
    laws = (*days.LAWS, *histories.LAWS, *invoices.LAWS)
    assert [breach for breach in broken_laws(address) if breach.law in laws] == []


def _adjust(clinic: Clinic, invoice: str, amount: str, client: Client | None = None, **more: Any) -> Any:
    values = {"invoiceId": invoice, "group": "CO", "reasonCode": "45", "amount": amount, **more}
    return done(client or clinic.billing, "recordAdjustment", ADJUSTED, **values)


def _refused(clinic: Clinic, invoice: str, amount: str, **more: Any) -> Any:
    values = {"invoiceId": invoice, "group": "CO", "reasonCode": "45", "amount": amount, **more}
    with nothing_changes(clinic.address):
        return refused(clinic.billing, "recordAdjustment", INVOICE, **values)


def test_an_adjustment_is_recorded_with_its_reason_and_what_is_due_follows(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    found = _adjust(clinic, invoice, "120.55", reasonCode=" co-45x", remarkCodes=["n1", "N1"], note="By letter")
    assert (found["contractualAmount"], found["openAmount"], found["balance"]) == ("120.55", "879.45", "879.45")
    [one] = found["adjustments"]
    assert one.pop("recordedAt") is not None
    assert one.pop("decidedBy") is not None
    assert one == {
        "number": 1,
        "kind": "CONTRACTUAL",
        "amount": "120.55",
        "adjustedOn": TODAY,
        "group": "CO",
        "reasonCode": "CO-45X",
        "remarkCodes": ["N1"],
        "line": None,
        "cheque": None,
        "note": "By letter",
    }
    assert found["history"][-1] == {
        "transition": "record_adjustment",
        "changes": [{"field": "contractualAmount", "before": "0.00", "after": "120.55"}],
    }


def test_a_line_is_adjusted_up_to_its_amount_and_no_line_of_another_invoice(clinic: Clinic) -> None:
    invoice, other = clinic.submitted("600.00"), clinic.submitted("500.00")
    [own] = _adjust(clinic, invoice, "0.01")["lines"]
    [foreign] = _adjust(clinic, other, "0.01")["lines"]
    found = _adjust(clinic, invoice, "550.00", lineId=own["id"])
    assert [one["line"] and one["line"]["id"] for one in found["adjustments"]] == [None, own["id"]]
    error = _refused(clinic, invoice, "50.01", lineId=own["id"])
    assert (error["path"], "$50.00" in error["message"]) == (["input", "amount"], True)
    errors = [
        _refused(clinic, invoice, "1.00", lineId=one) for one in (foreign["id"], clinic.found.unknown("InvoiceLine"))
    ]
    assert [one["code"] for one in errors] == ["NOT_FOUND"] * 2
    # A line that is adjusted stays.
    lines = {"lines": [line("500.00")], "confirmDuplicate": True}
    assert (
        "replaceInvoice"
        in refused(clinic.billing, "replaceInvoiceLines", INVOICE, invoiceId=invoice, **lines)["message"]
    )


def test_an_adjustment_is_taken_back_and_opens_what_it_had_covered(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    clinic.pays("700.00", {invoice: "700.00"})
    assert _adjust(clinic, invoice, "300.00")["status"] == "CHEQUE_RECEIVED"
    assert _refused(clinic, invoice, "-300.01")["path"] == ["input", "amount"]
    assert "$0.00" in _refused(clinic, invoice, "-300.00", group="OA")["message"]
    found = _adjust(clinic, invoice, "-300.00")
    assert (found["status"], found["balance"], found["contractualAmount"]) == ("PENDING_INVOICE", "300.00", "0.00")
    assert [one["amount"] for one in found["adjustments"]] == ["300.00", "-300.00"]


def test_each_refusal_names_the_step_that_helps(clinic: Clinic) -> None:
    sent = clinic.submitted("100.00")
    assert "transferBalance" in _refused(clinic, sent, "10.00", group="PR")["message"]
    assert _refused(clinic, sent, "10.00", adjustedOn="2000-01-01")["path"] == ["input", "adjustedOn"]
    assert _refused(clinic, sent, "10.00", remarkCodes=["N1", "N-2"])["path"] == ["input", "remarkCodes", "1"]
    assert "submitInvoice" in _refused(clinic, clinic.invoice("100.00"), "10.00")["message"]
    paid = clinic.agreed("100.00")
    clinic.pays("100.00", {paid: "100.00"})
    assert "returnCheque" in _refused(clinic, paid, "10.00")["message"]
    clinic.settles(clinic.look(paid)["case"]["id"])
    assert "reopenCase" in _refused(clinic, paid, "10.00")["message"]
    void = clinic.submitted("100.00")
    _adjust(clinic, void, "10.00")
    clinic.step("voidInvoice", void, clinic.admin, reason="Wrong case")
    assert "createInvoice" in _refused(clinic, void, "10.00")["message"]
    lost = clinic.submitted("100.00")
    clinic.step("writeOffInvoice", lost, clinic.admin, reason="Lost")
    assert "reverseWriteOff" in _refused(clinic, lost, "100.00")["message"]
    assert _adjust(clinic, lost, "40.00")["status"] == "WRITTEN_OFF"


def test_an_old_version_and_a_key_used_twice_record_nothing_twice(clinic: Clinic) -> None:
    invoice = clinic.submitted("1000.00")
    version = clinic.look(invoice)["version"]
    first = _adjust(clinic, invoice, "10.00", version=version, idempotencyKey=f"adjusted {invoice}")
    again = _adjust(clinic, invoice, "10.00", version=version, idempotencyKey=f"adjusted {invoice}")
    assert [len(one["adjustments"]) for one in (first, again)] == [1, 1]
    assert _refused(clinic, invoice, "10.00", version=version)["code"] == "STALE_VERSION"


def test_attorneys_analysts_and_physicians_see_nothing_of_an_adjustment(
    clinic: Clinic, attorney: Client, own_attorney: str, listen: Any, received: Any
) -> None:
    invoice = clinic.submitted("600.00")
    case = clinic.look(invoice)["case"]["id"]
    done(clinic.billing, "assignAttorney", "case { id }", caseId=case, attorneyId=own_attorney)
    before = attorney.read(_WHOLE, id=invoice)
    assert before["invoice"] is not None
    with listen("attorney") as of_attorney, listen("billing") as of_staff:
        _adjust(clinic, invoice, "100.00")
        heard = received(of_staff, of_attorney)
    assert heard == [[clinic.look(invoice)["number"]], []]
    assert attorney.read(_WHOLE, id=invoice) == before
    for hidden in ("adjustments { amount }", "contractualAmount"):
        assert "errors" in attorney.ask(_WHOLE.replace("lines {", f"{hidden} lines {{"), id=invoice)


def test_the_export_of_adjustments_says_what_contracts_took_off(
    clinic: Clinic, address: DatabaseUrls, tmp_path: Path
) -> None:
    payer = done(clinic.billing, "createPayer", "payer { id }", name="Exported contract", kind="INSURANCE")["id"]
    own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    own.payer = payer
    invoice = own.agreed("500.00")
    for amount in ("33.33", "-3.33"):
        _adjust(own, invoice, amount)
    with bureau_over(address, Folder(tmp_path)) as bureau:
        found = bureau.rows(Role.BILLING, "exportAdjustments", filter={"payerId": [payer]})
    assert [(row["Kind"], Decimal(row["Amount"])) for row in found] == [("CONTRACTUAL", Decimal("30.00"))]
