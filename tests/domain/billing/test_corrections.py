"""A payment that was typed wrong and is corrected later leaves the invoice as if it had been typed right, whatever was recorded meanwhile."""

from collections import Counter

import pytest

from imports.demo.seeded_random import SeededRandom
from tests.domain.billing.mistyped import Mistyped, Wrong, places_of, right_of
from tests.domain.billing.test_restated import restated
from tests.domain.test_transitions import CREATED_ON
from tests.support.api.recorded_histories import orders_of, random_plan


def check(seed: int, wrong: Wrong, done: Counter[str]) -> None:
    """Compare a random history with the same one in which a payment is typed wrong and corrected at a random later point."""
    random = SeededRandom(seed)
    _, plan = random_plan(seed, 30)
    # At times what comes from outside is recorded late, so that a right day may be before a wrong one.
    order = orders_of(plan, seed, random.choice([1, 2]), tries=3)[-1]
    places = places_of(order, wrong)
    if not places:
        return
    trial = Mistyped(order, place := random.choice(places), wrong, random)
    right = right_of(order)
    last = (max(right.states) - CREATED_ON).days + 30
    right.pass_nights(last)
    if not (trial.run(random.randint(place, len(order))) and trial.finish(last)):
        done["refused"] += 1
        return
    done["compared"] += 1
    done["with steps between"] += bool(trial.between)
    found = (trial.books.ledger, trial.books.status, trial.books.invoice.open_status)
    assert found == (right.ledger, right.status, right.invoice.open_status), f"seed {seed}, {wrong}"
    assert restated(trial.books) == restated(right), f"seed {seed}, {wrong}"


@pytest.mark.parametrize("wrong", Wrong)
@pytest.mark.parametrize("histories", [range(100), pytest.param(range(100, 3_000), marks=pytest.mark.prove)])
def test_a_corrected_payment_counts_as_if_it_had_been_typed_right(wrong: Wrong, histories: range) -> None:
    done = Counter[str]()
    for seed in histories:
        check(seed, wrong, done)
    assert min(done["compared"], done["with steps between"]) > len(histories) / 8, done
