"""A payment of a remittance that was corrected: the remittance names the payment that stands, at once."""

from typing import Any

from tests.api.payments.paying import CHEQUE
from tests.api.remittances.remitting import claim, claims_of, imported, look, number_of, payment, posted
from tests.support.api.mutations import done
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.databases import rows


def corrected(clinic: Clinic, cheque: str, **values: Any) -> Any:
    """The payment that takes the place of one that was typed wrong."""
    return done(clinic.admin, "correctCheque", CHEQUE, chequeId=cheque, reason="Typed wrong", **values)


def named(clinic: Clinic, remittance: Any) -> Any:
    """The payment that a remittance names."""
    return look(clinic.billing, remittance)["payments"][0]["cheque"]


def test_a_remittance_names_the_payment_that_stands_before_its_rest_is_posted_and_after(clinic: Clinic) -> None:
    first, second = (clinic.submitted(price) for price in ("100.00", "130.00"))
    sent = payment(
        claim(number_of(clinic, first), "100.00", "100.00"), claim(number_of(clinic, second), "130.00", "130.00")
    )
    remittance = imported(clinic, sent)
    wrong = posted(clinic, remittance, claims_of(remittance)[0])["payments"][0]["cheque"]
    for number in ("RIGHT-1", "RIGHT-2"):
        right = corrected(clinic, wrong["id"], number=number)
        assert named(clinic, remittance)["id"] == right["id"]
        assert broken_laws(clinic.address) == ()
        wrong = right
    now = posted(clinic, remittance)
    assert (now["payments"][0]["cheque"]["id"], now["postedCount"], now["waitingCount"]) == (right["id"], 2, 0)
    assert now["payments"][0]["cheque"]["unappliedAmount"] == "0.00"
    assert broken_laws(clinic.address) == ()


def test_a_payment_that_was_typed_before_its_file_is_named_once_it_is_corrected(clinic: Clinic) -> None:
    invoice = clinic.submitted("100.00")
    sent = payment(claim(number_of(clinic, invoice), "100.00", "100.00"))
    inputs = {"payerId": clinic.payer, "method": "ACH", "number": sent.trace, "amount": "100.00"}
    days = {"chequeDate": sent.paid_on.isoformat(), "receivedOn": sent.paid_on.isoformat()}
    typed = done(clinic.billing, "recordCheque", CHEQUE, **inputs, **days, allocations=[])
    now = posted(clinic, imported(clinic, sent))
    assert (now["payments"][0]["cheque"]["id"], now["payments"][0]["isAttached"]) == (typed["id"], True)
    right = corrected(clinic, typed["id"], number="RIGHT-3")
    assert named(clinic, now)["id"] == right["id"]


def test_what_a_payer_takes_back_of_a_corrected_payment_is_found_by_its_own_number_of_the_claim(clinic: Clinic) -> None:
    """Of two payments of an invoice, the one with that number, though the other one came later."""
    invoice, other = clinic.submitted("100.00"), clinic.submitted("130.00")
    number = number_of(clinic, invoice)
    first = posted(
        clinic, imported(clinic, payment(claim(number, "100.00", "30.00", "PI-1 70.00", payer_number="PCN-A")))
    )
    posted(clinic, imported(clinic, payment(claim(number, "100.00", "30.00", "PI-1 70.00", payer_number="PCN-B"))))
    right = corrected(clinic, first["payments"][0]["cheque"]["id"], number="RIGHT-4")
    back = claim(number, "-100.00", "-30.00", "PI-1 -70.00", status_code="22", payer_number="PCN-A")
    paid = claim(number_of(clinic, other), "130.00", "130.00")
    posted(clinic, imported(clinic, payment(back, paid)))
    [[cheque]] = rows(
        clinic.address,
        """select a.cheque_id from cheque_allocations r join cheque_allocations a on a.id = r.reverses_id
        where r.reversal_kind = 'taken_back' and r.invoice_id = (select id from invoices where number = $1)""",
        number,
    )
    assert str(cheque) == rows(clinic.address, "select id::text from cheques where number = 'RIGHT-4'")[0][0]
    assert right["number"] == "RIGHT-4"
    assert broken_laws(clinic.address) == ()
