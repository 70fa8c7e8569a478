"""Without its PostgreSQL a server tells everybody to come back, and heals by itself, whether the database restarts or answers nothing."""

from collections.abc import Iterator

import pytest

from tests.faults.database import endure, judge
from tests.faults.outcomes import Outcome
from tests.faults.premises import Premises, premises


@pytest.fixture(scope="module")
def place() -> Iterator[Premises]:
    with premises() as found:
        yield found


def test_a_restart_of_postgresql_is_endured(place: Premises) -> None:
    outcome = Outcome()
    with place.serving() as server:
        judge(outcome, endure(server.url, place.stopped(), 0.0, 3.0), "restarted")
    assert outcome.broken == [], outcome.happened


@pytest.mark.prove
def test_a_postgresql_that_answers_nothing_is_endured(place: Premises) -> None:
    outcome = Outcome()
    with place.serving() as server:
        judge(outcome, endure(server.url, place.frozen(), 8.0), "frozen")
    assert outcome.broken == [], outcome.happened
