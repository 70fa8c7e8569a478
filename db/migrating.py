"""Decides how a database is brought to the state of this code: Alembic's migrations, then the database's own lock."""

from collections.abc import Iterable
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.security import without_policies

# One migration at a time on one database, from however many hosts.
_MIGRATING = 0x62696C6C


async def migrate(dsn: str, lock_statements: Iterable[str], *, revision: str = "head") -> None:
    """Bring a database to a revision and, when that is the head, its roles, grants and policies to what the rules say.

    `dsn` is the owner's. `lock_statements` come from db/security.py. Safe to run from many hosts at once.
    """
    guard = await asyncpg.connect(dsn)
    try:
        await guard.execute("select pg_advisory_lock($1)", _MIGRATING)
        if revision == "base":
            # Policies look at other tables, which could not be dropped under them.
            await guard.execute(without_policies("public"))
        await _run(dsn, revision)
        if revision == "head":
            async with guard.transaction():
                await guard.execute("set local lock_timeout = '5s'")
                for statement in lock_statements:
                    await guard.execute(statement)
    finally:
        await guard.close()


async def _run(dsn: str, revision: str) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: _alembic(sync, revision))
    finally:
        await engine.dispose()


def _alembic(connection: Connection, revision: str) -> None:
    config = alembic_config(connection)
    if revision in ("head", "+1"):
        command.upgrade(config, revision)
    else:
        command.downgrade(config, revision)


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
