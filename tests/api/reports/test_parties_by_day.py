"""Figures by payer and attorney go by the day of the event: of the agreement and of full payment, and not by who owes now."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from db.global_ids import make_id
from domain.access.people import Role
from tests.support.api.mutations import done, refused
from tests.support.api.records import today, uuid_of
from tests.support.api.scenarios import TODAY, Clinic
from tests.support.databases import rows as rows_of

PERIOD = {"from": TODAY, "to": TODAY}
REDUCTIONS = """query ($of: AnalyticsFilter!) { analytics(filter: $of) { reductionRate { numerator }
    reductionsByPayer { payer { id } invoiceCount reductionRate { numerator denominator } }
    reductionsByAttorney { attorney { id } invoiceCount reductionRate { numerator } } } }"""
AGING = """query ($filter: InvoiceFilter, $of: AnalyticsFilter!) {
    agingByPayer(filter: $filter) { payer { id } invoiceCount outstanding unappliedAmount medianDaysToPay buckets { outstanding } }
    analytics(filter: $of) { agingByPayer { payer { id } outstanding unappliedAmount } } }"""
_names = count(1)


def _payer(clinic: Clinic, kind: str = "INSURANCE") -> str:
    made: str = done(clinic.billing, "createPayer", "payer { id }", name=f"By day {next(_names)}", kind=kind)["id"]
    return made


def _days_ago(days: int) -> str:
    return (today() - timedelta(days=days)).isoformat()


@pytest.fixture
def own(clinic: Clinic) -> Clinic:
    """A clinic whose invoices are billed to a payer of its own."""
    made = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    made.payer = _payer(clinic)
    return made


def _reductions(clinic: Clinic) -> dict[str, tuple[int, str]]:
    rows = clinic.billing.read(REDUCTIONS, of=PERIOD)["analytics"]["reductionsByPayer"]
    return {row["payer"]["id"]: (row["invoiceCount"], row["reductionRate"]["numerator"]) for row in rows}


def _aging(clinic: Clinic, **wanted: Any) -> dict[str, Any]:
    answer = clinic.billing.read(AGING, filter=wanted, of={**PERIOD, **wanted})
    found = {row["payer"]["id"]: row for row in answer["agingByPayer"]}
    same = {
        row["payer"]["id"]: (row["outstanding"], row["unappliedAmount"]) for row in answer["analytics"]["agingByPayer"]
    }
    assert same == {payer: (row["outstanding"], row["unappliedAmount"]) for payer, row in found.items()}
    return found


def test_an_agreement_that_a_new_payer_keeps_counts_for_the_payer_who_made_it(own: Clinic) -> None:
    invoice, firm = own.submitted("1000.00"), _payer(own, "ATTORNEY")
    own.step("requestReduction", invoice, amount="600.00")
    own.step("agreeReduction", invoice)
    assert _reductions(own)[own.payer] == (1, "400.00")
    moves: dict[str, Any] = {"payerId": firm, "reason": "REPRESENTATION_ENDED", "keepAgreement": True}
    own.step("transferBalance", invoice, **moves)
    found = _reductions(own)
    assert (found[own.payer], firm in found) == ((1, "400.00"), False)
    # Kept again by a third one, it still is that of the first.
    own.step("transferBalance", invoice, **{**moves, "payerId": _payer(own, "ATTORNEY")})
    assert _reductions(own)[own.payer] == (1, "400.00")
    # What is agreed anew is that of the present payer.
    own.step("reopenReduction", invoice, reason="It pays less")
    own.step("agreeReduction", invoice, amount="300.00")
    found = _reductions(own)
    assert own.payer not in found
    assert (1, "700.00") in found.values()


def test_the_attorney_of_an_agreement_is_the_one_of_its_day_also_where_a_new_payer_keeps_it(own: Clinic) -> None:
    attorneys = [
        done(own.billing, "createAttorney", "attorney { id }", name=f"By day {next(_names)}", firm="By day & Co")["id"]
        for _ in range(2)
    ]
    case = own.case()
    done(own.billing, "assignAttorney", "case { id }", caseId=case, attorneyId=attorneys[0], effectiveOn=_days_ago(30))
    invoice = own.submitted("1000.00", case)
    own.step("requestReduction", invoice, amount="600.00")
    own.step("agreeReduction", invoice)

    def of_attorneys() -> dict[str, str]:
        rows = own.billing.read(REDUCTIONS, of=PERIOD)["analytics"]["reductionsByAttorney"]
        return {row["attorney"]["id"]: row["reductionRate"]["numerator"] for row in rows}

    assert of_attorneys()[attorneys[0]] == "400.00"
    moves: dict[str, Any] = {
        "payerId": _payer(own, "ATTORNEY"),
        "reason": "REPRESENTATION_ENDED",
        "keepAgreement": True,
    }
    own.step("transferBalance", invoice, **moves)
    assert of_attorneys()[attorneys[0]] == "400.00"


def test_the_days_to_pay_are_those_of_the_payer_who_was_responsible_on_the_day_of_full_payment(own: Clinic) -> None:
    [paid] = rows_of(
        own.address,
        """select i.clinic_id, i.id, i.payer_id, i.fully_paid_on from invoices i join clinics c using (clinic_id)
        where c.short_name = 'demo' and i.status = 'cheque_received' and i.fully_paid_on is not null
        and exists (select from invoices o where o.clinic_id = i.clinic_id and o.payer_id = i.payer_id and o.balance > 0)
        order by i.fully_paid_on limit 1""",
    )
    before = _aging(own)[make_id("Payer", paid["payer_id"])]["medianDaysToPay"]
    assert before is not None
    own.submitted("10.00")
    # Money of the earlier payer that was recorded after the transfer, and covers all since a day before it.
    later = (paid["clinic_id"], paid["id"], uuid_of(own.payer), paid["fully_paid_on"] + timedelta(days=1))
    rows_of(
        own.address,
        """insert into responsibilities (clinic_id, id, invoice_id, number, payer_id, from_on, reason)
        select $1, gen_random_uuid(), $2, max(number) + 1, $3, $4, 'other' from responsibilities where invoice_id = $2""",
        *later,
    )
    rows_of(
        own.address,
        "update invoices set payer_id = $3, responsible_since = $4 where clinic_id = $1 and id = $2",
        *later,
    )
    found = _aging(own)
    assert found[own.payer]["medianDaysToPay"] is None
    assert found[make_id("Payer", paid["payer_id"])]["medianDaysToPay"] == before


def test_a_payer_of_whom_there_is_only_unapplied_money_is_listed(own: Clinic) -> None:
    own.pays("75.00", {})
    row = _aging(own)[own.payer]
    assert (row["invoiceCount"], row["outstanding"], row["unappliedAmount"]) == (0, "0.00", "75.00")
    assert {one["outstanding"] for one in row["buckets"]} == {"0.00"}
    assert set(_aging(own, payerId=[own.payer])) == {own.payer}
    # Unapplied money is of no physician, and of no other payer.
    assert own.payer not in _aging(own, physicianId=[own.found.own["Physician"]])
    assert own.payer not in _aging(own, payerId=[own.found.own["Payer"]])
    invoice = own.agreed("75.00")
    assert _aging(own)[own.payer]["outstanding"] == "75.00"
    own.pays("75.00", {invoice: "75.00"})
    assert _aging(own)[own.payer]["unappliedAmount"] == "75.00"


def test_an_analyst_is_not_told_of_payers_with_only_unapplied_money(own: Clinic, sign_in: Any) -> None:
    own.pays("75.00", {})
    analyst = sign_in(Role.ANALYST)
    rows = analyst.read("{ agingByPayer { payer { id } outstanding } }")["agingByPayer"]
    assert rows
    assert own.payer not in {row["payer"]["id"] for row in rows}
    assert "0.00" not in {row["outstanding"] for row in rows}


def test_settling_a_case_tells_of_the_unapplied_money_of_its_payers_alone(own: Clinic) -> None:
    case, firm, stranger = own.case(), _payer(own, "ATTORNEY"), _payer(own)
    invoice = own.submitted("100.00", case)
    own.step("transferBalance", invoice, payerId=firm, reason="OTHER")
    own.pays("100.00", {invoice: "100.00"}, payerId=firm)
    for payer, amount in ((own.payer, "11.00"), (firm, "12.00"), (stranger, "13.00")):
        own.pays(amount, {}, payerId=payer)
    other = own.submitted("100.00")
    own.step("transferBalance", other, payerId=stranger, reason="OTHER")
    query = "mutation ($input: SettleCaseInput!) { settleCase(input: $input) { warnings { code amount } errors { message } } }"
    answer = own.billing.read(query, input={"caseId": case})["settleCase"]
    assert answer["errors"] == []
    assert sorted((one["code"], one["amount"]) for one in answer["warnings"]) == [
        ("UNAPPLIED_MONEY", "11.00"),
        ("UNAPPLIED_MONEY", "12.00"),
    ]
    assert refused(own.billing, "settleCase", "case { id }", caseId=case)["code"]
