"""Decides how the demo clinic's payers pay: by cheques for one invoice or several, in parts, late, or not covered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from domain.invoices import InvoiceStatus
from domain.people import Role
from imports.batch import Batch
from imports.demo_cases import CaseFile, reopen
from imports.demo_clinic import DemoClinic
from imports.demo_plots import WRITE_OFF_REASONS
from imports.story import InvoiceStory

FIRST_NUMBER = 100_201
MOST_TOGETHER = 5
DAYS_TOGETHER = 21


@dataclass(frozen=True, slots=True)
class Expected:
    """An invoice whose payer will pay on a day; a conditional agreement is paid by a cheque of its own."""

    case: CaseFile
    story: InvoiceStory
    on: date

    @property
    def conditional(self) -> bool:
        """Whether the agreement holds only until a day."""
        return self.story.row["conditional_until"] is not None


@dataclass(slots=True)
class Cheque:
    """A row of cheques, and what it pays."""

    row: dict[str, Any]
    paid: list[Expected]


class ChequeDesk:
    """Receives the cheques of all payers; numbers go up from one payer to the next, so that none occurs twice."""

    def __init__(self, clinic: DemoClinic) -> None:
        self.clinic, self.dice = clinic, clinic.dice
        self._number = FIRST_NUMBER

    def receive(self, expected: Iterable[Expected], batch: Batch) -> list[Cheque]:
        """Everything that is paid until today; the cheques, which the caller may yet return before they are written."""
        cheques: list[Cheque] = []
        for together in _together(sorted(expected, key=_payer_and_day), self.clinic):
            on = max(max(one.on, one.story.last_day) for one in together)
            if on <= self.clinic.today:
                cheques += self._receive(together, on)
        batch.extend("cheques", [cheque.row for cheque in cheques])
        return cheques

    def _receive(self, together: list[Expected], on: date) -> list[Cheque]:
        if len(together) == 1 and self.dice.chance(0.2):
            return self._in_parts(together[0], on)
        if len(together) > 1 and self.dice.chance(0.12):
            return [self._allocated_later(together, on)]
        cheque = self._pay([(one, one.story.unpaid) for one in together], on)
        if not together[0].conditional and self.dice.chance(0.04):
            return [cheque, *self._bounced(cheque)]
        return [cheque]

    def _in_parts(self, one: Expected, on: date) -> list[Cheque]:
        """A part now; the rest some weeks later, or never."""
        cheques = [self._pay([(one, self.dice.share(one.story.unpaid, 30, 70))], on)]
        later = self.dice.after(one.story.last_day, 15, 70)
        if self.dice.chance(0.6):
            if later <= self.clinic.today:
                cheques.append(self._pay([(one, one.story.unpaid)], later))
            return cheques
        later = self.dice.after(later, 150, 300)
        if later <= self.clinic.today and self.dice.chance(one.case.fate.given_up):
            one.story.by = self.clinic.users[Role.ADMIN]
            one.story.write_off_invoice(later, self.dice.one_of(WRITE_OFF_REASONS))
        return cheques

    def _allocated_later(self, together: list[Expected], on: date) -> Cheque:
        """One cheque for all, whose last part is allocated only when somebody has found out what it is for."""
        *first, last = together
        rest = last.story.unpaid
        cheque = self._pay([(one, one.story.unpaid) for one in first], on, rest)
        later = self.dice.after(cheque.row["recorded_at"].date(), 1, 12)
        if later <= self.clinic.today:
            last.story.allocate_cheque(later, cheque.row["id"], rest, on)
            cheque.paid.append(last)
        return cheque

    def _pay(self, parts: list[tuple[Expected, Decimal]], on: date, rest: Decimal = Decimal(0)) -> Cheque:
        """A cheque received on a day, and entered then or a few days later; `rest` of it is allocated to nothing."""
        if self.dice.chance(0.02):
            rest += self.dice.between(5, 150)
        amount = sum((part for _, part in parts), rest)
        entered = on if parts[0][0].conditional or self.dice.chance(0.8) else self.dice.after(on, 1, 4)
        entered = min(entered, self.clinic.today)
        row = self._row(parts[0][0].story.row["payer_id"], amount, on, entered)
        for one, part in parts:
            one.story.apply_cheque(entered, row["id"], part, on)
        return Cheque(row, [one for one, _ in parts])

    def _row(self, payer_id: UUID, amount: Decimal, on: date, entered: date) -> dict[str, Any]:
        self._number += self.dice.between(1, 9)
        columns = {"payer_id": payer_id, "number": str(self._number), "amount": amount}
        columns |= {"cheque_date": self.dice.after(on, -9, -1), "received_on": on}
        columns |= {"returned_on": None, "return_reason": None, "document_id": None, "imported": True}
        return self.clinic.record(entered, **columns)

    def _bounced(self, cheque: Cheque) -> list[Cheque]:
        """The bank sends the cheque back; mostly another one follows."""
        if not self.send_back(cheque) or self.dice.chance(0.3):
            return []
        later = self.dice.after(cheque.row["returned_on"], 6, 30)
        if later > self.clinic.today:
            return []
        return [self._pay([(one, one.story.unpaid) for one in cheque.paid], later)]

    def send_back(self, cheque: Cheque) -> bool:
        """Return a cheque some days after all else; False, and nothing is changed, when that would be after today."""
        stories = [story for one in cheque.paid for story in one.case.stories]
        on = self.dice.after(max(story.last_day for story in stories), 2, 10)
        written_off = any(one.story.status is InvoiceStatus.WRITTEN_OFF for one in cheque.paid)
        if on > self.clinic.today or written_off:
            return False
        reason = "Not covered, says the bank"
        for one in cheque.paid:
            one.story.return_cheque(on, cheque.row["id"], reason)
        for one in cheque.paid:
            if one.case.row["status"] == "settled":
                reopen(one.case, on, reason)
            self._lapse(one.story, on)
        cheque.row |= {"returned_on": on, "return_reason": reason}
        return True

    def _lapse(self, story: InvoiceStory, on: date) -> None:
        """An agreement that held until a day lapses once nothing is paid: when the cheque is back and the day has passed."""
        until = story.row["conditional_until"]
        if until is None or story.received > 0:
            return
        lapsed_on = max(on, until + timedelta(days=1))
        if lapsed_on <= self.clinic.today:
            story.lapse_agreement(lapsed_on)


def _payer_and_day(one: Expected) -> tuple[UUID, date]:
    return one.story.row["payer_id"], one.on


def _together(expected: list[Expected], clinic: DemoClinic) -> Iterator[list[Expected]]:
    """Who pays several invoices within three weeks often does so by one cheque."""
    for _, of_payer in groupby(expected, key=lambda one: one.story.row["payer_id"]):
        group: list[Expected] = []
        for one in of_payer:
            near = group and (one.on - group[0].on).days <= DAYS_TOGETHER and len(group) < MOST_TOGETHER
            alone = group and (one.conditional or group[0].conditional)
            if group and (not near or alone or clinic.dice.chance(0.4)):
                yield group
                group = []
            group.append(one)
        yield group
