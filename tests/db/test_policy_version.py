"""That `billing migrate` alone sets grants, policies and the lifecycle guard, once for each version, and never back to an older one."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.migrate import migrate
from db.security.lifecycle_guard import lifecycle_guard
from db.security.policy_version import PolicyVersion, Standing, version_of
from domain.billing.invoices import InvoiceStatus
from domain.billing.transitions import legal_pairs
from schema.whole import policy_statements
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.support.databases import rows
from tests.support.processes import billing, completed

NEW_PAIR = (InvoiceStatus.VOID, InvoiceStatus.PENDING_INVOICE)
_RIGHTS = """select pg_get_functiondef('guard_invoice_status'::regproc) as guard,
    (select array_agg(format('%s %s %s', c.oid::regclass, c.relacl, a.attacl) order by c.oid, a.attnum) from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 where c.relnamespace = 'public'::regnamespace) as grants,
    (select array_agg(p::text order by p::text) from pg_policies p where schemaname = 'public') as policies,
    (select array_agg(format('%s %s', tgname, tgenabled) order by oid) from pg_trigger where not tgisinternal) as triggers"""
_STORED = "select serial, digest, applied_at from policy_version"


def rights(address: DatabaseUrls) -> dict[str, Any]:
    """The lifecycle guard, the grants and the policies that the database has."""
    return dict(rows(address, _RIGHTS)[0])


def newer() -> PolicyVersion:
    """A later release: a transition more, and a grant less."""
    mine = version_of(policy_statements())
    more = (lifecycle_guard({*legal_pairs(), NEW_PAIR}), "revoke select (number) on invoices from clinic_analyst")
    return replace(mine, serial=mine.serial + 1, statements=(*mine.statements, *more))


@pytest.fixture
def after_a_newer_release(own_address: DatabaseUrls) -> DatabaseUrls:
    """A database that a later release has migrated."""
    assert asyncio.run(migrate(own_address.owner, newer())) is Standing.OLDER
    assert NEW_PAIR[0].value in rights(own_address)["guard"]
    return own_address


def test_an_old_migrate_after_a_newer_one_changes_nothing_and_says_so(after_a_newer_release: DatabaseUrls) -> None:
    before = rights(after_a_newer_release), rows(after_a_newer_release, _STORED)
    done = completed(after_a_newer_release, "migrate")
    assert done.returncode == 0, done.stdout
    assert "The database is of a newer version than this code: nothing was changed." in done.stdout
    assert (rights(after_a_newer_release), rows(after_a_newer_release, _STORED)) == before


@pytest.mark.parametrize("command", [("serve",), ("worker",)])
def test_an_old_process_started_after_a_newer_migrate_works_and_changes_nothing(
    after_a_newer_release: DatabaseUrls, command: tuple[str, ...], tmp_path: Path
) -> None:
    before, log = rights(after_a_newer_release), tmp_path / "log"
    with log.open("w") as written, billing(after_a_newer_release, *command, log=written):
        pass
    assert "the database has the policies of a newer version than this code" in log.read_text()
    assert rights(after_a_newer_release) == before


@pytest.mark.parametrize("command", [("serve",), ("worker",), ("demo",)])
def test_a_process_does_not_start_on_a_database_that_is_behind_and_says_what_to_do(
    own_address: DatabaseUrls, command: tuple[str, ...]
) -> None:
    rows(own_address, "update policy_version set serial = serial - 1")
    before = rights(own_address), rows(own_address, _STORED)
    done = completed(own_address, *command)
    assert done.returncode != 0
    assert "The database at DATABASE_URL is not up to date: run `billing migrate` first" in done.stdout
    assert (rights(own_address), rows(own_address, _STORED)) == before
    assert completed(own_address, "migrate").returncode == 0
    with billing(own_address, "worker"):
        pass


def test_a_database_that_is_up_to_date_is_migrated_again_while_its_tables_are_in_use(own_address: DatabaseUrls) -> None:
    stored = rows(own_address, _STORED)

    async def while_in_use() -> Standing:
        user = await asyncpg.connect(own_address.owner)
        try:
            async with user.transaction():
                await user.execute("lock table invoices, cheques, users in row exclusive mode")
                # A statement that waited for these locks would fail after five seconds.
                return await bring_up_to_date(own_address)
        finally:
            await user.close()

    assert asyncio.run(while_in_use()) is Standing.SAME
    assert rows(own_address, _STORED) == stored


@pytest.mark.parametrize(
    "change",
    [
        "grant select (floor_amount) on invoices to clinic_attorney",
        "drop policy clinic_attorney on invoices",
        "alter table invoices disable row level security",
        "alter table invoices disable trigger guard_invoice_status",
        lifecycle_guard({*legal_pairs(), NEW_PAIR}),
    ],
)
def test_what_was_changed_by_hand_is_noticed_by_the_next_migrate(own_address: DatabaseUrls, change: str) -> None:
    before = rights(own_address)
    rows(own_address, change)
    assert asyncio.run(bring_up_to_date(own_address)) is Standing.OLDER
    assert rights(own_address) == before
