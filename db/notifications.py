"""Notifications between processes (PostgreSQL LISTEN/NOTIFY): one listening connection, with fan-out to subscribers."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import asyncpg
import orjson

from domain.errors import UNAVAILABLE, RequestError

logger = logging.getLogger("billing.notifications")

# The maximum queue of a slow subscriber, before its subscription ends with TOO_SLOW.
LARGEST_QUEUE = 1_000
_APPLICATION = "billing notifications"
_LOOKS_SECONDS, _PATIENCE_SECONDS = 10.0, 5.0
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)


def _missed() -> RequestError:
    words = "Changes may have been missed: read the data again, and subscribe again"
    return RequestError(words, "CHANGES_MISSED")


def _too_slow() -> RequestError:
    return RequestError("Changes arrive faster than they are read: subscribe again", "TOO_SLOW")


def _name_of(export_id: UUID) -> str:
    return f"export {export_id}"


@dataclass(eq=False)
class _Subscriber:
    """A subscriber with a queue: it gets the ids of records when a column or table with one of these names has changed."""

    names: frozenset[str]
    waiting: "asyncio.Queue[UUID | RequestError]" = field(default_factory=lambda: asyncio.Queue(LARGEST_QUEUE))

    def notify(self, identity: UUID) -> None:
        """Enqueue a change; when the queue is full, the subscription ends."""
        try:
            self.waiting.put_nowait(identity)
        except asyncio.QueueFull:
            self.end(_too_slow())

    def end(self, error: RequestError) -> None:
        """Empty the queue and make an error the next and last item of the subscriber."""
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.waiting.put_nowait(error)

    async def changes(self) -> AsyncIterator[UUID]:
        """The ids from the queue, until an error ends the subscription."""
        while True:
            item = await self.waiting.get()
            if isinstance(item, RequestError):
                raise item
            yield item


class _ChangeFlag(_Subscriber):
    """A subscriber that needs to know only that something has changed, so that changes are coalesced."""

    def notify(self, identity: UUID) -> None:
        """Enqueue a signal, unless one is pending."""
        if self.waiting.empty():
            self.waiting.put_nowait(identity)


class Notifications:
    """The LISTEN/NOTIFY listener of this process and its subscribers, for as long as it is open.

    When the connection is lost, each subscription ends with CHANGES_MISSED: the client, which knows what it shows, has to read
    it again. LISTEN does not work through a transaction pooler: the address must be that of PostgreSQL itself.
    """

    def __init__(
        self,
        dsn: str,
        forget_sessions: Callable[[UUID | None], None],
        wrote: Callable[[UUID | None], None] = lambda _: None,
    ) -> None:
        """`forget_sessions` is called with the id of a session or user that has ended or changed; with None for all.

        `wrote` is called with the id of a clinic whose data were written; with None when it may be any clinic.
        """
        self._dsn, self._forget, self._wrote = dsn, forget_sessions, wrote
        self._subscribers: dict[UUID, set[_Subscriber]] = defaultdict(set)
        self._is_listening = asyncio.Event()
        self._heard_by: dict[str, Callable[[Any], None]] = {
            "invoice_changed": self._invoice_changed,
            "session_ended": self._session_ended,
            "export_changed": self._export_changed,
            "clinic_wrote": self._clinic_wrote,
        }

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening

    def of_invoices(self, clinic_id: UUID, names: frozenset[str]) -> AbstractAsyncContextManager[AsyncIterator[UUID]]:
        """The ids of a clinic's invoices, one for each change of a column or table with one of these names."""
        return self._subscribed(clinic_id, names)

    @asynccontextmanager
    async def of_any(self, clinic_id: UUID, names: frozenset[str]) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
        """A function that waits for any change under one of these names, or for a timeout in seconds; changes are coalesced."""
        subscriber = _ChangeFlag(names)

        async def changed(seconds: float) -> None:
            with suppress(TimeoutError):
                item = await asyncio.wait_for(subscriber.waiting.get(), seconds)
                if isinstance(item, RequestError):
                    raise item

        async with self._listed(clinic_id, subscriber):
            yield changed

    def of_export(self, clinic_id: UUID, export_id: UUID) -> AbstractAsyncContextManager[AsyncIterator[UUID]]:
        """The id of an export, each time that its progress or status has changed."""
        return self._subscribed(clinic_id, frozenset({_name_of(export_id)}))

    @asynccontextmanager
    async def _subscribed(self, clinic_id: UUID, names: frozenset[str]) -> AsyncIterator[AsyncIterator[UUID]]:
        subscriber = _Subscriber(names)
        async with self._listed(clinic_id, subscriber):
            yield subscriber.changes()

    @asynccontextmanager
    async def _listed(self, clinic_id: UUID, subscriber: _Subscriber) -> AsyncIterator[None]:
        try:
            await asyncio.wait_for(self._is_listening.wait(), _PATIENCE_SECONDS)
        except TimeoutError:
            raise RequestError("Subscriptions are not available now: try again", UNAVAILABLE) from None
        self._subscribers[clinic_id].add(subscriber)
        try:
            yield
        finally:
            self._subscribers[clinic_id].discard(subscriber)

    async def _listen(self) -> None:
        pauses = iter(_PAUSES)
        while True:
            try:
                await self._received()
            except Exception as failure:  # noqa: BLE001 (the listener reconnects after any error)
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
            for channel in self._heard_by:
                await connection.add_listener(channel, self._pass_on)
            self._is_listening.set()
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
            await asyncio.wait_for(lost.wait(), seconds)
        connection.remove_termination_listener(notify)

    def _lose(self) -> None:
        self._is_listening.clear()
        self._forget(None)
        self._wrote(None)
        for subscribers in self._subscribers.values():
            for subscriber in subscribers:
                subscriber.end(_missed())

    def _pass_on(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        try:
            self._heard_by[channel](orjson.loads(str(payload)))
        except (AttributeError, KeyError, TypeError, ValueError):
            # Any database role may notify any channel with any payload.
            logger.warning("invalid notification on channel %s", channel)

    def _clinic_wrote(self, notice: Any) -> None:
        self._wrote(UUID(notice["clinic"]))

    def _invoice_changed(self, notice: Any) -> None:
        self._clinic_wrote(notice)
        self._notify(UUID(notice["clinic"]), UUID(notice["invoice"]), notice["columns"])

    def _export_changed(self, notice: Any) -> None:
        export_id = UUID(notice["export"])
        self._notify(UUID(notice["clinic"]), export_id, [_name_of(export_id)])

    def _notify(self, clinic_id: UUID, identity: UUID, names: Iterable[str]) -> None:
        for subscriber in self._subscribers.get(clinic_id, ()):
            if not subscriber.names.isdisjoint(names):
                subscriber.notify(identity)

    def _session_ended(self, notice: Any) -> None:
        self._forget(UUID(notice.get("session") or notice["user"]))
