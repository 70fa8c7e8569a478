"""The connection pool of one role: acquires, checks and releases connections, also after errors and timeouts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic

import asyncpg
from asyncpg.connection import LoggedQuery

from observability import outages

# The timeouts for acquiring a connection from the pool, for opening one, and for a rollback.
_TURN_SECONDS, _CONNECT_SECONDS, _ROLLBACK_SECONDS = 5.0, 5.0, 2.0
# A connection that was idle for longer is checked before use, so that no request waits for a PostgreSQL that does not answer;
# and the timeout for that check and for the begin of a transaction that takes no locks.
_RESTED_SECONDS, _ANSWER_SECONDS = 1.0, 2.0
_SETTINGS = {
    "jit": "off",
    "timezone": "UTC",
    "statement_timeout": "15000",
    "idle_in_transaction_session_timeout": "60000",
}
# A transaction pooler (PgBouncer) accepts no settings at connect and keeps none between transactions.
_SET_LOCAL = "".join(f"; set local {name} = '{value}'" for name, value in _SETTINGS.items())
_STATEMENTS_KEPT = 400
# The list of action items is a longer statement than asyncpg keeps by default, and would be planned anew for each request.
_LONGEST_KEPT_BYTES = 64 * 1024


# The database cannot be reached, or the connection was lost: a retry may help.
OUTAGES = outages.OUTAGES

Logged = Callable[[LoggedQuery], None]


class BusyError(ConnectionError):
    """All connections of the pool stayed in use for the whole timeout."""


class Pool:
    """The connection pool of one role. asyncpg's own costs a task, a shield and a proxy for each use, a sixth of a small read."""

    def __init__(self, dsn: str, size: int, logged: Logged | None = None, *, is_pooled: bool = False) -> None:
        """`size` limits the connections; `is_pooled`: the address leads through a transaction pooler such as PgBouncer."""
        self._dsn, self._logged, self._turns = dsn, logged, asyncio.Semaphore(size)
        self._is_pooled = is_pooled
        # A transaction pooler may queue clients for a connection, as this pool does.
        self._answer_seconds = _TURN_SECONDS if is_pooled else _ANSWER_SECONDS
        # Each idle connection with the moment of its release.
        self._free: list[tuple[asyncpg.Connection, float]] = []
        self._size, self._used, self._waiting = size, 0, 0

    @property
    def loads(self) -> dict[str, int]:
        """The pool's metrics: maximum size, connections in use, and callers that wait for one."""
        return {"size": self._size, "used": self._used, "waiting": self._waiting}

    async def acquire(self) -> asyncpg.Connection:
        """A connection for this caller alone, in order of arrival; BusyError after the timeout."""
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
            # The time spent in the queue counts against the connect timeout.
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
        """Return a connection to the pool; one whose transaction has not ended is terminated, so that the next caller cannot commit it."""
        if not connection.is_closed():
            if connection.is_in_transaction():
                connection.terminate()
            else:
                self._free.append((connection, monotonic()))
        self._leave()

    async def begin(self, connection: asyncpg.Connection, entering: str, *, locks: bool = False) -> None:
        """Begin a transaction by one simple query that starts with `begin`; where it `locks` rows, the short timeout does not apply."""
        if self._is_pooled:
            begun, _, rest = entering.partition(";")
            entering = f"{begun}{_SET_LOCAL};{rest}"
        await (connection.execute(entering) if locks else at_once(connection, entering, self._answer_seconds))

    @asynccontextmanager
    async def transaction(
        self, entering: str, closing: Sequence[str] = (), *, locks: bool = False
    ) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that begins and ends with one simple query each; where the first `locks` rows, it may wait for other transactions."""
        connection = await self.acquire()
        try:
            await self.begin(connection, entering, locks=locks)
            yield connection
            await connection.execute("; ".join((*closing, "commit")))
        except BaseException as failure:
            await undo(connection, failure)
            raise
        finally:
            self.release(connection)

    async def close(self) -> None:
        """Close the idle connections; those in use are not closed."""
        while self._free:
            await self._free.pop()[0].close()


async def _connect(dsn: str, patience_seconds: float, logged: Logged | None, *, is_pooled: bool) -> asyncpg.Connection:
    connection = await asyncpg.connect(
        dsn,
        timeout=patience_seconds,
        server_settings=None if is_pooled else _SETTINGS,
        statement_cache_size=0 if is_pooled else _STATEMENTS_KEPT,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=_LONGEST_KEPT_BYTES,
    )
    # JSON results stay bytes, which are sent to the client unchanged.
    await connection.set_type_codec("json", schema="pg_catalog", encoder=_as_it_is, decoder=bytes, format="binary")
    if logged:
        connection.add_query_logger(logged)
    return connection


def _as_it_is(value: bytes) -> bytes:
    return value


async def _is_there(connection: asyncpg.Connection, since: float, seconds: float) -> bool:
    """Whether a connection that was idle since a moment is alive; TimeoutError when PostgreSQL does not answer on it."""
    if connection.is_closed() or monotonic() - since < _RESTED_SECONDS:
        return not connection.is_closed()
    try:
        await at_once(connection, "select", seconds)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError):
        # The server has closed it; the caller tries another one.
        connection.terminate()
    return not connection.is_closed()


async def at_once(connection: asyncpg.Connection, statement: str, seconds: float) -> None:
    """Execute a statement that takes no locks, with a timeout; a connection on which it fails is terminated, TimeoutError included."""
    try:
        await connection.execute(statement, timeout=seconds)
    except BaseException:
        # A rollback could take as long again, and a cancelled statement may still be running.
        connection.terminate()
        raise


async def undo(connection: asyncpg.Connection, failure: BaseException) -> None:
    """Roll back after a failure; a connection on which that is impossible, exceeds the timeout or is cancelled, is terminated.

    A cancelled statement is first cancelled in PostgreSQL too: asyncpg waits for that. Raises ConnectionError where PostgreSQL had
    ended the connection before the statement was sent: asyncpg reports that as an error of its caller or of itself.
    """
    is_lost = isinstance(failure, asyncpg.InternalClientError) or (
        isinstance(failure, asyncpg.InterfaceError) and connection.is_closed()
    )
    try:
        async with asyncio.timeout(_ROLLBACK_SECONDS):
            await connection.execute("rollback")
    except Exception:  # noqa: BLE001 (whatever it was, the connection is of no more use, and the caller raises what failed first)
        connection.terminate()
    except BaseException:
        connection.terminate()
        raise
    if is_lost:
        raise ConnectionError("PostgreSQL has ended the connection") from failure
