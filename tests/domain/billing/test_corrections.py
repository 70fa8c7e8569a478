"""A payment that was typed wrong and is corrected later leaves the invoice as if it had been typed right, whatever was recorded meanwhile."""

from collections import Counter
from decimal import Decimal

import pytest

from imports.demo.seeded_random import SeededRandom
from tests.domain.billing.books import sent
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
@pytest.mark.parametrize("histories", [range(50), pytest.param(range(50, 3_000), marks=pytest.mark.prove)])
def test_a_corrected_payment_counts_as_if_it_had_been_typed_right(wrong: Wrong, histories: range) -> None:
    done = Counter[str]()
    for seed in histories:
        check(seed, wrong, done)
    assert min(done["compared"], done["with steps between"]) > len(histories) / 8, done


@pytest.mark.parametrize("wrong", [Wrong.DAY, Wrong.OTHER_INVOICE])
def test_an_agreement_lapses_by_a_correction_also_where_a_write_off_covered_its_last_day(wrong: Wrong) -> None:
    """The history of seed 1954: a write-off is reversed after the last day, and the payment in time is typed wrong."""
    done = Counter[str]()
    check(1954, wrong, done)
    assert done["compared"] == 1


def test_a_small_balance_that_a_wrong_payment_had_taken_back_is_due_again_by_the_reopening_after_it() -> None:
    """Where the payment was typed right, the reopening itself had made it due again."""
    right, wrong = sent(), sent()
    for books in (right, wrong):
        books.step(2, "accept_in_full")
        books.receive(3, "999.00")
        books.step(4, "close_small_balance")
    mistake = wrong.receive(9, "0.40")
    for books in (right, wrong):
        books.step(12, "reopen_reduction", reason="Wrong")
    wrong.correct(14, mistake, amount=Decimal(0))
    assert (wrong.ledger, wrong.status) == (right.ledger, right.status)
    assert wrong.ledger.small_balance == 0
    assert restated(wrong) == restated(right)
