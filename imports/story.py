"""Decides how an invoice's past is told: one method per thing that can happen, each legal, and the rows that it leaves.

A story is for records that come with a past, from an import or as demo data. What happens from now on runs through the
mutations, so this is the only other place that moves an invoice from one state to the next.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import orjson

from domain.ids import new_id
from domain.invoices import InvoiceStatus
from domain.negotiation import OfferStatus, Party, SubmissionMethod
from domain.transitions import advance
from imports.batch import Batch
from imports.story_rows import (
    STATE,
    ZERO,
    StoryLine,
    StoryStart,
    change_of,
    first_row,
    line_row,
    noon_of,
    state_row,
    with_former,
)

__all__ = ["InvoiceStory", "StoryError", "StoryLine", "StoryStart"]

CREATED = "create_invoice"


class StoryError(ValueError):
    """Something that cannot have happened as it is told; the text names the transition and what it lacks."""


class InvoiceStory:
    """One invoice from its creation on. Every method takes the day `on` which it happened, in the order of events.

    `by` is the user who acts from here on (None: nobody is known, as in an import). Ids come from `rng`, so that the
    same story told with the same seed gives the same rows. A method raises IllegalTransition for what the table of
    transitions does not allow, StoryError for what its guards refuse.
    """

    def __init__(self, start: StoryStart, rng: Random, by: UUID | None = None) -> None:
        self.by = by
        self.received_by_cheque: dict[UUID, Decimal] = {}
        self._bits = rng.getrandbits
        self._start, self._day = start, start.created_on
        self._states: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []
        self._offers: list[dict[str, Any]] = []
        self._denials: list[dict[str, Any]] = []
        self._notes: list[dict[str, Any]] = []
        self._allocations: list[dict[str, Any]] = []
        moment = self._moment(start.created_on)
        billed = sum((line.amount for line in start.lines), ZERO)
        self.row = first_row(start, new_id(moment, self._bits), billed, moment)
        self._lines = [self._record(moment, **line_row(line, position)) for position, line in enumerate(start.lines, 1)]
        self._append(CREATED, None, moment, [change_of("billed_amount", None, billed)])

    # What is so now.

    @property
    def id(self) -> UUID:
        """The id of the invoice."""
        identity: UUID = self.row["id"]
        return identity

    @property
    def status(self) -> InvoiceStatus:
        """The state after everything told so far."""
        status: InvoiceStatus = self.row["status"]
        return status

    @property
    def last_day(self) -> date:
        """The day of the latest event; nothing can be told before it any more."""
        return self._day

    @property
    def billed(self) -> Decimal:
        """The sum of the lines."""
        amount: Decimal = self.row["billed_amount"]
        return amount

    @property
    def received(self) -> Decimal:
        """The sum of the allocations, reversals included."""
        amount: Decimal = self.row["received_amount"]
        return amount

    @property
    def unpaid(self) -> Decimal:
        """What is left of the agreed amount, or of the billed amount while nothing is agreed."""
        agreed: Decimal | None = self.row["agreed_amount"]
        return (self.billed if agreed is None else agreed) - self.received

    @property
    def open_offer(self) -> Mapping[str, Any] | None:
        """The newest offer (a row of reduction_offers) while it is open."""
        newest = self._offers[-1] if self._offers else None
        return newest if newest is not None and newest["status"] == OfferStatus.OPEN else None

    # What can happen, in the order of the table of transitions.

    def submit_invoice(self, on: date, method: SubmissionMethod | None) -> None:
        """The invoice was sent to the payer (None: nobody knows how)."""
        self._need(self.row["submitted_on"] is None, "submit_invoice", "not submitted already")
        self._need(bool(self._lines) and self.billed > 0, "submit_invoice", "lines that bill something")
        first = self.row["first_submitted_on"] or on
        self._move(on, "submit_invoice", submitted_on=on, submission_method=method)
        self.row["first_submitted_on"] = first

    def accept_in_full(self, on: date) -> None:
        """The payer agreed to the whole billed amount."""
        self._need_submission("accept_in_full")
        self._move(on, "accept_in_full", agreed_amount=self.billed, agreed_on=on)

    def request_reduction(
        self, on: date, amount: Decimal | None, reason: str | None = None, expires_on: date | None = None
    ) -> None:
        """The payer offered less than was billed (None: nobody knows how much)."""
        self._need_submission("request_reduction")
        is_less = amount is None or 0 < amount < self.billed
        self._need(is_less, "request_reduction", "an amount between 0 and what was billed")
        moment = self._move(on, "request_reduction")
        if amount is not None:
            self._offer(moment, Party.PAYER, amount, reason, expires_on)

    def counter_reduction(
        self, on: date, party: Party, amount: Decimal, note: str | None = None, expires_on: date | None = None
    ) -> None:
        """One side made another offer, which takes the place of the open one."""
        self._need(0 < amount <= self.billed, "counter_reduction", "an amount up to what was billed")
        moment = self._move(on, "counter_reduction")
        self._offer(moment, party, amount, note, expires_on)

    def agree_reduction(self, on: date, amount: Decimal | None = None, conditional_until: date | None = None) -> None:
        """Both sides agreed on an amount (default: the open offer's), perhaps only if it is paid by a day."""
        offer = self.open_offer
        agreed = amount if amount is not None else offer["amount"] if offer else None
        self._need(
            agreed is not None and 0 < agreed <= self.billed, "agree_reduction", "an amount up to what was billed"
        )
        self._move(on, "agree_reduction", agreed_amount=agreed, agreed_on=on, conditional_until=conditional_until)
        self._close_offer(OfferStatus.ACCEPTED if offer and offer["amount"] == agreed else OfferStatus.SUPERSEDED)

    def decline_reduction(self, on: date, reason: str) -> None:
        """The clinic refused to take less."""
        self._move(on, "decline_reduction", reason)
        self._close_offer(OfferStatus.DECLINED)

    def reopen_reduction(self, on: date, reason: str) -> None:
        """What was agreed is negotiated again."""
        self._need(self.received == 0, "reopen_reduction", "nothing received")
        self._move(on, "reopen_reduction", reason, agreed_amount=None, agreed_on=None, conditional_until=None)
        self._close_offer(OfferStatus.SUPERSEDED, was=OfferStatus.ACCEPTED)

    def record_denial(
        self,
        on: date,
        reason_code: str,
        amount: Decimal | None = None,
        note: str | None = None,
        appeal_due_on: date | None = None,
    ) -> None:
        """The payer denied the invoice; it has to be submitted again."""
        self._need_submission("record_denial")
        moment = self._move(on, "record_denial", submitted_on=None, submission_method=None)
        self._close_offer(OfferStatus.DECLINED)
        denial = {"denied_on": on, "reason_code": reason_code, "amount": amount, "note": note}
        self._denials.append(self._record(moment, **denial, appeal_due_on=appeal_due_on, recorded_by=self.by))

    def apply_cheque(self, on: date, cheque_id: UUID, amount: Decimal, received_on: date | None = None) -> None:
        """A new cheque, received on its day (default: `on`), pays a part or all of what is unpaid."""
        self._allocate(on, "record_cheque", cheque_id, amount, received_on or on, received_on or on)

    def allocate_cheque(self, on: date, cheque_id: UUID, amount: Decimal, received_on: date) -> None:
        """The unapplied rest of a cheque that was received earlier pays a part or all of what is unpaid."""
        self._allocate(on, "allocate_cheque", cheque_id, amount, received_on, on)

    def return_cheque(self, on: date, cheque_id: UUID, reason: str) -> None:
        """A cheque bounced: equal and opposite allocations take back everything that it paid of this invoice."""
        amount = self.received_by_cheque.get(cheque_id, ZERO)
        self._need(amount > 0, "return_cheque", "an allocation of this cheque")
        left = self.received - amount
        moment = self._move(on, "return_cheque", reason, received_amount=left, fully_paid_on=None, paid_on=None)
        del self.received_by_cheque[cheque_id]
        for allocation in [row for row in self._allocations if row["cheque_id"] == cheque_id]:
            self._allocation(moment, cheque_id, -allocation["amount"], on, allocation["id"])

    def settle_case(self, on: date) -> None:
        """The case was settled; that all of its invoices allow it, and the row of the case, are the caller's."""
        self._move(on, "settle_case", paid_on=on)

    def reopen_case(self, on: date, reason: str) -> None:
        """The settled case was opened again; the row of the case is the caller's."""
        self._move(on, "reopen_case", reason, paid_on=None)

    def change_payer(self, on: date, payer_id: UUID, reason: str) -> None:
        """Somebody else pays, and has to be sent the invoice first."""
        self._move(on, "change_payer", reason, payer_id=payer_id, submitted_on=None, submission_method=None)

    def lapse_agreement(self, on: date) -> None:
        """The day until which an agreement held has passed without a cheque; nobody did it but the worker."""
        until = self.row["conditional_until"]
        self._need(until is not None and until < on, "lapse_agreement", "a conditional day that has passed")
        self._need(self.received == 0, "lapse_agreement", "nothing received")
        user, self.by = self.by, None
        try:
            self._move(on, "lapse_agreement", agreed_amount=None, agreed_on=None, conditional_until=None)
        finally:
            self.by = user
        self._close_offer(OfferStatus.LAPSED, was=OfferStatus.ACCEPTED)

    def void_invoice(self, on: date, reason: str) -> None:
        """The invoice was issued in error; its number stays used."""
        self._need(not self._allocations, "void_invoice", "no cheque ever allocated")
        self._move(on, "void_invoice", reason)

    def write_off_invoice(self, on: date, reason: str) -> None:
        """What is unpaid will never come."""
        self._move(on, "write_off_invoice", reason, written_off_amount=self.unpaid)
        self._close_offer(OfferStatus.DECLINED)

    # What happens beside the lifecycle and leaves no event.

    def expire_offer(self) -> None:
        """The open offer's last day has passed; the negotiation goes on without it."""
        self._close_offer(OfferStatus.EXPIRED)

    def add_internal_note(self, on: date, body: str) -> None:
        """Staff wrote down something for each other."""
        moment = self._moment(on)
        self._notes.append(self._record(moment, body=body, written_by=self.by, written_at=moment))

    def write(self, batch: Batch) -> None:
        """Add every row of the invoice to a batch; the cheques that it names are the caller's."""
        changed_on = self._start.attorney_changed_on
        if changed_on is not None and changed_on > self.row["known_from"]:
            self._states.append(state_row(self.row, changed_on))
            self.row["known_from"] = changed_on
        batch.extend("invoices", (self.row,))
        batch.extend("invoice_states", with_former(self._states, self._start))
        batch.extend("invoice_lines", self._lines)
        batch.extend("reduction_offers", self._offers)
        batch.extend("denials", self._denials)
        batch.extend("internal_notes", self._notes)
        batch.extend("cheque_allocations", self._allocations)
        batch.extend("invoice_events", self._events)

    def _need(self, condition: bool, transition: str, what: str) -> None:
        """A guard; where the whole transition is not possible, that is the better answer."""
        if not condition:
            advance(self.status, transition)
            raise StoryError(f"{transition} of {self.row['number']} needs {what}")

    def _need_submission(self, transition: str) -> None:
        self._need(self.row["submitted_on"] is not None, transition, "a submission")

    def _moment(self, on: date) -> datetime:
        """Shortly after noon UTC, which is the same day in nearly every clinic; later events of a day come later."""
        if on < self._day:
            raise StoryError(f"{self.row['number']}: what happened on {on} cannot be told after {self._day}")
        self._day = on
        return noon_of(on) + timedelta(seconds=len(self._events) + len(self._notes))

    def _move(
        self, on: date, name: str, reason: str | None = None, end: InvoiceStatus | None = None, **changes: Any
    ) -> datetime:
        """Take one transition, change the ledger with it and say so in the history; the moment at which it happened."""
        before = self.row["status"]
        after = advance(before, name, end)
        moment = self._moment(on)
        told = [change_of(key, self.row[key], value) for key, value in changes.items() if self.row[key] != value]
        if reason is not None:
            told.append(change_of("reason", None, reason))
        self._keep_state(on, changes | {"status": after})
        self.row.update(changes, status=after, version=self.row["version"] + 1, updated_at=moment)
        self._append(name, before, moment, told)
        return moment

    def _keep_state(self, on: date, changes: Mapping[str, Any]) -> None:
        """Leave behind what the invoice was until today, when figures change with it."""
        if on > self.row["known_from"] and any(self.row[name] != changes[name] for name in STATE if name in changes):
            self._states.append(state_row(self.row, on))
            self.row["known_from"] = on

    def _append(self, name: str, before: InvoiceStatus | None, moment: datetime, told: list[dict[str, Any]]) -> None:
        event = self._record(moment, seq=len(self._events) + 1, at=moment, by_user_id=self.by, transition=name)
        event |= {"from_status": before, "to_status": self.row["status"], "changes": orjson.dumps(told).decode()}
        self._events.append(event)

    def _allocate(
        self, on: date, name: str, cheque_id: UUID, amount: Decimal, received_on: date, effective_on: date
    ) -> None:
        self._need(0 < amount <= self.unpaid, name, "an amount up to what is unpaid")
        received = self.received + amount
        changes: dict[str, Any] = {"received_amount": received}
        end = InvoiceStatus.PENDING_CHEQUE
        if received == self.row["agreed_amount"]:
            end = InvoiceStatus.CHEQUE_RECEIVED
            changes["fully_paid_on"] = received_on
        moment = self._move(on, name, None, end, **changes)
        self.received_by_cheque[cheque_id] = self.received_by_cheque.get(cheque_id, ZERO) + amount
        self._allocation(moment, cheque_id, amount, effective_on, None)

    def _allocation(
        self, moment: datetime, cheque_id: UUID, amount: Decimal, effective_on: date, reverses_id: UUID | None
    ) -> None:
        row = self._record(moment, cheque_id=cheque_id, amount=amount, effective_on=effective_on)
        self._allocations.append(row | {"reverses_id": reverses_id})

    def _offer(
        self, moment: datetime, party: Party, amount: Decimal, reason: str | None, expires_on: date | None
    ) -> None:
        self._close_offer(OfferStatus.SUPERSEDED)
        offer = self._record(moment, round=len(self._offers) + 1, party=party, amount=amount, reason=reason)
        offer |= {"expires_on": expires_on, "status": OfferStatus.OPEN, "made_by": self.by, "made_at": moment}
        self._offers.append(offer)

    def _close_offer(self, status: OfferStatus, was: OfferStatus = OfferStatus.OPEN) -> None:
        if self._offers and self._offers[-1]["status"] == was:
            self._offers[-1]["status"] = status

    def _record(self, moment: datetime, **row: Any) -> dict[str, Any]:
        """A row that belongs to the invoice, known to the system since the day it happened."""
        row["clinic_id"] = self.row["clinic_id"]
        row["id"] = new_id(moment, self._bits)
        row["invoice_id"] = self.row["id"]
        row["recorded_at"] = moment
        return row
