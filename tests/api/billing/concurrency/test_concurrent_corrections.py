"""Corrections and moves of a payment at the same moment as everything else that is done with it: each is made, or refused with a reason."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from tests.api.merges.test_merging import a_payer
from tests.api.payments.paying import CHEQUE, electronic, paid, refund_of
from tests.api.payments.test_corrections import CHEQUE as CORRECTED
from tests.api.remittances.remitting import REMITTANCE, claim, imported, number_of, payment
from tests.support.api.mutations import answered
from tests.support.api.scenarios import INVOICE, TODAY, Clinic, allocations, broken_laws, line
from tests.support.databases import rows
from tests.support.merges import MERGE

# No internal error, and no version, which these inputs do not name.
_REFUSALS = {"CONFLICT", "ILLEGAL_TRANSITION", "INVALID_INPUT"}
_ROUNDS, _EACH = 2, 2
_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


@dataclass
class Scene:
    """A payment of 100.00 by a payer of its own, of which 60.00 pay the first of two invoices of 100.00."""

    clinic: Clinic
    first: str
    second: str
    cheque: str
    number: str

    @classmethod
    def new(cls, clinic: Clinic) -> "Scene":
        """A scene of its own."""
        own = Clinic(clinic.billing, clinic.admin, clinic.found, clinic.address)
        own.payer = a_payer(clinic.billing)
        first, second = own.submitted("100.00"), own.submitted("100.00")
        number = uuid4().hex[:12].upper()
        cheque = paid(own, "100.00", {first: "60.00"}, number=number)["id"]
        return cls(own, first, second, cheque, number)

    def correct(self, **values: Any) -> Callable[[], Any]:
        """The request that corrects the payment, to a number of its own by default."""
        right = values or {"number": uuid4().hex[:12]}
        told = {"chequeId": self.cheque, "reason": "A typing error", **right}
        return partial(answered, self.clinic.admin, "correctCheque", CORRECTED, **told)

    def move(self, amount: str = "60.00") -> Callable[[], Any]:
        """The request that moves an amount to the second invoice."""
        told = {"chequeId": self.cheque, "invoiceId": self.first, "toInvoiceId": self.second, "amount": amount}
        return partial(answered, self.clinic.billing, "moveAllocation", CHEQUE, reason="The wrong invoice", **told)

    def of_payment(self, name: str, **values: Any) -> Callable[[], Any]:
        """Another request about the payment."""
        return partial(answered, self.clinic.admin, name, CHEQUE, chequeId=self.cheque, **values)

    def posting(self) -> Callable[[], Any]:
        """The request that posts the payment's remittance, which says that it pays the first invoice in whole."""
        sent = claim(number_of(self.clinic, self.first), "100.00", "100.00")
        came = imported(self.clinic, payment(sent, trace=self.number))
        return partial(answered, self.clinic.billing, "postRemittance", REMITTANCE, remittanceId=came["id"])

    def merging(self) -> Callable[[], Any]:
        """The request that merges another payer into that of the payment."""
        told = {"mergedId": a_payer(self.clinic.billing), "survivingId": self.clinic.payer}
        return partial(answered, self.clinic.admin, "mergePayers", MERGE, **told)

    def recording(self) -> Callable[[], Any]:
        """The request that records another payment of both invoices."""
        typed = electronic(self.clinic, "20.00", {self.second: "10.00", self.first: "10.00"})
        return partial(answered, self.clinic.billing, "recordCheque", CHEQUE, **typed)

    def replacing(self) -> Callable[[], Any]:
        """The request that replaces the first invoice."""
        new = {"lines": [line("80.00")], "reason": "Wrong", "confirmDuplicate": True}
        return partial(answered, self.clinic.admin, "replaceInvoice", INVOICE, invoiceId=self.first, **new)


_OTHERS: dict[str, Callable[[Scene], Callable[[], Any]]] = {
    "allocateCheque": lambda of: of.of_payment("allocateCheque", allocations=allocations({of.second: "40.00"})),
    "returnCheque": lambda of: of.of_payment("returnCheque", returnedOn=TODAY, reason="No funds"),
    "refundCheque": lambda of: partial(
        answered, of.clinic.admin, "refundCheque", CHEQUE, **refund_of(of.cheque, "40.00")
    ),
    "replaceInvoice": Scene.replacing,
    "recordCheque": Scene.recording,
    "postRemittance": Scene.posting,
    "mergePayers": Scene.merging,
    "moveAllocation": lambda of: of.move("30.00"),
    "correctCheque": lambda of: of.correct(amount="90.00"),
}
_CORRECTIONS: dict[str, Callable[[Scene], Callable[[], Any]]] = {
    "correctCheque": Scene.correct,
    "correctCheque to another invoice": lambda of: of.correct(allocations=allocations({of.second: "60.00"})),
    "moveAllocation": Scene.move,
}


@pytest.fixture(scope="module", autouse=True)
def no_deadlock(clinic: Clinic) -> Iterator[None]:
    before = rows(clinic.address, _DEADLOCKS)[0][0]
    yield
    assert rows(clinic.address, _DEADLOCKS)[0][0] == before


def at_once(*requests: Callable[[], Any]) -> list[Any]:
    """The answers to requests that begin together."""
    with ThreadPoolExecutor(len(requests)) as crowd:
        return [one.result() for one in [crowd.submit(request) for request in requests]]


def code(answer: Any) -> str:
    """The code of its error, or that it was done."""
    return answer["errors"][0]["code"] if answer["errors"] else "done"


@pytest.mark.parametrize("correction", sorted(_CORRECTIONS))
@pytest.mark.parametrize("other", sorted(_OTHERS))
def test_a_correction_and_another_command_at_the_same_moment(clinic: Clinic, other: str, correction: str) -> None:
    found = Counter[str]()
    for round_ in range(_ROUNDS):
        scene = Scene.new(clinic)
        requests = [make(scene) for make in (_CORRECTIONS[correction], _OTHERS[other]) for _ in range(_EACH)]
        answers = at_once(*(requests if round_ % 2 else requests[::-1]))
        found.update(map(code, answers))
        assert "done" in map(code, answers)
    assert set(found) <= {"done", *_REFUSALS}, found


def test_of_many_corrections_of_one_payment_one_wins_and_the_others_are_told_which_payment_stands(
    clinic: Clinic,
) -> None:
    scene = Scene.new(clinic)
    answers = at_once(*(scene.correct(number=f"{scene.number}-{place}") for place in range(20)))
    [won] = [answer["cheque"] for answer in answers if not answer["errors"]]
    lost = [answer["errors"][0] for answer in answers if answer["errors"]]
    assert {(one["code"], one["message"]) for one in lost} == {
        ("CONFLICT", f"This payment was corrected: payment {won['number']} stands in its place")
    }
    assert (won["amount"], won["unappliedAmount"]) == ("100.00", "40.00")
    assert clinic.look(scene.first)["receivedAmount"] == "60.00"


def test_of_many_moves_of_one_allocation_no_more_is_moved_than_it_was(clinic: Clinic) -> None:
    scene = Scene.new(clinic)
    answers = at_once(*(scene.move("25.00") for _ in range(12)))
    assert Counter(map(code, answers))["done"] == 2
    assert {code(one) for one in answers} <= {"done", "CONFLICT", "INVALID_INPUT"}
    received = [clinic.look(one)["receivedAmount"] for one in (scene.first, scene.second)]
    assert received == ["10.00", "50.00"]


def test_one_correction_that_is_sent_many_times_with_its_key_is_made_once(clinic: Clinic) -> None:
    scene = Scene.new(clinic)
    answers = at_once(*(scene.correct(number=f"{scene.number}-X", idempotencyKey=scene.number) for _ in range(10)))
    assert [answer["errors"] for answer in answers] == [[]] * 10
    assert len({answer["cheque"]["id"] for answer in answers}) == 1


def test_all_laws_hold_after_these_tests(clinic: Clinic) -> None:
    assert broken_laws(clinic.address) == ()
