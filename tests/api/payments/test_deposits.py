"""Held cheques become money by their deposit; deposits group payments, and the bank clears them."""

from typing import Any

import pytest

from domain.access.people import Role
from tests.api.payments.paying import CHEQUE, DEPOSIT, day, deposited, items, look, paid, paper, returned
from tests.conftest import SignIn
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes, uuid_of
from tests.support.api.scenarios import TODAY, Clinic, allocations, broken_laws
from tests.support.databases import rows


def held(clinic: Clinic, dated: str, **values: Any) -> Any:
    """A post-dated cheque that arrived three days ago."""
    return paper(clinic, chequeDate=dated, receivedOn=day(-3), **values)


def test_a_post_dated_cheque_is_held_and_no_money(clinic: Clinic) -> None:
    invoice = clinic.agreed("100.00")
    cheque = held(clinic, day(5))
    assert (cheque["status"], cheque["heldFrom"], cheque["unappliedAmount"]) == ("HELD", day(-3), "0.00")
    refusals: list[tuple[str, dict[str, Any], list[str]]] = [
        ("allocateCheque", {"allocations": allocations({invoice: "100.00"})}, ["chequeId"]),
        ("clearCheque", {"clearedOn": TODAY}, ["chequeId"]),
    ]
    for name, inputs, path in refusals:
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, name, "cheque { id }", chequeId=cheque["id"], **inputs)
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", *path])
    with_parts = clinic.cheque_of("100.00", {invoice: "100.00"}, chequeDate=day(1))
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "recordCheque", CHEQUE, **with_parts)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "allocations"])
    early = {"bankAccount": "Main", "depositedOn": TODAY, "chequeIds": [cheque["id"]]}
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "createDeposit", DEPOSIT, **early)
    assert error["path"] == ["input", "depositedOn"]


def test_on_its_day_a_held_cheque_is_an_action_item_until_its_deposit_makes_it_money(clinic: Clinic) -> None:
    invoice = clinic.agreed("100.00")
    cheque = held(clinic, day(-1), number="held-1")
    assert items(clinic.billing, cheque["id"], day(-2)) == []
    assert items(clinic.billing, cheque["id"], day(-1)) == [("DEPOSIT_DUE", day(-1), "Deposit cheque HELD-1")]
    deposit = deposited(clinic, cheque["id"])
    assert deposit["cheques"] == [{"id": cheque["id"], "status": "RECEIVED", "receivedOn": TODAY, "depositedOn": TODAY}]
    now = look(clinic.billing, cheque["id"])
    assert (now["status"], now["receivedOn"], now["heldFrom"], now["unappliedAmount"]) == (
        *("RECEIVED", TODAY, day(-3), "100.00"),
    )
    assert items(clinic.billing, cheque["id"]) == []
    parts = {"chequeId": cheque["id"], "allocations": allocations({invoice: "100.00"})}
    done(clinic.billing, "allocateCheque", "cheque { id }", **parts)
    assert clinic.look(invoice)["fullyPaidOn"] == TODAY


def test_a_held_cheque_can_be_returned_without_ever_being_money(clinic: Clinic) -> None:
    back = returned(clinic, held(clinic, day(9))["id"], kind="STOPPED")
    assert (back["status"], back["unappliedAmount"]) == ("RETURNED", "0.00")
    assert items(clinic.billing, back["id"], day(30)) == []


def test_a_deposit_groups_payments_of_every_method(clinic: Clinic) -> None:
    cheques = [paper(clinic)["id"], paid(clinic, "50.25")["id"], paid(clinic, "0.75", method="CASH")["id"]]
    deposit = deposited(clinic, *cheques)
    assert (deposit["paymentCount"], deposit["total"], deposit["bankAccount"]) == (3, "151.00", "Operating account")
    assert [one["id"] for one in deposit["cheques"]] == cheques
    more = paid(clinic, "9.00")["id"]
    added = done(clinic.billing, "depositCheques", DEPOSIT, depositId=deposit["id"], chequeIds=[more])
    assert (added["paymentCount"], added["total"]) == (4, "160.00")
    # What is returned later was deposited all the same.
    returned(clinic, more)
    query = """query ($id: ID!, $from: Date!) { deposits(filter: {depositedFrom: $from}) { nodes { id total } }
        cheques(filter: {depositId: $id}) { nodes { id } } }"""
    found = clinic.billing.read(query, **{"id": deposit["id"], "from": TODAY})
    assert {"id": deposit["id"], "total": "160.00"} in found["deposits"]["nodes"]
    assert {one["id"] for one in found["cheques"]["nodes"]} == {*cheques, more}


def test_an_invalid_deposit_is_refused_and_changes_nothing(clinic: Clinic) -> None:
    fresh, once, back = (paid(clinic)["id"] for _ in range(3))
    deposit = deposited(clinic, once)
    returned(clinic, back)
    good = {"bankAccount": "Main", "depositedOn": TODAY, "chequeIds": [fresh]}
    wrong: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"chequeIds": []}, "INVALID_INPUT", ["chequeIds"]),
        ({"chequeIds": [fresh, fresh]}, "INVALID_INPUT", ["chequeIds"]),
        ({"chequeIds": [fresh, once]}, "CONFLICT", ["chequeIds", "1"]),
        ({"chequeIds": [back]}, "CONFLICT", ["chequeIds", "0"]),
        ({"chequeIds": [fresh, clinic.found.foreign["Cheque"]]}, "NOT_FOUND", ["chequeIds", "1"]),
        ({"chequeIds": [clinic.found.unknown("Cheque")]}, "NOT_FOUND", ["chequeIds", "0"]),
        ({"depositedOn": day(1)}, "INVALID_INPUT", ["depositedOn"]),
        ({"depositedOn": day(-1)}, "INVALID_INPUT", ["depositedOn"]),
        ({"bankAccount": " "}, "INVALID_INPUT", ["bankAccount"]),
    ]
    for changes, code, path in wrong:
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "createDeposit", DEPOSIT, **{**good, **changes})
        assert (error["code"], error["path"]) == (code, ["input", *path]), changes
    for identity in (clinic.found.foreign["Deposit"], clinic.found.unknown("Deposit")):
        error = refused(clinic.billing, "depositCheques", DEPOSIT, depositId=identity, chequeIds=[fresh])
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "depositId"])
    assert deposit["paymentCount"] == 1


def test_the_bank_clears_a_payment_on_or_after_its_deposit(clinic: Clinic) -> None:
    cheque = paid(clinic, receivedOn=day(-5), chequeDate=day(-5))["id"]
    deposited(clinic, cheque, on=day(-3))
    for wrong in (day(-4), day(1)):
        error = refused(clinic.billing, "clearCheque", CHEQUE, chequeId=cheque, clearedOn=wrong)
        assert error["path"] == ["input", "clearedOn"]
    assert done(clinic.billing, "clearCheque", CHEQUE, chequeId=cheque, clearedOn=day(-1))["clearedOn"] == day(-1)
    assert done(clinic.billing, "clearCheque", CHEQUE, chequeId=cheque, clearedOn=day(-2))["clearedOn"] == day(-2)
    returned(clinic, cheque)
    error = refused(clinic.billing, "clearCheque", CHEQUE, chequeId=cheque, clearedOn=TODAY)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "chequeId"])


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN, Role.ANALYST])
def test_others_see_no_deposit_refund_or_payment(clinic: Clinic, sign_in: SignIn, role: Role) -> None:
    deposit = deposited(clinic, paid(clinic)["id"])
    client = sign_in(role)
    node = client.read("query ($id: ID!) { node(id: $id) { id } }", id=deposit["id"])["node"]
    assert node is None
    for query in ("{ deposits { nodes { id } } }", "{ agingByPayer { unappliedAmount } }"):
        assert client.refusals(query)


def test_hand_written_sql_cannot_edit_what_was_recorded(clinic: Clinic) -> None:
    cheque = uuid_of(deposited(clinic, paid(clinic)["id"])["cheques"][0]["id"])
    for change in (
        "method = 'cash'",
        "bank_key = 'x'",
        "received_on = received_on - 1",
        "deposit_id = null",
        "held_from = received_on, released_at = now()",
        "number_key = 'x'",
    ):
        with pytest.raises(Exception, match="never edited"):
            rows(clinic.address, f"update cheques set {change} where id = $1", cheque)
    for table in ("deposits", "refunds"):
        with pytest.raises(Exception, match="written once"):
            rows(clinic.address, f"delete from {table}")


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
