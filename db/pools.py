"""Decides how the database is entered: one pool per role, and for each transaction the role and the viewer's ids."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import asyncpg

from db.security import SIGN_IN, login_for, role_name
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
_SETTINGS = {"jit": "off", "timezone": "UTC", "statement_timeout": "15000", "idle_in_transaction_session_timeout": "60000"}
_STATEMENTS_KEPT = 400


class Database:
    """The pools of one server process. `dsn_of` gives the address for a login; a role's pool opens when it is first used."""

    def __init__(self, dsn_of: Connect) -> None:
        self._dsn_of = dsn_of
        self._pools: dict[Role | None, asyncpg.Pool] = {}

    async def __aenter__(self) -> Self:
        for role, size in POOL_SIZES.items():
            self._pools[role] = await asyncpg.create_pool(
                self._dsn_of(login_for(role)),
                min_size=0,
                max_size=size,
                server_settings=_SETTINGS,
                statement_cache_size=_STATEMENTS_KEPT,
                max_cached_statement_lifetime=0,
                init=_prepare,
                reset=_keep,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        for pool in self._pools.values():
            await pool.close()

    async def read(self, viewer: Viewer, sql: str, values: list[Any]) -> bytes | None:
        """The JSON that one statement answers to a viewer, as bytes; None for SQL null."""
        async with self.entered(viewer, read_only=True) as connection:
            answer: bytes | None = await connection.fetchval(sql, *values)
            return answer

    @asynccontextmanager
    async def entered(self, viewer: Viewer, *, read_only: bool = False) -> AsyncIterator[asyncpg.Connection]:
        """A transaction in which the database itself knows who asks; committed at the end, rolled back by an exception."""
        async with self._pools[viewer.role].acquire() as connection:
            await connection.execute(entering(viewer, read_only=read_only))
            async with _ending(connection):
                yield connection

    @asynccontextmanager
    async def signing_in(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that sees users and sessions, and nothing of any clinic's work."""
        async with self._pools[None].acquire() as connection:
            await connection.execute(f"begin; set local role {SIGN_IN}")
            async with _ending(connection):
                yield connection


def entering(viewer: Viewer, *, read_only: bool) -> str:
    """The one simple query that begins a viewer's transaction: role from a closed list, ids as UUIDs, nothing from a request."""
    mode = " read only" if read_only else ""
    person = f"; set local app.person_id = '{viewer.person_id}'" if viewer.person_id else ""
    return (
        f"begin{mode}; set local role {role_name(viewer.role)}; set local app.clinic_id = '{viewer.clinic_id}'; "
        f"set local app.user_id = '{viewer.user_id}'{person}"
    )


@asynccontextmanager
async def _ending(connection: asyncpg.Connection) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        # A cancelled or failed statement leaves the connection in an unknown state now and then: a rollback that cannot run ends it.
        try:
            await connection.execute("rollback")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            connection.terminate()
        raise
    await connection.execute("commit")


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=lambda value: value, decoder=bytes, format="binary"
    )


async def _keep(connection: asyncpg.Connection) -> None:
    """Nothing outlives a transaction here, so that the usual reset would be a round trip for nothing."""
