"""Migrations lead to the tables that the code knows, from anywhere and back, also when two hosts run them at once."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.migrating import alembic_config, migrate
from db.tables import metadata
from server.addresses import Address, bring_up_to_date
from server.embedded import EmbeddedPostgres
from tests.databases import copied, rows

# Everything that a migration can make, as PostgreSQL itself writes it down.
COLUMNS = """select table_name, column_name, data_type, collation_name, numeric_precision, numeric_scale, is_nullable,
    column_default, generation_expression from information_schema.columns where table_schema = 'public' order by 1, 2"""
CONSTRAINTS = """select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'public'::regnamespace order by 1, 2"""
INDEXES = "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public' order by 1, 2"
REST = """select 'function', oid::regprocedure::text, md5(prosrc) from pg_proc where pronamespace = 'public'::regnamespace
    union all select 'trigger', tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select 'type', typname, typtype::text from pg_type t where typnamespace = 'public'::regnamespace
        and typtype in ('e', 'd') order by 1, 2"""
POLICIES = "select tablename, policyname, roles::text, cmd, qual, with_check from pg_policies order by 1, 2"
GRANTS = """select grantee, table_name, column_name, privilege_type from information_schema.role_column_grants
    where grantee like 'clinic\\_%' order by 1, 2, 3, 4"""
VERSIONS = "alembic_version"


def tables(address: Address, *more: str) -> list[tuple[Any, ...]]:
    """Every column, constraint and index of our tables."""
    parts = (tuple(row) for query in (COLUMNS, CONSTRAINTS, INDEXES, *more) for row in rows(address, query))
    return [part for part in parts if VERSIONS not in str(part)]


def structure(address: Address) -> list[tuple[Any, ...]]:
    """The same, and every function, trigger and type, which migrations alone make."""
    return tables(address, REST)


def lock(address: Address) -> list[tuple[Any, ...]]:
    """Every policy and every grant."""
    return [tuple(row) for query in (POLICIES, GRANTS) for row in rows(address, query)]


def run(address: Address, work: Callable[[Connection], Any]) -> Any:
    """What an ordinary function makes of a connection, committed."""

    async def connected() -> Any:
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(address.owner), poolclass=NullPool
        )
        async with engine.begin() as connection:
            return await connection.run_sync(work)

    return asyncio.run(connected())


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Iterator[Callable[[], Address]]:
    """Who gives databases in which there is nothing yet."""
    with ExitStack() as made:
        yield lambda: made.enter_context(copied(postgres_server, "template0"))


def test_there_is_one_way_to_the_present(own_address: Address) -> None:
    assert len(run(own_address, lambda sync: ScriptDirectory.from_config(alembic_config(sync)).get_heads())) == 1


def test_a_migrated_database_has_what_the_code_knows_and_alembic_would_change_nothing(own_address: Address) -> None:
    def differences(sync: Connection) -> list[Any]:
        found = compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), metadata)
        return [difference for difference in found if VERSIONS not in str(difference)]

    assert run(own_address, differences) == []


def test_a_migrated_database_is_what_the_tables_themselves_would_make(
    own_address: Address, empty: Callable[[], Address]
) -> None:
    made = empty()
    run(made, metadata.create_all)
    assert tables(own_address) == tables(made) != []


def test_down_to_nothing_and_up_again_ends_where_it_began(own_address: Address) -> None:
    before = structure(own_address)
    asyncio.run(migrate(own_address.owner, (), revision="base"))
    assert structure(own_address) == []
    asyncio.run(migrate(own_address.owner, ()))
    assert structure(own_address) == before != []


def test_migrating_twice_changes_neither_tables_nor_rights_nor_rows(own_address: Address) -> None:
    def now() -> tuple[Any, ...]:
        return (
            structure(own_address),
            lock(own_address),
            rows(own_address, "select count(*), max(updated_at) from invoices"),
        )

    before = now()
    asyncio.run(bring_up_to_date(own_address))
    assert now() == before
    assert lock(own_address)


def test_two_hosts_may_migrate_at_once(address: Address, empty: Callable[[], Address]) -> None:
    async def both(target: Address) -> None:
        await asyncio.gather(bring_up_to_date(target), bring_up_to_date(target))

    target = empty()
    asyncio.run(both(target))
    assert structure(target) == structure(address)
    assert lock(target) == lock(address)
