"""Balance billing over HTTP: what a coverage that forbids it leaves unpaid moves to nobody else, by whichever step, unless it is PR."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from db.laws import coverages
from domain.billing.transitions import TRANSITIONS
from server.database_urls import DatabaseUrls
from tests.api.billing.coverages.bound import COVERAGE, MOVED, WHY, Bound, new_payer
from tests.support.api.mutations import answered, done
from tests.support.api.records import nothing_changes, today
from tests.support.api.scenarios import broken_laws, mutation
from tests.support.client import Client

TODAY = today().isoformat()


@pytest.fixture(autouse=True)
def every_law_holds(address: DatabaseUrls) -> Iterator[None]:
    yield
    assert [breach for breach in broken_laws(address) if breach.law in coverages.LAWS] == []


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
    pip = new_payer(bound.clinic.billing)
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
    assert bound.transfer(payerId=new_payer(bound.clinic.billing, "ATTORNEY"))["errors"] == []


def _taking(record: str) -> set[str]:
    """The transitions of a kind of record that take a payer or a coverage."""
    of_record = [row for row in TRANSITIONS if row.record == record]
    return {row.name for row in of_record if {"payer_id", "coverage_id"} & {one.name for one in row.inputs}}


def _part(bound: Bound, coverage: str, amount: str) -> dict[str, Any]:
    return {"invoiceId": bound.invoice, "amount": amount, "coverageId": coverage}


def _owing(bound: Bound, invoice: str) -> list[tuple[str, str | None]]:
    """The payers of an invoice, one after the other, each with the coverage under which it owes."""
    query = "query ($id: ID!) { invoice(id: $id) { responsibilities { payer { id } coverage { id } } } }"
    found = bound.clinic.billing.read(query, id=invoice)["invoice"]["responsibilities"]
    return [(one["payer"]["id"], one["coverage"] and one["coverage"]["id"]) for one in found]


# What takes the payer and the coverage of money, with inputs of an earlier payer or under another coverage.
PAYMENTS: dict[str, Callable[[Bound, str], dict[str, Any]]] = {
    "record_cheque": lambda bound, paid: {
        **bound.clinic.cheque_of("1.00", {}),
        "allocations": [_part(bound, bound.other, "1.00")],
    },
    "correct_cheque": lambda bound, paid: {
        "chequeId": paid,
        "payerId": _owing(bound, bound.invoice)[-2][0],
        "reason": WHY,
        "allocations": [{"invoiceId": bound.invoice, "amount": "2.00"}],
    },
    "move_allocation": lambda bound, paid: {
        "chequeId": paid,
        "invoiceId": bound.invoice,
        "reason": WHY,
        "toInvoiceId": bound.clinic.submitted("1000.00", bound.case),
        "coverageId": bound.other,
    },
}


def test_every_transition_that_takes_a_payer_or_coverage_to_owe_the_open_part_is_among_the_moves() -> None:
    """A new way for somebody else to owe the open part needs its line in MOVES, and one of money its line in PAYMENTS."""
    assert _taking("invoice") == {"transfer_balance", "change_payer"}
    assert _taking("cheque") == set(PAYMENTS)
    assert {row.record for row in TRANSITIONS if _taking(row.record)} == {"invoice", "cheque"}


@pytest.mark.parametrize("name", sorted(PAYMENTS))
def test_a_payment_of_whomever_and_under_whichever_coverage_leaves_the_open_part_with_its_payer(
    bound: Bound, name: str
) -> None:
    _by_way_of_pip(bound)
    bound.clinic.step("submitInvoice", bound.invoice, submittedOn=TODAY, method="EMAIL")
    first = {**bound.clinic.cheque_of("2.00", {}), "allocations": [_part(bound, bound.coverage, "2.00")]}
    paid = done(bound.clinic.billing, "recordCheque", "cheque { id }", **first)["id"]
    owing = _owing(bound, bound.invoice)
    inputs = PAYMENTS[name](bound, paid)
    answer = answered(bound.clinic.billing, mutation(name), "cheque { id }", **inputs)
    assert answer["errors"] == []
    assert _owing(bound, bound.invoice) == owing
    if "toInvoiceId" in inputs:
        assert _owing(bound, inputs["toInvoiceId"]) == [(bound.payer, None)]
