"""Admission control of one process: concurrency limits, per-address shares, rate limits (GCRA) and load shedding under overload."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import lru_cache
from math import ceil
from time import monotonic
from weakref import WeakValueDictionary

from cachetools import LRUCache

from domain.access.sign_in import network_of
from domain.errors import RefusedRequest
from limits.concurrency import ConcurrencyLimit, acquire_within

# The concurrency limit: requests being answered or waiting for it. It bounds the memory in use.
LARGEST_CONCURRENCY = 256
# Load shedding: a burst of this length is queued. While an overload lasts longer, only as many requests are admitted as are
# answered within the promised latency, but at least the minimum; the others are refused at once.
_BURST_SECONDS, _PROMISED_SECONDS, _NEVER_FEWER = 1.0, 0.6, 64
# A client takes as long as it likes to send a body, up to a timeout: bodies being sent have a concurrency limit of their own.
LARGEST_UPLOADS = 512
LARGEST_CONNECTIONS = 1_000
_SECONDS = 60.0
# The concurrency limit of one user, which is the size of the largest connection pool of a role. Further requests of that user
# wait, and requests of other users do not wait behind them.
_AT_ONCE, _TURN_SECONDS = 8, 5.0
# The rate limit of documents that are not cached yet: to parse and validate ten thousand characters takes a third of a second,
# and no ordinary client goes on sending new documents.
_CHARACTERS_PER_MINUTE = 300_000
# Many users may share one address.
_USERS_OF_ONE_ADDRESS = 10
# When more parties than these are tracked, the least recently used one is evicted and starts with its full rate again.
_REMEMBERED = 100_000


class RateLimiter:
    """A rate limit: how much a minute one party may send to this process, in one burst or evenly.

    The generic cell rate algorithm (GCRA) keeps one moment of each party, until which its requests are paid for. The libraries
    considered instead count in memory by starting a thread or a task every few milliseconds.
    """

    def __init__(self, per_minute: int) -> None:
        self._cost = _SECONDS / per_minute
        self._paid_until: LRUCache[object, float] = LRUCache(_REMEMBERED)

    def check(self, party: object, count: int = 1) -> None:
        """Count so many requests or characters; RefusedRequest (429 with Retry-After) when that exceeds the rate limit."""
        moment = monotonic()
        until = max(self._paid_until.get(party, moment), moment) + self._cost * count
        if until - moment > _SECONDS:
            pause = {"Retry-After": str(ceil(until - moment - _SECONDS))}
            raise RefusedRequest(429, "Too many requests: try again later", "RATE_LIMITED", pause)
        self._paid_until[party] = until


class OverloadDetector:
    """Detects overload: more requests arrive than are answered, for longer than a short burst."""

    def __init__(self) -> None:
        self._rate, self._left, self._measured_at = 0.0, 0, monotonic()
        self._overloaded_since: float | None = None

    def leave(self, count: int) -> None:
        """Note that one request was answered, and how many remain."""
        self._left += 1
        if count < _NEVER_FEWER:
            self._overloaded_since = None

    def is_overloaded(self, count: int) -> bool:
        """Whether one more request than `count` would exceed the promised latency, and the overload has lasted longer than a burst."""
        if count < _NEVER_FEWER:
            return False
        moment = monotonic()
        self._measure(moment)
        if self._overloaded_since is None:
            self._overloaded_since = moment
        return moment - self._overloaded_since > _BURST_SECONDS and count > self._rate * _PROMISED_SECONDS

    def _measure(self, moment: float) -> None:
        """Measure how many requests a second are answered, smoothed over some half seconds."""
        passed = moment - self._measured_at
        if passed < _BURST_SECONDS / 2:
            return
        fresh = self._left / passed
        self._rate = (self._rate + fresh) / 2 if self._rate else fresh
        self._left, self._measured_at = 0, moment


class AdmissionControl:
    """Admission control of one process: rate limits, concurrency limits and load shedding; a refusal is cheap and takes no slot."""

    def __init__(self, per_minute: int = 0, slots: int = LARGEST_CONCURRENCY) -> None:
        """`per_minute` requests of one user, ten times as many of one address; 0: no rate limit."""
        self._of_users = RateLimiter(per_minute) if per_minute else None
        self._of_documents = RateLimiter(_CHARACTERS_PER_MINUTE) if per_minute else None
        self._of_addresses = RateLimiter(per_minute * _USERS_OF_ONE_ADDRESS) if per_minute else None
        # A flood from one address leaves a quarter of the slots to all other addresses.
        self._answering, self._sending, self._connected = (
            ConcurrencyLimit(size, size * 3 // 4, overloaded) for size in (slots, LARGEST_UPLOADS, LARGEST_CONNECTIONS)
        )
        self._overload = OverloadDetector()
        # The semaphore of a user lives as long as a request waits for it or holds it.
        self._user_semaphores: WeakValueDictionary[object, asyncio.Semaphore] = WeakValueDictionary()

    @property
    def in_use(self) -> dict[str, int]:
        """How many slots of each kind are in use, for monitoring."""
        return {
            "answering": len(self._answering),
            "sending": len(self._sending),
            "connected": len(self._connected),
        }

    def body_slot(self, address: str) -> AbstractContextManager[None]:
        """A slot while a request body is read; RefusedRequest (503 or 429) before any of it is read."""
        if self._of_addresses:
            self._of_addresses.check(_network(address))
        self._check()
        return self._sending.slot(_network(address))

    @contextmanager
    def request_slot(self, address: str) -> Iterator[None]:
        """A slot while a request is answered; RefusedRequest (503) when there is none."""
        self._check()
        with self._answering.slot(_network(address)):
            try:
                yield
            finally:
                # A request that found no slot was not answered, and does not count.
                self._overload.leave(len(self._answering) - 1)

    def should_shed(self) -> bool:
        """Whether load shedding refuses every new request now."""
        return self._answering.is_full or self._overload.is_overloaded(len(self._answering))

    def _check(self) -> None:
        if self.should_shed():
            raise overloaded()

    def turn(self, user: object) -> AbstractAsyncContextManager[None]:
        """Wait for a slot among the requests of one user; RefusedRequest (503) when that exceeds the timeout."""
        return acquire_within(
            self._user_semaphores.setdefault(user, asyncio.Semaphore(_AT_ONCE)), _TURN_SECONDS, overloaded
        )

    def connection_slot(self, address: str) -> AbstractContextManager[None]:
        """A slot while a WebSocket is open; RefusedRequest (503) when there is none."""
        return self._connected.slot(_network(address))

    def check_user_rate(self, user: object) -> None:
        """Count one request of a user; RefusedRequest (429) when that exceeds the rate limit."""
        if self._of_users:
            self._of_users.check(user)

    def check_document_rate(self, party: object, characters: int) -> None:
        """Count the characters of a document that is not cached yet; RefusedRequest (429) when the party has sent too many new ones."""
        if self._of_documents:
            self._of_documents.check(party, characters)


@lru_cache(maxsize=10_000)
def _network(address: str) -> str:
    return network_of(address)


def overloaded() -> RefusedRequest:
    """The refusal of a request when the server is overloaded: 503."""
    return RefusedRequest(503, "The server is busy: try again", "UNAVAILABLE")
