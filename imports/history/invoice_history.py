"""Builds the history of an invoice in memory: one method per event, each validated, and the rows that result.

It is used for records that come with a past, from an import or as demo data. The transitions are those of the mutations: the
same rows of the table, guards and effects, applied to rows in memory instead of the database.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import orjson

from db.ledger.restated import row_of
from domain.access.people import Role
from domain.billing.invoice_events import Change, change_of, changes_of
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.amounts import effective_day
from domain.billing.ledger.facts import Facts, Receipt, Responsibility
from domain.billing.lifecycle import apply
from domain.billing.negotiation import OfferStatus, Party, SubmissionMethod
from domain.billing.outcomes import Actor, Outcome
from domain.billing.restated import Step, is_backdated, restated_states
from domain.ids import new_id
from domain.payments.cheques import ReversalKind
from domain.treatment.repeated_lines import confirmation
from imports.history.batch import Batch
from imports.history.rows import (
    ONE,
    STATE,
    STAYS,
    ZERO,
    HistoryLine,
    HistoryStart,
    allocation_columns,
    fact_rows,
    first_row,
    late_row,
    line_row,
    noon_of,
    reversal_of,
    state_row,
    with_former,
)

__all__ = ["HistoryError", "HistoryLine", "HistoryStart", "InvoiceHistory"]

CREATED = "create_invoice"


class HistoryError(ValueError):
    """An event that is dated before an earlier one."""


class InvoiceHistory:
    """The history of one invoice from its creation. Every method takes the day `on` of the event, in chronological order.

    `by` is the user who acts from here on (None: unknown, as in an import). Ids come from `rng`, so that the same history with
    the same seed gives the same rows. A method raises what a mutation would report: IllegalTransition for what the table or a
    guard does not allow, InvalidInput for a value that is rejected; and HistoryError for an event out of order.
    """

    def __init__(self, start: HistoryStart, rng: Random, by: UUID | None = None) -> None:
        self.by = by
        self.received_by_cheque: dict[UUID, Decimal] = {}
        self._bits = rng.getrandbits
        self.start, self._day = start, start.created_on
        self._states: list[dict[str, Any]] = []
        # The steps of the history, and whether one of them was recorded on another day than that on which it counts.
        self._steps, self._is_backdated = list[Step](), False
        self._events: list[dict[str, Any]] = []
        self._offers: list[dict[str, Any]] = []
        self._denials: list[dict[str, Any]] = []
        self._late: list[dict[str, Any]] = []
        self._notes: list[dict[str, Any]] = []
        self._allocations: list[dict[str, Any]] = []
        self._keys: dict[tuple[str, int], dict[str, Any]] = {}
        moment = self.next_moment(start.created_on)
        billed = sum((line.amount for line in start.lines), ZERO)
        self.row = first_row(start, new_id(moment, self._bits), billed, moment)
        self._lines = [
            self._record(moment, **line_row(line, position, by)) for position, line in enumerate(start.lines, 1)
        ]
        self._facts = Facts(billed, (Responsibility(1, start.payer_id, start.created_on, moment),))
        repeated = [position for position, line in enumerate(start.lines) if line.is_repeated]
        changes = [change_of("billed_amount", None, billed), *confirmation(start.lines, repeated)]
        self._append(CREATED, None, moment, changes, self.by)

    # The current state.

    @property
    def id(self) -> UUID:
        """The id of the invoice."""
        identity: UUID = self.row["id"]
        return identity

    @property
    def status(self) -> InvoiceStatus:
        """The status after all events so far."""
        status: InvoiceStatus = self.row["status"]
        return status

    @property
    def last_day(self) -> date:
        """The day of the latest event; no later event can be dated before it."""
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
        """The outstanding balance: of the agreed amount, or of the open part if none is agreed."""
        return self.facts.balance

    @property
    def facts(self) -> Invoice:
        """What the rules need to know; that its case is covered, or settled, is checked by the caller."""
        offer = self.open_offer
        return Invoice.of(
            self.row,
            line_count=len(self._lines),
            open_offer=offer["amount"] if offer else None,
            case_is_open=True,
            case_is_settled=True,
            case_is_covered=True,
            small_balance_tolerance=ONE,
            facts=self._facts,
        )

    @property
    def open_offer(self) -> Mapping[str, Any] | None:
        """The newest offer (a row of reduction_offers) while it is open."""
        newest = self._offers[-1] if self._offers else None
        return newest if newest is not None and newest["status"] == OfferStatus.OPEN else None

    # The events, in the order of the transition table.

    def submit_invoice(self, on: date, method: SubmissionMethod | None) -> None:
        """The invoice was submitted to the payer (None: the method is unknown)."""
        self.apply(on, "submit_invoice", submitted_on=on, method=method)

    def accept_in_full(self, on: date) -> None:
        """The payer accepted the full billed amount."""
        self.apply(on, "accept_in_full")

    def request_reduction(
        self, on: date, amount: Decimal | None, reason: str | None = None, expires_on: date | None = None
    ) -> None:
        """The payer offered less than was billed (None: the amount is unknown)."""
        self.apply(on, "request_reduction", amount=amount, reason=reason, expires_on=expires_on)

    def counter_reduction(
        self, on: date, party: Party, amount: Decimal, note: str | None = None, expires_on: date | None = None
    ) -> None:
        """One side made another offer, which replaces the open one."""
        self.apply(on, "counter_reduction", party=party, amount=amount, note=note, expires_on=expires_on)

    def agree_reduction(self, on: date, amount: Decimal | None = None, conditional_until: date | None = None) -> None:
        """Both sides agreed on an amount (default: the open offer's), possibly on condition that it is paid by a day."""
        self.apply(on, "agree_reduction", amount=amount, conditional_until=conditional_until)

    def decline_reduction(self, on: date, reason: str) -> None:
        """The clinic declined a reduction."""
        self.apply(on, "decline_reduction", reason=reason)

    def reopen_reduction(self, on: date, reason: str) -> None:
        """The agreement was reopened."""
        self.apply(on, "reopen_reduction", reason=reason)

    def record_denial(
        self,
        on: date,
        reason_code: str,
        amount: Decimal | None = None,
        note: str | None = None,
        appeal_due_on: date | None = None,
    ) -> None:
        """The payer denied the invoice; it has to be submitted again."""
        denial: dict[str, Any] = {"denied_on": on, "reason_code": reason_code, "amount": amount, "note": note}
        self.apply(on, "record_denial", **denial, appeal_due_on=appeal_due_on)

    @property
    def denials(self) -> list[dict[str, Any]]:
        """The rows of denials."""
        return self._denials

    @contextmanager
    def drawing(self, rng: Random) -> Iterator[None]:
        """Steps inside have ids from another generator."""
        kept, self._bits = self._bits, rng.getrandbits
        yield
        for row in fact_rows(self._facts)["invoice_adjustments"]:
            self._key("invoice_adjustments", row)
        self._bits = kept

    def apply_cheque(self, on: date, cheque_id: UUID, amount: Decimal, received_on: date | None = None) -> None:
        """A new cheque, received on its day (default: `on`), pays a part or all of the balance."""
        self._allocate(on, "record_cheque", cheque_id, amount, received_on or on)

    def allocate_cheque(self, on: date, cheque_id: UUID, amount: Decimal, received_on: date) -> None:
        """The unapplied rest of a cheque that was received earlier pays a part or all of the balance."""
        self._allocate(on, "allocate_cheque", cheque_id, amount, received_on)

    def return_cheque(self, on: date, cheque_id: UUID, reason: str) -> None:
        """A cheque bounced: equal and opposite allocations reverse everything that it paid of this invoice."""
        moment = self.next_moment(on)
        reversals = [reversal_of(one, new_id(moment, self._bits), on, moment) for one in self.receipts_of(cheque_id)]
        self.apply(on, "return_cheque", reversals=reversals, reason=reason)
        self.received_by_cheque.pop(cheque_id, None)
        for reversal in reversals:
            self.add_allocation(cheque_id, reversal)

    def settle_case(self, on: date) -> None:
        """The case was settled; the caller checks that all of its invoices allow it, and writes the row of the case."""
        self.apply(on, "settle_case")

    def reopen_case(self, on: date, reason: str) -> None:
        """The settled case was reopened; the caller writes the row of the case."""
        self.apply(on, "reopen_case", reason=reason)

    def change_payer(self, on: date, payer_id: UUID, reason: str) -> None:
        """Another payer has to pay, and the invoice has to be submitted to that payer first."""
        self.apply(on, "change_payer", payer_id=payer_id, reason=reason)

    def lapse_agreement(self, on: date) -> None:
        """The last day of a conditional agreement has passed without a cheque; the worker lapses it."""
        self.apply(on, "lapse_agreement", role=None)

    def void_invoice(self, on: date, reason: str) -> None:
        """The invoice was issued in error; its number is not reused."""
        self.apply(on, "void_invoice", reason=reason)

    def write_off_invoice(self, on: date, reason: str) -> None:
        """The balance is written off as uncollectible."""
        self.apply(on, "write_off_invoice", reason=reason)

    # Events outside the life cycle, which leave no history event.

    def expire_offer(self) -> None:
        """The open offer has expired; the negotiation goes on without it."""
        self._close_offer(OfferStatus.EXPIRED)

    def add_internal_note(self, on: date, body: str) -> None:
        """Staff added an internal note."""
        moment = self.next_moment(on)
        self._notes.append(self._record(moment, body=body, written_by=self.by, written_at=moment))

    def count_under(self, coverage_id: UUID, payer_id: UUID) -> None:
        """All payments of a payer count under a coverage of that payer."""
        own = {one.id for one in self._facts.receipts if one.payer_id == payer_id}
        for allocation in self._allocations:
            if allocation["id"] in own:
                allocation["coverage_id"] = coverage_id

    def write(self, batch: Batch) -> None:
        """Add all rows of the invoice to a batch; the caller adds the cheques to which they refer."""
        changed_on = self.start.attorney_changed_on
        if changed_on is not None and changed_on > self.row["known_from"]:
            self._states.append(state_row(self.row, changed_on))
            self.row["known_from"] = changed_on
        batch.extend("invoices", (self.row,))
        batch.extend("invoice_states", with_former(self._states, self.start))
        if self._is_backdated:
            batch.extend("restated_states", self.restated_rows())
        batch.extend("invoice_lines", self._lines)
        batch.extend("reduction_offers", self._offers)
        batch.extend("denials", self._denials)
        batch.extend("late_facts", self._late)
        batch.extend("internal_notes", self._notes)
        batch.extend("cheque_allocations", self._allocations)
        batch.extend("invoice_events", self._events)
        for table, rows in fact_rows(self._facts).items():
            batch.extend(table, [row | self._key(table, row) for row in rows])

    def restated_rows(self) -> list[dict[str, Any]]:
        """The rows of restated_states."""
        states = restated_states(self._facts, self._steps, self.start.created_on)
        same = {name: self.row[name] for name in ("clinic_id", *STAYS)}
        return [same | {"invoice_id": self.id} | row_of(state) for state in states]

    def _key(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """The key of a fact, which is the same whenever the history is written."""
        place = (table, row["number"])
        if place not in self._keys:
            self._keys[place] = self._record(row["recorded_at"])
        return self._keys[place]

    def next_moment(self, on: date) -> datetime:
        """When the next event, on a day, is: shortly after noon UTC, the same day in nearly every clinic, and after the events before."""
        if on < self._day:
            raise HistoryError(
                f"{self.row['number']}: the event of {on} is dated before the latest event of {self._day}"
            )
        self._day = on
        return noon_of(on) + timedelta(seconds=len(self._events) + len(self._notes))

    def apply(self, on: date, name: str, *, role: Role | None = Role.ADMIN, **inputs: Any) -> datetime:
        """Apply a transition of the table by name, with its inputs, and add its event; returns the time of the event.

        `role` is who may apply it: an administrator, or the worker (None), whose event has no user.
        """
        moment = self.next_moment(on)
        outcome, end = apply(name, self.facts, inputs, Actor(role, on, moment))
        self._is_backdated |= is_backdated(self._facts, outcome, on, self.start.created_on)
        before = self.row["status"]
        changed = {column: value for column, value in outcome.values.items() if self.row[column] != value}
        self._keep_state(on, changed | {"status": end})
        changes = changes_of(self.row, changed, inputs.get("reason"))
        self.row.update(changed, status=end, version=self.row["version"] + 1, updated_at=moment)
        # As the database's trigger does.
        self.row["first_submitted_on"] = self.row["first_submitted_on"] or self.row["submitted_on"]
        self._facts = outcome.facts or self._facts
        self._append(name, before, moment, changes, self.by if role else None)
        is_moved = before != end or "submitted_on" in changed
        known = Step(name, on, moment, before, end, changed.get("submitted_on"), None, outcome.denied_on, is_moved)
        self._steps.append(known)
        self._record_offers(moment, outcome)
        if outcome.denial:
            self._denials.append(self._record(moment, **outcome.denial, recorded_by=self.by))
        self._late += [self._record(moment, **late_row(late, len(self._events))) for late in outcome.late]
        return moment

    def _record_offers(self, moment: datetime, outcome: Outcome) -> None:
        if outcome.open_offer:
            self._close_offer(outcome.open_offer)
        if outcome.agreed_offer:
            self._close_offer(outcome.agreed_offer, was=OfferStatus.ACCEPTED)
        if outcome.lapsed_offer:
            lapsed = [offer for offer in self._offers if offer["status"] == OfferStatus.LAPSED]
            lapsed[-1]["status"] = outcome.lapsed_offer
        if outcome.offer:
            made = {"made_by": self.by, "made_at": moment}
            self._offers.append(self._record(moment, round=len(self._offers) + 1, **outcome.offer, **made))

    def _keep_state(self, on: date, changes: Mapping[str, Any]) -> None:
        """Keep the state of the invoice until today, if figures of reports change."""
        if on > self.row["known_from"] and any(self.row[name] != changes[name] for name in STATE if name in changes):
            self._states.append(state_row(self.row, on))
            self.row["known_from"] = on

    def _append(
        self, name: str, before: InvoiceStatus | None, moment: datetime, changes: Sequence[Change], by: UUID | None
    ) -> None:
        event = self._record(moment, seq=len(self._events) + 1, at=moment, by_user_id=by, transition=name)
        event |= {"from_status": before, "to_status": self.row["status"], "changes": orjson.dumps(changes).decode()}
        self._events.append(event)

    def _allocate(self, on: date, name: str, cheque_id: UUID, amount: Decimal, received_on: date) -> None:
        moment, payer_id = self.next_moment(on), self._facts.responsibilities[-1].payer_id
        counts_on = effective_day(received_on, self.start.created_on)
        receipt = Receipt(new_id(moment, self._bits), payer_id, amount, counts_on, moment)
        self.apply(on, name, receipt=receipt)
        self.received_by_cheque[cheque_id] = self.received_by_cheque.get(cheque_id, ZERO) + amount
        self.add_allocation(cheque_id, receipt)

    def receipts_of(self, cheque_id: UUID) -> list[Receipt]:
        """What a cheque has paid and was not taken back, each under its coverage."""
        under = {row["id"]: row["coverage_id"] for row in self._allocations if row["cheque_id"] == cheque_id}
        returned = {one.reverses_id for one in self._facts.receipts}
        found = [one for one in self._facts.receipts if one.id in under.keys() - returned and one.reverses_id is None]
        return [replace(one, coverage_id=under[one.id]) for one in found]

    def add_allocation(
        self, cheque_id: UUID, receipt: Receipt, kind: ReversalKind | None = None, recorded_at: datetime | None = None
    ) -> None:
        """Add the row of a receipt or a reversal; with `recorded_at`, its own moment only orders it among those of its day."""
        key = self._record(recorded_at or receipt.recorded_at) | {"id": receipt.id, "cheque_id": cheque_id}
        ordered = {"reversal_kind": kind, "ordered_at": receipt.recorded_at if recorded_at else None}
        self._allocations.append(key | allocation_columns(receipt) | ordered)

    def _close_offer(self, status: OfferStatus, was: OfferStatus = OfferStatus.OPEN) -> None:
        if self._offers and self._offers[-1]["status"] == was:
            self._offers[-1]["status"] = status

    def _record(self, moment: datetime, **row: Any) -> dict[str, Any]:
        """A row that belongs to the invoice, recorded on the day of the event."""
        row["clinic_id"] = self.row["clinic_id"]
        row["id"] = new_id(moment, self._bits)
        row["invoice_id"] = self.row["id"]
        row["recorded_at"] = moment
        return row
