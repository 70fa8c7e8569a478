"""The databases of the tests: each is a copy of one template, which is made once per run."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
from argon2 import PasswordHasher

from imports.demo.load import load_demo
from server.database_urls import DatabaseUrls, bring_up_to_date
from server.embedded.postgres import EmbeddedPostgres
from tests.support.owner_connection import ask, leave

TODAY = date(2026, 6, 30)
INVOICES = 400
PASSWORD = "a demo password"
TEMPLATE = "template_demo"
# Any number, as long as every test worker takes the same advisory lock.
LOCK = 0x74656D70
# Cheap password hashes: these tests are not about their cost.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

_FILES = """insert into exports (clinic_id, id, requested_by, role, kind, format, status, file_name, row_count, created_at, expires_at)
    select clinic_id, gen_random_uuid(), id, role, 'invoices', 'csv', 'expired', 'invoices.csv', 7, now(), now() from users"""


def address_of(server: EmbeddedPostgres, database: str) -> DatabaseUrls:
    """The address of a database of the tests' server."""
    return DatabaseUrls(server.dsn(database=database))


def rows(address: DatabaseUrls, query: str, *values: Any) -> list[asyncpg.Record]:
    """The rows of a query that runs as the owner, who has all rights."""
    return list(ask(address.owner, lambda connection: connection.fetch(query, *values)))


def make_template(server: EmbeddedPostgres) -> str:
    """The name of the database with the demo clinic as of TODAY; the first test worker makes it."""
    asyncio.run(_make_once(server))
    return TEMPLATE


async def _make_once(server: EmbeddedPostgres) -> None:
    guard = await asyncpg.connect(server.dsn())
    try:
        await guard.execute("select pg_advisory_lock($1)", LOCK)
        if not await guard.fetchval("select 1 from pg_database where datname = $1", TEMPLATE):
            await guard.execute(f'create database "{TEMPLATE}_unready"')
            await fill(address_of(server, f"{TEMPLATE}_unready"))
            await guard.execute(f'alter database "{TEMPLATE}_unready" rename to "{TEMPLATE}"')
    finally:
        await guard.close()


@contextmanager
def copied(server: EmbeddedPostgres, template: str) -> Iterator[DatabaseUrls]:
    """A copy of a template, dropped at the end."""
    name, owner = f"copy_{uuid4().hex}", DatabaseUrls(server.dsn())
    rows(owner, f'create database "{name}" template "{template}" strategy file_copy')
    # Rights on a database itself are not copied with it; in a migrated one, temporary objects are the owner's alone.
    rows(owner, f'revoke temporary on database "{name}" from public')
    try:
        yield address_of(server, name)
    finally:
        leave(server.dsn(database=name))
        rows(owner, f'drop database "{name}" with (force)')


async def fill(address: DatabaseUrls) -> None:
    """Migrate an empty database and load the demo clinic into it."""
    await bring_up_to_date(address)
    connection = await asyncpg.connect(address.owner)
    try:
        await load_demo(connection, today=TODAY, password_hash=CHEAP.hash(PASSWORD), invoices=INVOICES)
        # Tests record the codes that they like: the clinic's list has none in use.
        await connection.execute("update reason_codes set active = false")
        # The demo clinic has no exports; here every user has one, which has expired.
        await connection.execute(_FILES)
    finally:
        await connection.close()
