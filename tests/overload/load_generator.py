"""The load generator of the overload tests (open loop): it sends requests at a fixed rate, however many still wait for their answers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import cast

# The load generator opens no more connections than this, as a proxy in front of the server would.
CONNECTIONS = 1_024


@dataclass
class LoadResult:
    """The result of a load: answers by status, and the latency of each answer with status 200."""

    began: float = field(default_factory=perf_counter)
    answers: Counter[int] = field(default_factory=Counter)
    # (seconds since the beginning, seconds until the answer)
    good: list[tuple[float, float]] = field(default_factory=list)
    # Requests for which there was no free connection: the load generator was too slow, or the server accepted too slowly.
    unsent: int = 0
    lost: int = 0

    def per_second(self, seconds: float) -> float:
        """The answers with status 200 per second."""
        return len(self.good) / seconds

    def percentile(self, share: float) -> float:
        """The latency of the answers with status 200 at a percentile, in seconds."""
        times = sorted(took for _, took in self.good)
        return times[min(int(len(times) * share), len(times) - 1)] if times else float("inf")


class _Connection(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    def __init__(self, load: "LoadGenerator") -> None:
        self._load, self._missing, self._status, self.since = load, 0, 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> None:
        """Send a request."""
        self.since = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._missing = self._missing - len(data) if self._missing else self._begin(data) - len(data)
        if self._missing <= 0:
            self._missing = 0
            self._load.answered(self, self._status)

    def _begin(self, head: bytes) -> int:
        """The length of the answer in bytes; the server sends its headers in one piece."""
        end, length_at = head.find(b"\r\n\r\n"), head.find(b"content-length: ")
        self._status = int(head[9:12])
        return int(head[length_at + 16 : head.find(b"\r\n", length_at)]) + end + 4

    def connection_lost(self, error: Exception | None) -> None:
        self._load.closed(self)


class LoadGenerator:
    """Sends requests to a server at a fixed rate, whether or not they are answered."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port, self._requests = port, cycle(requests)
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()
        self._opening = 0
        self.result = LoadResult()

    async def send(self, rate: float, seconds: float, gauge: Callable[[], float]) -> tuple[LoadResult, float]:
        """Send `rate` requests per second for some seconds; returns the result, and the highest value of `gauge`, read every second."""
        self.result, sent, watched, most = LoadResult(), 0, 0.0, gauge()
        while (passed := perf_counter() - self.result.began) < seconds:
            while sent < passed * rate:
                self._send()
                sent += 1
            if passed - watched >= 1:
                watched = passed
                most = max(most, gauge())
            await asyncio.sleep(0.001)
        deadline = perf_counter() + 20
        while (self._busy or self._opening) and perf_counter() < deadline:  # noqa: ASYNC110 (it polls for 20 s at most)
            await asyncio.sleep(0.01)
        self.result.lost += len(self._busy)
        return self.result, most

    def _send(self) -> None:
        request = next(self._requests)
        if self._idle:
            connection = self._idle.pop()
            self._busy.add(connection)
            connection.ask(request)
        elif len(self._busy) + self._opening < CONNECTIONS:
            self._opening += 1
            asyncio.get_running_loop().create_task(self._open(request))
        else:
            self.result.unsent += 1

    async def _open(self, request: bytes) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), "127.0.0.1", self._port
            )
            self._busy.add(connection)
            connection.ask(request)
        except OSError:
            self.result.lost += 1
        finally:
            self._opening -= 1

    def answered(self, connection: _Connection, status: int) -> None:
        """Count an answer."""
        now = perf_counter()
        self.result.answers[status] += 1
        if status == 200:
            self.result.good.append((now - self.result.began, now - connection.since))
        self._busy.discard(connection)
        self._idle.append(connection)

    def closed(self, connection: _Connection) -> None:
        """Drop a connection that the server has closed."""
        if connection in self._busy:
            self._busy.discard(connection)
            self.result.lost += 1
        elif connection in self._idle:
            self._idle.remove(connection)
