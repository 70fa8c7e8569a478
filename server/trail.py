"""Decides how the events of reads reach the audit trail: in batches, within a second, and never silently lost."""

import asyncio
import logging
from contextlib import suppress
from typing import Self

import asyncpg

from db.auditing import record
from db.pools import Database
from domain.audit import AuditEvent
from server.executing import OUTAGES
from server.logs import trace

logger = logging.getLogger("billing.trail")
# What a kill loses at most, together with the time that writing takes.
_EVERY_SECONDS = 0.5
_WRITTEN_AT_ONCE = 1_000
# What waits while the trail cannot be written, in bytes; beyond that nothing is answered any more that would have to be kept.
LARGEST_BACKLOG = 32 * 1024 * 1024
_EACH = 1_000


class TrailFullError(ConnectionError):
    """What is read cannot be written down: it may not be answered."""


class TrailOfReads:
    """The events of one server process that are not written yet."""

    def __init__(self, database: Database, largest: int = LARGEST_BACKLOG) -> None:
        self._database, self._largest = database, largest
        self._waiting: list[AuditEvent] = []
        self._weight = 0
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what is left."""
        self._stop.set()
        await self._writing
        if self._waiting:
            logger.error("%d events of the audit trail were not written: the database is gone", len(self._waiting))

    def __len__(self) -> int:
        return len(self._waiting)

    def keep(self, event: AuditEvent) -> None:
        """Take an event over; TrailFullError when too many wait already."""
        if self._weight >= self._largest:
            raise TrailFullError
        self._waiting.append(event)
        self._weight += len(event.entities) + _EACH

    async def _write(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _EVERY_SECONDS)
            try:
                await self.flush()
            except Exception as failure:  # noqa: BLE001 (whatever it is, what was read has to be written down later)
                logger.warning("%d events of the audit trail wait: %s", len(self._waiting), trace(failure))

    async def flush(self) -> None:
        """Write everything that waits."""
        while self._waiting:
            batch = self._waiting[:_WRITTEN_AT_ONCE]
            try:
                await self._record(batch)
            except OUTAGES:
                raise
            except asyncpg.PostgresError:
                await self._record_each(batch)
            del self._waiting[: len(batch)]
            self._weight -= sum(len(event.entities) + _EACH for event in batch)

    async def _record(self, batch: list[AuditEvent]) -> None:
        async with self._database.auditing() as connection:
            await record(connection, batch)

    async def _record_each(self, batch: list[AuditEvent]) -> None:
        """An event that the database refuses must not keep the others from being written; the log tells of it."""
        for event in batch:
            try:
                await self._record([event])
            except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as failure:
                logger.error(  # noqa: TRY400 (the text of a database error may quote a row)
                    "event %s of the audit trail (user %s, %s, request %s) was refused: %s",
                    event.id,
                    event.user_id,
                    event.operation,
                    event.request_id,
                    trace(failure),
                )
