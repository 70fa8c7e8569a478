"""Several users at two servers that are killed meanwhile: no law is broken, and every answered step is in the records once."""

import pytest

from server.database_urls import DatabaseUrls
from tests.state_machine.run import Plan, run
from tests.state_machine.steps import TRANSITION_NAMES


def test_two_hundred_and_fifty_steps_during_three_kills_break_no_law(own_address: DatabaseUrls) -> None:
    result = run(own_address, Plan(steps=250, kills=3, phase=125, seed=1))
    assert result.faults == [], result.report()
    assert result.kills >= 3
    assert len(result.done) >= 25, result.report()


@pytest.mark.prove
def test_twenty_thousand_steps_during_a_hundred_kills_break_no_law(own_address: DatabaseUrls) -> None:
    result = run(own_address, Plan(steps=20_000, kills=100, phase=500, seed=2, lapses=80))
    assert result.faults == [], result.report()
    assert result.kills >= 100
    # Each transition often enough to happen at the same time as others.
    assert {name: result.done[name] for name in TRANSITION_NAMES if result.done[name] < 20} == {}, result.report()
