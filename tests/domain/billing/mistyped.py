"""Histories in which one payment is typed wrong and corrected later, beside the same histories in which it is typed right."""

from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.billing.ledger.amounts import effective_day
from domain.billing.ledger.facts import Receipt
from domain.errors import DomainError
from imports.demo.seeded_random import SeededRandom
from tests.domain.billing.books import FIRM, INSURER, PATIENT, Books, day
from tests.domain.test_transitions import CREATED_ON
from tests.support.api.recorded_histories import BILLED, Act

CENT = Decimal("0.01")
# The steps of a history, each with the day on which it is recorded.
Order = list[tuple[int, Act]]


class Wrong(StrEnum):
    """What is typed wrong of a payment."""

    NUMBER = "number"
    AMOUNT = "amount"
    PAYER = "payer"
    DAY = "day"
    # It is typed for another invoice, and is a payment of this one; or the other way round.
    OTHER_INVOICE = "other invoice"
    THIS_INVOICE = "this invoice"
    RETURN = "day of its return"


class Done(StrEnum):
    """How a step of the script was made."""

    AS_PLANNED = "as planned"
    WRONG = "wrong"
    # The return of the payment, on a wrong day.
    WRONG_RETURN = "wrong return"
    CORRECTED = "corrected"


class Mistyped:
    """The books of an invoice while the payment of one step of a plan is typed wrong."""

    def __init__(self, order: Order, place: int, wrong: Wrong, random: SeededRandom) -> None:
        self.order, self.place, self.wrong, self.books = order, place, wrong, Books(BILLED)
        self.receipts, self.corrected_on = dict[int, Receipt](), -1
        (on, self.act) = order[place]
        self.values, self.happened = self._mistakes(on, self.act, random)
        self.returns = list[Receipt]()
        # Its return, and on which day that is typed to have happened.
        later = ((at, one) for at, (_, one) in enumerate(order) if one.values.get("cheque") == self.act.key)
        nothing: tuple[int, Act | None] = (-1, None)
        self.return_place, self.return_act = next(later, nothing)
        self.returned, self.shift = -1, random.choice([-8, -4, -2, -1, 1, 2, 8])
        # What was done on which day: a step as it was planned, with its act, or typed wrong, or the correction of that.
        self.script = list[tuple[int, Done, Act]]()
        # The steps between the mistake and its correction.
        self.between = list[str]()

    def _mistakes(self, on: int, act: Act, random: SeededRandom) -> tuple[dict[str, Any], int]:
        values, happened = dict(act.values), act.happened or 0
        if self.wrong is Wrong.AMOUNT:
            values["amount"] = max(CENT, (act.values["amount"] * random.choice([1, 3, 8]) / 4).quantize(CENT))
        elif self.wrong is Wrong.PAYER:
            values["payer"] = random.choice([one for one in (INSURER, FIRM, PATIENT) if one != act.values["payer"]])
        elif self.wrong is Wrong.DAY:
            happened = min(on, max(0, happened + random.choice([-16, -8, -4, -2, -1, 1, 2, 8])))
        elif self.wrong is Wrong.THIS_INVOICE:
            values |= {
                "amount": random.choice([CENT, 70 * CENT, Decimal(100)]),
                "payer": random.choice([INSURER, FIRM]),
            }
        return values, happened

    def run(self, until: int) -> bool:
        """Make all steps; what was typed wrong is corrected after the step at a place, or before a step that is refused."""
        until = max(until, self.return_place) if self.wrong is Wrong.RETURN else until
        for place, (on, act) in enumerate(self.order):
            self.books.pass_nights(on)
            try:
                if place == self.place:
                    self._type(on, act)
                    continue
                if place == until + 1 and self.corrected_on < 0 and place > self.place:
                    self.correct(on)
                self._do(on, act)
            except DomainError:
                if self.corrected_on >= 0 or place <= self.place:
                    return False
                try:
                    self.correct(on)
                    self._do(on, act)
                except DomainError:
                    return False
            if place > self.place and self.corrected_on < 0:
                self.between.append(act.name)
        return True

    def _type(self, on: int, act: Act) -> None:
        self.script.append((on, Done.WRONG, act))
        identity = UUID(int=10**6 + act.key)
        if self.wrong is Wrong.THIS_INVOICE:
            mistake = self.books.receive(on, self.values["amount"], self.values["payer"], self.happened, id=UUID(int=5))
            self.receipts[-1] = mistake
            self._do(on, act)
        elif self.wrong is Wrong.OTHER_INVOICE:
            self.books.steps += 1
            moment, payer = self.books.moment(on, self.books.steps), act.values["payer"]
            counts_on = effective_day(day(self.happened), CREATED_ON)
            self.receipts[act.key] = Receipt(
                identity, payer, act.values["amount"], counts_on, moment, is_patient=payer == PATIENT
            )
        else:
            paid = self.books.receive(on, self.values["amount"], self.values["payer"], self.happened, id=identity)
            self.receipts[act.key] = paid

    def _do(self, on: int, act: Act) -> None:
        if act.name == "record_cheque":
            known = (act.values["amount"], act.values["payer"], act.happened)
            self.receipts[act.key] = self.books.receive(on, *known, id=UUID(int=10**6 + act.key))
        elif act.name == "return_cheque" and self._is_elsewhere(act):
            self.books.steps += 1
            paid, moment = self.receipts[act.values["cheque"]], self.books.moment(on, self.books.steps)
            back = replace(paid, id=UUID(int=7), amount=-paid.amount, reverses_id=paid.id, recorded_at=moment)
            self.returns = [replace(back, effective_on=max(day(act.happened or 0), paid.effective_on))]
        elif act is self.return_act and self.wrong is Wrong.RETURN:
            paid = self.receipts[self.act.key]
            self.returned = min(on, max((act.happened or 0) + self.shift, (paid.effective_on - CREATED_ON).days))
            self.books.take_back(on, paid, self.returned)
            self.script.append((on, Done.WRONG_RETURN, act))
            return
        elif act.name == "return_cheque":
            self.books.take_back(on, self.receipts[act.values["cheque"]], act.happened)
        else:
            act.do(self.books, on)
        self.script.append((on, Done.AS_PLANNED, act))

    def _is_elsewhere(self, act: Act) -> bool:
        """Whether the payment that an act returns is still one of another invoice."""
        return self.wrong is Wrong.OTHER_INVOICE and self.corrected_on < 0 and act.values["cheque"] == self.act.key

    def correct(self, on: int) -> None:
        """Correct what was typed wrong, on a day."""
        key, books = self.act.key, self.books
        if self.wrong is Wrong.RETURN:
            if self.return_act is None or self.returned < 0:
                raise DomainError("It was not returned")
            books.returned_on[self.receipts[key].id] = day(self.return_act.happened or 0)
        if self.wrong is Wrong.THIS_INVOICE:
            books.correct(on, self.receipts[-1], amount=Decimal(0))
        elif self.wrong is Wrong.OTHER_INVOICE:
            receipt = self.receipts[key]
            if not (receipt.is_patient or books.facts.is_responsible(receipt.payer_id)):
                raise DomainError("Never responsible")
            books.add_corrected(on, receipt, self.returns)
        else:
            right: dict[str, Any] = {"amount": self.act.values["amount"], "payer_id": self.act.values["payer"]}
            right["id"] = UUID(int=3 * 10**6 + 2 * key)
            self.receipts[key] = books.correct(on, self.receipts[key], self.act.happened, **right)
        self.corrected_on = on
        self.script.append((on, Done.CORRECTED, self.act))

    def finish(self, on: int) -> bool:
        """Let the nights pass until a day, and correct what is still wrong on it."""
        self.books.pass_nights(on)
        if self.corrected_on < 0:
            try:
                self.correct(on)
            except DomainError:
                return False
        return True


def places_of(order: Order, wrong: Wrong) -> list[int]:
    """The places of the payments of which something can be typed wrong."""
    paid = {act.key: place for place, (_, act) in enumerate(order) if act.name == "record_cheque"}
    if wrong is not Wrong.RETURN:
        return list(paid.values())
    return [paid[act.values["cheque"]] for _, act in order if act.name == "return_cheque"]


def right_of(order: Order) -> Books:
    """The books in which everything was typed right."""
    books = Books(BILLED)
    for on, act in order:
        books.pass_nights(on)
        act.do(books, on)
    return books
