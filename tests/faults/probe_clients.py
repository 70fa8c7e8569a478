"""Probe clients during a fault: several of them send requests without a pause, and record each answer."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles

import httpx

from tests.support.client import Client

READ = "{ invoices(first: 5) { totalCount nodes { number status patient { name } } } }"
_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """One answer: when its request was sent, how long it took, its status (0: none), and whether it has `Retry-After`."""

    at: float
    seconds: float
    status: int
    has_retry_after: bool


@dataclass
class Answers:
    """The answers that several clients have received."""

    received: list[Answer] = field(default_factory=list)

    def between(self, since: float, until: float) -> "Answers":
        """The answers to requests that were sent between two moments."""
        return Answers([one for one in self.received if since <= one.at < until])

    def of(self, *statuses: int) -> "Answers":
        """The answers with one of these statuses."""
        return Answers([one for one in self.received if one.status in statuses])

    @property
    def statuses(self) -> Counter[int]:
        """How often each status was received."""
        return Counter(one.status for one in self.received)

    @property
    def slowest(self) -> float:
        """The longest time that a client waited, in seconds."""
        return max((one.seconds for one in self.received), default=0.0)

    def percentile(self, share: int) -> float:
        """The latency at a percentile, in seconds."""
        times = [one.seconds for one in self.received]
        return quantiles(times, n=100)[share - 1] if len(times) > 1 else sum(times)

    def first_success(self, since: float) -> float:
        """How many seconds after a moment the first answer with status 200 came."""
        ends = [
            one.at + one.seconds - since for one in self.received if one.status == 200 and one.at + one.seconds > since
        ]
        return min(ends, default=float("inf"))

    @property
    def all_have_retry_after(self) -> bool:
        """Whether each 503 has `Retry-After`."""
        return all(one.has_retry_after for one in self.received if one.status == 503)


def in_words(answers: Answers) -> str:
    """How often each status was received, in words."""
    return ", ".join(f"{status or 'none'}: {count}" for status, count in sorted(answers.statuses.items())) or "nothing"


def send_request(client: httpx.Client, url: str, query: str = READ) -> Answer:
    """Send one request; returns its answer."""
    at = time.monotonic()
    try:
        response = client.post(url, json={"query": query}, timeout=_PATIENCE_SECONDS)
    except httpx.HTTPError:
        return Answer(at, time.monotonic() - at, 0, has_retry_after=False)
    return Answer(at, time.monotonic() - at, response.status_code, "retry-after" in response.headers)


@contextmanager
def continuous_requests(client: Client, clients: int = 4) -> Iterator[Answers]:
    """Several clients with one token send requests while this context is open."""
    answers, ended = Answers(), threading.Event()

    def ask() -> None:
        with httpx.Client(headers=client.http.headers) as http:
            while not ended.wait(_PAUSE_SECONDS):
                answers.received.append(send_request(http, client.url))

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        ended.set()
        for thread in threads:
            thread.join(_PATIENCE_SECONDS)


def is_ready(url: str) -> tuple[int, float]:
    """The status of /readyz, and how long it took."""
    began = time.monotonic()
    status = httpx.get(url.replace("/graphql", "/readyz"), timeout=_PATIENCE_SECONDS).status_code
    return status, time.monotonic() - began
