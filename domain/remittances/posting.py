"""The plan of a posting: what a claim of a remittance does to its invoice, before the invoice's own rules are asked."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from domain.billing.coverages import AdjustmentGroup
from domain.billing.ledger.facts import ResponsibilityReason
from domain.remittances.matching import DENIED, REVERSAL
from domain.remittances.remittance import RemittedAdjustment, RemittedClaim, RemittedLine

_ZERO = Decimal("0.00")
# The reason code of a benefit that is used up.
EXHAUSTED = "119"
_DEDUCTIBLE = "1"
# What a contract takes off, so that it is owed by nobody; what is left of the other groups may be owed by somebody else.
_CONTRACTUAL = (AdjustmentGroup.CO, AdjustmentGroup.OA)
_TRANSFERABLE = (AdjustmentGroup.PR, AdjustmentGroup.PI)


@dataclass(frozen=True, slots=True)
class PlannedAdjustment:
    """A contractual adjustment of the invoice, or of a line where that is known; in US dollars, negative in a reversal."""

    group: AdjustmentGroup
    reason_code: str
    amount: Decimal
    line_id: UUID | None = None
    remark_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedDenial:
    """A denial that comes with the payment: a record alone, which moves nothing."""

    group: AdjustmentGroup | None
    reason_code: str
    amount: Decimal
    line_id: UUID | None = None
    remark_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a claim proposes: how much may be transferred, how much of that the patient is responsible for, and why."""

    transfer_amount: Decimal
    responsible_amount: Decimal
    is_exhausted: bool
    reason: ResponsibilityReason


@dataclass(frozen=True, slots=True)
class PostingPlan:
    """What is posted of a claim: `paid` is allocated, or taken back where it is negative."""

    paid: Decimal
    adjustments: tuple[PlannedAdjustment, ...]
    denials: tuple[PlannedDenial, ...]

    @property
    def contractual(self) -> Decimal:
        """The sum of the adjustments."""
        return sum((one.amount for one in self.adjustments), _ZERO)

    @property
    def reason_codes(self) -> frozenset[str]:
        """The reason codes that are recorded."""
        adjusted = {one.reason_code for one in self.adjustments}
        return frozenset(adjusted | {one.reason_code for one in self.denials})


def plan_of(claim: RemittedClaim, line_ids: Sequence[UUID | None]) -> PostingPlan:
    """The plan for a claim whose lines are these lines of the invoice.

    A denied claim, or a line that is not paid at all although the patient owes nothing of it, is a denial: what is denied may be
    appealed, so that no contract takes it off. A reversal takes the adjustments back, and denies nothing.
    """
    if claim.status_code == DENIED:
        return PostingPlan(claim.paid, (), tuple(_denial_of_claim(claim)))
    kept = list[PlannedAdjustment](_contractual(claim.adjustments, None, claim.remark_codes))
    denials = list[PlannedDenial]()
    if not claim.lines and _is_denied(claim.charge, claim.paid, claim.adjustments):
        kept, denials = [], list(_denial_of_claim(claim))
    for line, identity in zip(claim.lines, line_ids, strict=True):
        if _is_denied(line.charge, line.paid, line.adjustments):
            denials.append(_denial_of_line(line, identity))
        else:
            kept += _contractual(line.adjustments, identity, line.remark_codes)
    return PostingPlan(claim.paid, tuple(kept), () if claim.status_code == REVERSAL else tuple(denials))


def proposed_by(claim: RemittedClaim) -> Proposed:
    """What a claim proposes once it is posted; a reversal proposes nothing."""
    if claim.status_code == REVERSAL:
        return Proposed(_ZERO, _ZERO, is_exhausted=False, reason=ResponsibilityReason.OTHER)
    every = claim.all_adjustments
    responsible = _sum(one.amount for one in every if one.group is AdjustmentGroup.PR)
    transferable = _sum(one.amount for one in every if one.group in _TRANSFERABLE)
    is_exhausted = any(one.reason_code == EXHAUSTED for one in every)
    return Proposed(max(transferable, _ZERO), max(responsible, _ZERO), is_exhausted, _reason(every, is_exhausted))


def _reason(every: Iterable[RemittedAdjustment], is_exhausted: bool) -> ResponsibilityReason:
    """Why somebody else owes what a claim leaves."""
    if is_exhausted:
        return ResponsibilityReason.EXHAUSTED
    codes = {one.reason_code for one in every if one.group is AdjustmentGroup.PR}
    if not codes:
        return ResponsibilityReason.OTHER
    return ResponsibilityReason.DEDUCTIBLE if codes == {_DEDUCTIBLE} else ResponsibilityReason.COINSURANCE


def _contractual(
    adjustments: Iterable[RemittedAdjustment], line_id: UUID | None, remarks: tuple[str, ...]
) -> Iterator[PlannedAdjustment]:
    for one in adjustments:
        if one.group in _CONTRACTUAL and one.amount != 0:
            yield PlannedAdjustment(one.group, one.reason_code, one.amount, line_id, remarks)


def _is_denied(charge: Decimal, paid: Decimal, adjustments: Sequence[RemittedAdjustment]) -> bool:
    """Whether nothing is paid, the patient owes nothing, and the benefit is not used up."""
    used_up = all(one.group is AdjustmentGroup.PI and one.reason_code == EXHAUSTED for one in adjustments)
    owes = any(one.group is AdjustmentGroup.PR for one in adjustments)
    return charge != 0 and paid == 0 and not used_up and not owes


def _denial_of_claim(claim: RemittedClaim) -> Iterator[PlannedDenial]:
    remarks = dict.fromkeys((*claim.remark_codes, *(code for line in claim.lines for code in line.remark_codes)))
    if claim.charge > 0:
        group, code = _main_reason(claim.all_adjustments)
        yield PlannedDenial(group, code, claim.charge, None, tuple(remarks))


def _denial_of_line(line: RemittedLine, identity: UUID | None) -> PlannedDenial:
    group, code = _main_reason(line.adjustments)
    return PlannedDenial(group, code, line.charge, identity, line.remark_codes)


def _main_reason(adjustments: Sequence[RemittedAdjustment]) -> tuple[AdjustmentGroup | None, str]:
    """Group and reason code of the largest adjustment; a payer that gives none leaves the status of the claim."""
    if not adjustments:
        return None, DENIED
    main = max(adjustments, key=_size)
    return main.group, main.reason_code


def _size(one: RemittedAdjustment) -> Decimal:
    return abs(one.amount)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)
