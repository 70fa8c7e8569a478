"""Payments, remittances, corrections, refunds and merges that meet take their locks in one order, and none counts what another changes."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from tests.api.billing.concurrency.meeting import outcomes, while_inserts_wait, while_locked
from tests.api.merges.test_merging import a_patient, a_payer, owed_by
from tests.api.payments.paying import CHEQUE, day, electronic, paid, refund_of
from tests.api.payments.test_recoupment import adjusted, refund
from tests.api.payments.test_refunds_that_come_back import owed
from tests.api.remittances.remitting import REMITTANCE, claim, imported, look, number_of, payment
from tests.support.api.mutations import answered
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import TODAY, Clinic, allocations, broken_laws
from tests.support.merges import MERGE, merge

Late = Callable[[], Any]


def _held(invoice: str) -> str:
    return f"select from invoices where id = '{uuid_of(invoice)}' for update"


def _posting(clinic: Clinic, remittance: Any) -> Late:
    return partial(answered, clinic.billing, "postRemittance", REMITTANCE, remittanceId=remittance["id"])


def _paying(clinic: Clinic, parts: dict[str, str], **values: Any) -> Late:
    total = f"{sum(float(amount) for amount in parts.values()):.2f}"
    return partial(answered, clinic.billing, "recordCheque", CHEQUE, **electronic(clinic, total, parts, **values))


def _pays(clinic: Clinic, invoice: str, amount: str = "40.00", **values: Any) -> Any:
    return payment(claim(number_of(clinic, invoice), "100.00", amount, f"PR-2 {100 - float(amount):.2f}"), **values)


def test_a_cheque_that_is_typed_for_the_invoice_of_its_file_while_that_is_posted(clinic: Clinic) -> None:
    invoice, trace = clinic.submitted("100.00"), uuid4().hex[:12]
    came = imported(clinic, _pays(clinic, invoice, trace=trace))
    typed = _paying(clinic, {invoice: "40.00"}, number=trace)
    assert outcomes(while_locked(clinic, _held(invoice), typed, _posting(clinic, came))) == ["done", "done"]
    # What was posted too early waits with the reason, and is posted to the payment that was typed.
    waits = look(clinic.billing, came)
    assert (waits["postedCount"], "post the remittance again" in waits["claims"]["nodes"][0]["reason"]) == (0, True)
    assert outcomes([_posting(clinic, came)()]) == ["done"]
    assert (look(clinic.billing, came)["postedCount"], clinic.look(invoice)["receivedAmount"]) == (1, "40.00")


def test_a_cheque_of_a_known_bank_that_is_typed_while_a_file_with_the_same_invoice_is_posted(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    came = imported(clinic, _pays(clinic, invoice))
    typed = _paying(clinic, {invoice: "10.00"}, bank="First Bank")
    assert outcomes(while_locked(clinic, _held(invoice), typed, _posting(clinic, came))) == ["done", "done"]
    assert clinic.look(invoice)["receivedAmount"] == "50.00"


def test_a_file_of_two_payments_and_a_cheque_that_pay_the_same_invoices_in_another_order(clinic: Clinic) -> None:
    first, second = clinic.submitted("100.00"), clinic.submitted("100.00")
    came = imported(clinic, _pays(clinic, second), _pays(clinic, first))
    both = _paying(clinic, {first: "10.00", second: "10.00"})
    assert outcomes(while_locked(clinic, _held(second), _posting(clinic, came), both)) == ["done", "done"]
    assert {clinic.look(one)["receivedAmount"] for one in (first, second)} == {"50.00"}


_OF_PAYMENT: dict[str, dict[str, Any]] = {
    "correctCheque": {"reason": "A typing error", "bank": "First Bank"},
    "returnCheque": {"returnedOn": TODAY, "reason": "No funds"},
    "moveAllocation": {"reason": "The wrong invoice"},
    "allocateCheque": {},
}


@pytest.mark.parametrize("name", sorted(_OF_PAYMENT))
def test_a_file_of_two_payments_while_the_second_which_was_typed_is_changed(clinic: Clinic, name: str) -> None:
    case, trace = clinic.case(), uuid4().hex[:12]
    first, second = clinic.submitted("100.00", case), clinic.submitted("100.00", case)
    typed = paid(clinic, "40.00", {first: "10.00"}, number=trace)["id"]
    values = {"chequeId": typed, **_OF_PAYMENT[name]}
    if name == "moveAllocation":
        values |= {"invoiceId": first}
    if name == "allocateCheque":
        values |= {"allocations": allocations({first: "5.00"})}
    parts = ((second, "30.00", "PR-2 70.00"), (first, "10.00", "PR-2 90.00"))
    sent = [claim(number_of(clinic, one), "100.00", amount, rest) for one, amount, rest in parts]
    came = imported(clinic, _pays(clinic, first), payment(*sent, trace=trace))
    change = partial(answered, clinic.billing, name, CHEQUE, **values)
    answers = while_locked(clinic, _held(first), _posting(clinic, came), change)
    # Nothing is left to allocate once it is posted, and a correction has to know what was.
    ends = {"allocateCheque": "INVALID_INPUT", "correctCheque": "CONFLICT"}
    assert outcomes(answers) == ["done", ends.get(name, "done")]


@pytest.mark.parametrize("name", ["allocateCheque", "correctCheque"])
def test_a_payment_with_withheld_money_is_returned_while_the_refunded_one_is_changed(clinic: Clinic, name: str) -> None:
    own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    own.payer = a_payer(clinic.billing)
    invoice = own.agreed("100.00")
    old = paid(own, "60.00", {invoice: "10.00"}, receivedOn=day(-9), chequeDate=day(-9))["id"]
    later = paid(own, "40.00", {invoice: "30.00"})["id"]
    row = adjusted(own, later, "5.00")
    refund(own, old, "5.00", providerAdjustmentId=row)
    given = (
        {"allocations": allocations({invoice: "5.00"})}
        if name == "allocateCheque"
        else {"reason": "Typed", "bank": "B"}
    )
    back = {"chequeId": later, "returnedOn": TODAY, "reason": "No funds"}
    answers = while_locked(
        clinic,
        _held(invoice),
        partial(answered, own.admin, "returnCheque", CHEQUE, **back),
        partial(answered, own.admin, name, CHEQUE, chequeId=old, **given),
    )
    assert outcomes(answers) == ["done", "done"]


def test_a_refund_that_is_covered_by_a_payment_while_another_is_refunded(clinic: Clinic) -> None:
    payer, returned, identity = owed(clinic, f"Covered {uuid4().hex[:6]}")
    assert answered(clinic.admin, "giveUpRefund", CHEQUE, refundId=identity, reason="Gone")["errors"] == []
    later = paid(clinic, "100.00", payerId=payer)["id"]
    cover = {"refundId": identity, "chequeId": later, "reason": "Paid back"}
    answers = while_locked(
        clinic,
        f"select from cheques where id = '{uuid_of(later)}' for update",
        partial(answered, clinic.admin, "coverRefund", CHEQUE, **cover),
        partial(answered, clinic.admin, "refundCheque", CHEQUE, **refund_of(returned, "1.00")),
    )
    assert outcomes(answers) == ["done", "CONFLICT"]


# Merges.


def test_a_merge_that_is_undone_while_its_payment_is_allocated_stays(clinic: Clinic) -> None:
    old, new = a_payer(clinic.billing), a_payer(clinic.billing)
    invoice = owed_by(clinic, old)
    kept = paid(clinic, "100.00", payerId=new)["id"]
    made = merge(clinic.admin, old, new)
    part = {"chequeId": kept, "allocations": allocations({invoice: "100.00"})}
    answers = while_inserts_wait(
        clinic,
        "cheque_allocations",
        partial(answered, clinic.billing, "allocateCheque", CHEQUE, **part),
        partial(answered, clinic.admin, "undoMerge", MERGE, mergeId=made["id"]),
    )
    assert outcomes(answers) == ["done", "CONFLICT"]
    assert "1 records that name both" in answers[1]["errors"][0]["message"]
    assert broken_laws(clinic.address) == ()


def test_payers_are_merged_while_the_one_pays_as_the_patient_what_the_other_owes(clinic: Clinic) -> None:
    patient = a_patient(clinic.billing)
    owing, paying = (a_payer(clinic.billing, kind="PATIENT", patientId=patient) for _ in range(2))
    case = clinic.case(patientId=patient)
    invoice = owed_by(clinic, owing, case=case)
    firm = a_payer(clinic.billing, kind="ATTORNEY")
    clinic.step("transferBalance", invoice, payerId=firm, reason="OTHER", note="As it is")
    answers = while_inserts_wait(
        clinic,
        "cheque_allocations",
        _paying(clinic, {invoice: "100.00"}, payerId=paying),
        partial(answered, clinic.admin, "mergePayers", MERGE, mergedId=paying, survivingId=owing),
    )
    assert outcomes(answers) == ["done", "CONFLICT"]
    assert broken_laws(clinic.address) == ()


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
