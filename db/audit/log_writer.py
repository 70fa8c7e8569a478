"""Writes the events of reads to the audit log: in batches, within a second, and never silently lost."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

import asyncpg

from db.audit.events import record
from db.connections import OUTAGES
from db.pools import Database
from domain.audit import AuditEvent
from observability.logs import trace
from observability.outages import DATABASE, SEEN

logger = logging.getLogger("billing.audit_log")
# The interval between batches: a kill loses at most the events of this time and of the write in progress.
_EVERY_SECONDS = 0.5
_WRITTEN_AT_ONCE = 1_000
# The backlog in bytes while the audit log cannot be written; when it is full, operations that must be audited are refused.
LARGEST_BACKLOG = 32 * 1024 * 1024
_EACH = 1_000


class AuditLogFullError(ConnectionError):
    """The backlog of the audit log is full: an operation that must be audited may not be answered."""


async def write_at_once(database: Database, events: Sequence[AuditEvent], keep: Callable[[AuditEvent], None]) -> None:
    """Write events before the answer is sent, so that they outlive this process; buffer them while the database cannot be reached."""
    try:
        async with database.auditing() as connection:
            await record(connection, events)
    except (*OUTAGES, asyncpg.PostgresError) as failure:
        SEEN.began(DATABASE, failure)
        for event in events:
            keep(event)


class AuditLogWriter:
    """The audit log writer of one server process: buffers events and writes them in batches."""

    def __init__(self, database: Database, largest: int = LARGEST_BACKLOG) -> None:
        self._database, self._largest = database, largest
        self._waiting: list[AuditEvent] = []
        self._weight = 0
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write the buffered events, then stop."""
        self._stop.set()
        await self._writing
        if self._waiting:
            logger.error(
                "%d events of the audit log were not written: the database cannot be reached", len(self._waiting)
            )

    def __len__(self) -> int:
        return len(self._waiting)

    def keep(self, event: AuditEvent) -> None:
        """Buffer an event; AuditLogFullError when the backlog is full."""
        if self._weight >= self._largest:
            raise AuditLogFullError
        self._waiting.append(event)
        self._weight += len(event.entities) + _EACH

    async def _write(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_SECONDS):
                    await self._stop.wait()
            try:
                await self.flush()
            except OUTAGES as failure:
                # How many events wait is in the metrics.
                SEEN.began(DATABASE, failure)
            except Exception as failure:  # noqa: BLE001 (after any failure, the events are written later)
                logger.warning("%d events of the audit log are waiting: %s", len(self._waiting), trace(failure))

    async def flush(self) -> None:
        """Write all buffered events."""
        while self._waiting:
            batch = self._waiting[:_WRITTEN_AT_ONCE]
            try:
                await self._record(batch)
            except OUTAGES:
                raise
            except asyncpg.PostgresError:
                await self._record_each(batch)
            SEEN.ended(DATABASE)
            del self._waiting[: len(batch)]
            self._weight -= sum(len(event.entities) + _EACH for event in batch)

    async def _record(self, batch: list[AuditEvent]) -> None:
        async with self._database.auditing() as connection:
            await record(connection, batch)

    async def _record_each(self, batch: list[AuditEvent]) -> None:
        """Write events one by one, so that one that the database refuses does not block the others; it is logged."""
        for event in batch:
            try:
                await self._record([event])
            except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as failure:
                logger.error(  # noqa: TRY400 (the text of a database error may quote a row)
                    "event %s of the audit log (user %s, %s, request %s) was refused: %s",
                    event.id,
                    event.user_id,
                    event.operation,
                    event.request_id,
                    trace(failure),
                )
