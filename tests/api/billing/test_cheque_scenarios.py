"""Cheques pay many invoices, in parts and later, and a returned cheque takes every payment back; each test is one scenario."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import asyncpg

from server.database_urls import DatabaseUrls
from tests.support.api.mutations import done, refused
from tests.support.api.records import nothing_changes, today, uuid_of
from tests.support.api.scenarios import CHEQUE, TODAY, Clinic, broken_laws, transition_names
from tests.support.databases import rows


def test_one_cheque_pays_five_invoices_and_its_remainder_pays_a_sixth_later(clinic: Clinic) -> None:
    five = [clinic.agreed("100.00") for _ in range(5)]
    cheque = clinic.pays("550.00", dict.fromkeys(five, "100.00"))
    assert cheque["unappliedAmount"] == "50.00"
    assert {part["invoice"]["status"] for part in cheque["allocations"]} == {"CHEQUE_RECEIVED"}
    sixth = clinic.agreed("40.00")
    later = done(
        clinic.billing,
        "allocateCheque",
        CHEQUE,
        chequeId=cheque["id"],
        allocations=[{"invoiceId": sixth, "amount": "40.00"}],
    )
    assert (later["unappliedAmount"], len(later["allocations"])) == ("10.00", 6)
    assert clinic.look(sixth)["status"] == "CHEQUE_RECEIVED"
    seventh = clinic.agreed("40.00")
    with nothing_changes(clinic.address):
        error = refused(
            clinic.billing,
            "allocateCheque",
            CHEQUE,
            chequeId=cheque["id"],
            allocations=[{"invoiceId": seventh, "amount": "10.01"}],
        )
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "allocations"])


def test_partial_payments_leave_a_balance_until_it_is_covered(clinic: Clinic) -> None:
    invoice = clinic.agreed("100.00")
    states = []
    for amount in ("30.00", "30.00", "40.00"):
        clinic.pays(amount, {invoice: amount})
        now = clinic.look(invoice)
        states.append((now["status"], now["receivedAmount"], now["balance"], now["fullyPaidOn"]))
    assert states == [
        ("PENDING_CHEQUE", "30.00", "70.00", None),
        ("PENDING_CHEQUE", "60.00", "40.00", None),
        ("CHEQUE_RECEIVED", "100.00", "0.00", TODAY),
    ]


def test_an_invalid_cheque_is_refused_and_its_scan_stays_unused(clinic: Clinic) -> None:
    invoice, other = clinic.agreed("100.00"), clinic.invoice("100.00")
    good = clinic.cheque_of("50.00", {invoice: "50.00"})
    tomorrow = (today() + timedelta(days=1)).isoformat()
    part = {"invoiceId": invoice, "amount": "50.00"}
    wrong: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"amount": "0.00"}, "INVALID_INPUT", ["amount"]),
        ({"number": " "}, "INVALID_INPUT", ["number"]),
        ({"receivedOn": tomorrow}, "INVALID_INPUT", ["receivedOn"]),
        ({"amount": "49.99"}, "INVALID_INPUT", ["allocations"]),
        ({"allocations": [part, part], "amount": "100.00"}, "INVALID_INPUT", ["allocations"]),
        ({"allocations": [{**part, "amount": "0.00"}]}, "INVALID_INPUT", ["allocations", "0", "amount"]),
        ({"allocations": [{**part, "amount": "-5.00"}]}, "INVALID_INPUT", ["allocations", "0", "amount"]),
        ({"allocations": [{**part, "amount": "100.01"}], "amount": "500.00"}, "INVALID_INPUT", ["allocations", "0", "amount"]),
        ({"allocations": [{**part, "invoiceId": other}]}, "ILLEGAL_TRANSITION", ["allocations", "0", "invoiceId"]),
        ({"allocations": [{**part, "invoiceId": clinic.found.unknown("Invoice")}]}, "NOT_FOUND", ["allocations", "invoiceId"]),
        ({"payerId": clinic.found.unknown("Payer")}, "INVALID_INPUT", ["allocations", "0", "invoiceId"]),
        ({"documentId": clinic.found.unknown("Upload")}, "INVALID_INPUT", ["documentId"]),
        ({"documentId": clinic.upload(clinic.admin)}, "INVALID_INPUT", ["documentId"]),
    ]  # fmt: skip
    for changes, code, path in wrong:
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "recordCheque", CHEQUE, **{**good, **changes})
        assert (error["code"], error["path"]) == (code, ["input", *path]), changes
    done(clinic.billing, "recordCheque", CHEQUE, **good)
    with nothing_changes(clinic.address):
        error = refused(clinic.billing, "recordCheque", CHEQUE, **{**good, "number": "another"})
    assert error["path"] == ["input", "documentId"]


def test_the_number_of_a_returned_cheque_can_be_used_again(clinic: Clinic) -> None:
    first = clinic.pays("5.00", {}, number="twice")
    error = refused(clinic.billing, "recordCheque", CHEQUE, **clinic.cheque_of("5.00", {}, number="twice"))
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "number"])
    clinic.bounces(first["id"])
    assert clinic.pays("5.00", {}, number="twice")["number"] == "TWICE"


# Returned cheques.


def test_a_cheque_that_bounces_before_the_settlement_reopens_the_balances_that_it_paid(clinic: Clinic) -> None:
    whole, part = clinic.agreed("100.00"), clinic.agreed("100.00")
    clinic.pays("60.00", {part: "60.00"})
    bounced = clinic.bounces(clinic.pays("140.00", {whole: "100.00", part: "40.00"})["id"])
    assert bounced["returnedOn"] == TODAY
    assert sorted(piece["amount"] for piece in bounced["allocations"]) == ["-100.00", "-40.00", "100.00", "40.00"]
    assert {piece["effectiveOn"] for piece in bounced["allocations"]} == {TODAY}
    owed = [clinic.look(invoice) for invoice in (whole, part)]
    assert [(now["status"], now["receivedAmount"], now["balance"], now["fullyPaidOn"]) for now in owed] == [
        ("PENDING_CHEQUE", "0.00", "100.00", None),
        ("PENDING_CHEQUE", "60.00", "40.00", None),
    ]
    assert transition_names(owed[0])[-2:] == ["record_cheque", "return_cheque"]


def test_a_cheque_that_bounces_after_the_settlement_reopens_the_case_and_its_other_invoices(clinic: Clinic) -> None:
    case = clinic.case()
    first, second = clinic.agreed("100.00", case), clinic.agreed("200.00", case)
    lost = clinic.submitted("50.00", case)
    clinic.step("writeOffInvoice", lost, clinic.admin, reason="Not worth it")
    bad, good = clinic.pays("100.00", {first: "100.00"}), clinic.pays("200.00", {second: "200.00"})
    clinic.settles(case)
    with nothing_changes(clinic.address):
        inputs = {"returnedOn": TODAY, "reason": "No funds"}
        error = refused(clinic.billing, "returnCheque", CHEQUE, chequeId=bad["id"], **inputs)
    assert (error["code"], error["currentStatus"]) == ("ILLEGAL_TRANSITION", "PAID")
    clinic.bounces(bad["id"], clinic.admin)
    states = [clinic.look(invoice) for invoice in (first, second, lost)]
    assert [now["status"] for now in states] == ["PENDING_CHEQUE", "CHEQUE_RECEIVED", "WRITTEN_OFF"]
    assert [now["paidOn"] for now in states] == [None, None, None]
    assert (states[0]["case"]["status"], states[0]["case"]["settledOn"]) == ("OPEN", None)
    assert (transition_names(states[0])[-1], transition_names(states[1])[-1]) == ("return_cheque", "reopen_case")
    assert good["id"] != bad["id"]
    clinic.pays("100.00", {first: "100.00"})
    assert clinic.settles(case)["status"] == "SETTLED"


def test_a_returned_cheque_that_paid_a_part_of_a_written_off_invoice_increases_the_write_off(clinic: Clinic) -> None:
    given_up, other = clinic.agreed("100.00"), clinic.agreed("50.00")
    cheque = clinic.pays("80.00", {given_up: "30.00", other: "50.00"})
    lost = clinic.step("writeOffInvoice", given_up, clinic.admin, reason="Case lost")
    assert (lost["writtenOffAmount"], lost["receivedAmount"], lost["balance"]) == ("70.00", "30.00", "0.00")
    clinic.bounces(cheque["id"])
    now = clinic.look(given_up)
    assert (now["status"], now["writtenOffAmount"], now["receivedAmount"]) == ("WRITTEN_OFF", "100.00", "0.00")
    assert transition_names(now)[-1] == "return_cheque"
    assert clinic.look(other)["status"] == "PENDING_CHEQUE"


def test_a_cheque_is_returned_once_on_a_day_since_its_receipt_and_for_a_reason(clinic: Clinic) -> None:
    cheque = clinic.pays("5.00", {})["id"]
    yesterday, tomorrow = (today() - timedelta(days=1)).isoformat(), (today() + timedelta(days=1)).isoformat()
    for inputs, path in (
        ({"returnedOn": yesterday, "reason": "No funds"}, "returnedOn"),
        ({"returnedOn": tomorrow, "reason": "No funds"}, "returnedOn"),
        ({"returnedOn": TODAY, "reason": " "}, "reason"),
    ):
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, "returnCheque", CHEQUE, chequeId=cheque, **inputs)
        assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", path])
    clinic.bounces(cheque)
    invoice = clinic.agreed()
    again: dict[str, dict[str, Any]] = {
        "returnCheque": {"returnedOn": TODAY, "reason": "Again"},
        "allocateCheque": {"allocations": [{"invoiceId": invoice, "amount": "1.00"}]},
    }
    for name, arguments in again.items():
        with nothing_changes(clinic.address):
            error = refused(clinic.billing, name, CHEQUE, chequeId=cheque, **arguments)
        assert error["code"] == "CONFLICT"


def test_a_return_that_waits_for_an_allocation_of_the_same_cheque_is_refused_as_a_conflict(clinic: Clinic) -> None:
    """Its new invoice is in a case that the return has not locked: one of the two has to be repeated, neither is half done."""
    invoice, cheque = clinic.agreed("100.00"), clinic.pays("100.00", {})["id"]
    parts = [{"invoiceId": invoice, "amount": "100.00"}]
    back = {"returnedOn": TODAY, "reason": "No funds"}
    with ThreadPoolExecutor(2) as pool:
        with locked(clinic.address, invoice):
            allocation = pool.submit(done, clinic.billing, "allocateCheque", CHEQUE, chequeId=cheque, allocations=parts)
            wait_for_waiters(clinic.address, 1)
            returning = pool.submit(refused, clinic.admin, "returnCheque", CHEQUE, chequeId=cheque, **back)
            wait_for_waiters(clinic.address, 2)
        assert allocation.result()["unappliedAmount"] == "0.00"
        assert (returning.result()["code"], returning.result()["path"]) == ("CONFLICT", ["input", "chequeId"])
    clinic.bounces(cheque)
    assert clinic.look(invoice)["status"] == "PENDING_CHEQUE"


@contextmanager
def locked(address: DatabaseUrls, invoice: str) -> Iterator[None]:
    """Another transaction holds the row lock of an invoice, until the end."""

    async def lock() -> asyncpg.Connection:
        connection = await asyncpg.connect(address.owner)
        await connection.execute(f"begin; select 1 from invoices where id = '{uuid_of(invoice)}' for update")
        return connection

    with asyncio.Runner() as runner:
        connection = runner.run(lock())
        try:
            yield
        finally:
            runner.run(connection.close())


def wait_for_waiters(address: DatabaseUrls, count: int) -> None:
    """Wait until so many transactions of the database wait for a lock; fails when they do not."""
    query = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    deadline = time.monotonic() + 10
    while len(rows(address, query)) < count:
        assert time.monotonic() < deadline, "no transaction waits"
        time.sleep(0.02)


def test_after_these_scenarios_every_law_of_the_records_holds(clinic: Clinic) -> None:
    clinic.bounces(clinic.pays("1000.00", {clinic.agreed(): "1000.00"})["id"])
    assert broken_laws(clinic.address) == ()
