"""Queries as the database's owner: one connection for each database, kept between queries.

A new connection costs a process of PostgreSQL that has to read the catalog first, which is most of the time of a short query.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import asyncpg

# Few databases are in use at the same time; more connections would be idle processes of PostgreSQL.
_KEPT = 4

Question = Callable[[asyncpg.Connection], Awaitable[Any]]

_connections: dict[str, asyncpg.Connection] = {}


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of the kept connections, in a thread of its own, so that tests with and without an event loop can use it."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="owner", daemon=True).start()
    return loop


def ask(dsn: str, question: Question) -> Any:
    """Run a query as the owner of a database; returns its result. Settings and locks of the session end with the query."""
    return asyncio.run_coroutine_threadsafe(_ask(dsn, question), _loop()).result()


def leave(dsn: str) -> None:
    """Close the connection to a database, if there is one: before it is dropped or copied."""
    asyncio.run_coroutine_threadsafe(_leave(dsn), _loop()).result()


async def _ask(dsn: str, question: Question) -> Any:
    # Two threads of a test may query at once: a connection in use is not available to the other thread.
    connection = _connections.pop(dsn, None)
    if connection is None or connection.is_closed():
        # Tests change tables under the connection, so that a cached plan could be invalid.
        connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        answer = await question(connection)
        await connection.reset()
    except BaseException:
        await _close(connection)
        raise
    await _keep(dsn, connection)
    return answer


async def _keep(dsn: str, connection: asyncpg.Connection) -> None:
    await _leave(dsn)
    _connections[dsn] = connection
    if len(_connections) > _KEPT:
        await _leave(next(iter(_connections)))


async def _leave(dsn: str) -> None:
    if (connection := _connections.pop(dsn, None)) is not None:
        await _close(connection)


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=5)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()
