"""Payments of which a later one took money back hang together: neither is returned or corrected, and the refusal says what to do."""

import pytest

from tests.api.payments.paying import CHEQUE
from tests.api.remittances.remitting import claim, imported, number_of, payment, posted
from tests.support.api.mutations import refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import TODAY, Clinic, broken_laws


@pytest.mark.parametrize("which", ["earlier", "later"])
@pytest.mark.parametrize("mutation", ["returnCheque", "correctCheque"])
def test_a_payment_and_the_one_that_took_money_of_it_back_are_neither_returned_nor_corrected(
    clinic: Clinic, which: str, mutation: str
) -> None:
    invoice, other = clinic.submitted("100.00"), clinic.submitted("130.00")
    number = number_of(clinic, invoice)
    first = posted(clinic, imported(clinic, payment(claim(number, "100.00", "100.00", payer_number="PCN-9"))))
    back = claim(number, "-100.00", "-100.00", status_code="22", payer_number="PCN-9")
    paid = claim(number_of(clinic, other), "130.00", "130.00")
    later = posted(clinic, imported(clinic, payment(back, paid)))
    chosen = (first if which == "earlier" else later)["payments"][0]["cheque"]
    more = {"returnedOn": TODAY} if mutation == "returnCheque" else {"bank": "Another bank"}
    with nothing_changes(clinic.address):
        error = refused(clinic.admin, mutation, CHEQUE, chequeId=chosen["id"], reason="It bounced", **more)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "chequeId"])
    assert later["payments"][0]["cheque"]["number"] in error["message"]
    assert "record what it pays" in error["message"]
    assert broken_laws(clinic.address) == ()
