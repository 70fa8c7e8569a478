"""Migrates a database to the version of this code: Alembic's migrations, then roles, grants, policies and the lifecycle guard."""

from collections.abc import Callable, Iterable
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.ledger.restated import fill_missing
from db.security.ownership import ownership
from db.security.policies import without_policies
from db.security.policy_version import PolicyVersion, Standing, standing, store

Tell = Callable[[str], None]
# An advisory lock: one migration at a time on one database, from any number of hosts.
_MIGRATING = 0x62696C6C


def _tell_nobody(words: str) -> None:
    """Says nothing."""


async def migrate(
    dsn: str,
    version: PolicyVersion | None = None,
    logins: Iterable[str] = (),
    *,
    revision: str = "head",
    tell: Tell = _tell_nobody,
) -> Standing:
    """Bring a database to a revision and, with a `version`, set its roles, grants, policies and lifecycle guard.

    `dsn` is that of the database's owner or of a superuser; the migrations themselves run as the role that owns the tables.
    `version` belongs to the newest revision and comes from db/security/policy_version.py; `logins` are the statements that
    set the passwords of the server's logins. A database of a newer version is left as it is. Safe to run from many hosts at
    once. Returns how the database stood before; `tell` is called with each step that was taken.
    """
    guard = await asyncpg.connect(dsn)
    try:
        await guard.execute("select pg_advisory_lock($1)", _MIGRATING)
        before = await standing(guard, version, by_catalog=True) if version else Standing.OLDER
        if before is Standing.NEWER:
            return before
        await _bring_up(guard, dsn, revision, tell)
        if version and before is Standing.OLDER:
            await _execute(guard, version.statements, version)
            tell(f"Roles, grants, policies and the lifecycle guard are those of version {version.serial}")
            if filled := await fill_missing(guard):
                tell(f"Restated states are filled for {filled} invoices")
        await _execute(guard, logins)
        return before
    finally:
        await guard.close()


async def _bring_up(guard: asyncpg.Connection, dsn: str, revision: str, tell: Tell) -> None:
    await _execute(guard, ownership())
    if revision == "base":
        # Policies depend on other tables and would block dropping them.
        await guard.execute(without_policies("public"))
    await _run(dsn, revision, tell)


async def _execute(
    connection: asyncpg.Connection, statements: Iterable[str], version: PolicyVersion | None = None
) -> None:
    async with connection.transaction():
        await connection.execute("set local lock_timeout = '5s'")
        for statement in statements:
            await connection.execute(statement)
        if version:
            await store(connection, version)


async def _run(dsn: str, revision: str, tell: Tell) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: _alembic(sync, revision, tell))
    finally:
        await engine.dispose()


def _alembic(connection: Connection, revision: str, tell: Tell) -> None:
    config = alembic_config(connection)
    if revision in ("head", "+1"):
        scripts, before = (
            ScriptDirectory.from_config(config),
            MigrationContext.configure(connection).get_current_revision(),
        )
        command.upgrade(config, revision)
        after = MigrationContext.configure(connection).get_current_revision()
        ran = [] if after == before else list(scripts.iterate_revisions(after, before))
        for script in reversed(ran):
            title = str(script.doc).partition("\n")[0].rstrip(".")
            tell(f"Revision {script.revision}: {title}")
    else:
        command.downgrade(config, revision)


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
