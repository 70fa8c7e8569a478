"""Concurrent commands: one of them succeeds, none waits forever, and no cheque pays more than its amount."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from tests.support.api.mutations import answered
from tests.support.api.scenarios import CHEQUE, INVOICE, TODAY, Clinic, allocations, broken_laws, line

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


def test_an_invoice_that_is_paid_while_it_is_replaced_is_replaced_with_the_money_or_not_at_all(clinic: Clinic) -> None:
    lines = {"lines": [line("80.00")], "reason": "Wrong", "confirmDuplicate": True}
    for _ in range(4):
        invoice = clinic.submitted("100.00")
        cheques = [clinic.cheque_of("10.00", {invoice: "10.00"}) for _ in range(4)]
        with ThreadPoolExecutor(5) as crowd:
            replaced = crowd.submit(answered, clinic.admin, "replaceInvoice", INVOICE, invoiceId=invoice, **lines)
            paid = [crowd.submit(answered, clinic.billing, "recordCheque", CHEQUE, **cheque) for cheque in cheques]
        assert _outcome(replaced.result()) in {"done", "CONFLICT"}
        assert {_outcome(one.result()) for one in paid} <= {"done", "ILLEGAL_TRANSITION"}
    assert broken_laws(clinic.address) == ()
