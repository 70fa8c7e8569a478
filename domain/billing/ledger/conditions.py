"""Conditional agreements: what was received in time, the day of a lapse, and which lapsed agreement money received in time revives."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from domain.billing.ledger.amounts import Timeline, rounds_of, standing
from domain.billing.ledger.facts import ZERO, Agreement, AgreementEnd, AgreementKind, Facts, Receipt


def lapsed_agreement(facts: Facts) -> Agreement | None:
    """The agreement of the present round that a receipt of a day that it allowed would revive."""
    last = facts.agreements[-1] if facts.agreements else None
    is_of_round = last is not None and last.recorded_at >= rounds_of(facts)[-1].began_at
    return last if last is not None and last.ended_by is AgreementEnd.LAPSED and is_of_round else None


def lapse_day(facts: Facts, agreement: Agreement) -> date:
    """The day on which a conditional agreement lapses: after its last day, or as what was received in time was returned."""
    assert agreement.conditional_until is not None
    returned = [one.effective_on for one in _in_time(facts, agreement) if one.amount < 0]
    return max([agreement.conditional_until + timedelta(days=1), agreement.agreed_on, *returned])


def with_lapse_days(facts: Facts) -> Facts:
    """The same facts, in which agreements lapsed when they did by all that is known now.

    Money that was received in time and recorded late, and returned since, moves the lapse to the return, or leaves the agreement
    until it was transferred. Where another agreement was made meanwhile, the decision stands.
    """
    agreements = [_as_it_lapsed(facts, one) for one in facts.agreements]
    return replace(facts, agreements=tuple(agreements))


def _as_it_lapsed(facts: Facts, agreement: Agreement) -> Agreement:
    if agreement.ended_by is AgreementEnd.LAPSED:
        return _lapsed(facts, agreement)
    is_kept = any(
        one.number == agreement.number + 1 and one.kind is AgreementKind.CONTINUED for one in facts.agreements
    )
    if agreement.ended_by is not AgreementEnd.TRANSFERRED or agreement.conditional_until is None or is_kept:
        return agreement
    # What was received in time was returned before the transfer, and the return was recorded after it.
    lapsed_on = _lapses_on(facts, agreement)
    is_before = agreement.ended_on is not None and lapsed_on < agreement.ended_on
    return replace(agreement, ended_on=lapsed_on, ended_by=AgreementEnd.LAPSED) if is_before else agreement


def _lapses_on(facts: Facts, agreement: Agreement) -> date:
    """The day on which a conditional agreement lapses; `date.max` while what was received in time stands."""
    stands = sum((one.amount for one in _in_time(facts, agreement)), ZERO) > 0
    return date.max if stands else lapse_day(facts, agreement)


def _lapsed(facts: Facts, agreement: Agreement) -> Agreement:
    lapsed_on = _lapses_on(facts, agreement)
    payers = [one for one in facts.responsibilities if one.recorded_at > agreement.recorded_at]
    later = [one for one in facts.agreements if one.number > agreement.number]
    if payers and not any(one.recorded_at < payers[0].recorded_at for one in later):
        if lapsed_on > payers[0].from_on:
            by, next_payer = AgreementEnd.TRANSFERRED, payers[0]
            return replace(agreement, ended_on=next_payer.from_on, ended_at=next_payer.recorded_at, ended_by=by)
        return replace(agreement, ended_on=lapsed_on)
    is_met = lapsed_on == date.max or any(one.agreed_on < lapsed_on for one in later)
    return agreement if is_met else replace(agreement, ended_on=lapsed_on)


def _in_time(facts: Facts, agreement: Agreement) -> list[Receipt]:
    """What was received in time in the round of an agreement, and what was returned or taken back of it."""
    assert agreement.conditional_until is not None
    paid, roots = _receipts_of_round(facts, agreement.recorded_at), facts.roots
    first = {one.id for one in paid if one.reverses_id is None and one.effective_on <= agreement.conditional_until}
    return [one for one in paid if roots[one.id] in first]


def received_by(facts: Facts, day: date) -> Decimal:
    """What was received in the present round up to a day and has not been returned."""
    line = Timeline(facts)
    found = (one for one in standing(facts) if line.places[one.id] == line.present)
    return sum((one.amount for one in found if one.effective_on <= day), ZERO)


def _receipts_of_round(facts: Facts, at: datetime) -> list[Receipt]:
    """The receipts that count to the round that was the present one at a moment."""
    line = Timeline(facts)
    place = [place for place, turn in enumerate(line.rounds) if turn.began_at <= at][-1]
    return [one for one in facts.receipts if line.places[one.id] == place]
