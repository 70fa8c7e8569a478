"""The dated facts from which the amounts of an invoice are computed: who owes it, agreements, receipts, each write-off (decision 21)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.billing.coverages import AdjustmentGroup

ZERO = Decimal("0.00")


class AdjustmentKind(StrEnum):
    """Why an amount is no longer due although it was neither paid, negotiated nor written off."""

    CONTRACTUAL = "contractual"
    SMALL_BALANCE = "small_balance"


class ResponsibilityReason(StrEnum):
    """Why a payer became responsible for the open part of an invoice."""

    FIRST = "first"
    EXHAUSTED = "exhausted"
    REFUSED = "refused"
    DEDUCTIBLE = "deductible"
    COINSURANCE = "coinsurance"
    REPRESENTATION_ENDED = "representation_ended"
    OTHER = "other"


class AgreementKind(StrEnum):
    """What was agreed upon."""

    # The whole open part, whatever it is: no reduction is granted.
    FULL = "full"
    NEGOTIATED = "negotiated"
    # What was still to be paid of the agreement before, by another payer.
    CONTINUED = "continued"


class AgreementEnd(StrEnum):
    """How an agreement ended."""

    LAPSED = "lapsed"
    REOPENED = "reopened"
    DENIED = "denied"
    TRANSFERRED = "transferred"
    REPLACED = "replaced"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Responsibility:
    """From a day on, a payer is the responsible payer: it owes the open part. `number` counts from 1."""

    number: int
    payer_id: UUID
    from_on: date
    recorded_at: datetime
    reason: ResponsibilityReason = ResponsibilityReason.FIRST
    coverage_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement with the payer of its round; a negotiated one has an amount in US dollars."""

    number: int
    kind: AgreementKind
    amount: Decimal | None
    agreed_on: date
    recorded_at: datetime
    conditional_until: date | None = None
    ended_on: date | None = None
    ended_at: datetime | None = None
    ended_by: AgreementEnd | None = None

    def without_end(self) -> "Agreement":
        """The same agreement, as it stood before it ended."""
        return replace(self, ended_on=None, ended_at=None, ended_by=None)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The part of a cheque that is allocated to the invoice, or (negative) the reversal of such a receipt.

    A positive reversal restores what a later payment had taken back, because one of the two payments was returned.
    `recorded_at` orders it among the facts of its day; of a receipt that corrects another one it is the moment of that one.
    `is_patient` is whether the treated patient paid, who may pay without being responsible.
    """

    id: UUID
    payer_id: UUID
    amount: Decimal
    effective_on: date
    recorded_at: datetime
    reverses_id: UUID | None = None
    coverage_id: UUID | None = None
    is_patient: bool = False


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An adjustment of the amount due, in US dollars; negative where it takes an adjustment back.

    A contractual one says why (group and reason code), of which line, and with which payment it came, where that is known.
    """

    number: int
    kind: AdjustmentKind
    amount: Decimal
    effective_on: date
    recorded_at: datetime
    adjustment_group: AdjustmentGroup | None = None
    reason_code: str | None = None
    remark_codes: tuple[str, ...] = ()
    line_id: UUID | None = None
    cheque_id: UUID | None = None
    note: str | None = None
    # The number of the adjustment that it undoes, because the payment by which that one came was corrected.
    undoes_number: int | None = None


@dataclass(frozen=True, slots=True)
class WriteOff:
    """The decision that what is left is uncollectible, until it is reversed."""

    number: int
    written_off_on: date
    recorded_at: datetime
    reversed_on: date | None = None


# A denial of an earlier day comes before these ends of an agreement, and takes their place.
_GIVES_WAY_TO_DENIAL = (None, AgreementEnd.LAPSED, AgreementEnd.TRANSFERRED, AgreementEnd.DENIED)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts from which the amounts of an invoice are computed, each kind in the order in which it was recorded.

    `forbids_balance_billing` is whether the present payer owes under a coverage that forbids to bill somebody else what it leaves;
    `patient_amount` is what the patient is responsible for (group PR) by its last remittance, None without one. `merged` are the payers
    that are merged into another one, with the one that stays: a payer that owed counts under the id with which it did, so that a merge
    changes no amount.
    """

    billed: Decimal
    responsibilities: tuple[Responsibility, ...]
    agreements: tuple[Agreement, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    write_offs: tuple[WriteOff, ...] = ()
    forbids_balance_billing: bool = False
    # The adjustments that were undone by the correction of a payment, and what undid them: they count as never made.
    undone: tuple[Adjustment, ...] = ()
    patient_amount: Decimal | None = None
    merged: Mapping[UUID, UUID] = field(default_factory=dict, compare=False)

    @property
    def all_adjustments(self) -> tuple[Adjustment, ...]:
        """The adjustments, also those that were undone."""
        return (*self.adjustments, *self.undone)

    @property
    def next_adjustment(self) -> int:
        """The number of the next adjustment."""
        return len(self.all_adjustments) + 1

    @property
    def roots(self) -> dict[UUID, UUID]:
        """The id of the receipt behind each receipt and reversal; what restores a receipt reverses a reversal."""
        before = {one.id: one.reverses_id for one in self.receipts}
        found = {identity: reversed_id or identity for identity, reversed_id in before.items()}
        return {identity: before.get(first) or first for identity, first in found.items()}

    @property
    def write_off(self) -> WriteOff | None:
        """The write-off that stands."""
        last = self.write_offs[-1] if self.write_offs else None
        return last if last is not None and last.reversed_on is None else None

    @property
    def agreement(self) -> Agreement | None:
        """The agreement that stands."""
        last = self.agreements[-1] if self.agreements else None
        return last if last is not None and last.ended_on is None else None

    @property
    def given_up(self) -> Decimal:
        """The small balances that were given up and not taken back."""
        return sum((one.amount for one in self.adjustments if one.kind is AdjustmentKind.SMALL_BALANCE), ZERO)

    @property
    def contractual(self) -> list[Adjustment]:
        """The contractual adjustments, those that take one back included."""
        return [one for one in self.adjustments if one.kind is AdjustmentKind.CONTRACTUAL]

    @property
    def unpaid(self) -> Decimal:
        """What was billed and is neither taken off by contract nor received, in US dollars."""
        taken_off = sum((one.amount for one in self.contractual), ZERO)
        return self.billed - taken_off - sum((one.amount for one in self.receipts), ZERO)

    @property
    def small_balance_decisions(self) -> list[Adjustment]:
        """The decisions to give up a small balance; later rows of their days correct their amounts.

        What was recorded together with another row takes as much more, or less, back as that one gives up.
        """
        decisions, total, before = list[Adjustment](), ZERO, None
        for one in self.adjustments:
            if one.kind is AdjustmentKind.SMALL_BALANCE:
                is_later = not decisions or one.effective_on > decisions[-1].effective_on
                if total == 0 and is_later and one.recorded_at != before:
                    decisions.append(one)
                total, before = total + one.amount, one.recorded_at
        return decisions

    def ended(self, how: AgreementEnd, on: date, at: datetime) -> "Facts":
        """The same facts with an end of the agreement that stands, if one does."""
        standing = self.agreement
        if standing is None:
            return self
        last = replace(standing, ended_on=on, ended_at=at, ended_by=how)
        return replace(self, agreements=(*self.agreements[:-1], last))

    def denied(self, on: date, at: datetime) -> "Facts":
        """The same facts with a denial of a day, which ends the agreement that stood on it, if one did.

        It is recorded at `at`, or counts as recorded just before the transfer or the change of payer that came after that day.
        Nothing changes where the agreement ended by a decision that the denial would have prevented.
        """
        number = sum(one.agreed_on <= on for one in self.agreements)
        stood = self.agreements[number - 1] if number else None
        if stood is None or stood.ended_by not in _GIVES_WAY_TO_DENIAL or (stood.ended_on and stood.ended_on <= on):
            return self
        next_payer = next((one for one in self.responsibilities if one.from_on > on), None)
        before = None if next_payer is None else next_payer.from_on
        is_kept = any(before is None or one.agreed_on <= before for one in self.agreements[number:])
        if is_kept and stood.ended_by is not AgreementEnd.DENIED:
            return self
        moments = [at, *([stood.ended_at] if stood.ended_at else [])]
        moments += [next_payer.recorded_at - _INSTANT] if next_payer else []
        last = replace(stood, ended_on=on, ended_at=min(moments), ended_by=AgreementEnd.DENIED)
        return replace(self, agreements=(*self.agreements[: number - 1], last, *self.agreements[number:]))

    def revived(self) -> "Facts":
        """The same facts, in which the last agreement has not ended."""
        return replace(self, agreements=(*self.agreements[:-1], self.agreements[-1].without_end()))

    def without_small_balance(self, on: date, at: datetime) -> "Facts":
        """The same facts, in which what was given up as a small balance is due again."""
        kind = AdjustmentKind.SMALL_BALANCE
        given_up = sum((one.amount for one in self.adjustments if one.kind is kind), ZERO)
        back = Adjustment(self.next_adjustment, kind, -given_up, on, at)
        return replace(self, adjustments=(*self.adjustments, back)) if given_up else self

    def without_receipts(self, ids: Collection[UUID], moments: Collection[datetime], at: datetime) -> "Facts":
        """The same facts without some receipts or reversals, and without what they changed of a small balance as they were recorded."""
        kept, undone, number = list[Adjustment](), list[Adjustment](), self.next_adjustment
        for one in self.adjustments:
            if one.kind is not AdjustmentKind.SMALL_BALANCE or one.recorded_at not in moments:
                kept.append(one)
                continue
            back = replace(one, number=number, amount=-one.amount, recorded_at=at, undoes_number=one.number)
            undone, number = [*undone, one, back], number + 1
        receipts = tuple(one for one in self.receipts if one.id not in ids)
        return replace(self, receipts=receipts, adjustments=tuple(kept), undone=(*self.undone, *undone))

    def without_write_off(self, on: date) -> "Facts":
        """The same facts, in which the write-off that stands, if one does, is reversed."""
        if self.write_off is None:
            return self
        return replace(self, write_offs=(*self.write_offs[:-1], replace(self.write_off, reversed_on=on)))

    def is_responsible(self, payer_id: UUID) -> bool:
        """Whether a payer is or was responsible for the invoice."""
        return any(self.are_one(one.payer_id, payer_id) for one in self.responsibilities)

    def are_one(self, payer: UUID, other: UUID) -> bool:
        """Whether two ids are of one payer, because one is merged into the other or both into a third."""
        return payer == other or (bool(self.merged) and self._stays(payer) == self._stays(other))

    def pays_as(self, payer_id: UUID) -> UUID:
        """The id under which a payer owes or owed the invoice: its own or, if it never did, that of one with which it is merged."""
        owed = [one.payer_id for one in reversed(self.responsibilities)]
        if not self.merged or payer_id in owed:
            return payer_id
        return next((one for one in owed if self.are_one(one, payer_id)), payer_id)

    def _stays(self, payer_id: UUID) -> UUID:
        return self.merged.get(payer_id, payer_id)
