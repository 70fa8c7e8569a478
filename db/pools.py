"""Decides how the database is entered: one pool per role, and for each transaction the role and the viewer's ids."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Self
from uuid import UUID

import asyncpg

from db.connections import Logged, Pool, undo
from db.locks import locking
from db.replica import Replica
from db.security import AUDIT_ROLE, IMPORT_ROLE, PRICING_ROLE, SIGN_IN, STAFF_LOGIN, WORKER_ROLE, login_for, role_name
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
_CLINICS = "select clinic_id, short_name, name, time_zone from clinics order by clinic_id"
# Writes find their rows by key whatever the values are; planned anew each time, they would cost twice as much.
_GENERIC = "; set local plan_cache_mode = force_generic_plan"


# A file is read by one statement that sorts and joins all of its rows.
_AT_LENGTH = (
    "; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local work_mem = '64MB'"
)


class Database:
    """The connections of one server process. `dsn_of` gives the address for a login; connections open when they are needed."""

    def __init__(
        self,
        dsn_of: Connect,
        logged: Logged | None = None,
        *,
        pooled: Connect | None = None,
        replica: Connect | None = None,
    ) -> None:
        """`logged` hears of every statement when it is over; `pooled` addresses lead through a pooler, those of a `replica` to one."""

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
        """How many connections each pool may have, how many are used, and how many callers wait for one."""
        named = {role.name if role else "SIGN_IN": pool for role, pool in self._pools.items()}
        return {name: pool.loads for name, pool in {**named, "WORKER": self._worker, "AUDIT": self._audit}.items()}

    async def read(self, viewer: Viewer, sql: str, values: list[Any]) -> asyncpg.Record | None:
        """The one row that a statement answers to a viewer: JSON as bytes and, beside it, what it is about."""
        beside = self._replica.pool(viewer.role, viewer.clinic_id) if self._replica else None
        if beside and self._replica:
            try:
                return await self._read(beside, viewer, sql, values)
            except Exception as failure:
                if not self._replica.failed(failure):
                    raise
        return await self._read(self._pools[viewer.role], viewer, sql, values)

    async def _read(self, pool: Pool, viewer: Viewer, sql: str, values: list[Any]) -> asyncpg.Record | None:
        connection = await pool.acquire()
        try:
            await pool.begin(connection, entering(viewer, read_only=True))
            found: asyncpg.Record | None = await connection.fetchrow(sql, *values)
            await connection.execute("commit")
        except BaseException:
            await undo(connection)
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
        entered, pool = entering(viewer, read_only=False) + _GENERIC + locked, self._pools[viewer.role]
        if not self._replica:
            return pool.transaction(entered, closing, locks=bool(locked))
        told = f"""select pg_notify('clinic_wrote', '{{"clinic": "{viewer.clinic_id}"}}')"""
        return self._writing(viewer, pool.transaction(entered, (*closing, told), locks=bool(locked)))

    @asynccontextmanager
    async def _writing(
        self, viewer: Viewer, entered: AbstractAsyncContextManager[asyncpg.Connection]
    ) -> AsyncIterator[asyncpg.Connection]:
        """A transaction of which every process hears, this one at once."""
        try:
            async with entered as connection:
                yield connection
        finally:
            self.wrote(viewer.clinic_id)

    def wrote(self, clinic_id: UUID | None) -> None:
        """Have what was written in a clinic be read by everybody from now on; None: perhaps in any of them."""
        if self._replica:
            self._replica.wrote(clinic_id)

    async def price(self, viewer: Viewer, sql: str, values: list[Any]) -> bytes | None:
        """What one statement answers that reads the prices of a viewer's clinic, whatever of them the viewer may see."""
        entered = f"begin read only; set local role {PRICING_ROLE}; set local app.clinic_id = '{viewer.clinic_id}'"
        async with self._pools[viewer.role].transaction(entered) as connection:
            found: bytes | None = await connection.fetchval(sql, *values)
        return found

    @asynccontextmanager
    async def exporting(self, viewer: Viewer) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
        """Two transactions that read as a viewer, from one snapshot, for as long as it takes."""
        entered, pool = entering(viewer, read_only=True, snapshot=True) + _AT_LENGTH, self._pools[viewer.role]
        async with pool.transaction(entered) as first, pool.transaction(entered) as second:
            snapshot = await first.fetchval("select pg_export_snapshot()")
            # Nothing was read yet that would be of another one.
            await second.execute(f"set transaction snapshot '{snapshot}'")
            yield first, second

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

    async def clinics(self) -> list[asyncpg.Record]:
        """Which clinics there are, with their names and time zones, for a job that works in one after the other."""
        async with self.working() as connection:
            return list(await connection.fetch(_CLINICS))

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


@asynccontextmanager
async def importing(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Have a transaction add invoices with their past meanwhile; the owner may do so anyway. After an exception it is to be rolled back."""
    role = await connection.fetchval("select current_setting('role')")
    if role != "none":
        await connection.execute(f"set local role {IMPORT_ROLE}")
    yield
    if role != "none":
        await connection.execute(f"set local role {role}")


def entering(viewer: Viewer, *, read_only: bool, snapshot: bool = False) -> str:
    """The one simple query that begins a viewer's transaction: role from a closed list, ids as UUIDs, nothing from a request.

    With a `snapshot`, all of its statements read what there was when the first one began.
    """
    mode = (" isolation level repeatable read" if snapshot else "") + (" read only" if read_only else "")
    person = f"; set local app.person_id = '{viewer.person_id}'" if viewer.person_id else ""
    return (
        f"begin{mode}; set local role {role_name(viewer.role)}; set local app.clinic_id = '{viewer.clinic_id}'; "
        f"set local app.user_id = '{viewer.user_id}'{person}"
    )
