"""Decides how PostgreSQL is taken away: restarted, away for a while, and frozen so that it takes requests and answers nothing."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.client import Client
from tests.faults.asking import Answers, asked_all_the_time, is_ready, words
from tests.faults.outcomes import Outcome
from tests.faults.premises import premises

# Long enough for every limit to have its effect.
_AWAY_SECONDS = 4.0
_FROZEN_SECONDS = 12.0
# For a connection nobody waits for longer than five seconds, and for a first answer on it for two; and this machine has other work.
FAST_SECONDS = 8.0
# The limit of an operation, and two seconds to call it off.
CAUGHT_FAST_SECONDS = 18.0
HEALED_SECONDS = 10.0
_CAUGHT_SECONDS = 0.5
_SETTLING_SECONDS = 2.0


@dataclass(frozen=True)
class Outage:
    """What was heard around an outage, which began and ended at these moments, and what /readyz said in it and afterwards."""

    answers: Answers
    began: float
    ended: float
    ready_meanwhile: tuple[int, float]
    ready_afterwards: int


def endure(
    url: str, outage: AbstractContextManager[None], seconds: float, afterwards_seconds: float = HEALED_SECONDS
) -> Outage:
    """Have clients ask before, in and after an outage."""
    with (
        Client(url) as nobody,
        nobody.signed_in("billing@demo.clinic") as client,
        asked_all_the_time(client) as answers,
    ):
        time.sleep(1.0)
        began = time.monotonic()
        with outage:
            ready = is_ready(url)
            time.sleep(seconds)
        ended = time.monotonic()
        time.sleep(afterwards_seconds)
        afterwards, _ = is_ready(url)
    return Outage(answers, began, ended, ready, afterwards)


def judge(outcome: Outcome, outage: Outage, name: str) -> None:
    """Whether an outage was endured as it is promised."""
    answers = outage.answers
    # Whoever is in the middle as it begins may be answered still, or be cut off; a statement without answer may be a slow one.
    caught = answers.between(outage.began - _CAUGHT_SECONDS, outage.began + _CAUGHT_SECONDS).of(0, 500, 503, 504)
    meanwhile = answers.between(outage.began + _CAUGHT_SECONDS, outage.ended)
    healed, later = (
        answers.first_good(outage.ended),
        answers.between(outage.ended + _SETTLING_SECONDS, outage.ended + 99),
    )
    status, took = outage.ready_meanwhile
    outcome.tell(
        f"{name}: caught in the middle {words(caught)}, the slowest after {caught.slowest:.2f} s; "
        f"then {words(meanwhile)}, the slowest after {meanwhile.slowest:.2f} s; /readyz {status} after {took:.2f} s; "
        f"good again after {healed:.2f} s, later {words(later)}"
    )
    outcome.promise(set(caught.statuses) <= {503, 504}, f"{name}: whoever is caught in the middle is told")
    outcome.promise(caught.slowest < CAUGHT_FAST_SECONDS, f"{name}: by the limit of 15 s at the latest")
    outcome.promise(caught.statuses[503] + meanwhile.statuses[503] > 0, f"{name}: 503 is heard")
    outcome.promise(set(meanwhile.statuses) <= {200, 503}, f"{name}: nothing but data and 503 is heard")
    outcome.promise(meanwhile.all_say_when, f"{name}: each 503 says when to come back")
    outcome.promise(meanwhile.slowest < FAST_SECONDS, f"{name}: nobody waits for longer than {FAST_SECONDS:g} s")
    outcome.promise((status, outage.ready_afterwards) == (503, 200), f"{name}: /readyz tells")
    outcome.promise(healed < HEALED_SECONDS, f"{name}: the service heals within {HEALED_SECONDS:g} s")
    outcome.promise(set(later.statuses) == {200}, f"{name}: everything is well afterwards")


def lost() -> Outcome:
    """PostgreSQL restarts, and is frozen."""
    outcome = Outcome()
    with premises() as place, place.serving() as server:
        judge(outcome, endure(server.url, place.stopped(), 0.0), "restarted")
        judge(outcome, endure(server.url, place.stopped(), _AWAY_SECONDS), f"away for {_AWAY_SECONDS:g} s")
        judge(outcome, endure(server.url, place.frozen(), _FROZEN_SECONDS), f"frozen for {_FROZEN_SECONDS:g} s")
        outcome.promise(server.popen.poll() is None, "the process lives")
    return outcome
