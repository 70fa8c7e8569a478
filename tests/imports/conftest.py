"""The fixtures of the import tests: an empty, migrated database for each test."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from server.database_urls import bring_up_to_date
from server.embedded.postgres import EmbeddedPostgres
from tests.imports.database import Database
from tests.support.databases import LOCK, address_of, copied

TEMPLATE = "template_empty"


async def _make_once(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        if not await connection.fetchval("select 1 from pg_database where datname = $1", TEMPLATE):
            await connection.execute(f'create database "{TEMPLATE}_unready"')
            await bring_up_to_date(address_of(server, f"{TEMPLATE}_unready"))
            await connection.execute(f'alter database "{TEMPLATE}_unready" rename to "{TEMPLATE}"')
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def empty_template(postgres_server: EmbeddedPostgres) -> str:
    """The name of a database that is copied for each test, because a copy is faster than migrations."""
    asyncio.run(_make_once(postgres_server))
    return TEMPLATE


@pytest.fixture
def database(postgres_server: EmbeddedPostgres, empty_template: str) -> Iterator[Database]:
    """An empty database that is dropped after the test."""
    with copied(postgres_server, empty_template) as copy:
        yield Database(copy.owner)


@pytest.fixture
def other_database(postgres_server: EmbeddedPostgres, empty_template: str) -> Iterator[Database]:
    """A second empty database, for tests that compare two imports."""
    with copied(postgres_server, empty_template) as copy:
        yield Database(copy.owner)
