"""Pairs of days: each is held against every order of two days, and each is a law of `billing verify`."""

from datetime import date, timedelta
from itertools import product

import pytest

from db.verify import LAWS
from domain.days import PAIRS, DayPair
from domain.errors import InvalidInput
from domain.treatment.encounters import accepted_reason

_DAY = date(2026, 2, 28)
_DAYS = [_DAY + timedelta(days=days) for days in (-400, -2, -1, 0, 1, 2, 400)]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.earlier} {pair.later}")
def test_a_pair_holds_unless_the_later_day_is_before_the_earlier_one(pair: DayPair) -> None:
    for earlier, later in product(_DAYS, _DAYS):
        assert pair.holds(earlier, later) is ((later - earlier).days >= 0)
        assert pair.holds(earlier, None)
        assert pair.holds(None, later)


def test_each_pair_is_a_law_of_its_own() -> None:
    words = [law.words for law in LAWS]
    assert [words.count(pair.law) for pair in PAIRS] == [1] * len(PAIRS)


def test_the_pairs_are_those_of_treatment_billing_and_recoupment_in_their_order() -> None:
    assert [(pair.earlier, pair.later) for pair in PAIRS] == [
        ("date_of_injury", "service_date"),
        ("service_date", "created_on"),
        ("created_on", "submitted_on"),
        ("first_submitted_on", "denied_on"),
        ("denied_on", "appeal_due_on"),
        ("created_on", "effective_on"),
        ("denied_on", "happened_on"),
        ("before_on", "happened_on"),
        ("requested_on", "due_on"),
        ("requested_on", "answered_on"),
        ("refunded_on", "returned_on"),
    ]


@pytest.mark.parametrize("reason", [None, "The injury was recorded wrongly"])
def test_treatment_before_the_injury_needs_a_reason_which_is_kept_only_then(reason: str | None) -> None:
    for injury, served in product(_DAYS, _DAYS):
        if served >= injury:
            assert accepted_reason(served, injury, reason, "ask") is None
        elif reason:
            assert accepted_reason(served, injury, reason, "ask") == reason
        else:
            with pytest.raises(InvalidInput, match=f"before the date of injury, {injury}: ask") as refusal:
                accepted_reason(served, injury, reason, "ask")
            assert refusal.value.path == ("service_date",)
