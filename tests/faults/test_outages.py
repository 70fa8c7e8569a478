"""During an outage of PostgreSQL a server answers 503 with Retry-After, and recovers by itself, after a restart and after a freeze."""

from collections.abc import Iterator

import pytest

from tests.faults.database import check_outage, measure_outage
from tests.faults.isolated_clinic import IsolatedClinic, isolated_clinic
from tests.faults.outcomes import Outcome


@pytest.fixture(scope="module")
def place() -> Iterator[IsolatedClinic]:
    with isolated_clinic() as found:
        yield found


def test_the_server_recovers_from_a_restart_of_postgresql(place: IsolatedClinic) -> None:
    outcome = Outcome()
    with place.serving() as server:
        check_outage(outcome, measure_outage(server.url, place.stopped(), 0.0, 3.0), "restarted")
    assert outcome.broken == [], outcome.happened


@pytest.mark.prove
def test_the_server_recovers_from_a_postgresql_that_answers_nothing(place: IsolatedClinic) -> None:
    outcome = Outcome()
    with place.serving() as server:
        check_outage(outcome, measure_outage(server.url, place.frozen(), 8.0), "frozen")
    assert outcome.broken == [], outcome.happened
