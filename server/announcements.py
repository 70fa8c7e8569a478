"""Decides how a server process hears what any process has written: one listening connection, and whom it passes the word on to."""

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
from graphql import GraphQLError

logger = logging.getLogger("billing.announcements")

# How many changes wait for a subscriber that reads slowly, before it is told to begin anew.
LARGEST_QUEUE = 1_000
_APPLICATION = "billing announcements"
_LOOKS_SECONDS, _PATIENCE_SECONDS = 10.0, 5.0
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)


def _missed() -> GraphQLError:
    words = "Changes may have been missed: read again what is shown, and subscribe anew"
    return GraphQLError(words, extensions={"code": "CHANGES_MISSED"})


def _too_slow() -> GraphQLError:
    return GraphQLError("Changes come faster than they are read: subscribe anew", extensions={"code": "TOO_SLOW"})


def _name_of(export_id: UUID) -> str:
    return f"export {export_id}"


@dataclass(eq=False)
class _Subscriber:
    """Somebody who wants to hear of records when something with one of these names has changed."""

    names: frozenset[str]
    waiting: "asyncio.Queue[UUID | GraphQLError]" = field(default_factory=lambda: asyncio.Queue(LARGEST_QUEUE))

    def tell(self, identity: UUID) -> None:
        """Pass on a change; one that does not fit any more ends the subscription."""
        try:
            self.waiting.put_nowait(identity)
        except asyncio.QueueFull:
            self.end(_too_slow())

    def end(self, error: GraphQLError) -> None:
        """Let an error be the next and last that the subscriber hears."""
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.waiting.put_nowait(error)

    async def heard(self) -> AsyncIterator[UUID]:
        """What is passed on, until an error ends it."""
        while True:
            said = await self.waiting.get()
            if isinstance(said, GraphQLError):
                raise said
            yield said


class _Bell(_Subscriber):
    """Somebody who wants to hear that something has changed, and not what."""

    def tell(self, identity: UUID) -> None:
        """Ring, unless it rings already."""
        if self.waiting.empty():
            self.waiting.put_nowait(identity)


class Announcements:
    """What this process hears, for as long as it is open.

    Whoever has subscribed when the connection is lost is told that changes may have been missed: reading everything again is
    for the client, which alone knows what it shows. Behind a pooler that shares connections between transactions nothing is
    heard: the address must lead to PostgreSQL itself.
    """

    def __init__(
        self,
        dsn: str,
        forget_sessions: Callable[[UUID | None], None],
        wrote: Callable[[UUID | None], None] = lambda _: None,
    ) -> None:
        """`forget_sessions` is called with the id of a session or a user that has ended or changed; with None for all.

        `wrote` is called with that of a clinic where somebody has written; with None when it may be any.
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
        """The ids of a clinic's invoices, each time that something with one of these names has changed of one."""
        return self._subscribed(clinic_id, names)

    @asynccontextmanager
    async def of_any(self, clinic_id: UUID, names: frozenset[str]) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
        """What waits until something with one of these names has changed, or so many seconds are over; told once, however much it was."""
        subscriber = _Bell(names)

        async def changed(seconds: float) -> None:
            with suppress(TimeoutError):
                said = await asyncio.wait_for(subscriber.waiting.get(), seconds)
                if isinstance(said, GraphQLError):
                    raise said

        async with self._listed(clinic_id, subscriber):
            yield changed

    def of_export(self, clinic_id: UUID, export_id: UUID) -> AbstractAsyncContextManager[AsyncIterator[UUID]]:
        """The id of a file, each time that its building has come further."""
        return self._subscribed(clinic_id, frozenset({_name_of(export_id)}))

    @asynccontextmanager
    async def _subscribed(self, clinic_id: UUID, names: frozenset[str]) -> AsyncIterator[AsyncIterator[UUID]]:
        subscriber = _Subscriber(names)
        async with self._listed(clinic_id, subscriber):
            yield subscriber.heard()

    @asynccontextmanager
    async def _listed(self, clinic_id: UUID, subscriber: _Subscriber) -> AsyncIterator[None]:
        try:
            await asyncio.wait_for(self._is_listening.wait(), _PATIENCE_SECONDS)
        except TimeoutError:
            unavailable = {"code": "UNAVAILABLE"}
            raise GraphQLError("Changes cannot be heard now: try again", extensions=unavailable) from None
        self._subscribers[clinic_id].add(subscriber)
        try:
            yield
        finally:
            self._subscribers[clinic_id].discard(subscriber)

    async def _listen(self) -> None:
        pauses = iter(_PAUSES)
        while True:
            try:
                await self._hear()
            except Exception as failure:  # noqa: BLE001 (whatever it was, there is more to be heard afterwards)
                logger.warning("nothing is heard: %s", type(failure).__name__)
            if self._is_listening.is_set():
                pauses = iter(_PAUSES)
            self._lose()
            await asyncio.sleep(next(pauses, _PAUSES[-1]))

    async def _hear(self) -> None:
        """Hear until the connection is lost."""
        settings = {"application_name": _APPLICATION}
        connection = await asyncpg.connect(self._dsn, timeout=_PATIENCE_SECONDS, server_settings=settings)
        try:
            for channel in self._heard_by:
                await connection.add_listener(channel, self._pass_on)
            self._is_listening.set()
            while not connection.is_closed():
                # A peer that has gone without a word is noticed by asking it.
                await connection.execute("select 1", timeout=_PATIENCE_SECONDS)
                await self._closed(connection, _LOOKS_SECONDS)
        finally:
            connection.terminate()

    async def _closed(self, connection: asyncpg.Connection, seconds: float) -> None:
        lost = asyncio.Event()

        def tell(_: object) -> None:
            lost.set()

        connection.add_termination_listener(tell)
        with suppress(TimeoutError):
            await asyncio.wait_for(lost.wait(), seconds)
        connection.remove_termination_listener(tell)

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
        except (KeyError, TypeError, ValueError):
            # Anybody who may connect may say anything on a channel.
            logger.warning("something was said on %s that makes no sense", channel)

    def _clinic_wrote(self, notice: Any) -> None:
        self._wrote(UUID(notice["clinic"]))

    def _invoice_changed(self, notice: Any) -> None:
        self._clinic_wrote(notice)
        self._tell(UUID(notice["clinic"]), UUID(notice["invoice"]), notice["columns"])

    def _export_changed(self, notice: Any) -> None:
        export_id = UUID(notice["export"])
        self._tell(UUID(notice["clinic"]), export_id, [_name_of(export_id)])

    def _tell(self, clinic_id: UUID, identity: UUID, names: Iterable[str]) -> None:
        for subscriber in self._subscribers.get(clinic_id, ()):
            if not subscriber.names.isdisjoint(names):
                subscriber.tell(identity)

    def _session_ended(self, notice: Any) -> None:
        self._forget(UUID(notice.get("session") or notice["user"]))
