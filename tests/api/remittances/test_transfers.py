"""What a posted claim leaves is transferred: by its proposal, and under a coverage that forbids balance billing only what is PR."""

from tests.api.remittances.remitting import claim, claims_of, imported, number_of, payment, posted
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import Clinic, broken_laws


def test_balance_billing_moves_only_what_the_last_remittance_leaves_to_the_patient(clinic: Clinic) -> None:
    insurer = done(clinic.billing, "createPayer", "payer { id }", name="Forbidding Health", kind="INSURANCE")["id"]
    before, clinic.payer = clinic.payer, insurer
    try:
        case = clinic.case()
        health = {"caseId": case, "payerId": insurer, "kind": "HEALTH"}
        done(clinic.billing, "addCoverage", "coverage { id }", **health)
        first, second = (clinic.submitted("100.00", case) for _ in range(2))
        patient = clinic.look(first)
        sent = (
            claim(number_of(clinic, first), "100.00", "60.00", "CO-45 30.00", "PR-2 10.00"),
            claim(number_of(clinic, second), "100.00", "60.00", "PI-94 30.00", "PR-2 10.00"),
        )
        assert posted(clinic, imported(clinic, payment(*sent)))["postedCount"] == 2
        to = clinic.another_payer(patient)
        assert clinic.step("transferBalance", first, payerId=to, reason="OTHER")["balance"] == "10.00"
        with nothing_changes(clinic.address):
            told = {"invoiceId": second, "payerId": to, "reason": "COINSURANCE"}
            error = refused(clinic.billing, "transferBalance", "invoice { id }", **told)
        assert "$10.00 of the $40.00" in error["message"]
        assert "recordAdjustment" in error["message"]
    finally:
        clinic.payer = before


def test_a_transfer_by_a_claim_needs_a_posted_claim_of_the_invoice(clinic: Clinic) -> None:
    invoice, other = clinic.submitted("100.00"), clinic.submitted("100.00")
    came = imported(clinic, payment(claim(number_of(clinic, invoice), "100.00", "60.00", "PI-119 40.00")))
    [found] = claims_of(came)
    told = {
        "payerId": clinic.another_payer(clinic.look(invoice)),
        "reason": "EXHAUSTED",
        "remittanceClaimId": found["id"],
    }
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "transferBalance", "invoice { id }", invoiceId=invoice, **told)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "remittanceClaimId"])
    posted(clinic, came)
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "transferBalance", "invoice { id }", invoiceId=other, **told)
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "remittanceClaimId"])
    assert clinic.step("transferBalance", invoice, **told)["balance"] == "40.00"


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
