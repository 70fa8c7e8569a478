"""Decides how the connections of one role are opened, shared, and handed back whatever has happened on them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import asyncpg
from asyncpg.connection import LoggedQuery

# How long somebody waits for a connection of the role, for one to be opened, and for what failed to be rolled back.
_TURN_SECONDS, _CONNECT_SECONDS, _ROLLBACK_SECONDS = 5.0, 5.0, 2.0
# What has rested for longer is asked first whether anybody is there, so that no request waits for a PostgreSQL that answers
# nothing; and how long it has to answer, and to begin a transaction that waits for nobody.
_RESTED_SECONDS, _ANSWER_SECONDS = 1.0, 2.0
_SETTINGS = {
    "jit": "off",
    "timezone": "UTC",
    "statement_timeout": "15000",
    "idle_in_transaction_session_timeout": "60000",
}
# A pooler takes no settings with a connection, and hands none on to the next transaction.
_SET_LOCAL = "".join(f"; set local {name} = '{value}'" for name, value in _SETTINGS.items())
_STATEMENTS_KEPT = 400


Logged = Callable[[LoggedQuery], None]


class BusyError(ConnectionError):
    """All connections of a role were in use for as long as somebody may wait for one."""


class Pool:
    """The connections of one role. asyncpg's own pool costs a task, a shield and a proxy for each use, a sixth of a small read."""

    def __init__(self, dsn: str, size: int, logged: Logged | None = None, *, is_pooled: bool = False) -> None:
        """Where the address `is_pooled`, it leads through a pooler that gives each transaction some connection of its own."""
        self._dsn, self._logged, self._turns = dsn, logged, asyncio.Semaphore(size)
        self._is_pooled = is_pooled
        # A pooler may have everybody wait for a turn, as we do ourselves.
        self._answer_seconds = _TURN_SECONDS if is_pooled else _ANSWER_SECONDS
        # Each with the moment since which it rests.
        self._free: list[tuple[asyncpg.Connection, float]] = []
        self._size, self._used, self._waiting = size, 0, 0

    @property
    def loads(self) -> dict[str, int]:
        """How many connections there may be, how many are used, and how many callers wait for one."""
        return {"size": self._size, "used": self._used, "waiting": self._waiting}

    async def acquire(self) -> asyncpg.Connection:
        """A connection that nobody else uses, when it is this caller's turn; BusyError when that takes too long."""
        began = monotonic()
        if self._turns.locked():
            await self._wait()
        else:
            await self._turns.acquire()
        self._used += 1
        try:
            while self._free:
                connection, since = self._free.pop()
                if await _is_there(connection, since, self._answer_seconds):
                    return connection
            # Who has waited for a turn has not as much patience left.
            patience = max(_ANSWER_SECONDS, _CONNECT_SECONDS - (monotonic() - began))
            return await _connect(self._dsn, patience, self._logged, is_pooled=self._is_pooled)
        except BaseException:
            self._leave()
            raise

    async def _wait(self) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise BusyError from None
        finally:
            self._waiting -= 1

    def _leave(self) -> None:
        self._used -= 1
        self._turns.release()

    def release(self, connection: asyncpg.Connection) -> None:
        """Hand a connection back, outside of any transaction."""
        if not connection.is_closed():
            self._free.append((connection, monotonic()))
        self._leave()

    async def begin(self, connection: asyncpg.Connection, entering: str, *, locks: bool = False) -> None:
        """Begin a transaction by one simple query, whose first statement says `begin`; where it `locks`, it may wait for others."""
        if self._is_pooled:
            begun, _, rest = entering.partition(";")
            entering = f"{begun}{_SET_LOCAL};{rest}"
        await (connection.execute(entering) if locks else at_once(connection, entering, self._answer_seconds))

    @asynccontextmanager
    async def transaction(
        self, entering: str, closing: Sequence[str] = (), *, locks: bool = False
    ) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that begins with one simple query, and ends with another; where the first `locks`, it may wait for others."""
        connection = await self.acquire()
        try:
            await self.begin(connection, entering, locks=locks)
            yield connection
            await connection.execute("; ".join((*closing, "commit")))
        except BaseException:
            await undo(connection)
            raise
        finally:
            self.release(connection)

    async def close(self) -> None:
        """Close what is free; connections in use are closed by whoever hands them back last."""
        while self._free:
            await self._free.pop()[0].close()


async def _connect(dsn: str, patience_seconds: float, logged: Logged | None, *, is_pooled: bool) -> asyncpg.Connection:
    connection = await asyncpg.connect(
        dsn,
        timeout=patience_seconds,
        server_settings=None if is_pooled else _SETTINGS,
        statement_cache_size=0 if is_pooled else _STATEMENTS_KEPT,
        max_cached_statement_lifetime=0,
    )
    # Answers are read as the bytes that they are sent on as.
    await connection.set_type_codec("json", schema="pg_catalog", encoder=_as_it_is, decoder=bytes, format="binary")
    if logged:
        connection.add_query_logger(logged)
    return connection


def _as_it_is(value: bytes) -> bytes:
    return value


async def _is_there(connection: asyncpg.Connection, since: float, seconds: float) -> bool:
    """Whether a connection can be used that rests since a moment; TimeoutError when nobody answers on it."""
    if connection.is_closed() or monotonic() - since < _RESTED_SECONDS:
        return not connection.is_closed()
    try:
        await at_once(connection, "select", seconds)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError):
        # It was closed from the other side; another may be better.
        connection.terminate()
    return not connection.is_closed()


async def at_once(connection: asyncpg.Connection, statement: str, seconds: float) -> None:
    """Execute what waits for nobody; a connection on which even that is not answered is ended, with TimeoutError."""
    try:
        await connection.execute(statement, timeout=seconds)
    except BaseException:
        # A rollback would be waited for as long again; and what was called off may have had no answer yet.
        connection.terminate()
        raise


async def undo(connection: asyncpg.Connection) -> None:
    """Roll back; a connection in which that is not possible any more, or takes too long, is ended.

    A statement that was called off is cancelled in PostgreSQL first: asyncpg waits for that.
    """
    try:
        async with asyncio.timeout(_ROLLBACK_SECONDS):
            await connection.execute("rollback")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()
