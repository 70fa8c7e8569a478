"""A pool of connections after cancelled statements, and after connections that PostgreSQL has ended."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from db.connections import OUTAGES, Pool
from server.database_urls import DatabaseUrls

pytestmark = pytest.mark.asyncio


@pytest.fixture
async def pool(address: DatabaseUrls) -> AsyncIterator[Pool]:
    pool = Pool(address.owner, 1)
    yield pool
    await pool.close()


async def _sleep_in_transaction(pool: Pool) -> None:
    async with pool.transaction("begin") as connection:
        await connection.execute("create temp table kept (id int)")
        await connection.fetch("select pg_sleep(30)")


@pytest.mark.parametrize("cancellations", [1, 2])
async def test_a_transaction_cancelled_again_while_it_is_rolled_back_is_not_continued_by_the_next_caller(
    pool: Pool, cancellations: int
) -> None:
    task = asyncio.create_task(_sleep_in_transaction(pool))
    await asyncio.sleep(0.3)
    for _ in range(cancellations):
        task.cancel()
        # The first turn begins the cancelled statement's rollback, which the next cancellation meets.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    async with pool.transaction("begin") as connection:
        assert await connection.fetchval("select to_regclass('pg_temp.kept') is null")
    assert pool.loads["used"] == 0


async def test_a_connection_released_inside_a_transaction_is_not_used_again(pool: Pool) -> None:
    connection = await pool.acquire()
    await pool.begin(connection, "begin")
    pool.release(connection)
    again = await pool.acquire()
    assert again is not connection
    assert connection.is_closed()
    pool.release(again)


async def _query_after_the_end(pool: Pool, killer: asyncpg.Connection, turns: int) -> None:
    async with pool.transaction("begin") as connection:
        await killer.execute("select pg_terminate_backend($1)", connection.get_server_pid())
        time.sleep(0.2)  # noqa: ASYNC251 (the event loop stands still meanwhile)
        for _ in range(turns):
            await asyncio.sleep(0)
        await connection.fetch("select 1")


@pytest.mark.parametrize("turns", [0, 1, 2, 20])
async def test_a_connection_that_postgresql_has_ended_is_an_outage_and_not_an_internal_error(
    pool: Pool, address: DatabaseUrls, turns: int
) -> None:
    """The message of the end and the end of the socket may be read in different turns of the event loop, the next statement between."""
    killer = await asyncpg.connect(address.owner)
    with pytest.raises(OUTAGES):
        await _query_after_the_end(pool, killer, turns)
    await killer.close()
    async with pool.transaction("begin") as connection:
        assert await connection.fetchval("select 1") == 1
