"""A payer or patient of whom something is open is not retired: the refusal says what is open, how much, and which step helps."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api.mutations import CASE, NEW, answered, done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import Clinic, broken_laws, line

PAYER, PATIENT, ATTORNEY = (f"{word} {{ id active }}" for word in ("payer", "patient", "attorney"))
OWED = "(transferBalance, or payment; changePayer of what was never submitted)"


@pytest.fixture
def patient(clinic: Clinic) -> str:
    """A new patient."""
    named = {"firstName": "Pat", "lastName": f"Quill {uuid4()}", "mrn": f"M {uuid4()}"}
    identity: str = done(clinic.billing, "createPatient", PATIENT, **named)["id"]
    return identity


@pytest.fixture
def payer(clinic: Clinic) -> str:
    """A new insurer."""
    identity: str = done(clinic.billing, "createPayer", PAYER, name=f"Mutual {uuid4()}", kind="INSURANCE")["id"]
    return identity


@pytest.fixture
def case(clinic: Clinic, patient: str) -> str:
    return clinic.case(patientId=patient)


@pytest.fixture
def invoice(clinic: Clinic, case: str, payer: str) -> str:
    """A submitted invoice of 1,000.00 of the patient, which the insurer is to pay."""
    draft = {"caseId": case, "payerId": payer, "serviceDate": "2026-03-02", "lines": [line("1000.00")]}
    identity: str = done(clinic.billing, "createInvoice", NEW, **draft)["id"]
    clinic.step("submitInvoice", identity, submittedOn=today().isoformat(), method="EMAIL")
    return identity


def refusal(clinic: Clinic, **named: str) -> str:
    """The message with which retiring is refused, both by its own mutation and by a change; nothing changes."""
    [(field, identity)] = named.items()
    word = field.removesuffix("Id")
    selection, verb = f"{word} {{ id }}", word.title()
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, f"retire{verb}", selection, **named)
        other = refused(clinic.billing, f"update{verb}", selection, **named, active=False)
    assert (error["code"], error["path"], other["path"]) == ("CONFLICT", ["input", field], ["input", "active"])
    assert error["message"] == other["message"]
    assert identity
    prefix = f"This {word} cannot be retired: "
    assert error["message"].startswith(prefix)
    text: str = error["message"].removeprefix(prefix)
    return text


def retires(clinic: Clinic, **named: str) -> None:
    """Retire a payer or patient, and make it active again."""
    [(field, _)] = named.items()
    word = field.removesuffix("Id")
    selection, verb = f"{word} {{ active }}", word.title()
    assert done(clinic.billing, f"retire{verb}", selection, **named) == {"active": False}
    assert done(clinic.billing, f"update{verb}", selection, **named, active=True) == {"active": True}


def test_an_open_balance_is_named_with_its_sum(clinic: Clinic, patient: str, payer: str, invoice: str) -> None:
    assert refusal(clinic, payerId=payer) == f"it owes 1000.00 on 1 invoices {OWED}"
    assert refusal(clinic, patientId=patient) == f"there are open 1000.00 on 1 invoices {OWED}"
    clinic.step("acceptInFull", invoice)
    clinic.pays("400.00", {invoice: "400.00"}, payerId=payer)
    assert refusal(clinic, payerId=payer) == f"it owes 600.00 on 1 invoices {OWED}"
    clinic.step(
        "transferBalance", invoice, payerId=clinic.payer, reason="OTHER", note="It left the state", keepAgreement=False
    )
    retires(clinic, payerId=payer)
    # The patient's balance is open, whoever owes it.
    assert refusal(clinic, patientId=patient) == f"there are open 600.00 on 1 invoices {OWED}"
    clinic.step("writeOffInvoice", invoice, clinic.admin, reason="The case was lost")
    retires(clinic, patientId=patient)
    assert broken_laws(clinic.address) == ()


def test_an_open_negotiation_is_named(clinic: Clinic, patient: str, payer: str, invoice: str) -> None:
    clinic.step("requestReduction", invoice, amount="700.00")
    negotiated = "1 reductions are negotiated (agreeReduction or declineReduction)"
    assert refusal(clinic, payerId=payer).endswith(negotiated)
    assert refusal(clinic, patientId=patient).endswith(negotiated)
    clinic.step("declineReduction", invoice, reason="Too little")
    assert "negotiated" not in refusal(clinic, payerId=payer)


def test_unapplied_money_is_named_until_it_is_refunded(clinic: Clinic, payer: str) -> None:
    cheque = clinic.pays("250.00", {}, payerId=payer)["id"]
    clinic.pays("50.00", {}, payerId=payer)
    text = "300.00 of 2 payments is not applied (allocateCheque, or refundCheque, by an administrator)"
    assert refusal(clinic, payerId=payer) == text
    refund = {
        "chequeId": cheque,
        "amount": "250.00",
        "payee": "The insurer",
        "reason": "Paid twice",
        "refundedOn": today().isoformat(),
    }
    done(clinic.admin, "refundCheque", "cheque { id }", **refund, method="ACH")
    assert refusal(clinic, payerId=payer).startswith("50.00 of 1 payments is not applied")
    clinic.bounces(cheque)
    # 250.00 were refunded of a payment that then bounced; 50.00 of another one are left unapplied.
    assert refusal(clinic, payerId=payer) == (
        "200.00 was refunded, or taken back, of payments that were returned later (leave as much of another payment unapplied: recordCheque)"
    )
    clinic.pays("200.00", {}, payerId=payer)
    retires(clinic, payerId=payer)


def test_unapplied_money_of_the_patient_as_payer_is_named(clinic: Clinic, patient: str, case: str) -> None:
    named = {"name": "Pat Quill", "kind": "PATIENT", "patientId": patient}
    payer = done(clinic.billing, "createPayer", PAYER, **named)["id"]
    retires(clinic, patientId=patient)
    clinic.pays("20.00", {}, payerId=payer)
    for who in ({"patientId": patient}, {"payerId": payer}):
        assert refusal(clinic, **who).startswith("20.00 of 1 payments is not applied")


def test_a_held_cheque_is_named_with_its_amount(clinic: Clinic, payer: str) -> None:
    day = (today() + timedelta(days=9)).isoformat()
    cheque = clinic.pays("75.00", {}, payerId=payer, chequeDate=day)["id"]
    assert refusal(clinic, payerId=payer) == (
        "1 cheques of 75.00 are held (depositCheques, by billing staff, or returnCheque)"
    )
    clinic.bounces(cheque)
    retires(clinic, payerId=payer)


def test_a_coverage_in_force_is_named_until_it_is_closed_or_its_case_is(
    clinic: Clinic, patient: str, payer: str, case: str
) -> None:
    covered = {"caseId": case, "kind": "PIP", "payerId": payer}
    coverage = done(clinic.billing, "addCoverage", "coverage { id }", **covered)["id"]
    text = "1 coverages of open cases are in force (closeCoverage, by billing staff)"
    assert refusal(clinic, payerId=payer) == text
    assert refusal(clinic, patientId=patient) == text
    closed = {"coverageId": coverage, "status": "CLOSED", "reason": "Cancelled"}
    done(clinic.billing, "closeCoverage", "coverage { id }", **closed)
    retires(clinic, payerId=payer)
    retires(clinic, patientId=patient)


def test_everything_that_is_open_is_named_at_once(clinic: Clinic, payer: str, invoice: str, case: str) -> None:
    clinic.step("requestReduction", invoice, amount="700.00")
    clinic.pays("30.00", {}, payerId=payer)
    done(clinic.billing, "addCoverage", "coverage { id }", caseId=case, kind="PIP", payerId=payer)
    text = refusal(clinic, payerId=payer)
    assert [part.split(" ")[0] for part in text.split("; ") if part[0].isdigit()] == ["1", "30.00", "1"]
    assert text.startswith("it owes 1000.00")


def test_money_of_a_retired_payer_that_comes_late_can_be_recorded_and_brings_it_back_to_the_list(
    clinic: Clinic, payer: str, invoice: str
) -> None:
    clinic.step(
        "transferBalance", invoice, payerId=clinic.payer, reason="OTHER", note="It left the state", keepAgreement=False
    )
    done(clinic.billing, "retirePayer", PAYER, payerId=payer)
    clinic.pays("100.00", {invoice: "100.00"}, payerId=payer)
    assert clinic.look(invoice)["balance"] == "900.00"
    assert broken_laws(clinic.address) == ()


def test_a_firm_is_not_retired_while_money_of_its_payers_is_unapplied(clinic: Clinic) -> None:
    firm = done(clinic.billing, "createFirm", "firm { id }", name=f"Firm {uuid4()}")["id"]
    named = {"name": f"P {uuid4()}", "kind": "ATTORNEY", "firmId": firm}
    payer = done(clinic.billing, "createPayer", PAYER, **named)["id"]
    cheque = clinic.pays("10.00", {}, payerId=payer)["id"]
    assert refusal(clinic, firmId=firm).startswith("10.00 of 1 payments is not applied")
    clinic.bounces(cheque)
    retires(clinic, firmId=firm)


def test_an_attorney_who_represents_open_cases_is_retired_at_once_with_a_warning(clinic: Clinic, patient: str) -> None:
    """Retiring ends the access of the attorney's users, which must not wait for anything."""
    named = {"name": f"Ann {uuid4()}", "firm": f"Firm {uuid4()}"}
    attorney = done(clinic.billing, "createAttorney", ATTORNEY, **named)["id"]
    selection = f"{ATTORNEY} warnings {{ code message }}"
    opened = {"patientId": patient, "dateOfInjury": "2026-01-05", "attorneyId": attorney}
    case = done(clinic.billing, "createCase", CASE, **opened)["id"]
    made: Any = answered(clinic.billing, "retireAttorney", selection, attorneyId=attorney)
    assert made["attorney"]["active"] is False
    [warning] = made["warnings"]
    assert warning["code"] == "REPRESENTS_OPEN_CASES"
    assert "1 open cases: assign another attorney (assignAttorney)" in warning["message"]
    done(clinic.billing, "assignAttorney", CASE, caseId=case, attorneyId=None)
    done(clinic.billing, "updateAttorney", ATTORNEY, attorneyId=attorney, active=True)
    assert answered(clinic.billing, "retireAttorney", selection, attorneyId=attorney)["warnings"] == []
