"""Compares servers in turn, round after round, so that other load on the machine affects them all alike."""

import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from time import monotonic, sleep
from typing import Protocol, Self

import orjson

from tests.bench.cases import CONCURRENCIES
from tests.bench.load import Measured, Order
from tests.bench.servers.processor import cpu_seconds_with_children
from tests.bench.servers.start import Server, python

_MICROSECONDS = 1e6
# A server is idle when it uses less than a tenth of a core for half a second.
_IDLE_FOR, _IDLE_SHARE = 0.5, 0.1


class FailedRequestError(Exception):
    """A measured request was not answered with 200 and data."""


class FreshRecords(Protocol):
    """Records for requests that write; they are reset before every round."""

    def reset(self) -> None:
        """Reset the records."""

    def check(self, requests: int) -> None:
        """Raise an error for a round whose requests have not all written."""


@dataclass(frozen=True)
class MeasuredServer:
    """A server and its requests; one that needs seconds for an answer takes part in one round out of `every`.

    Where there is a `ground`, each request is sent once in a round at most. `postmaster` is its PostgreSQL where it has another
    than the rest.
    """

    server: Server
    path: str
    bodies: list[str]
    token: str = ""
    every: int = 1
    fresh_records: FreshRecords | None = None
    postmaster: int = 0

    def order(self, connections: int, seconds: float) -> Order:
        """The order for the load client."""
        at_most = len(self.bodies) if self.fresh_records else 0
        return Order(self.server.port, self.path, self.token, self.bodies, connections, seconds, at_most)


@dataclass(frozen=True)
class Pace:
    """The rounds of a measurement: many short ones, so that a disturbance of a second or two affects every server."""

    rounds: int = 20
    seconds: float = 0.5
    warm_up: float = 1.5
    # How many answers of each case are compared before anything is measured.
    compared: int = 50
    # The maximum wait for servers that are still busy with their start.
    patience: float = 20.0
    connections: tuple[int, ...] = CONCURRENCIES

    def over(self, times: int) -> "Pace":
        """The pace for rounds that take `times` as long: fewer rounds, but at least three, if there are as many."""
        return replace(self, rounds=min(self.rounds, max(3, self.rounds // times)))


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
        """The total processor time of a request, in microseconds: hardly affected by other load on the machine."""
        return self.cpu + self.database_cpu


@dataclass(frozen=True)
class Round:
    """One round of one server: the measurements of the client, and the processor seconds of the server and of PostgreSQL meanwhile."""

    measured: Measured
    cpu: float
    database_cpu: float


class LoadClient:
    """The process that sends load to servers."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            python("tests.bench.load"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)

    def put(self, order: Order) -> Measured:
        """Send load to a server; FailedRequestError when anything but 200 and data comes back."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(orjson.dumps(asdict(order)).decode() + "\n")
        self._process.stdin.flush()
        measured = Measured(**orjson.loads(self._process.stdout.readline()))
        if measured.failures:
            raise FailedRequestError(f"{order.path} on port {order.port}: {measured.failures[0]}")
        return measured


class Comparer:
    """Compares servers; `postmaster` is the process of PostgreSQL, whose processor time counts."""

    def __init__(self, client: LoadClient, postmaster: int, pace: Pace) -> None:
        self.client, self.pace = client, pace
        self._postmaster = postmaster

    def compare(self, measured_servers: Sequence[MeasuredServer], connections: int) -> dict[str, Figures]:
        """The medians of each server, by its name, measured in turn: A B C A B C …, after a warm-up of each."""
        found: dict[str, list[Round]] = {measured_server.server.name: [] for measured_server in measured_servers}
        self._settle(measured_servers)
        for measured_server in measured_servers:
            self._put(measured_server, connections, self.pace.warm_up)
        for number in range(self.pace.rounds):
            for measured_server in measured_servers:
                if number % measured_server.every == 0:
                    found[measured_server.server.name].append(
                        self._put(measured_server, connections, self.pace.seconds)
                    )
        return {name: _figures(rounds) for name, rounds in found.items()}

    def _settle(self, measured_servers: Sequence[MeasuredServer]) -> None:
        """Wait until no background work runs, such as jobs that a server finds at its start."""
        deadline, is_idle = monotonic() + self.pace.patience, False
        while not is_idle and monotonic() < deadline:
            before = self._spent(measured_servers)
            sleep(_IDLE_FOR)
            is_idle = self._spent(measured_servers) - before <= _IDLE_SHARE * _IDLE_FOR

    def _spent(self, measured_servers: Sequence[MeasuredServer]) -> float:
        """The processor seconds of all servers and of their PostgreSQL so far."""
        postmasters = {measured_server.postmaster or self._postmaster for measured_server in measured_servers}
        servers = sum(measured_server.server.cpu_seconds() for measured_server in measured_servers)
        return servers + sum(map(cpu_seconds_with_children, postmasters))

    def _put(self, measured_server: MeasuredServer, connections: int, seconds: float) -> Round:
        """The measurements of a round, with the processor seconds of the server and of PostgreSQL."""
        postmaster = measured_server.postmaster or self._postmaster
        if measured_server.fresh_records:
            measured_server.fresh_records.reset()
        server, database = measured_server.server.cpu_seconds(), cpu_seconds_with_children(postmaster)
        measured = self.client.put(measured_server.order(connections, seconds))
        spent = measured_server.server.cpu_seconds() - server, cpu_seconds_with_children(postmaster) - database
        if measured_server.fresh_records:
            measured_server.fresh_records.check(measured.requests)
        return Round(measured, *spent)


def _figures(rounds: list[Round]) -> Figures:
    """Medians of the times; processor time comes in ticks of 10 ms, so that only the sum of all rounds is exact."""
    clocks = [one.measured for one in rounds]
    each = _MICROSECONDS / sum(clock.requests for clock in clocks)
    return Figures(
        median(clock.per_second for clock in clocks),
        median(clock.p50 for clock in clocks),
        median(clock.p99 for clock in clocks),
        sum(one.cpu for one in rounds) * each,
        sum(one.database_cpu for one in rounds) * each,
    )
