"""Refunds that come back, and what a payer owes whose payment was returned after its refund: covered, or given up."""

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from domain.access.people import Role
from tests.api.payments.paying import CHEQUE, day, items, look, paid, refund_of, refunded, returned
from tests.api.payments.test_recoupment import adjusted, refund
from tests.api.payments.test_refunds import new_payer
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes
from tests.support.api.scenarios import TODAY, Clinic, allocations, broken_laws

_REFUNDS = "cheque { id unappliedAmount refunds { id amount reversalKind refundedOn reverses { id } carries { id } } }"


def back(clinic: Clinic, identity: str, on: str = TODAY) -> Any:
    """The payment after its refund came back."""
    inputs = {"refundId": identity, "returnedOn": on, "reason": "The address was unknown"}
    return done(clinic.admin, "returnRefund", _REFUNDS, **inputs)


def covered(clinic: Clinic, identity: str, cheque: str, amount: str | None = None) -> Any:
    """The payment on which a refund counts now."""
    inputs = {"refundId": identity, "chequeId": cheque, "reason": "Paid back", "amount": amount}
    return done(clinic.admin, "coverRefund", _REFUNDS, **inputs)


def owed(clinic: Clinic, name: str, amount: str = "40.00") -> tuple[str, str, str]:
    """A new payer whose payment of 100.00 was returned after a refund: the payer, the payment and the refund."""
    payer = new_payer(clinic, name)
    cheque = paid(clinic, "100.00", payerId=payer, receivedOn=day(-9), chequeDate=day(-9))["id"]
    identity = refund(clinic, cheque, amount, refundedOn=day(-5))
    returned(clinic, cheque, returnedOn=day(-2))
    return payer, cheque, identity


def test_money_whose_refund_came_back_is_unapplied_again_and_is_allocated_or_refunded(clinic: Clinic) -> None:
    cheque = paid(clinic, "100.00", receivedOn=day(-9), chequeDate=day(-9))["id"]
    identity = refund(clinic, cheque, "60.00", refundedOn=day(-5))
    now = back(clinic, identity, day(-2))
    assert now["unappliedAmount"] == "100.00"
    assert [(one["amount"], one["reversalKind"], one["refundedOn"]) for one in now["refunds"]] == [
        ("60.00", None, day(-5)),
        ("-60.00", "RETURNED", day(-2)),
    ]
    with nothing_changes(clinic.address):
        twice = {"refundId": identity, "returnedOn": TODAY, "reason": "Again"}
        assert refused(clinic.admin, "returnRefund", CHEQUE, **twice)["code"] == "CONFLICT"
        of_reversal = {**twice, "refundId": now["refunds"][-1]["id"]}
        assert refused(clinic.admin, "returnRefund", CHEQUE, **of_reversal)["code"] == "CONFLICT"
    invoice = clinic.agreed("70.00")
    done(clinic.billing, "allocateCheque", CHEQUE, chequeId=cheque, allocations=allocations({invoice: "70.00"}))
    assert refunded(clinic, cheque, "30.00")["unappliedAmount"] == "0.00"


def test_a_refund_comes_back_between_its_day_and_today(clinic: Clinic) -> None:
    cheque = paid(clinic, "100.00", receivedOn=day(-9), chequeDate=day(-9))["id"]
    identity = refund(clinic, cheque, "60.00", refundedOn=day(-5))
    for on in (day(-6), day(1)):
        inputs = {"refundId": identity, "returnedOn": on, "reason": "The address was unknown"}
        with nothing_changes(clinic.address):
            error = refused(clinic.admin, "returnRefund", CHEQUE, **inputs)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "returnedOn"])
    assert back(clinic, identity, day(-5))["unappliedAmount"] == "100.00"


@pytest.mark.parametrize("role", [Role.BILLING, Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
@pytest.mark.parametrize("name", ["returnRefund", "coverRefund", "giveUpRefund"])
def test_nobody_else_takes_a_refund_back(clinic: Clinic, sign_in: SignIn, role: Role, name: str) -> None:
    cheque = paid(clinic, "100.00")["id"]
    inputs = {"refundId": refund(clinic, cheque, "60.00"), "reason": "The address was unknown"}
    inputs |= {"returnRefund": {"returnedOn": TODAY}, "coverRefund": {"chequeId": cheque}}.get(name, {})
    query = f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ cheque {{ id }} }} }}"
    with nothing_changes(clinic.address):
        assert sign_in(role).refusals(query, input=inputs)


def test_a_payer_who_owes_a_refund_gets_none_of_what_only_makes_up_for_it(clinic: Clinic) -> None:
    payer, bounced, identity = owed(clinic, "Bounced Mutual")
    first = paid(clinic, "60.00", payerId=payer)["id"]
    number = look(clinic.billing, bounced)["number"]
    with nothing_changes(clinic.address):
        error = refused(clinic.admin, "refundCheque", CHEQUE, **refund_of(first, "20.01"))
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "amount"])
    assert error["message"] == (
        f"The payer owes $40.00 that was refunded of payments that were returned ({number}): cover those refunds with this payment "
        "first (coverRefund); at most $20.00 can be refunded"
    )
    # What the refusal says, done: then there is no more than that.
    assert covered(clinic, identity, first)["unappliedAmount"] == "20.00"
    assert refunded(clinic, first, "20.00")["unappliedAmount"] == "0.00"
    assert look(clinic.billing, bounced)["unappliedAmount"] == "0.00"


def test_payments_cover_what_is_owed_in_parts_and_the_action_item_ends(clinic: Clinic) -> None:
    payer, bounced, identity = owed(clinic, "Slow Mutual")
    assert [item[0] for item in items(clinic.billing, bounced)] == ["UNAPPLIED_MONEY"]
    first, second = (paid(clinic, amount, payerId=payer)["id"] for amount in ("15.00", "90.00"))
    now = covered(clinic, identity, first)
    assert (now["unappliedAmount"], now["refunds"][-1]["amount"]) == ("0.00", "15.00")
    assert now["refunds"][-1]["carries"] == {"id": identity}
    rest = {one["amount"]: one for one in _refunds(clinic, bounced)}
    assert {amount: one["reversalKind"] for amount, one in rest.items()} == {
        "40.00": None,
        "-40.00": "MOVED",
        "25.00": None,
    }
    with nothing_changes(clinic.address):
        again = {"refundId": identity, "chequeId": second, "reason": "Paid back"}
        error = refused(clinic.admin, "coverRefund", CHEQUE, **again)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "refundId"])
    assert covered(clinic, rest["25.00"]["id"], second)["unappliedAmount"] == "65.00"
    assert items(clinic.billing, bounced) == []
    assert look(clinic.billing, bounced)["unappliedAmount"] == "0.00"


def _refunds(clinic: Clinic, cheque: str) -> list[Any]:
    selection = _REFUNDS.removeprefix("cheque ")
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on Cheque {selection} }} }}"
    found: list[Any] = clinic.billing.read(query, id=cheque)["node"]["refunds"]
    return found


def test_a_cover_that_does_not_fit_is_refused(clinic: Clinic) -> None:
    payer, bounced, identity = owed(clinic, "Wrong Mutual")
    good = paid(clinic, "30.00", payerId=payer)["id"]
    other = paid(clinic, "50.00", payerId=new_payer(clinic, "Another Mutual"))["id"]
    fine = refund(clinic, paid(clinic, "5.00", payerId=new_payer(clinic, "Fine Mutual"))["id"], "5.00")
    wrong: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"amount": "30.01"}, "INVALID_INPUT", ["amount"]),
        ({"amount": "0.00"}, "INVALID_INPUT", ["amount"]),
        ({"reason": " "}, "INVALID_INPUT", ["reason"]),
        ({"chequeId": bounced}, "CONFLICT", ["chequeId"]),
        ({"chequeId": other}, "INVALID_INPUT", ["chequeId"]),
        ({"chequeId": clinic.found.foreign["Cheque"]}, "NOT_FOUND", ["chequeId"]),
        ({"refundId": fine}, "INVALID_INPUT", ["chequeId"]),
        ({"refundId": clinic.found.foreign["Refund"]}, "NOT_FOUND", ["refundId"]),
    ]
    for changes, code, path in wrong:
        inputs = {"refundId": identity, "chequeId": good, "reason": "Paid back", **changes}
        with nothing_changes(clinic.address):
            error = refused(clinic.admin, "coverRefund", CHEQUE, **inputs)
        assert (error["code"], error["path"]) == (code, ["input", *path]), changes


def test_what_a_payer_never_pays_back_is_given_up_and_owed_again_when_it_pays(clinic: Clinic) -> None:
    payer, bounced, identity = owed(clinic, "Insolvent Mutual")
    given_up = done(clinic.admin, "giveUpRefund", _REFUNDS, refundId=identity, reason="Insolvent")
    assert (given_up["unappliedAmount"], items(clinic.billing, bounced)) == ("0.00", [])
    with nothing_changes(clinic.address):
        error = refused(clinic.admin, "giveUpRefund", CHEQUE, refundId=identity, reason="Again")
    assert error["code"] == "CONFLICT"
    # The estate pays a part: that is covered, and the rest is owed again.
    quota = paid(clinic, "10.00", payerId=payer)["id"]
    assert covered(clinic, identity, quota)["unappliedAmount"] == "0.00"
    assert look(clinic.billing, bounced)["unappliedAmount"] == "-30.00"


def test_a_refund_that_was_given_up_may_still_come_back(clinic: Clinic) -> None:
    _, bounced, identity = owed(clinic, "Returning Mutual")
    done(clinic.admin, "giveUpRefund", _REFUNDS, refundId=identity, reason="Insolvent")
    assert back(clinic, identity)["unappliedAmount"] == "0.00"
    assert items(clinic.billing, bounced) == []


def test_money_that_the_payer_withheld_is_refunded_without_being_sent(clinic: Clinic) -> None:
    payer = new_payer(clinic, "Withholding Mutual")
    old, later = (paid(clinic, amount, payerId=payer)["id"] for amount in ("50.00", "150.00"))
    row = adjusted(clinic, later, "50.00", "THEIR-1")
    assert look(clinic.billing, later)["unappliedAmount"] == "200.00"
    foreign = adjusted(clinic, paid(clinic)["id"], "9.00")
    with nothing_changes(clinic.address):
        more = refused(clinic.admin, "refundCheque", CHEQUE, **refund_of(later, "50.01", providerAdjustmentId=row))
        error = refused(clinic.admin, "refundCheque", CHEQUE, **refund_of(old, "9.00", providerAdjustmentId=foreign))
    assert (more["code"], more["path"]) == ("INVALID_INPUT", ["input", "amount"])
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "providerAdjustmentId"])
    identity = refund(clinic, old, "50.00", providerAdjustmentId=row)
    assert look(clinic.billing, old)["unappliedAmount"] == "0.00"
    with nothing_changes(clinic.address):
        inputs = {"refundId": identity, "returnedOn": TODAY, "reason": "The address was unknown"}
        assert refused(clinic.admin, "returnRefund", CHEQUE, **inputs)["code"] == "CONFLICT"
        # Its return takes a refund back, which an administrator does.
        bounce = {"chequeId": later, "returnedOn": TODAY, "reason": "Bounced"}
        assert refused(clinic.billing, "returnCheque", CHEQUE, **bounce)["code"] == "CONFLICT"
    assert done(clinic.admin, "returnCheque", CHEQUE, **bounce)["unappliedAmount"] == "0.00"
    assert look(clinic.billing, old)["unappliedAmount"] == "50.00"


# Orders of what happens to a payment of 100.00 from which 40.00 was refunded.
_ORDERS = list(permutations(("return the payment", "return the refund", "pay again")))


@pytest.mark.parametrize("order", _ORDERS, ids=", ".join)
def test_unapplied_money_of_the_payer_is_the_same_in_any_order(clinic: Clinic, order: tuple[str, ...]) -> None:
    payer = new_payer(clinic, f"Orderly {_ORDERS.index(order)}")
    cheque = paid(clinic, "100.00", payerId=payer, receivedOn=day(-9), chequeDate=day(-9))["id"]
    identity = refund(clinic, cheque, "40.00", refundedOn=day(-6))
    steps: dict[str, Callable[[], Any]] = {
        "return the payment": lambda: returned(clinic, cheque, returnedOn=day(-4)),
        "return the refund": lambda: back(clinic, identity, day(-3)),
        "pay again": lambda: paid(clinic, "100.00", payerId=payer, receivedOn=day(-2), chequeDate=day(-2)),
    }
    for step in order:
        steps[step]()
    assert look(clinic.billing, cheque)["unappliedAmount"] == "0.00"
    assert Decimal(_payer_sum(clinic, payer)) == Decimal("100.00")


def _payer_sum(clinic: Clinic, payer: str) -> str:
    query = "query ($payer: [ID!]) { cheques(filter: {payerId: $payer}) { nodes { unappliedAmount } } }"
    found = clinic.billing.read(query, payer=[payer])["cheques"]["nodes"]
    return str(sum(Decimal(node["unappliedAmount"]) for node in found))


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
