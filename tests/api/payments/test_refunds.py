"""Refunds of unapplied money, what is left of it in aging and in a settled case, and the equation of all money."""

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from domain.access.people import Role
from tests.api.payments.paying import (
    CHEQUE,
    day,
    deposited,
    items,
    look,
    paid,
    paper,
    refund_of,
    refunded,
    returned,
)
from tests.conftest import SignIn
from tests.support.api.mutations import answered, done, refused
from tests.support.api.records import nothing_changes, uuid_of
from tests.support.api.scenarios import TODAY, Clinic, allocations, broken_laws
from tests.support.databases import rows

_UNAPPLIED = (
    "query ($payer: [ID!], $on: Date) { agingByPayer(filter: {payerId: $payer}, asOf: $on) { unappliedAmount } }"
)


def new_payer(clinic: Clinic, name: str) -> str:
    """The id of a payer who has paid nothing."""
    identity: str = done(clinic.billing, "createPayer", "payer { id }", name=name, kind="INSURANCE")["id"]
    return identity


def unapplied_of_payer(clinic: Clinic, payer: str, on: str | None = None) -> str:
    """What aging says is unapplied of a payer."""
    [row] = clinic.billing.read(_UNAPPLIED, payer=[payer], on=on)["agingByPayer"]
    amount: str = row["unappliedAmount"]
    return amount


def test_an_administrator_refunds_what_is_unapplied(clinic: Clinic) -> None:
    invoice = clinic.agreed("60.00")
    cheque = paid(clinic, "100.00", {invoice: "60.00"})["id"]
    scan = clinic.upload(clinic.admin)
    now = refunded(clinic, cheque, "30.00", documentId=scan)
    assert now["unappliedAmount"] == "10.00"
    [refund] = now["refunds"]
    assert refund.pop("documentUrl") is not None
    assert refund.pop("refundedBy")["name"]
    expected = {
        "amount": "30.00",
        "payee": "Acme Mutual",
        "reason": "Paid twice",
        "refundedOn": TODAY,
        "method": "PAPER",
    }
    assert refund == expected
    with nothing_changes(clinic.address):
        error = refused(clinic.admin, "refundCheque", CHEQUE, **refund_of(cheque, "10.01"))
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "amount"])
    other = clinic.agreed("10.01")
    parts = {"chequeId": cheque, "allocations": allocations({other: "10.01"})}
    assert refused(clinic.billing, "allocateCheque", CHEQUE, **parts)["path"] == ["input", "allocations"]
    assert refunded(clinic, cheque, "10.00")["unappliedAmount"] == "0.00"


def test_an_invalid_refund_is_refused(clinic: Clinic) -> None:
    cheque, back = paid(clinic)["id"], returned(clinic, paid(clinic)["id"])["id"]
    held = paper(clinic, chequeDate=day(3))["id"]
    wrong: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"amount": "0.00"}, "INVALID_INPUT", ["amount"]),
        ({"amount": "-1.00"}, "INVALID_INPUT", ["amount"]),
        ({"payee": " "}, "INVALID_INPUT", ["payee"]),
        ({"reason": " "}, "INVALID_INPUT", ["reason"]),
        ({"refundedOn": day(1)}, "INVALID_INPUT", ["refundedOn"]),
        ({"refundedOn": day(-1)}, "INVALID_INPUT", ["refundedOn"]),
        ({"chequeId": back}, "CONFLICT", ["chequeId"]),
        ({"chequeId": held}, "CONFLICT", ["chequeId"]),
        ({"chequeId": clinic.found.foreign["Cheque"]}, "NOT_FOUND", ["chequeId"]),
        ({"chequeId": clinic.found.unknown("Cheque")}, "NOT_FOUND", ["chequeId"]),
        ({"documentId": clinic.found.unknown("Upload")}, "INVALID_INPUT", ["documentId"]),
    ]
    for changes, code, path in wrong:
        with nothing_changes(clinic.address):
            error = refused(clinic.admin, "refundCheque", CHEQUE, **{**refund_of(cheque, "1.00"), **changes})
        assert (error["code"], error["path"]) == (code, ["input", *path]), changes


@pytest.mark.parametrize("role", [Role.BILLING, Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_nobody_else_refunds(clinic: Clinic, sign_in: SignIn, role: Role) -> None:
    query = "mutation ($input: RefundChequeInput!) { refundCheque(input: $input) { cheque { id } } }"
    cheque = paid(clinic)["id"]
    with nothing_changes(clinic.address):
        assert sign_in(role).refusals(query, input=refund_of(cheque, "1.00"))


def test_a_payment_that_bounces_after_its_refund_leaves_negative_money_and_an_action_item(clinic: Clinic) -> None:
    payer = new_payer(clinic, "Gone Mutual")
    cheque = paid(clinic, "100.00", number="gone-1", payerId=payer)["id"]
    refunded(clinic, cheque, "40.00")
    assert returned(clinic, cheque)["unappliedAmount"] == "-40.00"
    words = (
        "Payment GONE-1 was returned after a refund of $40.00: cover it with the payer's next payment (recordCheque, coverRefund), or "
        "give it up (giveUpRefund)"
    )
    assert items(clinic.billing, cheque) == [("UNAPPLIED_MONEY", TODAY, words)]


def test_the_next_payment_of_the_payer_settles_what_it_got_back_of_a_returned_one(clinic: Clinic) -> None:
    payer = new_payer(clinic, "Refunded Mutual")
    cheque = paid(clinic, "100.00", payerId=payer)["id"]
    refunded(clinic, cheque, "40.00")
    returned(clinic, cheque)
    first = paid(clinic, "30.00", payerId=payer, receivedOn=day(-7), chequeDate=day(-7))["id"]
    assert (len(items(clinic.billing, cheque)), items(clinic.billing, first)) == (1, [])
    second = paid(clinic, "10.00", payerId=payer, receivedOn=day(-7), chequeDate=day(-7))["id"]
    assert [items(clinic.billing, one) for one in (cheque, first, second)] == [[], [], []]
    # What comes beyond it is to be applied.
    third = paid(clinic, "5.00", payerId=payer, receivedOn=day(-7), chequeDate=day(-7))["id"]
    assert [len(items(clinic.billing, one)) for one in (cheque, third)] == [0, 1]


def test_money_that_lies_unapplied_for_a_week_is_an_action_item(clinic: Clinic) -> None:
    cheque = paid(clinic, "100.00", number="lying-1", receivedOn=day(-7), chequeDate=day(-7))["id"]
    assert items(clinic.billing, cheque, day(-1)) == []
    assert items(clinic.billing, cheque) == [("UNAPPLIED_MONEY", TODAY, "$100.00 of payment LYING-1 is not applied")]
    refunded(clinic, cheque, "100.00")
    assert items(clinic.billing, cheque) == []


def test_settling_a_case_says_what_of_its_payers_is_unapplied(clinic: Clinic) -> None:
    payer = clinic.another_payer({"payer": {"id": clinic.payer}})
    case, before = clinic.case(), clinic.payer
    clinic.payer = payer
    try:
        [(lying,)] = rows(
            clinic.address, "select coalesce(sum(unapplied_amount), 0) from cheques where payer_id = $1", uuid_of(payer)
        )
        invoice = clinic.agreed("100.00", case)
        paid(clinic, "130.00", {invoice: "100.00"})
        answer = answered(
            clinic.billing, "settleCase", "case { status } warnings { code message amount path }", caseId=case
        )
        assert answer["errors"] == []
        [warning] = answer["warnings"]
        assert (warning["code"], warning["amount"]) == ("UNAPPLIED_MONEY", str(lying + Decimal("30.00")))
        assert warning["path"] == ["input", "caseId"]
    finally:
        clinic.payer = before


def test_aging_shows_a_payers_unapplied_money_now_and_as_it_was_known(clinic: Clinic) -> None:
    clinic.submitted("10.00")
    before = Decimal(unapplied_of_payer(clinic, clinic.payer))
    yesterday = unapplied_of_payer(clinic, clinic.payer, day(-1)) if _has_aging(clinic, day(-1)) else None
    invoice = clinic.agreed("70.00")
    # Received long ago, and known since today.
    cheque = paid(clinic, "100.00", {invoice: "70.00"}, receivedOn=day(-9), chequeDate=day(-9))["id"]
    refunded(clinic, cheque, "5.00")
    paper(clinic, chequeDate=day(3))
    assert Decimal(unapplied_of_payer(clinic, clinic.payer)) == before + Decimal("25.00")
    assert Decimal(unapplied_of_payer(clinic, clinic.payer, TODAY)) == before + Decimal("25.00")
    if yesterday is not None:
        assert unapplied_of_payer(clinic, clinic.payer, day(-1)) == yesterday


def _has_aging(clinic: Clinic, on: str) -> bool:
    return bool(clinic.billing.read(_UNAPPLIED, payer=[clinic.payer], on=on)["agingByPayer"])


# Orders of refund, return and deposit of a payment, a part of which is allocated or nothing.
_ORDERS = [order for count in (1, 2, 3) for order in permutations(("refund", "return", "deposit"), count)]


@pytest.mark.parametrize("order", _ORDERS, ids=" ".join)
@pytest.mark.parametrize("allocated", ["40.00", ""])
def test_the_equation_holds_after_any_order_of_events(clinic: Clinic, order: tuple[str, ...], allocated: str) -> None:
    parts = {clinic.agreed("100.00"): allocated} if allocated else {}
    cheque = paid(clinic, "100.00", parts)["id"]
    steps: dict[str, Callable[[], Any]] = {
        "refund": lambda: refunded(clinic, cheque, "10.00"),
        "return": lambda: returned(clinic, cheque),
        "deposit": lambda: deposited(clinic, cheque),
    }
    for step in order[: order.index("return") + 1] if "return" in order else order:
        steps[step]()
    now = look(clinic.billing, cheque)
    money = "select coalesce(sum(amount), 0) from {} where cheque_id = $1"
    tables = ("cheque_allocations", "refunds")
    used = sum(
        (Decimal(rows(clinic.address, money.format(table), uuid_of(cheque))[0][0]) for table in tables), Decimal()
    )
    received = Decimal(now["amount"]) if now["status"] == "RECEIVED" else Decimal()
    assert received == used + Decimal(now["unappliedAmount"])


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
