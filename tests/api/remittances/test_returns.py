"""Payments of which a later one took money back, and those later ones, are returned and corrected, and no money is lost or made."""

from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from db.global_ids import make_id
from domain.remittances.remittance import ProviderAdjustment
from tests.api.payments.paying import CHEQUE, day, items, paid, refund_of
from tests.api.remittances.remitting import claim, claims_of, imported, money, number_of, payment, posted
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes, today, uuid_of
from tests.support.api.scenarios import TODAY, Clinic, broken_laws, line
from tests.support.databases import rows

_ROWS = """select c.number, a.amount::text, a.reversal_kind from cheque_allocations a join cheques c on c.id = a.cheque_id
    where a.invoice_id = $1 and c.corrected_at is null and a.reversal_kind is distinct from 'moved' and not exists (
        select from cheque_allocations m where m.reverses_id = a.id and m.reversal_kind = 'moved')"""
_INVOICE = "query ($id: ID!) { invoice(id: $id) { status receivedAmount balance fullyPaidOn } }"
_REASON = {"reason": "As the bank says"}


@dataclass
class Taken:
    """An invoice of 100.00 that the earlier payment paid; the later one took that back, and paid 130.00 of another invoice with 30.00."""

    clinic: Clinic
    invoice: str
    other: str
    earlier: str
    later: str

    def look(self, invoice: str | None = None) -> dict[str, Any]:
        """An invoice, by default the one of which money was taken back."""
        found: dict[str, Any] = self.clinic.billing.read(_INVOICE, id=invoice or self.invoice)["invoice"]
        return found

    def cheque(self, identity: str) -> dict[str, Any]:
        """A payment."""
        return cheque(self.clinic, identity)

    @property
    def parts(self) -> list[tuple[str, str]]:
        """The rows of the invoice, of payments that are right: amount and kind of reversal."""
        found = rows(self.clinic.address, _ROWS, uuid_of(self.invoice))
        return sorted(((row["amount"], row["reversal_kind"] or "") for row in found), key=lambda part: part[::-1])

    def returned(self, identity: str, **values: Any) -> Any:
        """A payment that is returned."""
        return done(
            self.clinic.admin,
            "returnCheque",
            CHEQUE,
            **{"chequeId": identity, "returnedOn": TODAY, **_REASON, **values},
        )

    def corrected(self, identity: str, **values: Any) -> str:
        """The id of a payment in the place of one that was typed wrong."""
        found: str = done(self.clinic.admin, "correctCheque", CHEQUE, chequeId=identity, **_REASON, **values)["id"]
        return found

    def is_lawful(self) -> bool:
        """Whether no law is broken."""
        return broken_laws(self.clinic.address) == ()


def cheque(clinic: Clinic, identity: str) -> dict[str, Any]:
    """A payment as it is now."""
    selection = CHEQUE.removeprefix("cheque ")
    found: dict[str, Any] = clinic.billing.read(
        f"query ($id: ID!) {{ node(id: $id) {{ ... on Cheque {selection} }} }}", id=identity
    )["node"]
    return found


_names = count(1)


def taken_back(clinic: Clinic) -> Taken:
    """Money that a payer of its own took back."""
    name = f"Taking Mutual {next(_names)}"
    payer = done(clinic.billing, "createPayer", "payer { id }", name=name, kind="INSURANCE")["id"]
    clinic = copy(clinic)
    clinic.payer = payer
    invoice, other = clinic.submitted("100.00"), clinic.submitted("130.00")
    number = number_of(clinic, invoice)
    first = posted(
        clinic,
        imported(
            clinic, payment(claim(number, "100.00", "100.00", payer_number="PCN-9"), paid_on=today() - timedelta(5))
        ),
    )
    later = take_back_again(
        clinic, invoice, claim(number_of(clinic, other), "130.00", "130.00"), paid_on=today() - timedelta(2)
    )
    return Taken(clinic, invoice, other, first["payments"][0]["cheque"]["id"], later)


def take_back_again(clinic: Clinic, invoice: str, *paid_claims: Any, **values: Any) -> str:
    """The id of a payment that takes back what was paid of an invoice of 100.00."""
    back = claim(number_of(clinic, invoice), "-100.00", "-100.00", status_code="22", payer_number="PCN-9")
    found = posted(clinic, imported(clinic, payment(back, *paid_claims, **values)))
    assert [one["isPosted"] for one in claims_of(found)] == [True] * (1 + len(paid_claims)), claims_of(found)
    identity: str = found["payments"][0]["cheque"]["id"]
    return identity


def test_what_a_returned_payment_had_taken_back_is_received_again_and_can_be_taken_back_again(clinic: Clinic) -> None:
    taken = taken_back(clinic)
    assert taken.look()["receivedAmount"] == "0.00"
    now = taken.returned(taken.later)
    assert (now["status"], now["unappliedAmount"], now["isBounced"]) == ("RETURNED", "0.00", True)
    assert taken.look() == {
        "status": "CHEQUE_RECEIVED",
        "receivedAmount": "100.00",
        "balance": "0.00",
        "fullyPaidOn": TODAY,
    }
    assert taken.look(taken.other)["balance"] == "130.00"
    assert taken.parts == [("100.00", ""), ("100.00", "returned"), ("-100.00", "taken_back")]
    assert taken.is_lawful()
    again = take_back_again(taken.clinic, taken.invoice, claim(number_of(clinic, taken.other), "130.00", "130.00"))
    assert taken.look()["receivedAmount"] == "0.00"
    # And so on: the second one is returned, and then the first of all.
    taken.returned(again)
    taken.returned(taken.earlier)
    assert taken.look()["receivedAmount"] == "0.00"
    assert [cheque(clinic, one)["unappliedAmount"] for one in (taken.earlier, taken.later, again)] == ["0.00"] * 3
    assert taken.is_lawful()


def test_a_payment_is_returned_after_it_was_taken_back_and_its_payer_owes_what_it_took_too_much(clinic: Clinic) -> None:
    taken = taken_back(clinic)
    before = taken.look()
    assert taken.returned(taken.earlier)["unappliedAmount"] == "0.00"
    assert taken.look() == before
    assert taken.cheque(taken.later)["unappliedAmount"] == "-100.00"
    assert taken.parts == [("100.00", ""), ("-100.00", "returned"), ("100.00", "returned"), ("-100.00", "taken_back")]
    assert taken.is_lawful()
    [(kind, due_on, subject)] = items(clinic.billing, taken.later)
    assert (kind, due_on) == ("UNAPPLIED_MONEY", TODAY)
    assert "took back $100.00 of a payment that was returned" in subject
    assert "moveAllocation" in subject
    # Nothing changed of the invoice: it is not asked for again.
    assert items(clinic.billing, taken.earlier) == []


@pytest.mark.parametrize("way", ["moveAllocation", "giveUpRefund", "next payment"])
def test_what_the_payer_owes_ends(clinic: Clinic, way: str) -> None:
    taken = taken_back(clinic)
    taken.returned(taken.earlier)
    number = taken.cheque(taken.later)["number"]
    if way == "giveUpRefund":
        done(clinic.admin, "giveUpRefund", CHEQUE, chequeId=taken.later, reason="Insolvent")
        with nothing_changes(clinic.address):
            error = refused(clinic.admin, "giveUpRefund", CHEQUE, chequeId=taken.later, reason="Insolvent")
        assert error["code"] == "CONFLICT"
    else:
        next_payment = paid(taken.clinic, "100.00")["id"]
        assert items(clinic.billing, taken.later) == []
        with nothing_changes(clinic.address):
            error = refused(clinic.admin, "refundCheque", CHEQUE, **refund_of(next_payment, "100.00"))
        assert f"took back of payments that were returned, with {number}: move as much" in error["message"]
        moved = {"chequeId": taken.later, "invoiceId": taken.other, "amount": "100.00", **_REASON}
        done(clinic.admin, "moveAllocation", CHEQUE, **moved)
        assert taken.look(taken.other)["balance"] == "100.00"
        parts = [{"invoiceId": taken.other, "amount": "100.00"}]
        done(clinic.billing, "allocateCheque", CHEQUE, chequeId=next_payment, allocations=parts)
        assert taken.look(taken.other)["balance"] == "0.00"
    assert taken.cheque(taken.later)["unappliedAmount"] == "0.00"
    assert items(clinic.billing, taken.later) == []
    assert taken.is_lawful()


@pytest.mark.parametrize("which", ["earlier", "later"])
@pytest.mark.parametrize("state", ["taken back", "earlier returned", "later returned", "both returned"])
def test_either_of_the_two_is_corrected_at_any_time_and_what_was_taken_back_goes_along(
    clinic: Clinic, which: str, state: str
) -> None:
    taken = taken_back(clinic)
    for one in ("later", "earlier"):
        if state in (f"{one} returned", "both returned"):
            taken.returned(getattr(taken, one))
    before = [taken.look(), taken.look(taken.other), taken.parts]
    unapplied = [taken.cheque(one)["unappliedAmount"] for one in (taken.earlier, taken.later)]
    setattr(taken, which, taken.corrected(getattr(taken, which), number="RIGHT-1", bank="Another bank"))
    assert [taken.look(), taken.look(taken.other)] == before[:2]
    assert [taken.cheque(one)["unappliedAmount"] for one in (taken.earlier, taken.later)] == unapplied
    assert taken.cheque(getattr(taken, which))["number"] == "RIGHT-1"
    assert taken.is_lawful()
    # A second time, and what was not returned can be returned then.
    setattr(taken, which, taken.corrected(getattr(taken, which), number="RIGHT-2"))
    for one in ("earlier", "later"):
        if taken.cheque(getattr(taken, one))["status"] == "RECEIVED":
            taken.returned(getattr(taken, one))
            assert taken.is_lawful()
    assert taken.look()["receivedAmount"] == "0.00"
    assert [taken.cheque(one)["unappliedAmount"] for one in (taken.earlier, taken.later)] == ["0.00", "0.00"]


def test_what_was_taken_back_goes_along_whichever_allocations_are_given(clinic: Clinic) -> None:
    taken = taken_back(clinic)
    third = taken.clinic.submitted("50.00")
    # The right one is larger, and pays another invoice as well; what was taken back is left out of the list.
    given = [{"invoiceId": third, "amount": "50.00"}]
    taken.earlier = taken.corrected(taken.earlier, amount="150.00", allocations=given)
    assert taken.parts == [("100.00", ""), ("-100.00", "taken_back")]
    assert (taken.look()["receivedAmount"], taken.look(third)["receivedAmount"]) == ("0.00", "50.00")
    # With it, and more of it than was taken back: the rest pays it.
    given = [{"invoiceId": taken.invoice, "amount": "130.00"}]
    taken.earlier = taken.corrected(taken.earlier, allocations=given)
    assert (taken.look()["receivedAmount"], taken.look(third)["receivedAmount"]) == ("30.00", "0.00")
    assert taken.cheque(taken.earlier)["unappliedAmount"] == "20.00"
    given = [{"invoiceId": taken.invoice, "amount": "100.00"}, {"invoiceId": third, "amount": "50.00"}]
    taken.earlier = taken.corrected(taken.earlier, allocations=given)
    assert taken.parts == [("100.00", ""), ("-100.00", "taken_back")]
    assert taken.cheque(taken.earlier)["unappliedAmount"] == "0.00"
    # The later one took back what it did; its other allocations are other ones.
    given = [{"invoiceId": taken.other, "amount": "130.01"}]
    with nothing_changes(clinic.address):
        error = refused(taken.clinic.admin, "correctCheque", CHEQUE, chequeId=taken.later, allocations=given, **_REASON)
    assert "more than its amount" in error["message"]
    given = [{"invoiceId": taken.other, "amount": "90.00"}]
    taken.later = taken.corrected(taken.later, allocations=given)
    assert taken.cheque(taken.later)["unappliedAmount"] == "40.00"
    assert taken.is_lawful()
    # Returned together with it, nothing of either is left.
    taken.returned(taken.earlier)
    assert taken.cheque(taken.later)["unappliedAmount"] == "-60.00"
    taken.returned(taken.later)
    assert [taken.cheque(one)["unappliedAmount"] for one in (taken.earlier, taken.later)] == ["0.00", "0.00"]
    assert taken.is_lawful()


@pytest.mark.parametrize(
    ("which", "values", "path", "words"),
    [
        ("earlier", {"allocations": "60.00"}, "allocations", "allocate at least as much to it"),
        ("earlier", {"payer": True}, "payerId", "return that payment first (returnCheque)"),
        ("earlier", {"receivedOn": day(0), "chequeDate": day(0)}, "receivedOn", "it was received by then"),
        ("later", {"payer": True}, "payerId", "return this payment (returnCheque)"),
        ("later", {"receivedOn": day(-9), "chequeDate": day(-9)}, "receivedOn", "it was not received before that day"),
    ],
)
def test_a_correction_with_which_nothing_could_have_been_taken_back_is_refused_with_the_step_that_helps(
    clinic: Clinic, which: str, values: dict[str, Any], path: str, words: str
) -> None:
    taken = taken_back(clinic)
    given = dict(values)
    if given.pop("payer", None):
        given["payerId"] = clinic.payer
        for invoice in (taken.invoice, taken.other):
            to = {"payerId": clinic.payer, "reason": "OTHER", "note": "As it is"}
            if taken.look(invoice)["balance"] != "0.00":
                done(clinic.billing, "transferBalance", "invoice { id }", invoiceId=invoice, **to)
    if amount := given.get("allocations"):
        given["allocations"] = [{"invoiceId": taken.invoice, "amount": amount}]
    with nothing_changes(clinic.address):
        error = refused(clinic.admin, "correctCheque", CHEQUE, chequeId=getattr(taken, which), **given, **_REASON)
    assert error["path"] == ["input", path], error
    assert words in error["message"]


@pytest.mark.parametrize("use", ["row", "claim"])
def test_what_is_used_of_money_that_is_taken_back_of_a_younger_invoice_counts_from_the_day_of_that(
    clinic: Clinic, use: str
) -> None:
    invoice, other = clinic.submitted("100.00"), clinic.submitted("130.00")
    posted(
        clinic, imported(clinic, payment(claim(number_of(clinic, invoice), "100.00", "100.00", payer_number="PCN-9")))
    )
    # The payment came before the invoice was made of which it takes money back.
    on = {"paid_on": today() - timedelta(2)}
    if use == "row":
        later = take_back_again(
            clinic, invoice, provider_adjustments=(ProviderAdjustment("FB", money("-100.00"), "REF"),), **on
        )
    else:
        later = take_back_again(clinic, invoice, claim(number_of(clinic, other), "130.00", "130.00"), **on)
    assert broken_laws(clinic.address) == ()
    done(clinic.admin, "correctCheque", CHEQUE, chequeId=later, number=f"RIGHT-{use}", **_REASON)
    assert broken_laws(clinic.address) == ()


def test_what_others_have_paid_meanwhile_is_moved_before_the_later_payment_is_returned(clinic: Clinic) -> None:
    taken = taken_back(clinic)
    third = taken.clinic.submitted("70.00")
    meanwhile = paid(taken.clinic, "70.00", {taken.invoice: "70.00"})["id"]
    told = {"chequeId": taken.later, "returnedOn": TODAY, **_REASON}
    with nothing_changes(clinic.address):
        error = refused(clinic.admin, "returnCheque", CHEQUE, **told)
    assert (
        "which is $70.00 more than is left: move as much of what came since first (moveAllocation)" in error["message"]
    )
    moved = {"chequeId": meanwhile, "invoiceId": taken.invoice, "toInvoiceId": third, **_REASON}
    done(clinic.admin, "moveAllocation", CHEQUE, **moved)
    taken.returned(taken.later)
    assert (taken.look()["receivedAmount"], taken.look(third)["balance"]) == ("100.00", "0.00")
    assert taken.is_lawful()


def test_a_void_invoice_takes_nothing_again_and_the_earlier_payment_is_unapplied(clinic: Clinic) -> None:
    taken = taken_back(clinic)
    lines = [{**line("80.00"), "units": 1}]
    replacing = {"invoiceId": taken.invoice, "lines": lines, "confirmDuplicate": True, **_REASON}
    new = done(clinic.admin, "replaceInvoice", "invoice { id }", **replacing)["id"]
    taken.returned(taken.later)
    assert (taken.look()["status"], taken.look()["receivedAmount"]) == ("VOID", "0.00")
    assert taken.cheque(taken.earlier)["unappliedAmount"] == "100.00"
    assert taken.is_lawful()
    parts = [{"invoiceId": new, "amount": "80.00"}]
    done(clinic.billing, "allocateCheque", CHEQUE, chequeId=taken.earlier, allocations=parts)
    assert taken.look(new)["balance"] == "0.00"
    # Both are corrected, and the earlier one is returned as well.
    taken.later = taken.corrected(taken.later, number=f"RIGHT-{new}"[:20])
    taken.earlier = taken.corrected(taken.earlier, number=f"RIGHT-{new}"[:21])
    assert taken.cheque(taken.earlier)["unappliedAmount"] == "20.00"
    assert taken.is_lawful()
    taken.returned(taken.earlier)
    assert taken.look(new)["balance"] == "80.00"
    assert taken.is_lawful()


@pytest.mark.parametrize("is_returned", [False, True])
def test_what_was_taken_back_is_not_moved_and_the_rest_is(clinic: Clinic, is_returned: bool) -> None:
    taken = taken_back(clinic)
    third, fourth = taken.clinic.submitted("50.00"), taken.clinic.submitted("60.00")
    given = [{"invoiceId": third, "amount": "50.00"}]
    taken.earlier = taken.corrected(taken.earlier, amount="150.00", allocations=given)
    if is_returned:
        taken.returned(taken.later)
    number = taken.cheque(taken.later)["number"]
    told = {"chequeId": taken.earlier, "toInvoiceId": fourth, **_REASON}
    with nothing_changes(clinic.address):
        error = refused(clinic.admin, "moveAllocation", CHEQUE, invoiceId=taken.invoice, amount="10.00", **told)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "invoiceId"])
    assert f"With payment {number} the payer took this back" in error["message"]
    done(clinic.admin, "moveAllocation", CHEQUE, invoiceId=third, **told)
    assert (taken.look(third)["balance"], taken.look(fourth)["balance"]) == ("50.00", "10.00")
    assert taken.is_lawful()


def test_a_refund_of_the_later_payment_is_covered_by_the_next_one(clinic: Clinic) -> None:
    taken = taken_back(clinic)
    taken.later = taken.corrected(taken.later, amount="80.00")
    done(clinic.admin, "refundCheque", CHEQUE, **refund_of(taken.later, "50.00"))
    taken.returned(taken.earlier)
    assert taken.cheque(taken.later)["unappliedAmount"] == "-100.00"
    [(identity,)] = rows(clinic.address, "select id from refunds where cheque_id = $1", uuid_of(taken.later))
    next_payment = paid(taken.clinic, "60.00")["id"]
    told = {"refundId": make_id("Refund", identity), "chequeId": next_payment, **_REASON}
    assert done(clinic.admin, "coverRefund", CHEQUE, **told)["unappliedAmount"] == "10.00"
    assert taken.cheque(taken.later)["unappliedAmount"] == "-50.00"
    assert taken.is_lawful()
    # What is given up is owed again where the payment that owed it is returned, which leaves nothing of it.
    done(clinic.admin, "giveUpRefund", CHEQUE, chequeId=taken.later, reason="Insolvent")
    assert taken.cheque(taken.later)["unappliedAmount"] == "0.00"
    taken.returned(taken.later)
    assert taken.cheque(taken.later)["unappliedAmount"] == "0.00"
    assert taken.is_lawful()
