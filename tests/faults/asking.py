"""Decides how it is heard what clients hear while something is broken: several of them ask without a pause, and note each answer."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles

import httpx

from tests.client import Client

READ = "{ invoices(first: 5) { totalCount nodes { number status patient { name } } } }"
_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Heard:
    """One answer: when it was asked for, how long it took, its status (0: none), and whether it says when to come back."""

    at: float
    seconds: float
    status: int
    says_when: bool


@dataclass
class Answers:
    """What several clients have heard."""

    heard: list[Heard] = field(default_factory=list)

    def between(self, since: float, until: float) -> "Answers":
        """What was asked in between."""
        return Answers([one for one in self.heard if since <= one.at < until])

    def of(self, *statuses: int) -> "Answers":
        """The answers with one of these statuses."""
        return Answers([one for one in self.heard if one.status in statuses])

    @property
    def statuses(self) -> Counter[int]:
        """How often each status was heard."""
        return Counter(one.status for one in self.heard)

    @property
    def slowest(self) -> float:
        """The longest that somebody waited, in seconds."""
        return max((one.seconds for one in self.heard), default=0.0)

    def percentile(self, share: int) -> float:
        """How long so many of a hundred waited at most, in seconds."""
        times = [one.seconds for one in self.heard]
        return quantiles(times, n=100)[share - 1] if len(times) > 1 else sum(times)

    def first_good(self, since: float) -> float:
        """How long after a moment the first good answer came."""
        ends = [
            one.at + one.seconds - since for one in self.heard if one.status == 200 and one.at + one.seconds > since
        ]
        return min(ends, default=float("inf"))

    @property
    def all_say_when(self) -> bool:
        """Whether each 503 says when to come back."""
        return all(one.says_when for one in self.heard if one.status == 503)


def words(answers: Answers) -> str:
    """How often what was heard."""
    return ", ".join(f"{status or 'none'}: {count}" for status, count in sorted(answers.statuses.items())) or "nothing"


def hear(client: httpx.Client, url: str, query: str = READ) -> Heard:
    """What one client hears."""
    at = time.monotonic()
    try:
        response = client.post(url, json={"query": query}, timeout=_PATIENCE_SECONDS)
    except httpx.HTTPError:
        return Heard(at, time.monotonic() - at, 0, says_when=False)
    return Heard(at, time.monotonic() - at, response.status_code, "retry-after" in response.headers)


@contextmanager
def asked_all_the_time(client: Client, people: int = 4) -> Iterator[Answers]:
    """Several clients with one token ask for as long as this is open."""
    answers, ended = Answers(), threading.Event()

    def ask() -> None:
        with httpx.Client(headers=client.http.headers) as http:
            while not ended.wait(_PAUSE_SECONDS):
                answers.heard.append(hear(http, client.url))

    threads = [threading.Thread(target=ask) for _ in range(people)]
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
