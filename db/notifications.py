"""Notifications between processes (PostgreSQL LISTEN/NOTIFY): one listening connection, with fan-out to subscribers.

PostgreSQL has no privileges on channels: every login hears all of them, and may send on them. A notification is therefore either
sealed by a process with the server's key (db/sealed_hints.py), or it says no more than "look again" (db/looks.py): then its payload is
not read, and what it asks for is coalesced and limited in rate. Either way the tables are read before anything is done.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic
from typing import Any, NamedTuple, Protocol, Self
from uuid import UUID

import asyncpg

from db.looks import Look
from db.sealed_hints import Hints, Inbox
from domain.errors import UNAVAILABLE, RequestError
from observability.outages import DATABASE, SEEN, is_outage

logger = logging.getLogger("billing.notifications")

# The maximum queue of a slow subscriber, before its subscription ends with TOO_SLOW.
LARGEST_QUEUE = 1_000
_APPLICATION = "billing notifications"
_LOOKS_SECONDS, _PATIENCE_SECONDS = 10.0, 5.0
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)
# The pause between two looks at sessions, and between two looks at the exports of subscribers.
_LOOKS_AT_SESSIONS, _LOOKS_AT_EXPORTS = 0.2, 0.25
_WARNS_EVERY_SECONDS = 60.0
# How long a change may wait in a queue: the worker erases images after twice as long (jobs/invoice_images.py).
IMAGES_KEPT_SECONDS = 300.0
_NONE_SUCH = UUID(int=0)


def _missed() -> RequestError:
    words = "Changes may have been missed: read the data again, and subscribe again"
    return RequestError(words, "CHANGES_MISSED")


def _too_slow() -> RequestError:
    return RequestError("Changes arrive faster than they are read: subscribe again", "TOO_SLOW")


class InvoiceChange(NamedTuple):
    """A change of an invoice: which invoice, which transaction, and until when its images are certainly kept, by `monotonic`."""

    invoice_id: UUID
    change_id: UUID
    kept_until: float


_ANY = InvoiceChange(_NONE_SUCH, _NONE_SUCH, float("inf"))


@dataclass(eq=False)
class _Subscriber:
    """A subscriber with a queue: it gets the changes of invoices by which a column or table with one of these names has changed."""

    names: frozenset[str]
    waiting: "asyncio.Queue[InvoiceChange | RequestError]" = field(default_factory=lambda: asyncio.Queue(LARGEST_QUEUE))

    def notify(self, change: InvoiceChange) -> None:
        """Enqueue a change; when the queue is full, the subscription ends."""
        try:
            self.waiting.put_nowait(change)
        except asyncio.QueueFull:
            self.end(_too_slow())

    def end(self, error: RequestError) -> None:
        """Empty the queue and make an error the next and last item of the subscriber."""
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.waiting.put_nowait(error)

    async def changes(self) -> AsyncIterator[InvoiceChange]:
        """The changes from the queue, until an error ends the subscription, or one has waited longer than its images are kept."""
        while True:
            item = await self.waiting.get()
            if isinstance(item, RequestError):
                raise item
            if monotonic() > item.kept_until:
                raise _too_slow()
            yield item


class _ChangeFlag(_Subscriber):
    """A subscriber that needs to know only that something has changed, so that changes are coalesced."""

    def notify(self, change: InvoiceChange) -> None:
        """Enqueue a signal, unless one is pending."""
        if self.waiting.empty():
            self.waiting.put_nowait(change)


class CachedSessions(Protocol):
    """The cache of sessions of this process."""

    def forget(self, identity: UUID | None) -> None:
        """Forget a session, or the sessions of a user; None: all."""

    async def recheck(self) -> None:
        """Compare the cache with the tables, and forget what has ended or changed."""


class Notifications:
    """The LISTEN/NOTIFY listener of this process and its subscribers, for as long as it is open.

    When the connection is lost, each subscription ends with CHANGES_MISSED: the client, which knows what it shows, has to read
    it again. LISTEN does not work through a transaction pooler: the address must be that of PostgreSQL itself.
    """

    def __init__(
        self,
        dsn: str,
        hints: Hints,
        sessions: CachedSessions,
        wrote: Callable[[UUID | None], None] = lambda _: None,
    ) -> None:
        """`wrote` is called with the id of a clinic whose data were written; with None when it may be any clinic."""
        self._dsn, self._inbox, self._sessions, self._wrote = dsn, Inbox(hints), sessions, wrote
        self._subscribers: dict[UUID, set[_Subscriber]] = defaultdict(set)
        self._export_flags: set[_ChangeFlag] = set()
        self._is_listening = asyncio.Event()
        self._warned_at = -_WARNS_EVERY_SECONDS
        # Channel → what a sealed content does; and channel → the look that a notification asks for.
        self._sealed: dict[str, Callable[[Any], None]] = {
            "invoice_changed": self._invoice_changed,
            "clinic_wrote": self._clinic_wrote,
        }
        self._looks = {
            "session_ended": Look(sessions.recheck, _LOOKS_AT_SESSIONS),
            "export_changed": Look(self._flag_exports, _LOOKS_AT_EXPORTS),
        }

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._listen()),
            *(asyncio.create_task(x.run()) for x in self._looks.values()),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def of_invoices(
        self, clinic_id: UUID, names: frozenset[str]
    ) -> AbstractAsyncContextManager[AsyncIterator[InvoiceChange]]:
        """The changes of a clinic's invoices, one for each transaction that changed a column or table with one of these names."""
        return self._subscribed(clinic_id, names)

    @asynccontextmanager
    async def of_any(self, clinic_id: UUID, names: frozenset[str]) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
        """A function that waits for any change under one of these names, or for a timeout in seconds; changes are coalesced."""
        subscriber = _ChangeFlag(names)

        async def changed(seconds: float) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    item = await subscriber.waiting.get()
                if isinstance(item, RequestError):
                    raise item

        async with self._among(self._subscribers[clinic_id], subscriber):
            yield changed

    @asynccontextmanager
    async def of_exports(self) -> AsyncIterator[AsyncIterator[InvoiceChange]]:
        """An item whenever any export, of any clinic, may have changed: the subscriber reads its own again. Changes are coalesced."""
        subscriber = _ChangeFlag(frozenset())
        async with self._among(self._export_flags, subscriber):
            yield subscriber.changes()

    @asynccontextmanager
    async def _subscribed(self, clinic_id: UUID, names: frozenset[str]) -> AsyncIterator[AsyncIterator[InvoiceChange]]:
        subscriber = _Subscriber(names)
        async with self._among(self._subscribers[clinic_id], subscriber):
            yield subscriber.changes()

    @asynccontextmanager
    async def _among(self, subscribers: "set[Any]", subscriber: _Subscriber) -> AsyncIterator[None]:
        try:
            # asyncio.wait_for of Python 3.11 loses a cancellation that comes as the event is set: the subscription of a closed
            # connection would go on until the server ends.
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._is_listening.wait()
        except TimeoutError:
            raise RequestError("Subscriptions are not available now: try again", UNAVAILABLE) from None
        subscribers.add(subscriber)
        try:
            yield
        finally:
            subscribers.discard(subscriber)

    async def _listen(self) -> None:
        pauses = iter(_PAUSES)
        while True:
            try:
                await self._received()
            except Exception as failure:  # noqa: BLE001 (the listener reconnects after any error)
                if is_outage(failure):
                    SEEN.began(DATABASE, failure)
                else:
                    logger.warning("the notification listener failed: %s", type(failure).__name__)
            if self._is_listening.is_set():
                pauses = iter(_PAUSES)
            self._lose()
            await asyncio.sleep(next(pauses, _PAUSES[-1]))

    async def _received(self) -> None:
        """Listen until the connection is lost."""
        settings = {"application_name": _APPLICATION}
        connection = await asyncpg.connect(self._dsn, timeout=_PATIENCE_SECONDS, server_settings=settings)
        try:
            for channel in (*self._sealed, *self._looks):
                await connection.add_listener(channel, self._pass_on)
            self._is_listening.set()
            SEEN.ended(DATABASE)
            while not connection.is_closed():
                # A health check: it detects a peer that is gone without closing the connection.
                await connection.execute("select 1", timeout=_PATIENCE_SECONDS)
                await self._closed(connection, _LOOKS_SECONDS)
        finally:
            connection.terminate()

    async def _closed(self, connection: asyncpg.Connection, seconds: float) -> None:
        lost = asyncio.Event()

        def notify(_: object) -> None:
            lost.set()

        connection.add_termination_listener(notify)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await lost.wait()
        connection.remove_termination_listener(notify)

    def _lose(self) -> None:
        self._is_listening.clear()
        self._sessions.forget(None)
        self._wrote(None)
        for subscriber in chain(*self._subscribers.values(), self._export_flags):
            subscriber.end(_missed())

    def _pass_on(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        if channel in self._looks:
            self._looks[channel].ask()
            return
        content = self._inbox.read(channel, str(payload))
        if content is not None:
            self._sealed[channel](content)
        elif monotonic() - self._warned_at > _WARNS_EVERY_SECONDS:
            self._warned_at = monotonic()
            words = "a notification on channel %s is ignored: it is old, repeated, or not sealed with this server's key"
            logger.warning(words, channel)

    def _clinic_wrote(self, content: Any) -> None:
        self._wrote(UUID(content["clinic"]))

    def _invoice_changed(self, content: Any) -> None:
        self._clinic_wrote(content)
        change_id = UUID(content["change"]) if "change" in content else _NONE_SUCH
        change = InvoiceChange(UUID(content["invoice"]), change_id, monotonic() + IMAGES_KEPT_SECONDS)
        for subscriber in self._subscribers.get(UUID(content["clinic"]), ()):
            if not subscriber.names.isdisjoint(content["columns"]):
                subscriber.notify(change)

    async def _flag_exports(self) -> None:
        for flag in self._export_flags:
            flag.notify(_ANY)


def invoice_changed(
    hints: Hints, clinic_id: UUID, invoice_id: UUID, columns: Iterable[str], change_id: UUID | None = None
) -> str:
    """The payload that tells subscribers which columns of an invoice, or tables beside it, have changed, and by which transaction."""
    content = {"clinic": str(clinic_id), "invoice": str(invoice_id), "columns": sorted(columns)}
    if change_id is not None:
        content["change"] = str(change_id)
    return hints.seal("invoice_changed", content)


def clinic_wrote(hints: Hints, clinic_id: UUID) -> str:
    """The payload that tells every process that a clinic's data were written."""
    return hints.seal("clinic_wrote", {"clinic": str(clinic_id)})
