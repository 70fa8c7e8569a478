"""Decides how the database is entered: one pool per role, and for each transaction the role and the viewer's ids."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self
from uuid import UUID

import asyncpg

from db.locks import locking
from db.security import AUDIT_ROLE, PRICING_ROLE, SIGN_IN, STAFF_LOGIN, WORKER_ROLE, login_for, role_name
from domain.people import Role
from permissions.viewers import Viewer

Connect = Callable[[str], str]
# How many connections a role may hold at once; together well below what a small PostgreSQL allows.
POOL_SIZES: dict[Role | None, int] = {
    Role.ADMIN: 6,
    Role.BILLING: 8,
    Role.PHYSICIAN: 4,
    Role.ATTORNEY: 8,
    Role.ANALYST: 4,
    None: 4,
}
_WORKER_POOL_SIZE, _AUDIT_POOL_SIZE = 2, 1
_SETTINGS = {
    "jit": "off",
    "timezone": "UTC",
    "statement_timeout": "15000",
    "idle_in_transaction_session_timeout": "60000",
}
_STATEMENTS_KEPT = 400
# Writes find their rows by key whatever the values are; planned anew each time, they would cost twice as much.
_GENERIC = "; set local plan_cache_mode = force_generic_plan"


class Database:
    """The connections of one server process. `dsn_of` gives the address for a login; connections open when they are needed."""

    def __init__(self, dsn_of: Connect) -> None:
        self._pools = {role: _Pool(dsn_of(login_for(role)), size) for role, size in POOL_SIZES.items()}
        self._worker = _Pool(dsn_of(STAFF_LOGIN), _WORKER_POOL_SIZE)
        self._audit = _Pool(dsn_of(STAFF_LOGIN), _AUDIT_POOL_SIZE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for pool in (*self._pools.values(), self._worker, self._audit):
            await pool.close()

    async def read(self, viewer: Viewer, sql: str, values: list[Any]) -> asyncpg.Record | None:
        """The one row that a statement answers to a viewer: JSON as bytes and, beside it, what it is about."""
        pool = self._pools[viewer.role]
        connection = await pool.acquire()
        try:
            await connection.execute(entering(viewer, read_only=True))
            found: asyncpg.Record | None = await connection.fetchrow(sql, *values)
            await connection.execute("commit")
        except BaseException:
            await _undo(connection)
            raise
        finally:
            pool.release(connection)
        return found

    def entered(
        self, viewer: Viewer, invoices: Collection[UUID] = (), closing: Sequence[str] = ()
    ) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """A transaction in which the database itself knows who asks; committed at the end, rolled back by an exception.

        It begins with a lock on `invoices`, where there are any, and ends with `closing`, the calls that stand there then;
        each spares a round trip.
        """
        locked = locking(viewer.clinic_id, invoices) if invoices else ""
        return self._pools[viewer.role].transaction(entering(viewer, read_only=False) + _GENERIC + locked, closing)

    async def price(self, viewer: Viewer, sql: str, values: list[Any]) -> bytes | None:
        """What one statement answers that reads the prices of a viewer's clinic, whatever of them the viewer may see."""
        entered = f"begin read only; set local role {PRICING_ROLE}; set local app.clinic_id = '{viewer.clinic_id}'"
        async with self._pools[viewer.role].transaction(entered) as connection:
            found: bytes | None = await connection.fetchval(sql, *values)
        return found

    @asynccontextmanager
    async def signing_in(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that sees users and sessions, and nothing of any clinic's work."""
        async with self._pools[None].transaction(f"begin; set local role {SIGN_IN}") as connection:
            yield connection

    @asynccontextmanager
    async def auditing(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that adds events to the audit trail of any clinic, and reads nothing."""
        async with self._audit.transaction(f"begin; set local role {AUDIT_ROLE}") as connection:
            yield connection

    @asynccontextmanager
    async def working(self, clinic_id: UUID | None = None) -> AsyncIterator[asyncpg.Connection]:
        """A transaction of the worker in one clinic; without clinic it sees which clinics there are, and nothing of their work."""
        clinic = f"; set local app.clinic_id = '{clinic_id}'" if clinic_id else ""
        async with self._worker.transaction(f"begin; set local role {WORKER_ROLE}{clinic}") as connection:
            yield connection


@asynccontextmanager
async def pricing(connection: asyncpg.Connection, role: Role) -> AsyncIterator[None]:
    """Have a transaction that was entered for a role read prices meanwhile; after an exception it is to be rolled back."""
    await connection.execute(f"set local role {PRICING_ROLE}")
    yield
    await connection.execute(f"set local role {role_name(role)}")


class _Pool:
    """The connections of one role. asyncpg's own pool costs a task, a shield and a proxy for each use, a sixth of a small read."""

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn, self._turns = dsn, asyncio.Semaphore(size)
        self._free: list[asyncpg.Connection] = []

    async def acquire(self) -> asyncpg.Connection:
        """A connection that nobody else uses, when it is this caller's turn."""
        await self._turns.acquire()
        try:
            while self._free:
                connection = self._free.pop()
                if not connection.is_closed():
                    return connection
            return await _connect(self._dsn)
        except BaseException:
            self._turns.release()
            raise

    def release(self, connection: asyncpg.Connection) -> None:
        """Hand a connection back, outside of any transaction."""
        if not connection.is_closed():
            self._free.append(connection)
        self._turns.release()

    @asynccontextmanager
    async def transaction(self, entering: str, closing: Sequence[str] = ()) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that begins with one simple query, and ends with another."""
        connection = await self.acquire()
        try:
            await connection.execute(entering)
            yield connection
            await connection.execute("; ".join((*closing, "commit")))
        except BaseException:
            await _undo(connection)
            raise
        finally:
            self.release(connection)

    async def close(self) -> None:
        """Close what is free; connections in use are closed by whoever hands them back last."""
        while self._free:
            await self._free.pop().close()


async def _connect(dsn: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(
        dsn, server_settings=_SETTINGS, statement_cache_size=_STATEMENTS_KEPT, max_cached_statement_lifetime=0
    )
    # Answers are read as the bytes that they are sent on as.
    await connection.set_type_codec("json", schema="pg_catalog", encoder=_as_it_is, decoder=bytes, format="binary")
    return connection


def _as_it_is(value: bytes) -> bytes:
    return value


async def _undo(connection: asyncpg.Connection) -> None:
    """Roll back; a connection in which that is not possible any more, as after a cancelled statement, is ended."""
    try:
        await connection.execute("rollback")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()


def entering(viewer: Viewer, *, read_only: bool) -> str:
    """The one simple query that begins a viewer's transaction: role from a closed list, ids as UUIDs, nothing from a request."""
    mode = " read only" if read_only else ""
    person = f"; set local app.person_id = '{viewer.person_id}'" if viewer.person_id else ""
    return (
        f"begin{mode}; set local role {role_name(viewer.role)}; set local app.clinic_id = '{viewer.clinic_id}'; "
        f"set local app.user_id = '{viewer.user_id}'{person}"
    )
