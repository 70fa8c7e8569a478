"""Runs a violation in a database without the constraints that prevent it, and finds the laws that are broken then."""

from typing import Any

import asyncpg

from db.verify import Breach, find_breaches
from server.database_urls import DatabaseUrls
from tests.support.owner_connection import ask

# Foreign keys and checks prevent the violations, so that they are dropped first, as only the owner can; triggers do not fire.
UNGUARD = """do $$ declare c record; begin
    for c in select conrelid::regclass as of_table, conname from pg_constraint where contype in ('c', 'f')
        and connamespace = 'public'::regnamespace and conparentid = 0
    loop execute format('alter table %s drop constraint %I', c.of_table, c.conname); end loop; end $$"""


def after(unguarded: DatabaseUrls, violation: str, target: str = "select null") -> tuple[Any, tuple[Breach, ...]]:
    """Run a violation, and return the id of its target and the breaches found; the transaction is rolled back."""

    async def violate(connection: asyncpg.Connection) -> tuple[Any, tuple[Breach, ...]]:
        transaction = connection.transaction()
        await transaction.start()
        try:
            identity = await connection.fetchval(target)
            await connection.execute("set local session_replication_role = replica")
            await connection.execute(violation.replace("$", f"'{identity}'"))
            return identity, await find_breaches(connection)
        finally:
            await transaction.rollback()

    found: tuple[Any, tuple[Breach, ...]] = ask(unguarded.owner, violate)
    return found
