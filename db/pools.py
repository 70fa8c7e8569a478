"""The database access of a server process: one connection pool per role, and transactions that set the role and the viewer's ids."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self
from uuid import UUID

import asyncpg

from db.connections import Logged, Pool, undo
from db.locks import locking
from db.notifications import clinic_wrote
from db.replica import Replica
from db.sealed_hints import Hints
from db.security.policies import (
    AUDIT_ROLE,
    IMPORT_ROLE,
    PRICING_ROLE,
    REPORT_ROLE,
    SIGN_IN,
    STAFF_LOGIN,
    WORKER_ROLE,
    login_for,
    role_name,
)
from domain.access.people import Role
from permissions.reporting import BY_MONTH
from permissions.viewers import Viewer

Connect = Callable[[str], str]
# The connection pool sizes per role; in total well below the limit of a small PostgreSQL.
POOL_SIZES: dict[Role | None, int] = {
    Role.ADMIN: 6,
    Role.BILLING: 8,
    Role.PHYSICIAN: 4,
    Role.ATTORNEY: 8,
    Role.ANALYST: 4,
    None: 4,
}
_ROLE_NAMES = {role: role_name(role) for role in Role}
_WORKER_POOL_SIZE, _AUDIT_POOL_SIZE = 2, 1
_CLINICS = """select clinic_id, short_name, name, time_zone, address, phone, sender_name, sender_address, reply_to,
    moves_to_working_days from clinics order by clinic_id"""
# Writes find their rows by key, so that a generic plan fits all values; planning them each time would double their cost.
_GENERIC = "; set local plan_cache_mode = force_generic_plan"

_PRICING, _REPORTING = (
    f"begin read only; set local role {role}; set local app.clinic_id = '{{clinic}}'"
    for role in (PRICING_ROLE, REPORT_ROLE)
)
# An export is read by one long statement that sorts and joins all of its rows.
_AT_LENGTH = (
    "; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local work_mem = '64MB'"
)


class Database:
    """The connection pools of one server process. `dsn_of` gives the address for a login; connections open on demand."""

    def __init__(
        self,
        dsn_of: Connect,
        logged: Logged | None = None,
        *,
        hints: Hints | None = None,
        pooled: Connect | None = None,
        replica: Connect | None = None,
    ) -> None:
        """`logged` is called after every statement; `pooled` addresses lead through a transaction pooler, `replica` to a read replica.

        `hints` seals what other processes are notified of; without it, no other process can read that.
        """
        self.hints = hints or Hints()

        def pool(login: str, size: int) -> Pool:
            return Pool((pooled or dsn_of)(login), size, logged, is_pooled=pooled is not None)

        self._pools = {role: pool(login_for(role), size) for role, size in POOL_SIZES.items()}
        self._worker = pool(STAFF_LOGIN, _WORKER_POOL_SIZE)
        self._audit = pool(STAFF_LOGIN, _AUDIT_POOL_SIZE)
        self._replica = Replica(replica(STAFF_LOGIN), self._pools[None], logged) if replica else None

    async def __aenter__(self) -> Self:
        if self._replica:
            await self._replica.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._replica:
            await self._replica.__aexit__()
        for pool in (*self._pools.values(), self._worker, self._audit):
            await pool.close()

    def loads(self) -> dict[str, dict[str, int]]:
        """The metrics of each pool: maximum size, connections in use, and callers that wait for one."""
        named = {role.name if role else "SIGN_IN": pool for role, pool in self._pools.items()}
        return {name: pool.loads for name, pool in {**named, "WORKER": self._worker, "AUDIT": self._audit}.items()}

    async def read(self, viewer: Viewer, sql: str, values: list[Any]) -> asyncpg.Record | None:
        """The one row that a statement returns for a viewer: JSON as bytes and, beside it, the entity ids for the audit log."""
        return await self._read(viewer, entering(viewer, read_only=True), sql, values)

    async def report(self, viewer: Viewer, sql: str, values: list[Any]) -> asyncpg.Record | None:
        """The same for the statement of a report: under the report role where the viewer's own role reads none of what is added up."""
        entered = _REPORTING.format(clinic=viewer.clinic_id) if viewer.role in BY_MONTH else None
        return await self._read(viewer, entered or entering(viewer, read_only=True), sql, values)

    async def _read(self, viewer: Viewer, entered: str, sql: str, values: list[Any]) -> asyncpg.Record | None:
        beside = self._replica.pool(viewer.role, viewer.clinic_id) if self._replica else None
        if beside and self._replica:
            try:
                return await _one_row(beside, entered, sql, values)
            except Exception as failure:
                if not self._replica.failed(failure):
                    raise
        return await _one_row(self._pools[viewer.role], entered, sql, values)

    def entered(
        self,
        viewer: Viewer,
        invoices: Collection[UUID] = (),
        before_commit: list[str] | None = None,
        change_id: UUID | None = None,
    ) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """A viewer's transaction under row-level security; committed at the end, rolled back by an exception.

        It begins with the row locks on `invoices`, if any, and ends with the calls that `before_commit` has by then, each in the
        same query as begin and commit, which saves a round trip. With a `change_id`, the database keeps what changed invoices were before.
        """
        locked = locking(viewer.clinic_id, invoices) if invoices else ""
        entered, pool = (
            entering(viewer, read_only=False) + _GENERIC + _keeping(change_id) + locked,
            self._pools[viewer.role],
        )
        # The list itself: calls are added to it until the transaction ends.
        closing = [] if before_commit is None else before_commit
        if not self._replica:
            return pool.transaction(entered, closing, locks=bool(locked))
        notice = f"select pg_notify('clinic_wrote', '{clinic_wrote(self.hints, viewer.clinic_id)}')"
        closing.append(notice)
        return self._writing(viewer, pool.transaction(entered, closing, locks=bool(locked)))

    @asynccontextmanager
    async def _writing(
        self, viewer: Viewer, entered: AbstractAsyncContextManager[asyncpg.Connection]
    ) -> AsyncIterator[asyncpg.Connection]:
        """A writing transaction: all processes are notified at the commit, this one without delay."""
        try:
            async with entered as connection:
                yield connection
        finally:
            self.wrote(viewer.clinic_id)

    def wrote(self, clinic_id: UUID | None) -> None:
        """Route reads of a clinic to the primary for a while after a write (read your writes); None: of all clinics."""
        if self._replica:
            self._replica.wrote(clinic_id)

    async def price(self, viewer: Viewer, sql: str, values: list[Any]) -> bytes | None:
        """The result of one statement under the pricing role, which reads all prices of the viewer's clinic."""
        entered = _PRICING.format(clinic=viewer.clinic_id)
        async with self._pools[viewer.role].transaction(entered) as connection:
            found: bytes | None = await connection.fetchval(sql, *values)
        return found

    @asynccontextmanager
    async def exporting(self, viewer: Viewer) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
        """Two read-only transactions of a viewer with one shared snapshot and without statement timeout."""
        entered, pool = entering(viewer, read_only=True, snapshot=True) + _AT_LENGTH, self._pools[viewer.role]
        async with pool.transaction(entered) as first, pool.transaction(entered) as second:
            snapshot = await first.fetchval("select pg_export_snapshot()")
            # The snapshot must be set before the first query of the transaction.
            await second.execute(f"set transaction snapshot '{snapshot}'")
            yield first, second

    @asynccontextmanager
    async def signing_in(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction of the sign-in role, which sees users and sessions, and no business data of any clinic."""
        async with self._pools[None].transaction(f"begin; set local role {SIGN_IN}") as connection:
            yield connection

    @asynccontextmanager
    async def auditing(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction of the audit role, which adds events to the audit log of any clinic, and reads nothing."""
        async with self._audit.transaction(f"begin; set local role {AUDIT_ROLE}") as connection:
            yield connection

    async def clinics(self) -> list[asyncpg.Record]:
        """All clinics, with names, time zones, letterheads and calendars, for a job that processes one after the other."""
        async with self.working() as connection:
            return list(await connection.fetch(_CLINICS))

    @asynccontextmanager
    async def working(
        self, clinic_id: UUID | None = None, change_id: UUID | None = None
    ) -> AsyncIterator[asyncpg.Connection]:
        """A transaction of the worker in one clinic; without a clinic it sees the list of clinics, and none of their business data.

        With a `change_id`, the database keeps what changed invoices were before.
        """
        clinic = (f"; set local app.clinic_id = '{clinic_id}'" if clinic_id else "") + _keeping(change_id)
        async with self._worker.transaction(f"begin; set local role {WORKER_ROLE}{clinic}") as connection:
            yield connection


async def _one_row(pool: Pool, entered: str, sql: str, values: list[Any]) -> asyncpg.Record | None:
    """The one row of a statement in a transaction of its own."""
    connection = await pool.acquire()
    try:
        await pool.begin(connection, entered)
        found: asyncpg.Record | None = await connection.fetchrow(sql, *values)
        await connection.execute("commit")
    except BaseException as failure:
        await undo(connection, failure)
        raise
    finally:
        pool.release(connection)
    return found


@asynccontextmanager
async def pricing(connection: asyncpg.Connection, role: Role) -> AsyncIterator[None]:
    """Switch a role's transaction to the pricing role meanwhile; after an exception it must be rolled back."""
    await connection.execute(f"set local role {PRICING_ROLE}")
    yield
    await connection.execute(f"set local role {role_name(role)}")


@asynccontextmanager
async def importing(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Switch a transaction to the import role meanwhile (the owner needs no switch); after an exception it must be rolled back."""
    role = await connection.fetchval("select current_setting('role')")
    if role != "none":
        await connection.execute(f"set local role {IMPORT_ROLE}")
    yield
    if role != "none":
        await connection.execute(f"set local role {role}")


def _keeping(change_id: UUID | None) -> str:
    return f"; set local app.change_id = '{change_id}'" if change_id else ""


def entering(viewer: Viewer, *, read_only: bool, snapshot: bool = False) -> str:
    """The one simple query that begins a viewer's transaction: role from a closed list, ids as UUIDs, no text from a request.

    With a `snapshot`, all of its statements read the same snapshot (repeatable read).
    """
    mode = (" isolation level repeatable read" if snapshot else "") + (" read only" if read_only else "")
    person = f"; set local app.person_id = '{viewer.person_id}'" if viewer.person_id else ""
    return (
        f"begin{mode}; set local role {_ROLE_NAMES[viewer.role]}; set local app.clinic_id = '{viewer.clinic_id}'; "
        f"set local app.user_id = '{viewer.user_id}'{person}"
    )
