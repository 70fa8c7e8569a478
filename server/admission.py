"""Decides which requests a process takes on: so many at one time, of one address no more than a share, and so many a minute."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import lru_cache
from math import ceil
from time import monotonic
from weakref import WeakValueDictionary

from cachetools import LRUCache

from domain.sign_in import network_of
from server.requests import RefusedRequest
from server.rooms import Room, in_turn

# Being answered or waiting for it, whatever comes: memory stays bounded.
SEATS = 256
# Many may come at once, and are answered one after the other. Where they go on coming, so many are taken on as are answered within
# this time, and no fewer than these: whoever is taken on keeps a latency, and the others hear at once.
_PROMISED_SECONDS, _NEVER_FEWER, _BURST_SECONDS = 0.6, 64, 1.0
# To send a body takes as long as the client likes, up to a limit of its own: that is no seat among those who are answered.
SENDING = 512
CONNECTIONS = 1_000
_SECONDS = 60.0
# Of one user so many are answered at the same time, which is all that the database does at once for one role; the others wait
# until theirs are done, and nobody else waits behind them.
_AT_ONCE, _TURN_SECONDS = 8, 5.0
# Of documents that are not known yet: to read them takes a third of a second for ten thousand characters, and no program
# that anybody uses goes on sending others.
_CHARACTERS_PER_MINUTE = 300_000
# One address speaks for many users.
_USERS_OF_ONE_ADDRESS = 10
# Of whom more are remembered than these, the one that asked longest ago may ask as if for the first time.
_REMEMBERED = 100_000


class Pace:
    """How much a minute one party may send to this process, all at once or evenly.

    Of each party one moment is kept, until which its requests are paid for (GCRA). The libraries that were looked at count in
    memory by starting a thread or a task every few milliseconds.
    """

    def __init__(self, per_minute: int) -> None:
        self._cost = _SECONDS / per_minute
        self._paid_until: LRUCache[object, float] = LRUCache(_REMEMBERED)

    def check(self, party: object, count: int = 1) -> None:
        """Count so many; RefusedRequest with 429, and when to come back, where that is too many."""
        moment = monotonic()
        until = max(self._paid_until.get(party, moment), moment) + self._cost * count
        if until - moment > _SECONDS:
            pause = {"Retry-After": str(ceil(until - moment - _SECONDS))}
            raise RefusedRequest(429, "Too many requests: ask more slowly", "RATE_LIMITED", pause)
        self._paid_until[party] = until


class Crowd:
    """Whether more is asked than can be answered, and not only for a moment."""

    def __init__(self) -> None:
        self._rate, self._left, self._measured_at = 0.0, 0, monotonic()
        self._crowded_since: float | None = None

    def leave(self, count: int) -> None:
        """Note that somebody was answered, and how many are left."""
        self._left += 1
        if count < _NEVER_FEWER:
            self._crowded_since = None

    def is_too_large(self, count: int) -> bool:
        """Whether one more than so many would wait for longer than is promised, and has company in that for a while."""
        if count < _NEVER_FEWER:
            return False
        moment = monotonic()
        self._measure(moment)
        if self._crowded_since is None:
            self._crowded_since = moment
        return moment - self._crowded_since > _BURST_SECONDS and count > self._rate * _PROMISED_SECONDS

    def _measure(self, moment: float) -> None:
        """How many a second are answered, smoothed over some half seconds."""
        passed = moment - self._measured_at
        if passed < _BURST_SECONDS / 2:
            return
        fresh = self._left / passed
        self._rate = (self._rate + fresh) / 2 if self._rate else fresh
        self._left, self._measured_at = 0, moment


class Admission:
    """Who is let in by one process; a refusal costs next to nothing, and is no seat."""

    def __init__(self, per_minute: int = 0, seats: int = SEATS) -> None:
        """`per_minute` requests of one user, ten times as many of one address; 0: as many as they like."""
        self._of_users = Pace(per_minute) if per_minute else None
        self._of_documents = Pace(_CHARACTERS_PER_MINUTE) if per_minute else None
        self._of_addresses = Pace(per_minute * _USERS_OF_ONE_ADDRESS) if per_minute else None
        # Somebody's flood leaves a quarter of the seats to everybody else.
        self._answering, self._sending, self._connected = (
            Room(size, size * 3 // 4, busy) for size in (seats, SENDING, CONNECTIONS)
        )
        self._crowd = Crowd()
        # A row lives as long as somebody stands in it.
        self._rows: WeakValueDictionary[object, asyncio.Semaphore] = WeakValueDictionary()

    @property
    def taken(self) -> dict[str, int]:
        """How many seats of each kind are taken, for whoever watches."""
        return {
            "answering": len(self._answering),
            "sending": len(self._sending),
            "connected": len(self._connected),
        }

    def sending(self, address: str) -> AbstractContextManager[None]:
        """A seat while a body is read; RefusedRequest with 503 or 429 before any of it is."""
        if self._of_addresses:
            self._of_addresses.check(_network(address))
        self._check()
        return self._sending.seat(_network(address))

    @contextmanager
    def answering(self, address: str) -> Iterator[None]:
        """A seat while a request is answered; RefusedRequest with 503 where there is none."""
        self._check()
        with self._answering.seat(_network(address)):
            try:
                yield
            finally:
                # Whoever found no seat was not answered, and does not count.
                self._crowd.leave(len(self._answering) - 1)

    def turns_away(self) -> bool:
        """Whether nobody at all is taken on now."""
        return self._answering.is_full or self._crowd.is_too_large(len(self._answering))

    def _check(self) -> None:
        if self.turns_away():
            raise busy()

    def turn(self, user: object) -> AbstractAsyncContextManager[None]:
        """Wait for a turn among the requests of one user; RefusedRequest with 503 where that takes too long."""
        return in_turn(self._rows.setdefault(user, asyncio.Semaphore(_AT_ONCE)), _TURN_SECONDS, busy)

    def connected(self, address: str) -> AbstractContextManager[None]:
        """A seat while a WebSocket is open; RefusedRequest with 503 where there is none."""
        return self._connected.seat(_network(address))

    def keep_pace(self, user: object) -> None:
        """Count one request of a user; RefusedRequest with 429 where that is one too many."""
        if self._of_users:
            self._of_users.check(user)

    def new_document(self, party: object, characters: int) -> None:
        """Count a document of a party that is not known yet; RefusedRequest with 429 where it has sent too many others."""
        if self._of_documents:
            self._of_documents.check(party, characters)


@lru_cache(maxsize=10_000)
def _network(address: str) -> str:
    return network_of(address)


def busy() -> RefusedRequest:
    """What somebody hears for whom there is no room."""
    return RefusedRequest(503, "The server is busy: try again", "UNAVAILABLE")
