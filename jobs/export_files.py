"""The export job: builds a requested file with the rights of its requester, from one snapshot, atomically, in bounded memory."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from time import monotonic
from typing import IO, Any, NamedTuple, Protocol
from uuid import UUID, uuid4

import asyncpg
from graphql import GraphQLError, GraphQLSchema

from db.audit import events
from db.pools import Database
from domain.access.people import Role
from domain.audit import AuditEvent
from domain.clock import Clock
from domain.errors import DomainError
from domain.exports import GIVEN_UP, KEPT_FOR, MOST_ATTEMPTS, NOT_ALLOWED, ExportFormat
from domain.ids import new_id
from exports.batches import Batches
from exports.formats import FORMATS, Details
from exports.quickbooks.books import read_books
from permissions.viewers import Viewer
from resolvers.compiler.export_statements import Statements, Wanted, compile_export
from resolvers.context import ReadContext

_BEGIN = """update exports set status = 'running', attempts = attempts + 1, rows_written = 0
    where clinic_id = $1 and id = $2 and status in ('queued', 'running') and attempts < $3
    returning requested_by, role, kind, format, filter, columns, deposit_id, byte_order_mark, attempts"""
# An export that was cancelled, or that another attempt builds by now, is not changed.
_MINE = "where clinic_id = $1 and id = $2 and attempts = $3 and status = 'running'"
_COUNTED = (
    f"update exports set row_count = $4, billed_total = $5, received_total = $6, case_ids = $7 {_MINE} returning id"
)
_WRITTEN = f"update exports set rows_written = least($4, row_count) {_MINE} returning id"
_READY = f"""update exports set status = 'ready', rows_written = row_count, byte_size = $4, sha256 = $5, blob_key = $6, expires_at = $7,
    record_count = $8 {_MINE} returning id"""
_LIST = """insert into export_records (clinic_id, export_id, table_name, part, ids)
    values ($1, $2, $3, $4, ($5::text)::uuid[])"""
_FAIL = f"update exports set status = 'failed', failure = $4 {_MINE}"
_GIVE_UP = """update exports set status = 'failed', failure = $3
    where clinic_id = $1 and id = $2 and status in ('queued', 'running')"""
_REPORTS_EVERY_SECONDS = 0.5
_HASHED_AT_ONCE = 1024 * 1024


class _StoppedError(Exception):
    """The export was cancelled, or another attempt builds it."""


class Store(Protocol):
    """The blob storage that the job needs."""

    async def put(self, key: str, file: IO[bytes]) -> None:
        """Store a file atomically, read from its current position to its end."""

    async def drop(self, key: str) -> None:
        """Delete a file that exists."""


@dataclass(frozen=True, slots=True)
class Builder:
    """What the job depends on: the database, the schemas of the roles, temporary files, the blob store and the clock."""

    database: Database
    schemas: Mapping[Role | None, GraphQLSchema]
    spool: Callable[[], IO[bytes]]
    store: Store
    find_user: Callable[[UUID, UUID], Awaitable[Viewer | None]]
    clock: Clock


def folder_of(clinic_id: UUID, identity: UUID) -> str:
    """The folder of one export in the blob store, shared by all its attempts."""
    return f"exports/{clinic_id}/{identity}"


async def build(builder: Builder, clinic_id: UUID, identity: UUID) -> int:
    """Build a requested file; returns its number of rows, 0 when there was nothing to do.

    A job of the worker, safe to run in several workers at once: only the attempt that began last completes.
    """
    async with builder.database.working(clinic_id) as connection:
        row = await connection.fetchrow(_BEGIN, clinic_id, identity, MOST_ATTEMPTS)
        if row is None:
            await connection.execute(_GIVE_UP, clinic_id, identity, GIVEN_UP)
            return 0
    building = _Building(builder, clinic_id, identity, row)
    try:
        return await building.run()
    except _StoppedError:
        return 0
    except (DomainError, GraphQLError):
        # The requester may no longer read the fields or filters of the export.
        await building.record(_FAIL, NOT_ALLOWED)
        return 0
    except Exception:
        if row["attempts"] >= MOST_ATTEMPTS:
            await building.record(_FAIL, GIVEN_UP)
        raise


@dataclass
class _Building:
    """One attempt to build a file."""

    builder: Builder
    clinic_id: UUID
    identity: UUID
    row: asyncpg.Record
    reported_at: float = field(default_factory=monotonic)
    is_counted: bool = False

    async def run(self) -> int:
        """Build the file and store it; returns its number of rows."""
        viewer = await self.builder.find_user(self.clinic_id, self.row["requested_by"])
        if viewer is None or viewer.role.value != self.row["role"]:
            raise DomainError(NOT_ALLOWED)
        wanted = Wanted.of(self.row)
        parts = compile_export(self.builder.schemas[viewer.role], viewer.role, wanted)
        with self.builder.spool() as spool, self.builder.spool() as shown:
            count = await self._read(viewer, wanted, parts, spool, shown)
            size, digest = await asyncio.to_thread(_measured, spool)
            await self._keep(viewer, wanted, parts, (spool, shown), (count, size, digest))
        return count

    async def record(self, statement: str, *values: Any) -> bool:
        """Record a change of the export; False when this attempt no longer owns it."""
        async with self.builder.database.working(self.clinic_id) as connection:
            return await self._recorded(connection, statement, *values)

    async def _recorded(self, connection: asyncpg.Connection, statement: str, *values: Any) -> bool:
        found = await connection.fetchval(statement, self.clinic_id, self.identity, self.row["attempts"], *values)
        return found is not None

    async def _read(
        self, viewer: Viewer, wanted: Wanted, parts: Sequence[Statements], spool: IO[bytes], shown: IO[bytes]
    ) -> int:
        """Write the file, and the ids of the records that it shows, from one snapshot; returns its number of rows."""
        context = ReadContext(viewer, clock=self.builder.clock)
        async with self.builder.database.exporting(viewer) as (reading, adding_up):
            counting = asyncio.create_task(_add_up(adding_up, parts, context))
            listing = asyncio.create_task(_list_records(adding_up, counting, parts, context, shown))
            try:
                copied = await self._write(reading, wanted, parts, context, spool, counting)
                added_up = await counting
                await self._record_progress(copied, counting)
                await listing
            finally:
                counting.cancel()
                listing.cancel()
        if copied != added_up.rows:
            raise AssertionError("the rows and the totals of one snapshot differ in number")
        return copied

    async def _write(
        self,
        connection: asyncpg.Connection,
        wanted: Wanted,
        parts: Sequence[Statements],
        context: ReadContext,
        spool: IO[bytes],
        counting: "asyncio.Task[_Totals]",
    ) -> int:
        """Write the parts of the file one after the other; returns the number of their rows."""
        how, copied = FORMATS[wanted.format], 0
        details = Details(wanted.byte_order_mark)
        if wanted.format is ExportFormat.ZIP:
            details = Details(books=await read_books(connection, self.clinic_id))
        writers = await asyncio.to_thread(how.begin, [part.columns for part in parts], spool, details)
        for part, writer in zip(parts, writers, strict=True):
            batches = Batches(writer, copied)
            copied += await self._copy(connection, part, context, how.copy, batches, counting)
        return copied

    async def _copy(
        self,
        connection: asyncpg.Connection,
        part: Statements,
        context: ReadContext,
        options: Mapping[str, Any],
        writing: Batches,
        counting: "asyncio.Task[_Totals]",
    ) -> int:
        async def take(chunk: bytes) -> None:
            if await writing.take(chunk) and monotonic() - self.reported_at > _REPORTS_EVERY_SECONDS:
                self.reported_at = monotonic()
                await self._record_progress(writing.rows, counting)

        values = part.rows.values(context, part.arguments)
        try:
            status = await connection.copy_from_query(part.rows.sql, *values, output=take, **options)
        finally:
            # Also after an error: no write may be in flight when the file is closed.
            await writing.finish()
        await asyncio.to_thread(writing.writer.end)
        return int(status.split()[-1])

    async def _record_progress(self, rows: int, counting: "asyncio.Task[_Totals]") -> None:
        """Record the progress, and the totals as soon as they are known; _StoppedError when this attempt no longer owns the export."""
        if counting.done() and not self.is_counted:
            self.is_counted = await self.record(_COUNTED, *counting.result())
        if not await self.record(_WRITTEN, rows):
            raise _StoppedError

    async def _keep(
        self,
        viewer: Viewer,
        wanted: Wanted,
        parts: Sequence[Statements],
        spools: tuple[IO[bytes], IO[bytes]],
        found: tuple[int, int, bytes],
    ) -> None:
        """Store the file under a key of this attempt, then mark the export as ready, list its records and write its audit event."""
        (spool, shown), (count, size, digest) = spools, found
        key = f"{folder_of(self.clinic_id, self.identity)}/{uuid4().hex}"
        spool.seek(0)
        await self.builder.store.put(key, spool)
        moment = self.builder.clock()
        event = AuditEvent(
            id=new_id(moment),
            clinic_id=self.clinic_id,
            user_id=viewer.user_id,
            role=viewer.role.value,
            operation="export",
            at=moment,
            request_id=uuid4().hex,
            fields=tuple(sorted({name for part in parts for name in part.rows.fields})),
            filters=_filters(wanted),
            row_count=count,
        )
        async with self.builder.database.working(self.clinic_id) as connection:
            records = await asyncio.to_thread(_count_ids, shown)
            is_kept = await self._recorded(connection, _READY, size, digest, key, moment + KEPT_FOR, records)
            if is_kept:
                shown.seek(0)
                for table_name, part, ids in map(_parted, shown):
                    await connection.execute(_LIST, self.clinic_id, self.identity, table_name, part, ids)
                await events.record(connection, [event])
        if not is_kept:
            await self.builder.store.drop(key)
            raise _StoppedError


def _filters(wanted: Wanted) -> tuple[str, ...]:
    """The coordinates by which the rows were filtered."""
    of_deposit = ("ExportPaymentsInput.depositId",) if wanted.deposit_id is not None else ()
    return (*of_deposit, *(f"InvoiceFilter.{name}" for name in sorted(wanted.filter)))


class _Totals(NamedTuple):
    """The control totals of an export: over all of its parts."""

    rows: int
    billed: Decimal | None
    received: Decimal | None
    case_ids: list[UUID] | None


async def _add_up(connection: asyncpg.Connection, parts: Sequence[Statements], context: ReadContext) -> _Totals:
    found = [_Totals(*await _fetched(connection, part, context)) for part in parts]
    # At most one part has billed amounts, and one has received ones.
    billed = next((one.billed for one in found if one.billed is not None), None)
    received = next((one.received for one in found if one.received is not None), None)
    return _Totals(sum(one.rows for one in found), billed, received, found[0].case_ids)


async def _fetched(connection: asyncpg.Connection, part: Statements, context: ReadContext) -> asyncpg.Record:
    row = await connection.fetchrow(part.totals.sql, *part.totals.values(context, part.arguments))
    assert row is not None
    return row


async def _list_records(
    connection: asyncpg.Connection,
    counting: "asyncio.Task[_Totals]",
    parts: Sequence[Statements],
    context: ReadContext,
    shown: IO[bytes],
) -> None:
    """Write the ids of the records that the file shows, once the totals have been computed on the same connection."""
    await asyncio.wait([counting])

    async def take(chunk: bytes) -> None:
        shown.write(chunk)

    for part in parts:
        values = part.shown.values(context, part.arguments)
        await connection.copy_from_query(part.shown.sql, *values, output=take)


def _parted(line: bytes) -> tuple[str, int, str]:
    """The table, the part and the ids of a line that COPY has written; an array of ids has nothing to escape."""
    table_name, part, ids = line.decode().rstrip("\n").split("\t")
    return table_name, int(part), ids


def _count_ids(shown: IO[bytes]) -> int:
    shown.seek(0)
    return sum(line.count(b",") + 1 for line in shown)


def _measured(spool: IO[bytes]) -> tuple[int, bytes]:
    """The size of a file in bytes, and its SHA-256."""
    size = spool.seek(0, 2)
    spool.seek(0)
    digest = hashlib.sha256()
    while chunk := spool.read(_HASHED_AT_ONCE):
        digest.update(chunk)
    return size, digest.digest()
