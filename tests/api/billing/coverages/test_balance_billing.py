"""Balance billing over HTTP: what a coverage that forbids it leaves unpaid moves to nobody else, by whichever step, unless it is PR."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from db.laws import coverages
from domain.billing.transitions import TRANSITIONS
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import INVOICE, Clinic, broken_laws
from tests.support.client import Client

TODAY = today().isoformat()
MOVED = "invoice { id payer { id } responsibilities { payer { id } coverage { id } reason note } }"
CASE = "case { id }"
COVERAGE = "coverage { id version status balanceBilling history { action changes { field before after } } }"
WHY = "The contract with the plan has ended"
_names = count(1)


def _payer(billing: Client, kind: str = "INSURANCE", **values: Any) -> str:
    name = f"Balance {kind} {next(_names)}"
    made: str = done(billing, "createPayer", "payer { id }", name=name, kind=kind, **values)["id"]
    return made


@dataclass
class Bound:
    """An invoice that is billed to a payer whose coverage forbids balance billing; `other` is another coverage of this payer."""

    clinic: Clinic
    case: str
    invoice: str
    payer: str
    coverage: str
    other: str
    firm: str

    def cover(self, kind: str, payer: str | None = None, **values: Any) -> str:
        """The id of one more coverage of the case."""
        new = {"caseId": self.case, "payerId": payer or self.payer, "kind": kind, **values}
        made: str = done(self.clinic.billing, "addCoverage", COVERAGE, **new)["id"]
        return made

    def transfer(self, client: Client | None = None, reason: str = "OTHER", **values: Any) -> Any:
        """The answer to a transfer, to the firm by default."""
        to = values if {"payerId", "coverageId"} & set(values) else {"payerId": self.firm, **values}
        return answered(
            client or self.clinic.billing, "transferBalance", MOVED, invoiceId=self.invoice, reason=reason, **to
        )

    def owner(self) -> tuple[str, str | None]:
        """The present payer, and the coverage under which it owes."""
        query = "query ($id: ID!) { invoice(id: $id) { responsibilities { payer { id } coverage { id } } } }"
        last = self.clinic.billing.read(query, id=self.invoice)["invoice"]["responsibilities"][-1]
        return last["payer"]["id"], last["coverage"] and last["coverage"]["id"]


@pytest.fixture(autouse=True)
def every_law_holds(address: DatabaseUrls) -> Iterator[None]:
    yield
    assert [breach for breach in broken_laws(address) if breach.law in coverages.LAWS] == []


@pytest.fixture
def bound(clinic: Clinic) -> Bound:
    case, payer = clinic.case(), _payer(clinic.billing)
    own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
    own.payer = payer
    invoice = own.submitted("1000.00", case)
    made = Bound(own, case, invoice, payer, "", "", _payer(clinic.billing, "ATTORNEY"))
    made.coverage, made.other = made.cover("HEALTH"), made.cover("MEDPAY")
    return made


Move = Callable[[Bound, Client, dict[str, Any]], Any]


def _named(bound: Bound) -> None:
    """The payer owes under the coverage that forbids balance billing, by name."""
    answer = bound.transfer(bound.clinic.admin, coverageId=bound.coverage, note=WHY)
    assert answer["errors"] == []


def _change_payer(bound: Bound, client: Client, why: dict[str, Any]) -> Any:
    values = {"invoiceId": bound.invoice, "payerId": bound.firm, "reason": why.get("note", "Wrong payer")}
    return answered(client, "changePayer", MOVED, **values)


def _by_way_of_pip(bound: Bound) -> None:
    """The invoice was first owed under a coverage that allows balance billing, by name, and then by the payer without one."""
    pip = _payer(bound.clinic.billing)
    named = bound.cover("PIP", pip)
    assert bound.transfer(bound.clinic.admin, coverageId=named, note=WHY)["errors"] == []
    bound.clinic.step("submitInvoice", bound.invoice, submittedOn=TODAY, method="EMAIL")
    assert bound.transfer(payerId=bound.payer)["errors"] == []


def _part_paid(bound: Bound) -> None:
    bound.clinic.step("acceptInFull", bound.invoice)
    part = {"invoiceId": bound.invoice, "amount": "400.00", "coverageId": bound.coverage}
    answer = answered(
        bound.clinic.billing,
        "recordCheque",
        "cheque { id }",
        **{**bound.clinic.cheque_of("400.00", {}), "allocations": [part]},
    )
    assert answer["errors"] == []


# How the open part could come to be owed by somebody else, or under another coverage, and what comes before.
MOVES: dict[str, tuple[Callable[[Bound], object], Move]] = {
    "to a firm, although the payer has a second coverage": (
        lambda bound: None,
        lambda bound, client, why: bound.transfer(client, **why),
    ),
    "to a firm, although the payer owes under a named coverage": (
        _named,
        lambda bound, client, why: bound.transfer(client, **why),
    ),
    "to a firm, from a payer that came after one whose coverage allows it": (
        _by_way_of_pip,
        lambda bound, client, why: bound.transfer(client, **why),
    ),
    "to another coverage of the payer": (
        lambda bound: None,
        lambda bound, client, why: bound.transfer(client, coverageId=bound.other, **why),
    ),
    "to another coverage of the payer, from a named one": (
        _named,
        lambda bound, client, why: bound.transfer(client, coverageId=bound.other, **why),
    ),
    "to the payer itself, without the coverage": (
        _named,
        lambda bound, client, why: bound.transfer(client, payerId=bound.payer, **why),
    ),
    "to a coverage of another payer": (
        lambda bound: setattr(bound, "other", bound.cover("LETTER_OF_PROTECTION", bound.firm)),
        lambda bound, client, why: bound.transfer(client, coverageId=bound.other, **why),
    ),
    "to a firm, although the coverage was closed": (
        lambda bound: done(
            bound.clinic.billing, "closeCoverage", COVERAGE, coverageId=bound.coverage, status="CLOSED", reason="Ended"
        ),
        lambda bound, client, why: bound.transfer(client, **why),
    ),
    "to a firm by a change of the payer": (lambda bound: None, _change_payer),
    "to a firm by a change of the payer after a denial": (
        lambda bound: bound.clinic.step("recordDenial", bound.invoice, deniedOn=TODAY, reasonCode="X1"),
        _change_payer,
    ),
    "to a firm with the agreement": (
        lambda bound: bound.clinic.step("acceptInFull", bound.invoice),
        lambda bound, client, why: bound.transfer(client, keepAgreement=True, **why),
    ),
    "to a firm after a part was paid": (
        _part_paid,
        lambda bound, client, why: bound.transfer(client, **why),
    ),
}


@pytest.mark.parametrize("move", sorted(MOVES))
def test_what_a_forbidding_coverage_leaves_is_moved_by_an_administrator_with_a_reason_alone(
    bound: Bound, address: DatabaseUrls, move: str
) -> None:
    before, act = MOVES[move]
    before(bound)
    owner = bound.owner()
    with nothing_changes(address):
        [error] = act(bound, bound.clinic.billing, {"note": WHY})["errors"]
    assert (error["code"], error["path"][-1] in ("payerId", "coverageId")) == ("INVALID_INPUT", True)
    assert "group PR" in error["message"]
    if act is not _change_payer:
        with nothing_changes(address):
            for blank in ({}, {"note": " "}):
                [error] = act(bound, bound.clinic.admin, blank)["errors"]
                assert error["path"] == ["input", "note"]
    answer = act(bound, bound.clinic.admin, {"note": WHY})
    assert answer["errors"] == []
    assert bound.owner() != owner


@pytest.mark.parametrize("to", ["firm", "other coverage"])
def test_amounts_of_group_pr_are_moved_by_billing_staff(bound: Bound, to: str) -> None:
    values: dict[str, Any] = {"coverageId": bound.other} if to == "other coverage" else {"payerId": bound.firm}
    assert bound.transfer(reason="COINSURANCE", **values)["errors"] == []
    # What the patient is responsible for may go on to somebody else.
    bound.clinic.step("submitInvoice", bound.invoice, submittedOn=TODAY, method="EMAIL")
    assert bound.transfer(payerId=bound.clinic.found.own["Payer"])["errors"] == []


def test_a_payer_without_such_a_coverage_owes_what_moves_freely(bound: Bound) -> None:
    assert bound.transfer(bound.clinic.admin, note=WHY)["errors"] == []
    bound.clinic.step("submitInvoice", bound.invoice, submittedOn=TODAY, method="EMAIL")
    assert bound.transfer(payerId=_payer(bound.clinic.billing, "ATTORNEY"))["errors"] == []


@pytest.mark.parametrize("status", ["EXHAUSTED", "REFUSED", "CLOSED"])
def test_nothing_is_transferred_to_a_coverage_that_has_ended(bound: Bound, address: DatabaseUrls, status: str) -> None:
    ends = {"coverageId": bound.other, "status": status, "reason": "It has ended"}
    done(bound.clinic.billing, "closeCoverage", COVERAGE, **ends)
    with nothing_changes(address):
        for client in (bound.clinic.billing, bound.clinic.admin):
            [error] = bound.transfer(client, reason="DEDUCTIBLE", coverageId=bound.other, note=WHY)["errors"]
            assert (error["code"], error["path"]) == ("CONFLICT", ["input", "coverageId"])
            assert "verifyCoverage" in error["message"]
    done(bound.clinic.billing, "verifyCoverage", COVERAGE, coverageId=bound.other, reason="It pays again")
    assert bound.transfer(reason="DEDUCTIBLE", coverageId=bound.other)["errors"] == []


@pytest.mark.parametrize("change", [{"balanceBilling": "ALLOWED"}, {"kind": "PIP"}, {"payerId": None}])
def test_a_coverage_under_which_invoices_are_billed_forbids_until_an_administrator_says_why_not(
    bound: Bound, address: DatabaseUrls, change: dict[str, Any]
) -> None:
    wanted = {"payerId": _payer(bound.clinic.billing)} if "payerId" in change else change
    inputs = {"coverageId": bound.coverage, "version": 1, **wanted}
    with nothing_changes(address):
        error = refused(bound.clinic.billing, "updateCoverage", COVERAGE, **inputs, reason=WHY)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "balanceBilling"])
        error = refused(bound.clinic.admin, "updateCoverage", COVERAGE, **inputs, reason=" ")
        assert error["path"] == ["input", "reason"]
    changed = done(bound.clinic.admin, "updateCoverage", COVERAGE, **inputs, reason=WHY)
    assert {"field": "reason", "before": None, "after": WHY} in changed["history"][-1]["changes"]


def test_billing_staff_correct_a_coverage_under_which_nothing_is_billed_or_that_goes_on_forbidding(
    bound: Bound, clinic: Clinic
) -> None:
    unused = bound.cover("HEALTH", _payer(clinic.billing))
    change = {"version": 1, "balanceBilling": "ALLOWED"}
    changed = done(clinic.billing, "updateCoverage", COVERAGE, coverageId=unused, **change)
    assert changed["balanceBilling"] == "ALLOWED"
    other = {"version": 1, "kind": "WORKERS_COMP", "limit": "100.00"}
    assert done(clinic.billing, "updateCoverage", COVERAGE, coverageId=bound.coverage, **other)["version"] == 2


def test_what_a_former_firm_owes_under_a_forbidding_letter_is_moved_by_an_administrator_alone(
    bound: Bound, clinic: Clinic, address: DatabaseUrls
) -> None:
    attorneys = [
        done(clinic.billing, "createAttorney", "attorney { id lawFirm { id } }", name=name, firm=f"{name} & Co")
        for name in (f"Former {next(_names)}", f"Present {next(_names)}")
    ]
    former = _payer(clinic.billing, "ATTORNEY", firmId=attorneys[0]["lawFirm"]["id"])
    letter = bound.cover("LETTER_OF_PROTECTION", former, balanceBilling="FORBIDDEN")
    assert bound.transfer(bound.clinic.admin, coverageId=letter, note=WHY)["errors"] == []
    bound.clinic.step("submitInvoice", bound.invoice, submittedOn=TODAY, method="EMAIL")
    own = {"caseId": bound.case, "payerId": former, "serviceDate": "2026-03-02", "confirmDuplicate": True}
    waiting = done(clinic.billing, "createInvoice", "invoice { id }", lines=[{"code": "A4556"}], **own)["id"]
    earlier = {"attorneyId": attorneys[0]["id"], "effectiveOn": "2026-02-01"}
    done(clinic.billing, "assignAttorney", CASE, caseId=bound.case, **earlier)
    done(clinic.billing, "assignAttorney", CASE, caseId=bound.case, attorneyId=attorneys[1]["id"])
    of = {"caseId": bound.case, "payerId": bound.firm, "keepAgreements": True}
    with nothing_changes(address):
        error = refused(clinic.billing, "transferFromFormerFirm", CASE, **of, note=WHY)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "payerId"])
        # The note that is written where none is given is no reason of an administrator.
        error = refused(clinic.admin, "transferFromFormerFirm", CASE, **of)
        assert error["path"] == ["input", "note"]
    done(clinic.admin, "transferFromFormerFirm", CASE, **of, note=WHY)
    payers = [
        clinic.billing.read("query ($id: ID!) { invoice(id: $id) { payer { id } } }", id=one)["invoice"]["payer"]["id"]
        for one in (bound.invoice, waiting)
    ]
    assert payers == [bound.firm, bound.firm]


def test_an_invoice_that_replaces_another_keeps_the_rule(bound: Bound, address: DatabaseUrls) -> None:
    lines = [{"code": "A4556", "overridePrice": "900.00", "overrideReason": "Corrected"}]
    values = {"invoiceId": bound.invoice, "lines": lines, "reason": "Wrong line", "confirmDuplicate": True}
    bound.invoice = done(bound.clinic.billing, "replaceInvoice", INVOICE, **values)["id"]
    with nothing_changes(address):
        for act in (_change_payer, lambda bound, client, why: bound.transfer(client, **why)):
            [error] = act(bound, bound.clinic.billing, {"note": WHY})["errors"]
            assert "group PR" in error["message"]


def test_every_transition_that_takes_a_payer_or_coverage_to_owe_the_open_part_is_among_the_moves() -> None:
    """A new way for somebody else to owe the open part needs its line in MOVES."""
    taking = {row.name for row in TRANSITIONS if {"payer_id", "coverage_id"} & {one.name for one in row.inputs}}
    assert taking == {"transfer_balance", "change_payer", "record_cheque"}
