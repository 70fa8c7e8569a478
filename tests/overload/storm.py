"""Decides how more is asked of a server than it can do: requests begin by the clock, however many wait for their answers."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import cast

# Beyond so many connections a client waits for one of its own, as a proxy in front would.
CONNECTIONS = 1_024


@dataclass
class Heard:
    """What came of a storm: answers by status, and the seconds that each of the good ones took."""

    began: float = field(default_factory=perf_counter)
    answers: Counter[int] = field(default_factory=Counter)
    # (seconds since the beginning, seconds until the answer)
    good: list[tuple[float, float]] = field(default_factory=list)
    # Requests for which there was no connection: so much too slow was the client itself, or the server at taking them.
    unsent: int = 0
    lost: int = 0

    def per_second(self, seconds: float) -> float:
        """How many good answers a second there were."""
        return len(self.good) / seconds

    def percentile(self, share: float) -> float:
        """The seconds within which a share of the good answers came."""
        times = sorted(took for _, took in self.good)
        return times[min(int(len(times) * share), len(times) - 1)] if times else float("inf")


class _Line(asyncio.Protocol):
    """One connection, which carries a request at a time."""

    def __init__(self, storm: "Storm") -> None:
        self._storm, self._missing, self._status, self.since = storm, 0, 0, 0.0

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
            self._storm.answered(self, self._status)

    def _begin(self, head: bytes) -> int:
        """How many bytes the answer has; the server sends its head in one piece."""
        end, said = head.find(b"\r\n\r\n"), head.find(b"content-length: ")
        self._status = int(head[9:12])
        return int(head[said + 16 : head.find(b"\r\n", said)]) + end + 4

    def connection_lost(self, error: Exception | None) -> None:
        self._storm.hung_up(self)


class Storm:
    """Somebody who asks a server at a rate, for a while, whatever it answers."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._port, self._requests = port, cycle(requests)
        self._idle: list[_Line] = []
        self._busy: set[_Line] = set()
        self._opening = 0
        self.heard = Heard()

    async def blow(self, rate: float, seconds: float, gauge: Callable[[], float]) -> tuple[Heard, float]:
        """Send `rate` requests a second for so many seconds; also answers the most that `gauge` said, asked once a second."""
        self.heard, sent, watched, most = Heard(), 0, 0.0, gauge()
        while (passed := perf_counter() - self.heard.began) < seconds:
            while sent < passed * rate:
                self._send()
                sent += 1
            if passed - watched >= 1:
                watched = passed
                most = max(most, gauge())
            await asyncio.sleep(0.001)
        deadline = perf_counter() + 20
        while (self._busy or self._opening) and perf_counter() < deadline:  # noqa: ASYNC110 (it is asked for 20 s at most)
            await asyncio.sleep(0.01)
        self.heard.lost += len(self._busy)
        return self.heard, most

    def _send(self) -> None:
        request = next(self._requests)
        if self._idle:
            line = self._idle.pop()
            self._busy.add(line)
            line.ask(request)
        elif len(self._busy) + self._opening < CONNECTIONS:
            self._opening += 1
            asyncio.get_running_loop().create_task(self._open(request))
        else:
            self.heard.unsent += 1

    async def _open(self, request: bytes) -> None:
        try:
            _, line = await asyncio.get_running_loop().create_connection(lambda: _Line(self), "127.0.0.1", self._port)
            self._busy.add(line)
            line.ask(request)
        except OSError:
            self.heard.lost += 1
        finally:
            self._opening -= 1

    def answered(self, line: _Line, status: int) -> None:
        """Count an answer."""
        moment = perf_counter()
        self.heard.answers[status] += 1
        if status == 200:
            self.heard.good.append((moment - self.heard.began, moment - line.since))
        self._busy.discard(line)
        self._idle.append(line)

    def hung_up(self, line: _Line) -> None:
        """Do without a connection that the server has ended."""
        if line in self._busy:
            self._busy.discard(line)
            self.heard.lost += 1
        elif line in self._idle:
            self._idle.remove(line)
