"""The cheques of the demo clinic: for one invoice or several, partial, late, or bounced (returned by the bank)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.billing.cases import CaseStatus
from domain.billing.invoices import InvoiceStatus
from domain.payments.cheques import ReturnKind
from imports.demo.cases import CaseFile, reopen
from imports.demo.clinic import DemoClinic
from imports.demo.payments import method_of, payment_row
from imports.demo.scenarios import WRITE_OFF_REASONS
from imports.history.batch import Batch
from imports.history.invoice_history import InvoiceHistory
from imports.history.rows import ZERO, noon_of

FIRST_NUMBER = 100_201
MOST_TOGETHER = 5
DAYS_TOGETHER = 21


@dataclass(frozen=True, slots=True)
class Expected:
    """An invoice with the day of its payment; a conditional agreement is paid by a cheque of its own."""

    case: CaseFile
    history: InvoiceHistory
    on: date

    @property
    def conditional(self) -> bool:
        """Whether the agreement is conditional on payment by a day."""
        return self.history.row["conditional_until"] is not None


@dataclass(slots=True)
class Cheque:
    """A row of cheques, and its allocations."""

    row: dict[str, Any]
    paid: list[Expected]

    @property
    def applied(self) -> Decimal:
        """What it pays."""
        return sum((one.history.received_by_cheque.get(self.row["id"], ZERO) for one in self.paid), ZERO)


class ChequeDesk:
    """Generates the cheques of all payers; numbers increase from one payer to the next, so that they are unique."""

    def __init__(self, clinic: DemoClinic) -> None:
        self.clinic, self.random = clinic, clinic.random
        self._number = FIRST_NUMBER

    def receive(self, expected: Iterable[Expected], batch: Batch) -> list[Cheque]:
        """All payments until today; returns the cheques, which the caller can still bounce before they are written."""
        cheques: list[Cheque] = []
        for together in _together(sorted(expected, key=_payer_and_day), self.clinic):
            on = max(max(one.on, one.history.last_day) for one in together)
            if on <= self.clinic.today:
                cheques += self._receive(together, on)
        batch.extend("cheques", [cheque.row for cheque in cheques])
        return cheques

    def _receive(self, together: list[Expected], on: date) -> list[Cheque]:
        if len(together) == 1 and self.random.chance(0.2):
            return self._in_parts(together[0], on)
        if len(together) > 1 and self.random.chance(0.12):
            return [self._allocated_later(together, on)]
        cheque = self._pay([(one, one.history.unpaid) for one in together], on)
        if not together[0].conditional and self.random.chance(0.04):
            return [cheque, *self._bounced(cheque)]
        return [cheque]

    def _in_parts(self, one: Expected, on: date) -> list[Cheque]:
        """A partial payment; the rest is paid some weeks later, or never."""
        cheques = [self._pay([(one, self.random.share(one.history.unpaid, 30, 70))], on)]
        later = self.random.after(one.history.last_day, 15, 70)
        if self.random.chance(0.6):
            if later <= self.clinic.today:
                cheques.append(self._pay([(one, one.history.unpaid)], later))
            return cheques
        later = self.random.after(later, 150, 300)
        if later <= self.clinic.today and self.random.chance(one.case.profile.given_up):
            one.history.by = self.clinic.users[Role.ADMIN]
            one.history.write_off_invoice(later, self.random.one_of(WRITE_OFF_REASONS))
        return cheques

    def _allocated_later(self, together: list[Expected], on: date) -> Cheque:
        """One cheque for all invoices, of which the last part is allocated later, once its purpose is known."""
        *first, last = together
        rest = last.history.unpaid
        cheque = self._pay([(one, one.history.unpaid) for one in first], on, rest)
        later = self.random.after(cheque.row["recorded_at"].date(), 1, 12)
        if later <= self.clinic.today:
            last.history.allocate_cheque(later, cheque.row["id"], rest, on)
            cheque.paid.append(last)
        return cheque

    def _pay(self, parts: list[tuple[Expected, Decimal]], on: date, rest: Decimal = Decimal(0)) -> Cheque:
        """A cheque received on a day and entered then or a few days later; `rest` of it is not allocated."""
        if self.random.chance(0.02):
            rest += self.random.between(5, 150)
        amount = sum((part for _, part in parts), rest)
        entered = on if parts[0][0].conditional or self.random.chance(0.8) else self.random.after(on, 1, 4)
        entered = min(entered, self.clinic.today)
        row = self._row(parts[0][0].history.row["payer_id"], amount, on, entered)
        for one, part in parts:
            one.history.apply_cheque(entered, row["id"], part, on)
        return Cheque(row, [one for one, _ in parts])

    def pay(self, one: Expected, amount: Decimal, on: date, entered: date | None = None) -> Cheque:
        """A cheque for one invoice alone, received on a day and entered then or later."""
        entered = entered or on
        row = self._row(one.history.row["payer_id"], amount, on, entered)
        one.history.apply_cheque(entered, row["id"], amount, on)
        return Cheque(row, [one])

    def _row(self, payer_id: UUID, amount: Decimal, on: date, entered: date) -> dict[str, Any]:
        self._number += self.random.between(1, 9)
        method, dated = method_of(self.clinic, payer_id, self._number), self.random.after(on, -9, -1)
        paid = {"payer_id": payer_id, "amount": amount, "cheque_date": dated}
        return self.clinic.record(entered, **payment_row(str(self._number), method, on, **paid))

    def _bounced(self, cheque: Cheque) -> list[Cheque]:
        """The bank returns the cheque; usually another one follows."""
        if not self.send_back(cheque) or self.random.chance(0.3):
            return []
        later = self.random.after(cheque.row["returned_on"], 6, 30)
        if later > self.clinic.today:
            return []
        instead = self._pay([(one, one.history.unpaid) for one in cheque.paid], later)
        instead.row["replaces_id"] = cheque.row["id"]
        return [instead]

    def send_back(self, cheque: Cheque) -> bool:
        """Return a cheque some days after the last event; returns False, and changes nothing, if that would be after today."""
        histories = [history for one in cheque.paid for history in one.case.histories]
        on = self.random.after(max(history.last_day for history in histories), 2, 10)
        written_off = any(one.history.status is InvoiceStatus.WRITTEN_OFF for one in cheque.paid)
        if on > self.clinic.today or written_off:
            return False
        reason = "Not covered, says the bank"
        for one in cheque.paid:
            one.history.return_cheque(on, cheque.row["id"], reason)
        for one in cheque.paid:
            if one.case.row["status"] != CaseStatus.OPEN:
                reopen(one.case, on, reason)
            self._lapse(one.history, on)
        cheque.row |= {"returned_on": on, "return_reason": reason}
        cheque.row |= {"return_kind": ReturnKind.NSF, "returned_at": noon_of(on)}
        return True

    def _lapse(self, history: InvoiceHistory, on: date) -> None:
        """A conditional agreement lapses once nothing is paid: when the cheque has bounced and the day has passed."""
        until = history.row["conditional_until"]
        if until is None or history.received > 0:
            return
        lapsed_on = max(on, until + timedelta(days=1))
        if lapsed_on <= self.clinic.today:
            history.lapse_agreement(lapsed_on)


def _payer_and_day(one: Expected) -> tuple[UUID, date]:
    return one.history.row["payer_id"], one.on


def _together(expected: list[Expected], clinic: DemoClinic) -> Iterator[list[Expected]]:
    """A payer of several invoices within three weeks often pays them by one cheque."""
    for _, of_payer in groupby(expected, key=lambda one: one.history.row["payer_id"]):
        group: list[Expected] = []
        for one in of_payer:
            near = group and (one.on - group[0].on).days <= DAYS_TOGETHER and len(group) < MOST_TOGETHER
            alone = group and (one.conditional or group[0].conditional)
            if group and (not near or alone or clinic.random.chance(0.4)):
                yield group
                group = []
            group.append(one)
        yield group
