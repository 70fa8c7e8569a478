"""The facts of an invoice by the days on which they count: what had counted by a day, with all that is known now."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from domain.billing.ledger.amounts import is_of_payer_of_its_day, ledger_of
from domain.billing.ledger.facts import ZERO, Adjustment, AdjustmentKind, Agreement, Facts, WriteOff


def facts_on(facts: Facts, day: date, billed: Decimal | None = None) -> Facts:
    """The facts that count by the end of a day; what ended later stands. `billed` is the amount billed then, if it changed."""
    return Facts(
        facts.billed if billed is None else billed,
        tuple(one for one in facts.responsibilities if one.from_on <= day),
        tuple(_agreement_on(one, day) for one in facts.agreements if one.agreed_on <= day),
        tuple(one for one in facts.receipts if one.effective_on <= day),
        tuple(one for one in _adjustments(facts) if one.effective_on <= day),
        tuple(_write_off_on(one, day) for one in facts.write_offs if one.written_off_on <= day),
    )


def days_of(facts: Facts) -> Iterator[date]:
    """The days on which something of the facts counts, in no order."""
    yield from (one.from_on for one in facts.responsibilities)
    yield from (day for one in facts.agreements for day in (one.agreed_on, one.ended_on) if day)
    yield from (one.effective_on for one in facts.receipts)
    # By the days on which the adjustments count in the end: a small balance is due again on the day of a receipt.
    yield from (one.effective_on for one in facts.adjustments)
    yield from (day for one in facts.write_offs for day in (one.written_off_on, one.reversed_on) if day)


def _agreement_on(agreement: Agreement, day: date) -> Agreement:
    stands = agreement.ended_on is not None and agreement.ended_on > day
    return agreement.without_end() if stands else agreement


def _write_off_on(write_off: WriteOff, day: date) -> WriteOff:
    stands = write_off.reversed_on is not None and write_off.reversed_on > day
    return replace(write_off, reversed_on=None) if stands else write_off


def left_when(facts: Facts, on: date, at: datetime) -> Decimal:
    """What was due at the moment of a decision, before anything was given up, with all that is known now."""
    agreements = (one for one in facts.agreements if one.recorded_at <= at)
    then = Facts(
        facts.billed,
        tuple(one for one in facts.responsibilities if one.recorded_at <= at),
        tuple(one.without_end() if one.ended_at and one.ended_at > at else one for one in agreements),
        tuple(one for one in facts.receipts if (one.effective_on, one.recorded_at) < (on, at)),
        tuple(
            one for one in facts.adjustments if one.kind is not AdjustmentKind.SMALL_BALANCE and one.effective_on <= on
        ),
    )
    return ledger_of(then).balance


def _adjustments(facts: Facts) -> Iterator[Adjustment]:
    """The adjustments; a small balance is due again from the first later receipt on, whichever of them was recorded first."""
    given_up, total, decisions = None, ZERO, facts.small_balance_decisions
    for one in facts.adjustments:
        if one.kind is not AdjustmentKind.SMALL_BALANCE:
            yield one
            continue
        given_up = one if one in decisions else given_up
        total += one.amount
        is_due_again = given_up is not None and total == ZERO and one.effective_on > given_up.effective_on
        yield replace(one, effective_on=_due_again_on(facts, given_up, one)) if given_up and is_due_again else one


def _due_again_on(facts: Facts, given_up: Adjustment, taken_back: Adjustment) -> date:
    first = (given_up.effective_on, given_up.recorded_at)
    later = [
        one.effective_on
        for one in facts.receipts
        if one.reverses_id is None
        and (one.effective_on, one.recorded_at) > first
        and is_of_payer_of_its_day(facts, one)
    ]
    return max(given_up.effective_on, min([*later, taken_back.effective_on]))
