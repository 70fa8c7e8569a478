"""The restated states of an invoice: what it was on each day by the days on which its facts count, with all that is known now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.amounts import ledger_of
from domain.billing.ledger.by_days import days_of, facts_on
from domain.billing.ledger.conditions import with_lapse_days
from domain.billing.ledger.facts import AgreementEnd, Facts
from domain.billing.lifecycle import amounts_of, status_of
from domain.billing.outcomes import Outcome

S = InvoiceStatus
# An invoice that was covered without an agreement is reopened without the end of one.
_NEGOTIATES = ("request_reduction", "counter_reduction", "reopen_reduction")
# What a denial of an earlier day would have prevented: the denial counts from its own day on only where none of them came first.
_PREVENTED = (*_NEGOTIATES, "decline_reduction", "accept_in_full", "agree_reduction", "close_empty")


@dataclass(frozen=True, slots=True)
class Step:
    """A step in the history of an invoice: the clinic's day and the moment at which it was recorded, and what the facts do not contain.

    `submitted_on` and `billed` are the new values of a submission and of changed lines, `denied_on` is the day of a denial;
    `is_moved` is whether its status or its submission changed.
    """

    transition: str
    on: date
    at: datetime
    before: InvoiceStatus | None
    after: InvoiceStatus
    submitted_on: date | None = None
    billed: Decimal | None = None
    denied_on: date | None = None
    is_moved: bool = False


@dataclass(frozen=True, slots=True)
class RestatedState:
    """The columns of an invoice from a day on, until before another day (None: still)."""

    from_on: date
    until_on: date | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Mark:
    """From a point in the order of days on, a column has a value; on one day the order of recording counts."""

    on: date
    at: datetime
    column: str
    value: Any


def is_backdated(known: Facts | None, outcome: Outcome, today: date, created_on: date) -> bool:
    """Whether a transition records something that counts on another day than today; what counts before the invoice counts from its creation."""
    denial = outcome.denial or {}
    # What comes with a payment is a record of its day, and moves nothing.
    days = [outcome.values.get("submitted_on"), None if denial.get("cheque_id") else denial.get("denied_on")]
    if outcome.facts is not None and known is not None and outcome.facts != known:
        days += _new_days(known, outcome.facts)
    return any(day is not None and max(day, created_on) != today for day in days)


def _new_days(known: Facts, after: Facts) -> Iterator[date]:
    yield from (one.from_on for one in after.responsibilities[len(known.responsibilities) :])
    # A correction takes facts away, too.
    yield from (one.effective_on for one in {*after.receipts} ^ {*known.receipts})
    yield from (one.effective_on for one in {*after.adjustments} ^ {*known.adjustments})
    yield from (one.agreed_on for one in after.agreements[len(known.agreements) :])
    yield from (one.written_off_on for one in after.write_offs[len(known.write_offs) :])
    for was, now in zip(known.agreements, after.agreements, strict=False):
        if was != now:
            # An agreement that holds after all never ended.
            yield date.min if now.ended_on is None or was.ended_on is not None else now.ended_on


def restated_states(facts: Facts, steps: Sequence[Step], created_on: date) -> list[RestatedState]:
    """The states of an invoice, oldest first, without gaps; each differs from the one before."""
    facts = with_lapse_days(facts)
    marks = sorted(_without_undone(_marks(facts, steps, created_on), facts), key=_point)
    days = sorted({max(day, created_on) for day in (*days_of(facts), *(mark.on for mark in marks))})
    found = list[tuple[date, dict[str, Any]]]()
    for day in days:
        values = _state_on(facts, marks, day)
        if not found or found[-1][1] != values:
            found.append((day, values))
    ends = [*(day for day, _ in found[1:]), None]
    return [RestatedState(day, until, values) for (day, values), until in zip(found, ends, strict=True)]


def _state_on(facts: Facts, marks: Sequence[_Mark], day: date) -> dict[str, Any]:
    known = {mark.column: mark.value for mark in marks if mark.on <= day}
    then = facts_on(facts, day, known["billed_amount"])
    ledger, owed_by = ledger_of(then), then.responsibilities[-1]
    open_status = S.PENDING_CHEQUE if then.agreement else known["open_status"]
    if open_status is S.PENDING_REDUCTION and ledger.is_taken_off and _is_emptied(then, marks):
        open_status = S.PENDING_INVOICE
    status = status_of(ledger, open_status, known["paid_on"] is not None and ledger.balance <= 0)
    amounts = {column: value for column, value in amounts_of(ledger).items() if column != "conditional_until"}
    return {
        **amounts,
        "billed_amount": known["billed_amount"],
        "payer_id": owed_by.payer_id,
        "responsible_since": owed_by.from_on,
        "status": S.VOID if known["is_void"] else status,
        "submitted_on": known["submitted_on"],
        "first_submitted_on": known["first_submitted_on"],
        "paid_on": known["paid_on"] if status is S.PAID else None,
    }


def _is_emptied(then: Facts, marks: Sequence[_Mark]) -> bool:
    """Whether adjustments that count by a day came after the negotiation that was known by their day, and left nothing of it.

    Where they are recorded later, no step of that day says so.
    """
    last = max(((one.effective_on, one.recorded_at) for one in then.contractual), default=None)
    return last is not None and all(
        _point(mark) < last for mark in marks if mark.column == "open_status" and mark.on <= last[0]
    )


def _point(mark: _Mark) -> tuple[date, datetime]:
    return mark.on, mark.at


def _marks(facts: Facts, steps: Sequence[Step], created_on: date) -> Iterator[_Mark]:
    begin = facts.responsibilities[0].recorded_at
    first = {"open_status": S.PENDING_INVOICE, "submitted_on": None, "first_submitted_on": None}
    for column, value in {**first, "paid_on": None, "is_void": False, "billed_amount": facts.billed}.items():
        yield _Mark(created_on, begin, column, value)
    yield from _of_submissions(facts, steps)
    for one in facts.responsibilities[1:]:
        yield _Mark(one.from_on, one.recorded_at, "open_status", S.PENDING_INVOICE)
    for agreement in facts.agreements:
        if agreement.ended_on and agreement.ended_at:
            is_negotiated = agreement.ended_by in (AgreementEnd.REOPENED, AgreementEnd.LAPSED)
            status = S.PENDING_REDUCTION if is_negotiated else S.PENDING_INVOICE
            yield _Mark(agreement.ended_on, agreement.ended_at, "open_status", status)
    for step in steps:
        yield from _of_step(step)


def _without_undone(marks: Iterable[_Mark], facts: Facts) -> Iterator[_Mark]:
    """The marks without those of the present payer's work that a transfer of an earlier day, decided later, undid."""
    for mark in marks:
        is_of_payer = mark.column in ("open_status", "submitted_on")
        later = (one for one in facts.responsibilities[1:] if one.recorded_at > mark.at and one.from_on < mark.on)
        if not (is_of_payer and any(later)):
            yield mark


def _of_step(step: Step) -> Iterator[_Mark]:
    """What a step changes on the day on which it was recorded, besides the facts."""
    if step.transition in _NEGOTIATES:
        yield _Mark(step.on, step.at, "open_status", S.PENDING_REDUCTION)
    elif step.transition == "decline_reduction" or _empties(step):
        yield _Mark(step.on, step.at, "open_status", S.PENDING_INVOICE)
    if step.billed is not None:
        yield _Mark(step.on, step.at, "billed_amount", step.billed)
    if (step.before is S.PAID) != (step.after is S.PAID):
        yield _Mark(step.on, step.at, "paid_on", step.on if step.after is S.PAID else None)
    if step.after is S.VOID:
        yield _Mark(step.on, step.at, "is_void", value=True)


def _empties(step: Step) -> bool:
    """Whether an adjustment left nothing to negotiate."""
    moved = (step.before, step.after)
    return step.transition == "record_adjustment" and moved == (S.PENDING_REDUCTION, S.PENDING_INVOICE)


def _of_submissions(facts: Facts, steps: Sequence[Step]) -> Iterator[_Mark]:
    """When the invoice was submitted, and when a denial or another payer ended that."""
    cleared = [(one.recorded_at, one.from_on) for one in facts.responsibilities[1:]]
    for at, on in cleared:
        yield _Mark(on, at, "submitted_on", None)
    first = None
    for place, step in enumerate(steps):
        if step.denied_on is not None:
            denied = _denial_counts_on(facts, steps[:place], step)
            if denied is not None:
                cleared.append((step.at, denied))
                yield _Mark(denied, step.at, "submitted_on", None)
                yield _Mark(denied, step.at, "open_status", S.PENDING_INVOICE)
        if step.submitted_on is not None:
            # A submission is a decision: it comes after what it follows, whichever day it names.
            on = max([step.submitted_on, *(on for at, on in cleared if at < step.at)])
            yield _Mark(on, step.at, "submitted_on", step.submitted_on)
            if first is None:
                first = step.submitted_on
                yield _Mark(on, step.at, "first_submitted_on", first)


def _denial_counts_on(facts: Facts, earlier: Sequence[Step], denial: Step) -> date | None:
    """The day from which a denial counts; None for one that changed nothing.

    Where it is recorded after a decision that it would have prevented, the decision stands: then it counts when it was recorded,
    or, where it is a record alone, never.
    """
    denied_on = denial.denied_on
    assert denied_on is not None
    # Another payer, or another submission, ended what the denial began.
    ends = [one.from_on for one in facts.responsibilities if one.from_on > denied_on and one.recorded_at < denial.at]
    ends += [step.submitted_on for step in earlier if step.submitted_on and step.submitted_on > denied_on]
    end = min(ends, default=date.max)
    if any(step.transition in _PREVENTED and denied_on < step.on < end for step in earlier):
        return denial.on if denial.is_moved and not ends else None
    return denied_on
