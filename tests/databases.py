"""Decides which database a test gets: a copy of its own of one template, which is made once per run."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
from argon2 import PasswordHasher

from imports.demo import load_demo
from server.addresses import Address, bring_up_to_date
from server.embedded import EmbeddedPostgres

TODAY = date(2026, 6, 30)
INVOICES = 400
PASSWORD = "a demo password"
TEMPLATE = "template_demo"
# Any number will do, as long as every worker asks the server for the same lock.
LOCK = 0x74656D70
# What a hash costs is not what these tests are about.
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

_FILES = """insert into exports (clinic_id, id, requested_by, role, kind, format, status, file_name, row_count, created_at, expires_at)
    select clinic_id, gen_random_uuid(), id, role, 'invoices', 'csv', 'expired', 'invoices.csv', 7, now(), now() from users"""


def address_of(server: EmbeddedPostgres, database: str) -> Address:
    """Where a database of the tests' server is."""
    return Address(server.dsn(database=database))


def rows(address: Address, query: str, *values: Any) -> list[asyncpg.Record]:
    """The rows that a query answers to the owner, who sees and may do everything."""

    async def fetch() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(address.owner)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close()

    return asyncio.run(fetch())


def make_template(server: EmbeddedPostgres) -> str:
    """The name of the database with the demo clinic as of TODAY; whichever worker comes first makes it."""
    asyncio.run(_make_once(server))
    return TEMPLATE


async def _make_once(server: EmbeddedPostgres) -> None:
    guard = await asyncpg.connect(server.dsn())
    try:
        await guard.execute("select pg_advisory_lock($1)", LOCK)
        if not await guard.fetchval("select 1 from pg_database where datname = $1", TEMPLATE):
            await guard.execute(f'create database "{TEMPLATE}_unready"')
            await _fill(address_of(server, f"{TEMPLATE}_unready"))
            await guard.execute(f'alter database "{TEMPLATE}_unready" rename to "{TEMPLATE}"')
    finally:
        await guard.close()


@contextmanager
def copied(server: EmbeddedPostgres, template: str) -> Iterator[Address]:
    """A copy of a template, dropped at the end."""
    name, owner = f"copy_{uuid4().hex}", Address(server.dsn())
    rows(owner, f'create database "{name}" template "{template}" strategy file_copy')
    try:
        yield address_of(server, name)
    finally:
        rows(owner, f'drop database "{name}" with (force)')


async def _fill(address: Address) -> None:
    await bring_up_to_date(address)
    connection = await asyncpg.connect(address.owner)
    try:
        await load_demo(connection, today=TODAY, password_hash=CHEAP.hash(PASSWORD), invoices=INVOICES)
        # The demo clinic has asked for no files; here everybody has one, which was kept long enough.
        await connection.execute(_FILES)
    finally:
        await connection.close()
