"""Computes the amounts of an invoice from its dated facts (decision 21)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from domain.billing.ledger.facts import (
    ZERO,
    Adjustment,
    AdjustmentKind,
    Agreement,
    AgreementEnd,
    AgreementKind,
    Facts,
    Receipt,
    WriteOff,
)

# A point in the order of the facts: by their days, and on one day by the moments at which they were recorded.
_Point = tuple[date, datetime]
_LATEST = datetime.max.replace(tzinfo=UTC)
_NOW: _Point = (date.max, _LATEST)
# An agreement that ends so begins a round of the same payer.
_BEGINS_ROUND = (AgreementEnd.REOPENED, AgreementEnd.DENIED)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The amounts of an invoice in US dollars; `agreed` is None while no agreement stands, `fully_paid_on` while something is left.

    `earlier_received` are the receipts that do not belong to the present round, `recovered` those after a write-off.
    """

    open_part: Decimal
    agreed: Decimal | None
    agreed_on: date | None
    conditional_until: date | None
    received: Decimal
    earlier_received: Decimal
    contractual: Decimal
    small_balance: Decimal
    written_off: Decimal
    recovered: Decimal
    balance: Decimal
    fully_paid_on: date | None

    @property
    def round_received(self) -> Decimal:
        """The receipts of the present round."""
        return self.received - self.earlier_received

    @property
    def is_taken_off(self) -> bool:
        """Whether nothing is due although nothing was agreed, received or written off: there is nothing to negotiate."""
        return self.balance == 0 and self.agreed is None and self.received == 0 and self.written_off == 0


@dataclass(frozen=True, slots=True)
class _Round:
    """The collection from one payer between two decisions; `began_at` is the moment at which its beginning was recorded."""

    payer_id: UUID
    coverage_id: UUID | None
    began_on: date
    began_at: datetime


class Timeline:
    """The facts with the round to which each receipt counts; amounts of a day contain what counts by that day."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.rounds = rounds_of(facts)
        self.present = len(self.rounds) - 1
        first = {one.id: self.place(one) for one in facts.receipts if one.reverses_id is None}
        self.places = {identity: first[root] for identity, root in facts.roots.items()}

    def place(self, receipt: Receipt) -> int:
        """The place of the round to which a receipt counts; -1 for no round."""
        write_off = self.facts.write_off
        if write_off and not _is_before(receipt, write_off.written_off_on, write_off.recorded_at):
            return self.present
        own = [place for place, turn in enumerate(self.rounds) if _pays_in(self.facts, receipt, turn)]
        begun = [place for place in own if not _is_before(receipt, *_begin(self.rounds[place]))]
        if begun or not own:
            return begun[-1] if begun else -1
        return -1 if receipt.is_patient else own[0]

    def received(self, until: _Point = _NOW, place: int | None = None) -> Decimal:
        """What was received until a point, in one round or in all, less what was returned by then."""
        found = (one for one in self.facts.receipts if place is None or self.places[one.id] == place)
        return _sum(one.amount for one in found if _is_before(one, *until))

    def adjusted(self, kind: AdjustmentKind, until: _Point = _NOW) -> Decimal:
        """The sum of the adjustments of a kind until a point."""
        return _sum(one.amount for one in self.facts.adjustments if one.kind is kind and _is_before(one, *until))

    def open_part(self, place: int, until: _Point = _NOW) -> Decimal:
        """What a round is about: billed less contractual adjustments and the receipts of no round or of earlier rounds."""
        before = _sum(
            one.amount for one in self.facts.receipts if self.places[one.id] < place and _is_before(one, *until)
        )
        return self.facts.billed - self.adjusted(AdjustmentKind.CONTRACTUAL, until) - before

    def agreed(self, agreement: Agreement, until: _Point = _NOW) -> Decimal:
        """What an agreement binds to: never less than was received, and the reduction is never more than was granted."""
        place = self._place_of(agreement)
        open_part = self.open_part(place, until)
        if agreement.kind is AgreementKind.FULL:
            return open_part
        amount = self._amount(agreement)
        granted = max(self.open_part(place, _point(agreement)) - amount, ZERO)
        return min(open_part, max(amount, open_part - granted, self.received(until, place)))

    def _amount(self, agreement: Agreement) -> Decimal:
        if agreement.amount is not None:
            return agreement.amount
        before, then = self.facts.agreements[agreement.number - 2], _point(agreement)
        return max(self.agreed(before, then) - self.received(then, self._place_of(before)), ZERO)

    def _place_of(self, agreement: Agreement) -> int:
        return [place for place, turn in enumerate(self.rounds) if turn.began_at <= agreement.recorded_at][-1]

    def left(self, until: _Point = _NOW) -> Decimal:
        """What is due in the present round, before it is given up or written off."""
        agreement = self.facts.agreement
        owed = self.agreed(agreement, until) if agreement else self.open_part(self.present, until)
        return owed - self.received(until, self.present)

    def small_balance(self, until: _Point = _NOW) -> Decimal:
        """The small balance that is given up, of what is due."""
        return max(min(self.adjusted(AdjustmentKind.SMALL_BALANCE, until), self.left(until)), ZERO)

    def fully_paid_on(self) -> date | None:
        """The day from which on nothing is left; None for an invoice of 0.00, and while something is left."""
        agreement = self.facts.agreement
        first = agreement.agreed_on if agreement else date.min
        days = {max(one.effective_on, first) for one in standing(self.facts)} | ({first} if agreement else set())
        days |= {max(one.effective_on, first) for one in self.facts.adjustments}
        # What was taken back of a receipt, and restored, is received since then.
        restored = (one for one in self.facts.receipts if one.reverses_id is not None and one.amount > 0)
        days |= {max(one.effective_on, first) for one in restored}
        changes = days | {max(one.effective_on, first) for one in self.facts.receipts}
        # What was given up and then paid after all was not covered by being given up.
        is_given_up = self.adjusted(AdjustmentKind.SMALL_BALANCE) != 0
        covered = None
        for day in sorted(changes, reverse=True):
            until = (day, _LATEST)
            # On a past day more may have been received than was due, where a cheque bounced after the next one had come.
            if self.left(until) > (self.small_balance(until) if is_given_up else 0):
                break
            covered = day if day in days else covered
        return covered if self.facts.billed > 0 else None

    def recovered(self, write_off: WriteOff) -> Decimal:
        """The recovery: what was received after the write-off and not returned; reversals count as the receipts that they reverse."""
        first, roots = {one.id: one for one in self.facts.receipts}, self.facts.roots
        after = (write_off.written_off_on, write_off.recorded_at)
        kept = (one for one in self.facts.receipts if not _is_before(first[roots[one.id]], *after))
        return _sum(one.amount for one in kept)


def ledger_of(facts: Facts) -> Ledger:
    """The amounts that follow from the facts."""
    line, agreement, write_off = Timeline(facts), facts.agreement, facts.write_off
    received, small = line.received(), line.small_balance()
    left = line.left() - small
    written_off = max(left, ZERO) if write_off else ZERO
    # A contract alone, without a receipt or an agreement, pays nothing.
    is_paid = left <= 0 and (agreement is not None or received > 0)
    return Ledger(
        open_part=line.open_part(line.present),
        agreed=line.agreed(agreement) if agreement else None,
        agreed_on=agreement.agreed_on if agreement else None,
        conditional_until=agreement.conditional_until if agreement else None,
        received=received,
        earlier_received=received - line.received(place=line.present),
        contractual=line.adjusted(AdjustmentKind.CONTRACTUAL),
        small_balance=small,
        written_off=written_off,
        recovered=line.recovered(write_off) if write_off else ZERO,
        balance=left - written_off,
        fully_paid_on=line.fully_paid_on() if is_paid else None,
    )


def is_in_present_round(facts: Facts, receipt: Receipt) -> bool:
    """Whether a receipt counts to the present round."""
    line = Timeline(facts)
    return line.place(receipt) == line.present


def is_of_payer_of_its_day(facts: Facts, receipt: Receipt) -> bool:
    """Whether a receipt counts to the round that was the present one when it came."""
    line = Timeline(facts)
    begun = [place for place, turn in enumerate(line.rounds) if not _is_before(receipt, *_begin(turn))]
    return begun[-1:] == [line.place(receipt)]


def effective_day(received_on: date, created_on: date) -> date:
    """The day from which a receipt counts: an advance counts from the day of the invoice."""
    return max(received_on, created_on)


def standing(facts: Facts) -> list[Receipt]:
    """The receipts that were not returned or taken back, or were restored, in the order of their days."""
    reversed_ = {one.reverses_id for one in facts.receipts}
    returned = {one.reverses_id for one in facts.receipts if one.id not in reversed_}
    found = [one for one in facts.receipts if one.reverses_id is None and one.id not in returned]
    return sorted(found, key=_counts_on)


def _counts_on(receipt: Receipt) -> tuple[date, datetime]:
    return receipt.effective_on, receipt.recorded_at


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def rounds_of(facts: Facts) -> list[_Round]:
    """Every round, in the order in which they began."""
    turns = [_Round(one.payer_id, one.coverage_id, one.from_on, one.recorded_at) for one in facts.responsibilities]
    for ended in facts.agreements:
        if ended.ended_by in _BEGINS_ROUND and ended.ended_on and ended.ended_at:
            owed_by = [one for one in facts.responsibilities if one.recorded_at <= ended.ended_at][-1]
            turns.append(_Round(owed_by.payer_id, owed_by.coverage_id, ended.ended_on, ended.ended_at))
    return sorted(turns, key=_began_at)


def _began_at(turn: _Round) -> datetime:
    return turn.began_at


def _begin(turn: _Round) -> tuple[date, datetime]:
    return turn.began_on, turn.began_at


def _pays_in(facts: Facts, receipt: Receipt, turn: _Round) -> bool:
    """Whether the payer of a receipt owes in a round, under the coverage that the receipt names."""
    is_covered = None in (receipt.coverage_id, turn.coverage_id) or receipt.coverage_id == turn.coverage_id
    return facts.pays_as(receipt.payer_id) == turn.payer_id and is_covered


def _point(agreement: Agreement) -> _Point:
    return agreement.agreed_on, agreement.recorded_at


def _is_before(fact: Receipt | Adjustment, on: date, at: datetime) -> bool:
    """Whether a fact counts before a decision: by their days, and on the same day by the order in which they were recorded."""
    return fact.effective_on < on or (fact.effective_on == on and fact.recorded_at < at)
