"""Concurrent commands: one of them succeeds, none waits forever, and no cheque pays more than its amount."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from tests.support.api.mutations import answered
from tests.support.api.scenarios import CHEQUE, INVOICE, TODAY, Clinic, allocations

_AT_ONCE = 50


def _all_at_once(count: int, work: Any) -> list[Any]:
    with ThreadPoolExecutor(min(count, _AT_ONCE)) as crowd:
        return list(crowd.map(work, range(count)))


def _outcome(answer: Any) -> str:
    return answer["errors"][0]["code"] if answer["errors"] else "done"


def test_of_two_hundred_concurrent_submissions_of_an_invoice_one_succeeds(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    inputs = {"invoiceId": invoice, "submittedOn": TODAY, "method": "EMAIL"}
    answers = _all_at_once(200, lambda _: answered(clinic.billing, "submitInvoice", INVOICE, **inputs))
    assert Counter(map(_outcome, answers)) == {"done": 1, "ILLEGAL_TRANSITION": 199}
    assert [event["transition"] for event in clinic.look(invoice)["history"]] == ["create_invoice", "submit_invoice"]


def test_of_two_hundred_concurrent_commands_on_one_version_one_succeeds(clinic: Clinic) -> None:
    invoice = clinic.submitted()
    inputs = {"invoiceId": invoice, "version": clinic.look(invoice)["version"]}
    answers = _all_at_once(200, lambda _: answered(clinic.billing, "acceptInFull", INVOICE, **inputs))
    outcomes = Counter(map(_outcome, answers))
    assert outcomes["done"] == 1
    assert set(outcomes) <= {"done", "STALE_VERSION", "ILLEGAL_TRANSITION"}


def test_fifty_concurrent_commands_with_one_idempotency_key_get_one_result(clinic: Clinic) -> None:
    invoice = clinic.submitted()
    inputs = {"invoiceId": invoice, "idempotencyKey": "one for all"}
    answers = _all_at_once(50, lambda _: answered(clinic.billing, "acceptInFull", INVOICE, **inputs))
    assert Counter(map(_outcome, answers)) == {"done": 50}
    assert {answer["invoice"]["version"] for answer in answers} == {clinic.look(invoice)["version"]}


def test_fifty_concurrent_allocations_of_a_cheque_never_exceed_its_amount(clinic: Clinic) -> None:
    case = clinic.case()
    invoices = [clinic.agreed("100.00", case) for _ in range(5)]
    cheque = clinic.pays("250.00", {})
    parts = [{invoices[number % 5]: "20.00"} for number in range(50)]
    answers = _all_at_once(
        50,
        lambda number: answered(
            clinic.billing, "allocateCheque", CHEQUE, chequeId=cheque["id"], allocations=allocations(parts[number])
        ),
    )
    done = Counter(map(_outcome, answers))["done"]
    left = [answer["cheque"]["unappliedAmount"] for answer in answers if answer["cheque"]]
    received = sum(Decimal(clinic.look(invoice)["receivedAmount"]) for invoice in invoices)
    assert done == 12
    assert received == Decimal("240.00")
    assert min(map(Decimal, left)) == Decimal("10.00")


def test_cheques_that_pay_the_same_invoices_in_different_orders_do_not_deadlock(clinic: Clinic) -> None:
    case = clinic.case()
    invoices = [clinic.agreed("100.00", case) for _ in range(5)]

    def pay(number: int) -> Any:
        order = invoices[number % 5 :] + invoices[: number % 5]
        parts = dict.fromkeys(order if number % 2 else order[::-1], "1.00")
        return answered(clinic.billing, "recordCheque", CHEQUE, **clinic.cheque_of("5.00", parts))

    answers = _all_at_once(40, pay)
    assert Counter(map(_outcome, answers)) == {"done": 40}
    assert {clinic.look(invoice)["receivedAmount"] for invoice in invoices} == {"40.00"}
