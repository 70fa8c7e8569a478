"""What an attorney's subscription tells of moves between payers: one event for another payer, none for another coverage of the same one."""

from itertools import count
from typing import Any

import pytest

from tests.support.api.mutations import done
from tests.support.api.scenarios import TODAY, Clinic
from tests.support.client import Client

SEEN = "query ($id: ID!) { invoice(id: $id) { number status billedAmount payer { id name } } }"
CHANGED = "query ($id: ID!) { invoice(id: $id) { updatedAt version } }"
_names = count(1)


def _payer(clinic: Clinic, kind: str = "INSURANCE") -> str:
    made: str = done(clinic.billing, "createPayer", "payer { id }", name=f"Heard {next(_names)}", kind=kind)["id"]
    return made


@pytest.fixture
def own(clinic: Clinic, own_attorney: str) -> Clinic:
    """A clinic whose invoices are billed to an insurer of its own, in cases of the demo's attorney."""
    made = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    made.payer = _payer(clinic)
    return made


def _sent(clinic: Clinic, attorney_id: str, agrees: bool) -> tuple[str, str, list[str]]:
    """An invoice of the attorney's case with its number, and the ids of two coverages of its payer."""
    case = clinic.case(attorneyId=attorney_id)
    covers = [
        done(clinic.billing, "addCoverage", "coverage { id }", caseId=case, payerId=clinic.payer, kind=kind)["id"]
        for kind in ("PIP", "MEDPAY")
    ]
    invoice = clinic.agreed("100.00", case) if agrees else clinic.submitted("100.00", case)
    return invoice, clinic.look(invoice)["number"], covers


def test_a_move_between_coverages_of_one_payer_tells_the_attorney_nothing(
    own: Clinic, attorney: Client, own_attorney: str, listen: Any, received: Any
) -> None:
    waiting, first, of_waiting = _sent(own, own_attorney, agrees=False)
    agreed, second, of_agreed = _sent(own, own_attorney, agrees=True)
    before = [attorney.read(SEEN, id=one) for one in (waiting, agreed)]
    with listen("attorney") as of_attorney, listen("billing") as of_staff:
        for coverage in of_waiting:
            own.step("transferBalance", waiting, coverageId=coverage, reason="OTHER")
            own.step("submitInvoice", waiting, submittedOn=TODAY, method="EMAIL")
        own.step("transferBalance", agreed, coverageId=of_agreed[1], reason="OTHER", keepAgreement=True)
        heard, told = received(of_attorney, of_staff)
    assert heard == []
    assert set(told) == {first, second}
    assert [attorney.read(SEEN, id=one) for one in (waiting, agreed)] == before


@pytest.mark.parametrize("step", ["transferBalance", "changePayer", "transferFromFormerFirm"])
def test_another_payer_is_one_event_for_the_attorney(
    own: Clinic, attorney: Client, own_attorney: str, listen: Any, received: Any, step: str
) -> None:
    firm = _payer(own, "ATTORNEY")
    if step == "transferFromFormerFirm":
        own.payer = _former(own)
    invoice, number, _ = (
        _sent(own, own_attorney, agrees=False) if step != "transferFromFormerFirm" else _of_former(own, own_attorney)
    )
    with listen("attorney") as of_attorney, listen("billing") as of_staff:
        if step == "transferFromFormerFirm":
            case = own.look(invoice)["case"]["id"]
            of = {"caseId": case, "payerId": firm, "keepAgreements": True}
            done(own.billing, "transferFromFormerFirm", "case { id }", **of)
        else:
            own.step(step, invoice, payerId=firm, reason="OTHER")
        heard, told = received(of_attorney, of_staff)
    assert heard == [number]
    assert told == [number]
    assert attorney.read(SEEN, id=invoice)["invoice"]["payer"]["id"] == firm


def _former(clinic: Clinic) -> str:
    firm = f"Heard before {next(_names)}"
    lawyer = done(clinic.billing, "createAttorney", "attorney { id lawFirm { id } }", name=firm, firm=firm)
    of = {"name": f"{firm} LLP", "kind": "ATTORNEY", "firmId": lawyer["lawFirm"]["id"]}
    clinic.found.own["Attorney"] = lawyer["id"]
    made: str = done(clinic.billing, "createPayer", "payer { id }", **of)["id"]
    return made


def _of_former(clinic: Clinic, attorney_id: str) -> tuple[str, str, list[str]]:
    """An invoice that a firm owes which represented the case until today."""
    case = clinic.case(openedOn="2026-03-01")
    earlier = {"attorneyId": clinic.found.own["Attorney"], "effectiveOn": "2026-03-02"}
    done(clinic.billing, "assignAttorney", "case { id }", caseId=case, **earlier)
    invoice = clinic.submitted("100.00", case)
    done(clinic.billing, "assignAttorney", "case { id }", caseId=case, attorneyId=attorney_id)
    return invoice, clinic.look(invoice)["number"], []


def test_the_moment_of_the_last_change_is_hidden_from_the_attorney(
    attorney: Client, own: Clinic, own_attorney: str
) -> None:
    invoice, *_ = _sent(own, own_attorney, agrees=False)
    assert own.billing.read(CHANGED, id=invoice)["invoice"]["updatedAt"]
    answer = attorney.ask(CHANGED, id=invoice)
    assert answer["errors"]
    assert answer.get("data") is None
