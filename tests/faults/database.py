"""Outages of PostgreSQL: restarted, stopped for a while, and frozen so that it accepts connections and answers nothing."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.faults.isolated_clinic import isolated_clinic
from tests.faults.outcomes import Outcome
from tests.faults.probe_clients import Answers, continuous_requests, in_words, is_ready
from tests.support.client import Client

# Long enough for every timeout to expire.
_STOPPED_SECONDS = 4.0
_FROZEN_SECONDS = 12.0
# A request waits at most five seconds for a connection and two for the first answer on it; the rest allows for a busy machine.
FAST_SECONDS = 8.0
# The timeout of an operation, and two seconds to cancel it.
IN_FLIGHT_FAST_SECONDS = 18.0
RECOVERED_SECONDS = 10.0
_IN_FLIGHT_SECONDS = 0.5
_SETTLING_SECONDS = 2.0


@dataclass(frozen=True)
class Outage:
    """The answers around an outage, the moments at which it began and ended, and the answers of /readyz during and after it."""

    answers: Answers
    began: float
    ended: float
    ready_meanwhile: tuple[int, float]
    ready_afterwards: int


def measure_outage(
    url: str, outage: AbstractContextManager[None], seconds: float, afterwards_seconds: float = RECOVERED_SECONDS
) -> Outage:
    """Send requests before, during and after an outage."""
    with (
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example") as client,
        continuous_requests(client) as answers,
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


def check_outage(outcome: Outcome, outage: Outage, name: str) -> None:
    """Check the promises about an outage, and describe what happened."""
    answers = outage.answers
    # A request that runs as the outage begins may still be answered or be interrupted; a statement without an answer may be slow.
    in_flight = answers.between(outage.began - _IN_FLIGHT_SECONDS, outage.began + _IN_FLIGHT_SECONDS).of(
        0, 500, 503, 504
    )
    meanwhile = answers.between(outage.began + _IN_FLIGHT_SECONDS, outage.ended)
    recovered, later = (
        answers.first_success(outage.ended),
        answers.between(outage.ended + _SETTLING_SECONDS, outage.ended + 99),
    )
    status, took = outage.ready_meanwhile
    outcome.describe(
        f"{name}: requests in flight {in_words(in_flight)}, the slowest after {in_flight.slowest:.2f} s; "
        f"then {in_words(meanwhile)}, the slowest after {meanwhile.slowest:.2f} s; /readyz {status} after {took:.2f} s; "
        f"recovered after {recovered:.2f} s, later {in_words(later)}"
    )
    outcome.promise(set(in_flight.statuses) <= {503, 504}, f"{name}: requests in flight get 503 or 504")
    outcome.promise(in_flight.slowest < IN_FLIGHT_FAST_SECONDS, f"{name}: after the timeout of 15 s at the latest")
    outcome.promise(in_flight.statuses[503] + meanwhile.statuses[503] > 0, f"{name}: 503 is received")
    outcome.promise(set(meanwhile.statuses) <= {200, 503}, f"{name}: clients receive only data or 503")
    outcome.promise(meanwhile.all_have_retry_after, f"{name}: each 503 has Retry-After")
    outcome.promise(meanwhile.slowest < FAST_SECONDS, f"{name}: no request takes longer than {FAST_SECONDS:g} s")
    outcome.promise(
        (status, outage.ready_afterwards) == (503, 200), f"{name}: /readyz reports the outage and the recovery"
    )
    outcome.promise(recovered < RECOVERED_SECONDS, f"{name}: the service recovers within {RECOVERED_SECONDS:g} s")
    outcome.promise(set(later.statuses) == {200}, f"{name}: every later request succeeds")


def database_lost() -> Outcome:
    """PostgreSQL restarts, is stopped for a while, and is frozen."""
    outcome = Outcome()
    with isolated_clinic() as place, place.serving() as server:
        check_outage(outcome, measure_outage(server.url, place.stopped(), 0.0), "restarted")
        check_outage(
            outcome,
            measure_outage(server.url, place.stopped(), _STOPPED_SECONDS),
            f"stopped for {_STOPPED_SECONDS:g} s",
        )
        check_outage(
            outcome, measure_outage(server.url, place.frozen(), _FROZEN_SECONDS), f"frozen for {_FROZEN_SECONDS:g} s"
        )
        outcome.promise(server.popen.poll() is None, "the server process still runs")
    return outcome
