"""The money of merged payers is that of one payer: corrections, remittances, requests to pay back, and what is open of it."""

from typing import Any

import pytest

from tests.api.merges.test_merging import a_payer, owed_by
from tests.api.payments.paying import day, paid, refunded, returned
from tests.api.payments.test_carried_rows import corrected
from tests.api.payments.test_recoupment import REQUEST, adjusted, ask
from tests.api.remittances.remitting import REMITTANCE, claim, imported, number_of, payment, posted
from tests.support.api.mutations import done
from tests.support.api.scenarios import Clinic, broken_laws
from tests.support.merges import merge


@pytest.fixture
def payers(clinic: Clinic) -> tuple[str, str]:
    """A payer that is to be merged, and the one that stays."""
    return a_payer(clinic.billing), a_payer(clinic.billing)


@pytest.mark.parametrize("given", [0, 1], ids=["the old id", "the new id"])
def test_a_refunded_payment_is_corrected_and_its_payer_named_by_either_id(
    clinic: Clinic, payers: tuple[str, str], given: int
) -> None:
    cheque = paid(clinic, "100.00", payerId=payers[0])["id"]
    refunded(clinic, cheque, "25.00")
    merge(clinic.admin, *payers)
    right = corrected(clinic, cheque, payerId=payers[given], amount="110.00")
    assert right["unappliedAmount"] == "85.00"
    assert [one["amount"] for one in right["refunds"]] == ["25.00"]
    assert broken_laws(clinic.address) == ()


def test_a_corrected_payment_keeps_its_coverage_where_its_payer_is_named_by_the_new_id(
    clinic: Clinic, payers: tuple[str, str]
) -> None:
    case = clinic.case()
    first, _ = (
        done(clinic.billing, "addCoverage", "coverage { id }", caseId=case, kind=kind, payerId=payers[0])["id"]
        for kind in ("PIP", "HEALTH")
    )
    invoice = owed_by(clinic, payers[0], "1000.00", case)
    under = [{"invoiceId": invoice, "amount": "40.00", "coverageId": first}]
    cheque = paid(clinic, "40.00", payerId=payers[0], allocations=under)["id"]
    merge(clinic.admin, *payers)
    fields = "cheque { id allocations { amount coverage { id } } }"
    of = {"chequeId": cheque, "payerId": payers[1], "number": "MERGED-1", "reason": "Typed wrong"}
    right = done(clinic.admin, "correctCheque", fields, **of)
    assert right["allocations"] == [{"amount": "40.00", "coverage": {"id": first}}]


def test_a_row_of_one_payer_is_proposed_for_the_request_of_the_other(clinic: Clinic, payers: tuple[str, str]) -> None:
    request = ask(clinic, payerId=payers[1], reference="MERGED-ASK")
    row = adjusted(clinic, paid(clinic, "100.00", payerId=payers[0])["id"], "40.00", "MERGED-ASK")
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on RecoupmentRequest {REQUEST.removeprefix('recoupmentRequest ')} }} }}"

    def proposed() -> Any:
        return clinic.billing.read(query, id=request["id"])["node"]["proposedAdjustments"]

    assert proposed() == []
    merge(clinic.admin, *payers)
    assert proposed() == [{"id": row}]


def test_the_payer_of_a_remittance_is_identified_again_by_either_id(clinic: Clinic, payers: tuple[str, str]) -> None:
    invoice = owed_by(clinic, payers[0], "100.00")
    sent = payment(claim(number_of(clinic, invoice), "100.00", "100.00"), payer_name="Nobody", payer_identifier="9")
    [shown] = imported(clinic, sent, payerId=payers[0])["payments"]
    merge(clinic.admin, *payers)
    for one in payers:
        now = done(clinic.billing, "identifyRemittancePayer", REMITTANCE, paymentId=shown["id"], payerId=one)
        assert (now["payments"][0]["status"], now["payments"][0]["payer"]["id"]) == ("MATCHED", payers[1])
    assert posted(clinic, now)["payments"][0]["cheque"]["unappliedAmount"] == "0.00"
    assert broken_laws(clinic.address) == ()


def test_what_one_payer_was_refunded_too_much_is_set_off_against_what_the_other_has_unapplied(
    clinic: Clinic, payers: tuple[str, str]
) -> None:
    days: dict[str, Any] = {"receivedOn": day(-9), "chequeDate": day(-9)}
    bounced = paid(clinic, "100.00", payerId=payers[0], **days)["id"]
    refunded(clinic, bounced, "100.00", refundedOn=day(-5))
    returned(clinic, bounced, returnedOn=day(-2))
    paid(clinic, "100.00", payerId=payers[1])
    merge(clinic.admin, *payers)
    found = clinic.billing.read(
        "query ($p: [ID!]) { agingByPayer(filter: {payerId: $p}) { unappliedAmount } }", p=[payers[1]]
    )
    assert [row["unappliedAmount"] for row in found["agingByPayer"]] in ([], ["0.00"])
    assert done(clinic.billing, "retirePayer", "payer { active }", payerId=payers[1]) == {"active": False}


def test_no_law_is_broken(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
