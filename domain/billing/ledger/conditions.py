"""Conditional agreements: what was received in time, the day of a lapse, and which lapsed agreement money received in time revives."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from domain.billing.ledger.amounts import Timeline, rounds_of, standing
from domain.billing.ledger.facts import ZERO, Agreement, AgreementEnd, Facts, Receipt


def lapsed_agreement(facts: Facts) -> Agreement | None:
    """The agreement of the present round that a receipt of a day that it allowed would revive."""
    last = facts.agreements[-1] if facts.agreements else None
    is_of_round = last is not None and last.recorded_at >= rounds_of(facts)[-1].began_at
    return last if last is not None and last.ended_by is AgreementEnd.LAPSED and is_of_round else None


def lapse_day(facts: Facts) -> date:
    """The day on which the conditional agreement lapses: after its last day, or as what was received in time was returned."""
    agreement = facts.agreements[-1]
    assert agreement.conditional_until is not None
    paid = _receipts_of_round(facts, agreement.recorded_at)
    in_time = {one.id for one in paid if one.reverses_id is None and one.effective_on <= agreement.conditional_until}
    returned = [one.effective_on for one in paid if one.reverses_id in in_time]
    return max([agreement.conditional_until + timedelta(days=1), agreement.agreed_on, *returned])


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
