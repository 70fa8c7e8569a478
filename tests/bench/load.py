"""The load client (closed loop): a process of its own with keep-alive connections, one request at a time on each.

It reads one order per line from standard input and writes one line of measurements for each. It understands only as much of HTTP
as the measured servers send: a status line, a Content-Length, a body.
"""

import asyncio
import gc
import sys
from dataclasses import asdict, dataclass, field
from itertools import cycle
from time import perf_counter
from typing import cast

import orjson
import uvloop

_PATIENCE_SECONDS = 60.0
# Every answer that is not a refusal begins like this.
_DATA = b'{"data":'


@dataclass(frozen=True)
class Order:
    """Requests to send in turn, for `seconds`, or until `requests_at_most` requests were sent when that is set."""

    port: int
    path: str
    token: str
    bodies: list[str]
    connections: int
    seconds: float
    requests_at_most: int = 0


@dataclass
class Measured:
    """The measurements of one order: latencies in milliseconds, throughput in requests per second."""

    requests: int = 0
    seconds: float = 0.0
    per_second: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    bytes_read: int = 0
    failures: list[str] = field(default_factory=list)


class _Connection(asyncio.Protocol):
    """One client that waits for its answer before it sends the next request."""

    def __init__(self, run: "_Run") -> None:
        self.run = run
        self.missing = 0
        self.started = 0.0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        request = self.run.next_request()
        if request is None:
            self.transport.close()
            return
        self.started = perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        size = len(data)
        self.run.bytes_read += size
        if self.missing:
            self.missing -= size
        else:
            self.missing = self._length(data) - size
        if self.missing <= 0:
            self.missing = 0
            self.run.latencies.append(perf_counter() - self.started)
            self._ask()

    def _length(self, head: bytes) -> int:
        """The length of the answer in bytes, headers included; every measured server sends its headers in one piece."""
        end, length_at = head.find(b"\r\n\r\n"), head.lower().find(b"content-length: ")
        is_data = head.startswith(_DATA, end + 4) or len(head) == end + 4
        if head[9:12] != b"200" or not 0 <= length_at < end or not is_data:
            self.run.failures.append(head[:500].decode("latin-1"))
            self.transport.abort()
            return 1 << 60
        return int(head[length_at + 16 : head.find(b"\r\n", length_at)]) + end + 4

    def connection_lost(self, error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_result(None)


class _Run:
    """The state that the connections of one order share."""

    def __init__(self, order: Order) -> None:
        self._requests = cycle([request_of(order, body) for body in order.bodies])
        self._left = order.requests_at_most or (1 << 60)
        self._ends = perf_counter() + order.seconds
        self.latencies: list[float] = []
        self.failures: list[str] = []
        self.bytes_read = 0

    def next_request(self) -> bytes | None:
        if self._left <= 0 or self.failures or perf_counter() >= self._ends:
            return None
        self._left -= 1
        return next(self._requests)


def request_of(order: Order, body: str) -> bytes:
    """An HTTP request as bytes."""
    raw = body.encode()
    lines = [
        f"POST {order.path} HTTP/1.1",
        f"host: 127.0.0.1:{order.port}",
        "content-type: application/json",
        "accept: application/json",
        f"content-length: {len(raw)}",
    ]
    if order.token:
        lines.append(f"authorization: Bearer {order.token}")
    return "\r\n".join([*lines, "", ""]).encode() + raw


async def put(order: Order) -> Measured:
    """Send the requests of an order, and measure them."""
    loop, run = asyncio.get_running_loop(), _Run(order)
    began = perf_counter()
    opened = [
        await loop.create_connection(lambda: _Connection(run), "127.0.0.1", order.port)
        for _ in range(order.connections)
    ]
    _, late = await asyncio.wait([client.over for _, client in opened], timeout=order.seconds + _PATIENCE_SECONDS)
    took = perf_counter() - began
    if late:
        run.failures.append(f"{len(late)} connections got no answer")
    return _measured(run, took)


def _measured(run: _Run, seconds: float) -> Measured:
    times = sorted(run.latencies)
    if not times:
        return Measured(failures=run.failures or ["no answer at all"])
    return Measured(
        requests=len(times),
        seconds=seconds,
        per_second=len(times) / seconds,
        p50=times[len(times) // 2] * 1000,
        p99=times[int(len(times) * 0.99)] * 1000,
        bytes_read=run.bytes_read,
        failures=run.failures,
    )


def main() -> None:
    """Execute orders until standard input ends."""
    # Nothing here creates reference cycles, and a garbage collection of the client would count as the server's time.
    gc.disable()
    for line in sys.stdin:
        measured = uvloop.run(put(Order(**orjson.loads(line))))
        sys.stdout.write(orjson.dumps(asdict(measured)).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
