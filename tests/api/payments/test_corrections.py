"""A payment that was typed wrong is corrected in one step, at every state of it: another one takes its place, and nothing counts as returned."""

from collections.abc import Callable
from typing import Any

import pytest

from db.global_ids import make_id
from tests.api.payments.paying import CHEQUE as _CHEQUE
from tests.api.payments.paying import day, deposited, look, paid, paper, returned
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import TODAY, Clinic, broken_laws
from tests.support.databases import rows

CHEQUE = (
    _CHEQUE[:-1]
    + """ payer { id } corrects { id number status } correctedBy { id number } correctionReason
    allocations { amount effectiveOn reversalKind invoice { id status balance } } }"""
)
YESTERDAY = day(-1)


def corrected(clinic: Clinic, cheque: str, **right: Any) -> Any:
    """The payment that takes the place of another one."""
    given = {"reason": "A typing error", **right}
    return done(clinic.admin, "correctCheque", CHEQUE, chequeId=cheque, **given)


def parts_of(cheque: Any) -> list[tuple[str, str | None]]:
    """The amounts of its allocations, each with the kind of its reversal."""
    return [(part["amount"], part["reversalKind"]) for part in cheque["allocations"]]


def at(cheque: Any, invoice: str) -> Any:
    """The allocations of a payment to an invoice."""
    return [part for part in cheque["allocations"] if part["invoice"]["id"] == invoice]


def ledger(clinic: Clinic, invoice: str) -> tuple[Any, ...]:
    """Status, received amount, balance and the day fully paid."""
    now = clinic.look(invoice, clinic.admin)
    return now["status"], now["receivedAmount"], now["balance"], now["fullyPaidOn"]


def test_a_number_is_corrected_and_nothing_else_changes(clinic: Clinic) -> None:
    invoice = clinic.agreed("100.00")
    wrong = paid(clinic, "100.00", {invoice: "100.00"}, number="10O1")
    before = ledger(clinic, invoice)
    right = corrected(clinic, wrong["id"], number="1001", reason="The letter O instead of a zero")
    assert (right["number"], right["status"], right["correctionReason"]) == (
        "1001",
        "RECEIVED",
        "The letter O instead of a zero",
    )
    assert (right["corrects"], parts_of(right)) == (
        {"id": wrong["id"], "number": "10O1", "status": "CORRECTED"},
        [("100.00", None)],
    )
    assert ledger(clinic, invoice) == before == ("CHEQUE_RECEIVED", "100.00", "0.00", TODAY)
    gone = look(clinic.billing, wrong["id"])
    assert (gone["status"], gone["returnedOn"], gone["returnKind"], gone["isBounced"], gone["unappliedAmount"]) == (
        *("CORRECTED", None, None),
        False,
        "0.00",
    )
    step = clinic.look(invoice)["history"][-1]
    assert (step["transition"], step["fromStatus"], step["toStatus"]) == ("correct_cheque", *["CHEQUE_RECEIVED"] * 2)
    assert {"field": "reason", "before": None, "after": "The letter O instead of a zero"} in step["changes"]


def test_the_right_number_may_be_used_once_and_the_wrong_one_is_free_again(clinic: Clinic) -> None:
    wrong, other = paid(clinic, number="7001"), paid(clinic, number="7002")
    with nothing_changes(clinic.address):
        error = refused(
            clinic.billing, "correctCheque", CHEQUE, chequeId=wrong["id"], number="7002", reason="Typing error"
        )
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "number"])
    right = corrected(clinic, wrong["id"], number="7003")
    assert paid(clinic, number="7001")["number"] == "7001"
    back = corrected(clinic, other["id"], number=" \uff17\uff10\uff10\uff12 ")
    assert (back["number"], right["number"]) == ("7002", "7003")


@pytest.mark.parametrize(
    ("right", "allocations", "shown"),
    [
        ({"amount": "60.00"}, {"60.00"}, ("PENDING_CHEQUE", "60.00", "40.00", None)),
        ({"amount": "600.00"}, None, ("CHEQUE_RECEIVED", "100.00", "0.00", TODAY)),
        ({"receivedOn": YESTERDAY, "chequeDate": YESTERDAY}, None, ("CHEQUE_RECEIVED", "100.00", "0.00", TODAY)),
        ({"method": "WIRE"}, None, ("CHEQUE_RECEIVED", "100.00", "0.00", TODAY)),
        ({"bank": "First Bank"}, None, ("CHEQUE_RECEIVED", "100.00", "0.00", TODAY)),
    ],
)
def test_what_is_given_changes_and_everything_else_stays(
    clinic: Clinic, right: dict[str, str], allocations: set[str] | None, shown: tuple[Any, ...]
) -> None:
    invoice = clinic.agreed("100.00")
    wrong = paid(clinic, "100.00", {invoice: "100.00"})
    given: dict[str, Any] = dict(right)
    if allocations:
        given["allocations"] = [{"invoiceId": invoice, "amount": amount} for amount in allocations]
    now = corrected(clinic, wrong["id"], **given)
    assert ledger(clinic, invoice) == shown
    same = {"amount", "method", "bank", "chequeDate", "receivedOn", "number"} - right.keys()
    assert {name: now[name] for name in same} == {name: wrong[name] for name in same}
    assert {name: now[name] for name in right} == right
    assert broken_laws(clinic.address) == ()


def test_a_smaller_amount_needs_other_allocations(clinic: Clinic) -> None:
    invoice = clinic.agreed("100.00")
    wrong = paid(clinic, "100.00", {invoice: "100.00"})
    with nothing_changes(clinic.address):
        error = refused(
            clinic.billing, "correctCheque", CHEQUE, chequeId=wrong["id"], amount="99.99", reason="Typing error"
        )
    words = "$100.00 of the payment is allocated, which is more than its amount: give other allocations"
    assert (error["message"], error["path"]) == (words, ["input", "allocations"])


def test_another_payer_pays_only_what_it_was_responsible_for(clinic: Clinic) -> None:
    invoice = clinic.agreed("100.00")
    wrong = paid(clinic, "100.00", {invoice: "100.00"})
    payer = clinic.another_payer(clinic.look(invoice))
    with nothing_changes(clinic.address):
        error = refused(
            clinic.billing, "correctCheque", CHEQUE, chequeId=wrong["id"], payerId=payer, reason="Typing error"
        )
    number = clinic.look(invoice)["number"]
    assert error["message"].startswith(f"The payer was never responsible for {number}: give other allocations")
    right = corrected(clinic, wrong["id"], payerId=payer, allocations=[])
    assert (right["payer"]["id"], right["unappliedAmount"]) == (payer, "100.00")
    assert ledger(clinic, invoice) == ("PENDING_CHEQUE", "0.00", "100.00", None)


def test_the_money_of_a_wrong_payer_counts_to_the_round_of_the_right_one(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    firm = clinic.another_payer(clinic.look(invoice))
    clinic.step("transferBalance", invoice, payerId=firm, reason="OTHER", note="As it is")
    clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
    clinic.step("acceptInFull", invoice)
    wrong = paid(clinic, "100.00", {invoice: "40.00"})
    assert clinic.look(invoice)["agreedAmount"] == "60.00"
    corrected(clinic, wrong["id"], payerId=firm)
    now = clinic.look(invoice)
    assert (now["agreedAmount"], now["receivedAmount"], now["balance"]) == ("100.00", "40.00", "60.00")


def test_a_payment_of_the_wrong_invoice_is_one_of_the_right_one(clinic: Clinic) -> None:
    wrong_one, right_one = clinic.agreed("100.00"), clinic.agreed("100.00")
    wrong = paid(clinic, "100.00", {wrong_one: "100.00"})
    corrected(clinic, wrong["id"], allocations=[{"invoiceId": right_one, "amount": "100.00"}])
    assert ledger(clinic, wrong_one) == ("PENDING_CHEQUE", "0.00", "100.00", None)
    assert ledger(clinic, right_one) == ("CHEQUE_RECEIVED", "100.00", "0.00", TODAY)
    assert [clinic.look(one)["history"][-1]["transition"] for one in (wrong_one, right_one)] == ["correct_cheque"] * 2


# States of the payment.


def test_a_cheque_that_was_dated_wrong_is_held_after_all_and_back(clinic: Clinic) -> None:
    wrong = paper(clinic)
    held = corrected(clinic, wrong["id"], chequeDate=day(20))
    assert (held["status"], held["heldFrom"], held["unappliedAmount"], held["receivedOn"]) == (
        "HELD",
        TODAY,
        "0.00",
        TODAY,
    )
    back = corrected(clinic, held["id"], chequeDate=TODAY)
    assert (back["status"], back["heldFrom"], back["unappliedAmount"]) == ("RECEIVED", None, "100.00")


def test_a_held_cheque_pays_nothing(clinic: Clinic) -> None:
    invoice = clinic.agreed("100.00")
    wrong = clinic.pays("100.00", {invoice: "100.00"})
    with nothing_changes(clinic.address):
        error = refused(
            clinic.billing, "correctCheque", CHEQUE, chequeId=wrong["id"], chequeDate=day(20), reason="Typed"
        )
    assert error["path"] == ["input", "allocations"]
    held = corrected(clinic, wrong["id"], chequeDate=day(20), allocations=[])
    assert (held["status"], ledger(clinic, invoice)) == ("HELD", ("PENDING_CHEQUE", "0.00", "100.00", None))


def test_a_deposit_goes_along_and_its_total_is_that_of_the_right_payments(clinic: Clinic) -> None:
    wrong, other = paid(clinic, "100.00"), paid(clinic, "50.00")
    deposited(clinic, wrong["id"], other["id"])
    done(clinic.billing, "clearCheque", "cheque { id }", chequeId=wrong["id"], clearedOn=TODAY)
    right = corrected(clinic, wrong["id"], amount="110.00")
    assert (right["depositedOn"], right["clearedOn"], right["deposit"]["total"]) == (TODAY, TODAY, "160.00")
    held = clinic.pays("10.00", {}, chequeDate=day(5))
    assert corrected(clinic, held["id"], chequeDate=TODAY)["status"] == "RECEIVED"
    tomorrow = {"chequeDate": day(1), "receivedOn": TODAY}
    error = refused(clinic.billing, "correctCheque", CHEQUE, chequeId=right["id"], reason="Typed", **tomorrow)
    assert error["path"][1] == "chequeDate"


def test_the_return_of_a_payment_goes_along(clinic: Clinic) -> None:
    invoice = clinic.agreed("100.00")
    wrong = paid(clinic, "100.00", {invoice: "100.00"}, receivedOn=YESTERDAY, chequeDate=YESTERDAY)
    returned(clinic, wrong["id"], kind="NSF")
    right = corrected(clinic, wrong["id"], number="right", amount="120.00")
    assert (right["status"], right["returnedOn"], right["returnKind"], right["isBounced"]) == (
        "RETURNED",
        TODAY,
        "NSF",
        True,
    )
    assert sorted(parts_of(right)) == [("-100.00", "RETURNED"), ("100.00", None)]
    gone = look(clinic.billing, wrong["id"])
    assert (gone["status"], gone["isBounced"], gone["returnKind"]) == ("CORRECTED", False, "NSF")
    assert ledger(clinic, invoice) == ("PENDING_CHEQUE", "0.00", "100.00", None)
    counted = clinic.billing.read("{ cheques(first: 500, filter: {returned: true}) { nodes { id } } }")["cheques"][
        "nodes"
    ]
    assert {"id": right["id"]} in counted
    assert {"id": wrong["id"]} not in counted
    assert broken_laws(clinic.address) == ()


def test_allocations_of_a_returned_payment_that_had_paid_nothing_are_returned_as_well(clinic: Clinic) -> None:
    invoice, other = clinic.agreed("100.00"), clinic.agreed("100.00")
    wrong = paid(clinic, "100.00", {})
    returned(clinic, wrong["id"], kind="NSF")
    right = corrected(clinic, wrong["id"], allocations=[{"invoiceId": invoice, "amount": "100.00"}])
    assert sorted(parts_of(right)) == [("-100.00", "RETURNED"), ("100.00", None)]
    assert (right["status"], right["unappliedAmount"]) == ("RETURNED", "0.00")
    again = corrected(clinic, right["id"], allocations=[{"invoiceId": other, "amount": "40.00"}])
    assert sorted(parts_of(again)) == [("-40.00", "RETURNED"), ("40.00", None)]
    for one in (invoice, other):
        assert ledger(clinic, one) == ("PENDING_CHEQUE", "0.00", "100.00", None)
    assert broken_laws(clinic.address) == ()


def test_a_payment_that_was_replaced_by_another_one_is_corrected_too(clinic: Clinic) -> None:
    lost = paper(clinic)
    returned(clinic, lost["id"], kind="LOST")
    new = paper(clinic, replacesId=lost["id"])
    right = corrected(clinic, lost["id"], number="right")
    assert right["status"] == "RETURNED"
    again = corrected(clinic, new["id"], number="also right")
    assert again["replaces"] == {"id": right["id"]}
    error = refused(clinic.billing, "recordCheque", CHEQUE, **clinic.cheque_of("100.00", {}, replacesId=lost["id"]))
    assert error["path"] == ["input", "replacesId"]


# States of the invoices.


def _written_off(clinic: Clinic, invoice: str) -> None:
    clinic.step("writeOffInvoice", invoice, clinic.admin, reason="Nothing more will come")


def _transferred(clinic: Clinic, invoice: str) -> None:
    payer = clinic.another_payer(clinic.look(invoice))
    clinic.step("transferBalance", invoice, payerId=payer, reason="OTHER", note="As it is", keepAgreement=False)


def _reopened(clinic: Clinic, invoice: str) -> None:
    clinic.step("reopenReduction", invoice, reason="They want less")


def _nothing(clinic: Clinic, invoice: str) -> None:
    pass


@pytest.mark.parametrize("after", [_written_off, _transferred, _reopened, _nothing])
def test_a_payment_of_an_open_or_written_off_invoice_is_moved_and_corrected_back(
    clinic: Clinic, after: Callable[[Clinic, str], None]
) -> None:
    invoice, other = clinic.agreed("100.00"), clinic.agreed("100.00")
    wrong = paid(clinic, "40.00", {invoice: "40.00"})
    after(clinic, invoice)
    before, of_other = ledger(clinic, invoice), ledger(clinic, other)
    once = corrected(clinic, wrong["id"], allocations=[{"invoiceId": other, "amount": "40.00"}])
    assert ledger(clinic, invoice)[1] == "0.00"
    assert ledger(clinic, other)[1] == "40.00"
    corrected(clinic, once["id"], allocations=[{"invoiceId": invoice, "amount": "40.00"}])
    assert (ledger(clinic, invoice), ledger(clinic, other)) == (before, of_other)
    assert broken_laws(clinic.address) == ()


def test_a_settled_case_is_reopened_only_where_something_is_due_again_and_by_an_administrator(clinic: Clinic) -> None:
    case = clinic.case()
    first, second = clinic.agreed("100.00", case), clinic.agreed("50.00", case)
    wrong = paid(clinic, "150.00", {first: "100.00", second: "50.00"})
    clinic.settles(case)
    with nothing_changes(clinic.address):
        error = refused(
            clinic.billing, "correctCheque", CHEQUE, chequeId=wrong["id"], number="right", reason="Typed wrong"
        )
    assert error["code"] == "ILLEGAL_TRANSITION"
    assert "ask an administrator for: Correct a payment (correctCheque" in error["message"]
    right = corrected(clinic, wrong["id"], number="right")
    assert {ledger(clinic, one)[0] for one in (first, second)} == {"PAID"}
    corrected(clinic, right["id"], amount="60.00", allocations=[{"invoiceId": first, "amount": "60.00"}])
    now = clinic.look(first)
    assert (now["status"], now["case"]["status"], now["balance"]) == ("PENDING_CHEQUE", "OPEN", "40.00")
    assert ledger(clinic, second)[0] == "PENDING_CHEQUE"
    assert broken_laws(clinic.address) == ()


def test_a_payment_goes_along_through_a_replaced_invoice(clinic: Clinic) -> None:
    old = clinic.agreed("100.00")
    wrong = paid(clinic, "40.00", {old: "40.00"}, receivedOn=YESTERDAY, chequeDate=YESTERDAY)
    line = {"code": "A4556", "overridePrice": "70.00", "overrideReason": "As agreed"}
    new = clinic.step("replaceInvoice", old, clinic.admin, lines=[line], reason="A wrong line", confirmDuplicate=True)[
        "id"
    ]
    right = corrected(clinic, wrong["id"], receivedOn=TODAY, chequeDate=TODAY)
    shown = {(part["amount"], part["reversalKind"]) for part in at(right, old)}
    assert shown == {("40.00", None), ("-40.00", "REPLACED")}
    assert ledger(clinic, new)[:3] == ("PENDING_INVOICE", "40.00", "30.00")
    again = corrected(clinic, right["id"], amount="50.00", allocations=[{"invoiceId": new, "amount": "50.00"}])
    assert sorted(part["amount"] for part in at(again, old)) == ["-50.00", "50.00"]
    assert ledger(clinic, new)[1:3] == ("50.00", "20.00")
    assert broken_laws(clinic.address) == ()


# Refusals.


def test_a_corrected_payment_is_left_alone_and_the_one_in_its_place_is_named(clinic: Clinic) -> None:
    wrong = paid(clinic, number="A-1")
    second = corrected(clinic, wrong["id"], number="A-2")
    corrected(clinic, second["id"], number="A-3")
    attempts: dict[str, dict[str, Any]] = {
        "correctCheque": {"number": "A-4", "reason": "Again"},
        "returnCheque": {"returnedOn": TODAY, "reason": "Again"},
        "allocateCheque": {"allocations": []},
        "clearCheque": {"clearedOn": TODAY},
    }
    for cheque in (wrong, second):
        for name, values in attempts.items():
            with nothing_changes(clinic.address):
                error = refused(clinic.billing, name, "cheque { id }", chequeId=cheque["id"], **values)
            assert (error["code"], error["message"]) == (
                "CONFLICT",
                "This payment was corrected: payment A-3 stands in its place",
            )


def test_what_is_wrong_is_required_and_a_foreign_payment_is_not_found(clinic: Clinic) -> None:
    wrong = paid(clinic)
    inputs: list[tuple[dict[str, Any], str]] = [
        ({}, "INVALID_INPUT"),
        ({"number": "1", "reason": " "}, "INVALID_INPUT"),
        ({"amount": "0.00"}, "INVALID_INPUT"),
        ({"receivedOn": day(1)}, "INVALID_INPUT"),
        ({"chequeId": clinic.found.unknown("Cheque"), "number": "1"}, "NOT_FOUND"),
        ({"payerId": clinic.found.unknown("Payer")}, "NOT_FOUND"),
        ({"coverageId": clinic.found.unknown("Coverage")}, "INVALID_INPUT"),
    ]
    for given, code in inputs:
        with nothing_changes(clinic.address):
            known = {"chequeId": wrong["id"], "reason": "Typed wrong", **given}
            error = refused(clinic.billing, "correctCheque", CHEQUE, **known)
        assert error["code"] == code, (given, error)
        if not given:
            names = "payerId, method, number, amount, chequeDate, receivedOn, returnedOn, documentId, bank, coverageId, allocations"
            assert error["message"] == f"Give what was typed wrong: {names}"


def test_a_correction_that_is_sent_again_is_made_once(clinic: Clinic) -> None:
    wrong = paid(clinic)
    key = {"idempotencyKey": f"once-{wrong['id']}", "reason": "Typed wrong", "number": f"right {wrong['number']}"}
    first, second = (done(clinic.billing, "correctCheque", CHEQUE, chequeId=wrong["id"], **key) for _ in range(2))
    assert first["id"] == second["id"]


def test_the_paper_cheque_of_a_former_system_needs_no_scan(clinic: Clinic) -> None:
    query = """select c.id from cheques c where c.imported and c.returned_on is null and c.unapplied_amount = 0 and not exists (
        select from cheque_allocations a join invoices i on i.id = a.invoice_id where a.cheque_id = c.id and i.status = 'paid') limit 1"""
    cheque = make_id("Cheque", rows(clinic.address, query)[0]["id"])
    once = corrected(clinic, cheque, number="of the former system")
    assert corrected(clinic, once["id"], number="as it was there")["status"] == "RECEIVED"
    assert broken_laws(clinic.address) == ()


def test_no_law_is_broken(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
