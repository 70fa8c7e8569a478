"""Decides how servers are compared: in turn, round after round, so that whatever else the machine does meets them all alike."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Protocol, Self

import orjson

from tests.bench.load import Measured, Order
from tests.bench.servers import Server, python

_WARM_UP_SECONDS = 1.5
_MICROSECONDS = 1e6


class FailedRequestError(Exception):
    """A request that was not answered with 200 and data while measuring."""


class Ground(Protocol):
    """What requests that write need: records that are fresh in every round."""

    def reset(self) -> None:
        """Make the records fresh."""

    def check(self, requests: int) -> None:
        """Refuse a round whose requests have not all written."""


@dataclass(frozen=True)
class Entrant:
    """A server and what it is asked; one that needs seconds for an answer takes part in one round out of `every`.

    Where there is a `ground`, each request is sent once in a round at most.
    """

    server: Server
    path: str
    bodies: list[str]
    token: str = ""
    every: int = 1
    ground: Ground | None = None

    def order(self, connections: int, seconds: float) -> Order:
        """So much load for so long."""
        at_most = len(self.bodies) if self.ground else 0
        return Order(self.server.port, self.path, self.token, self.bodies, connections, seconds, at_most)


@dataclass(frozen=True)
class Pace:
    """How long is measured: many short rounds, so that a disturbance of a second or two meets every server."""

    rounds: int = 30
    seconds: float = 0.5


@dataclass(frozen=True)
class Figures:
    """Requests per second, latencies in milliseconds, processor time per request in microseconds: of the server, of PostgreSQL."""

    per_second: float
    p50: float
    p99: float
    cpu: float
    database_cpu: float

    @property
    def work(self) -> float:
        """The processor time that a request costs in all, in microseconds: hardly touched by what else the machine does."""
        return self.cpu + self.database_cpu


class LoadClient:
    """The process that puts load on servers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            python("tests.bench.load"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)

    def put(self, order: Order) -> Measured:
        """Put load on a server; FailedRequestError when anything but 200 and data comes back."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(orjson.dumps(asdict(order)).decode() + "\n")
        self._process.stdin.flush()
        measured = Measured(**orjson.loads(self._process.stdout.readline()))
        if measured.failures:
            raise FailedRequestError(f"{order.path} on port {order.port}: {measured.failures[0]}")
        return measured


class Arena:
    """Where servers meet; `database_seconds` tells the processor time of PostgreSQL so far."""

    def __init__(self, client: LoadClient, database_seconds: Callable[[], float], pace: Pace) -> None:
        self.client, self.pace = client, pace
        self._database_seconds = database_seconds

    def compare(self, entrants: Sequence[Entrant], connections: int) -> dict[str, Figures]:
        """The medians of each server, by its name, measured in turn: A B C A B C …, after a warm-up of each."""
        found: dict[str, list[Figures]] = {entrant.server.name: [] for entrant in entrants}
        for entrant in entrants:
            self._put(entrant, connections, _WARM_UP_SECONDS)
        for number in range(self.pace.rounds):
            for entrant in entrants:
                if number % entrant.every == 0:
                    found[entrant.server.name].append(self._round(entrant, connections))
        return {name: _medians(rounds) for name, rounds in found.items()}

    def _round(self, entrant: Entrant, connections: int) -> Figures:
        measured, cpu, database_cpu = self._put(entrant, connections, self.pace.seconds)
        each = _MICROSECONDS / measured.requests
        return Figures(measured.per_second, measured.p50, measured.p99, cpu * each, database_cpu * each)

    def _put(self, entrant: Entrant, connections: int, seconds: float) -> tuple[Measured, float, float]:
        """What was measured, and the processor seconds of the server and of PostgreSQL meanwhile."""
        if entrant.ground:
            entrant.ground.reset()
        server, database = entrant.server.cpu_seconds(), self._database_seconds()
        measured = self.client.put(entrant.order(connections, seconds))
        spent = entrant.server.cpu_seconds() - server, self._database_seconds() - database
        if entrant.ground:
            entrant.ground.check(measured.requests)
        return measured, *spent


def _medians(rounds: list[Figures]) -> Figures:
    columns = zip(*(asdict(one).values() for one in rounds), strict=True)
    return Figures(*map(median, columns))
