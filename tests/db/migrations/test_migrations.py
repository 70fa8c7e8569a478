"""Migrations produce the tables that the code declares, up and down, also when two hosts run them at once."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from db.migrate import alembic_config, migrate
from db.tables import metadata
from server.database_urls import DatabaseUrls, bring_up_to_date
from server.embedded.postgres import EmbeddedPostgres
from tests.support.databases import copied, rows

# Everything that a migration can create, as PostgreSQL's catalog describes it.
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
_NO_MIGRATION = (
    'db/tables and the migrations differ: run `make revision M="what changes"`, '
    "and write check constraints, functions and triggers by hand"
)


def tables(address: DatabaseUrls, *more: str) -> list[tuple[Any, ...]]:
    """Every column, constraint and index of the product's tables."""
    parts = (tuple(row) for query in (COLUMNS, CONSTRAINTS, INDEXES, *more) for row in rows(address, query))
    return [part for part in parts if VERSIONS not in str(part)]


def structure(address: DatabaseUrls) -> list[tuple[Any, ...]]:
    """The same, and every function, trigger and type, which only migrations create."""
    return tables(address, REST)


def security(address: DatabaseUrls) -> list[tuple[Any, ...]]:
    """Every policy and every grant."""
    return [tuple(row) for query in (POLICIES, GRANTS) for row in rows(address, query)]


def run(address: DatabaseUrls, work: Callable[[Connection], Any]) -> Any:
    """Run a synchronous function on a connection, commit and return its result."""

    async def connected() -> Any:
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(address.owner), poolclass=NullPool
        )
        async with engine.begin() as connection:
            return await connection.run_sync(work)

    return asyncio.run(connected())


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Iterator[Callable[[], DatabaseUrls]]:
    """A function that creates empty databases."""
    with ExitStack() as made:
        yield lambda: made.enter_context(copied(postgres_server, "template0"))


def test_the_migrations_have_one_head(own_address: DatabaseUrls) -> None:
    heads = run(own_address, lambda sync: ScriptDirectory.from_config(alembic_config(sync)).get_heads())
    assert len(heads) == 1, f"two migrations follow the same one: let one of {heads} follow the other (down_revision)"


def test_a_migrated_database_matches_the_code_and_alembic_would_change_nothing(
    own_address: DatabaseUrls,
) -> None:
    def differences(sync: Connection) -> list[Any]:
        found = compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), metadata)
        return [difference for difference in found if VERSIONS not in str(difference)]

    assert run(own_address, differences) == [], _NO_MIGRATION


def test_a_migrated_database_equals_one_created_from_the_table_declarations(
    own_address: DatabaseUrls, empty: Callable[[], DatabaseUrls]
) -> None:
    made = empty()
    run(made, metadata.create_all)
    assert tables(own_address) == tables(made) != [], _NO_MIGRATION


def test_a_downgrade_to_nothing_and_an_upgrade_restore_the_structure(own_address: DatabaseUrls) -> None:
    before = structure(own_address)
    asyncio.run(migrate(own_address.owner, revision="base"))
    assert structure(own_address) == [], "a downgrade() leaves behind what its upgrade() made"
    asyncio.run(bring_up_to_date(own_address))
    assert structure(own_address) == before != []


def test_migrating_twice_changes_no_tables_rights_or_rows(own_address: DatabaseUrls) -> None:
    def now() -> tuple[Any, ...]:
        return (
            structure(own_address),
            security(own_address),
            rows(own_address, "select count(*), max(updated_at) from invoices"),
        )

    before = now()
    asyncio.run(bring_up_to_date(own_address))
    assert now() == before
    assert security(own_address)


def test_failed_sign_ins_counted_before_they_belonged_to_accounts_still_count(
    own_address: DatabaseUrls,
) -> None:
    count = "select key, failures, until_at, known_until from sign_in_attempts order by key"
    asyncio.run(migrate(own_address.owner, revision="0012"))
    rows(
        own_address,
        """insert into sign_in_attempts (key, failures, until_at, known_until) values
        ('pair', 9, '2026-06-30 12:15Z', '2026-07-30 12:00Z'), ('e-mail', 100, '2026-06-30 12:20Z', null)""",
    )
    before = rows(own_address, count)
    asyncio.run(bring_up_to_date(own_address))
    assert rows(own_address, count) == before
    added = "select distinct until_at - since_at, by_account, known_accounts from sign_in_attempts"
    assert [tuple(row) for row in rows(own_address, added)] == [(timedelta(minutes=15), "{}", "{}")]
    asyncio.run(migrate(own_address.owner, revision="0012"))
    assert rows(own_address, count) == before != []


def test_a_file_of_a_release_that_listed_no_records_expires(own_address: DatabaseUrls) -> None:
    asyncio.run(migrate(own_address.owner, revision="0015"))
    rows(
        own_address,
        """insert into exports (clinic_id, id, requested_by, role, kind, format, status, file_name, created_at, attempts)
        select clinic_id, gen_random_uuid(), id, role, 'invoices', 'csv', s, 'a.csv', now(), 1
        from users, unnest(array['ready', 'failed']) s where email = 'attorney@demo.example'""",
    )
    asyncio.run(bring_up_to_date(own_address))
    found = rows(own_address, "select status from exports where file_name = 'a.csv' order by status")
    assert [row["status"] for row in found] == ["expired", "failed"]


def test_exports_for_quickbooks_of_a_release_that_made_one_file_are_kept_and_waiting_ones_fail(
    own_address: DatabaseUrls,
) -> None:
    found = "select status, failure, format from exports where kind = 'quickbooks_invoices' order by file_name"
    asyncio.run(migrate(own_address.owner, revision="0018"))
    rows(
        own_address,
        """insert into exports (clinic_id, id, requested_by, role, kind, format, status, file_name, created_at, attempts)
        select clinic_id, gen_random_uuid(), id, role, 'quickbooks_invoices', 'csv', s, s || '.csv', now(), 1
        from users, unnest(array['queued', 'ready', 'running']) s where email like 'billing@demo.%'""",
    )
    asyncio.run(bring_up_to_date(own_address))
    (queued, ready, running) = rows(own_address, found)
    assert tuple(ready) == ("ready", None, "csv")
    assert {row["status"] for row in (queued, running)} == {"failed"}
    assert "request it again" in queued["failure"]
    # A release that knows no sets deletes their files.
    rows(own_address, "update exports set format = 'zip' where status = 'ready'")
    asyncio.run(migrate(own_address.owner, revision="0018"))
    assert [tuple(row)[::2] for row in rows(own_address, found)] == [
        ("failed", "csv"),
        ("expired", "csv"),
        ("failed", "csv"),
    ]


def test_clinics_that_send_reminders_go_on_and_the_demo_moves_to_a_reserved_domain(own_address: DatabaseUrls) -> None:
    asyncio.run(migrate(own_address.owner, revision="0018"))
    rows(own_address, "update users set email = replace(email, '@demo.example', '@demo.clinic')")
    rows(own_address, "update logins set email = replace(email, '@demo.example', '@demo.clinic')")
    rows(own_address, "update clinics set reminded_on = '2026-06-30'")
    rows(
        own_address,
        """insert into clinics (clinic_id, short_name, name) select gen_random_uuid(), s, s from unnest(array['new', 'idle']) s""",
    )
    rows(
        own_address,
        """insert into reminder_policies (clinic_id, id, name) select clinic_id, gen_random_uuid(), 'Ours' from clinics
        where short_name = 'new'""",
    )
    rows(own_address, "update clinics set reminded_on = '2026-06-30' where short_name = 'idle'")
    asyncio.run(bring_up_to_date(own_address))
    on = "select short_name, confirmed_by from reminder_confirmations join clinics using (clinic_id) where ended_at is null"
    assert [tuple(row) for row in rows(own_address, on)] == [("demo", None)]
    for table in ("users", "logins"):
        domains = rows(own_address, f"select distinct split_part(email, '@', 2) as domain from {table}")
        assert [row["domain"] for row in domains] == ["demo.example"]


def test_two_hosts_may_migrate_at_once(address: DatabaseUrls, empty: Callable[[], DatabaseUrls]) -> None:
    async def both(target: DatabaseUrls) -> None:
        await asyncio.gather(bring_up_to_date(target), bring_up_to_date(target))

    target = empty()
    asyncio.run(both(target))
    assert structure(target) == structure(address)
    assert security(target) == security(address)
