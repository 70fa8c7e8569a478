"""Decides that every test of an import begins with an empty, migrated database."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from server.addresses import bring_up_to_date
from server.embedded import EmbeddedPostgres
from tests.databases import LOCK, address_of, copied
from tests.imports.database import Database

TEMPLATE = "template_empty"


async def _make_once(server: EmbeddedPostgres) -> None:
    guard = await asyncpg.connect(server.dsn())
    try:
        await guard.execute("select pg_advisory_lock($1)", LOCK)
        if not await guard.fetchval("select 1 from pg_database where datname = $1", TEMPLATE):
            await guard.execute(f'create database "{TEMPLATE}_unready"')
            await bring_up_to_date(address_of(server, f"{TEMPLATE}_unready"))
            await guard.execute(f'alter database "{TEMPLATE}_unready" rename to "{TEMPLATE}"')
    finally:
        await guard.close()


@pytest.fixture(scope="session")
def empty_template(postgres_server: EmbeddedPostgres) -> str:
    """The name of a database that is copied for each test, because a copy is faster than migrations."""
    asyncio.run(_make_once(postgres_server))
    return TEMPLATE


@pytest.fixture
def database(postgres_server: EmbeddedPostgres, empty_template: str) -> Iterator[Database]:
    """An empty database, gone after the test."""
    with copied(postgres_server, empty_template) as copy:
        yield Database(copy.owner)


@pytest.fixture
def other_database(postgres_server: EmbeddedPostgres, empty_template: str) -> Iterator[Database]:
    """A second empty database, for what must come out alike twice."""
    with copied(postgres_server, empty_template) as copy:
        yield Database(copy.owner)
