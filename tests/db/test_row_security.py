"""Decides which rows the database itself lets each role see, whatever is asked of it on that role's connection."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.pools import entering
from db.security import SIGN_IN, login_for, role_name
from db.tables import metadata
from domain.people import Role
from permissions.viewers import Viewer
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.databases import copied, rows
from tests.other_clinic import add_other_clinic
from tests.permissions.own_rows import OWN, Belongings, viewer_of

TABLES = [table.name for table in metadata.sorted_tables]
WITH_ID = [table.name for table in metadata.sorted_tables if "id" in table.c]
# Tables of which nobody but billing staff may name a column, or nobody at all.
SECRET = ["sessions", "audit_events", "exports"]


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    """Two clinics with the same people under other ids."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def viewers(address: Address) -> dict[Role, Viewer]:
    return {role: viewer_of(address, role) for role in Role}


def as_viewer(address: Address, viewer: Viewer, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """What somebody's work comes to within a transaction of theirs, which is rolled back."""

    async def run() -> Any:
        connection = await asyncpg.connect(address.login(login_for(viewer.role)))
        try:
            await connection.execute(entering(viewer, read_only=False))
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def ids(address: Address, viewer: Viewer, table: str) -> set[UUID] | None:
    """The ids of all rows of a table that a viewer sees without any condition; None when the table is closed."""

    async def select(connection: asyncpg.Connection) -> set[UUID] | None:
        try:
            return {row["id"] for row in await connection.fetch(f"select id from {table}")}
        except asyncpg.InsufficientPrivilegeError:
            return None

    found: set[UUID] | None = as_viewer(address, viewer, select)
    return found


@pytest.mark.parametrize("table", WITH_ID)
@pytest.mark.parametrize("role", list(Role))
def test_a_role_sees_exactly_its_own_rows_of_a_table(
    address: Address, viewers: dict[Role, Viewer], role: Role, table: str
) -> None:
    mine = Belongings(address, viewers[role])
    seen = ids(address, viewers[role], table)
    if table in mine.tables:
        assert seen == mine.own(table) != set()
    else:
        assert not seen
    # Rows of others are there to be hidden, so that nothing is not simply all there is.
    assert table in SECRET or mine.elsewhere(table) or not rows(address, f"select 1 from {table}")


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN])
@pytest.mark.parametrize("table", ["invoices", "cases", "patients", "payers", "invoice_lines"])
def test_there_are_rows_of_others_in_the_same_clinic_to_be_hidden(
    address: Address, viewers: dict[Role, Viewer], role: Role, table: str
) -> None:
    assert Belongings(address, viewers[role]).of_others(table)


def test_an_attorney_s_void_invoices_are_hidden(address: Address, viewers: dict[Role, Viewer]) -> None:
    person = viewers[Role.ATTORNEY].person_id
    void = rows(address, "select id from invoices where attorney_id = $1 and status = 'void'", person)
    assert void
    assert not {row["id"] for row in void} & (ids(address, viewers[Role.ATTORNEY], "invoices") or set())


def test_a_change_of_attorney_moves_what_is_seen_at_once(own_address: Address) -> None:
    attorney = viewer_of(own_address, Role.ATTORNEY)
    mine = Belongings(own_address, attorney)
    before = {table: ids(own_address, attorney, table) for table in ("invoices", "cases", "patients", "payers")}
    rows(own_address, "update cases set attorney_id = null where attorney_id = $1", attorney.person_id)
    assert not any(ids(own_address, attorney, table) for table in before)
    rows(own_address, "update cases set attorney_id = $1", attorney.person_id)
    for table, seen in before.items():
        assert seen
        assert seen < (ids(own_address, attorney, table) or set())
        assert ids(own_address, attorney, table) == mine.own(table)


@pytest.mark.parametrize("role", list(Role))
def test_the_ids_that_a_transaction_was_entered_with_decide_alone(
    address: Address, viewers: dict[Role, Viewer], role: Role
) -> None:
    elsewhere = viewer_of(address, role, "other").clinic_id
    somebody = viewers[role]
    for stranger in (
        replace(somebody, clinic_id=uuid4()),
        replace(somebody, clinic_id=elsewhere) if somebody.person_id else replace(somebody, clinic_id=uuid4()),
        replace(somebody, person_id=uuid4()) if somebody.person_id else replace(somebody, clinic_id=uuid4()),
    ):
        assert ids(address, stranger, "invoices") == set()
        assert not ids(address, stranger, "patients")


@pytest.mark.parametrize("role", list(Role))
def test_without_a_clinic_nothing_is_seen(address: Address, role: Role) -> None:
    async def run() -> list[int]:
        connection = await asyncpg.connect(address.login(login_for(role)))
        try:
            counts = []
            for setting in ("", "; set local app.clinic_id = ''"):
                await connection.execute(f"begin; set local role {role_name(role)}{setting}")
                counts.append(await connection.fetchval("select count(*) from (select id from invoices) i"))
                await connection.execute("rollback")
            return counts
        finally:
            await connection.close()

    assert asyncio.run(run()) == [0, 0]


WRITES = {
    "insert": "insert into {0} default values",
    "update": "update {0} set clinic_id = clinic_id",
    "delete": "delete from {0}",
    "truncate": "truncate {0} cascade",
    "lock": "lock table {0} in exclusive mode",
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("role", list(Role))
def test_no_role_writes_to_any_table(address: Address, viewers: dict[Role, Viewer], role: Role, write: str) -> None:
    async def try_all(connection: asyncpg.Connection) -> list[str]:
        allowed = []
        for table in TABLES:
            await connection.execute("savepoint before")
            try:
                await connection.execute(WRITES[write].format(table))
                allowed.append(table)
            except asyncpg.InsufficientPrivilegeError:
                await connection.execute("rollback to before")
        return allowed

    assert as_viewer(address, viewers[role], try_all) == []


def test_a_read_is_entered_as_a_transaction_that_cannot_write(viewers: dict[Role, Viewer]) -> None:
    assert all(entering(viewer, read_only=True).startswith("begin read only;") for viewer in viewers.values())


def test_signing_in_sees_users_and_sessions_and_nothing_of_the_clinic_s_work(address: Address) -> None:
    async def run() -> dict[str, str]:
        connection = await asyncpg.connect(address.login(login_for(None)))
        try:
            seen = {}
            for table in TABLES:
                await connection.execute(f"begin; set local role {SIGN_IN}")
                try:
                    await connection.fetchval(f"select count(clinic_id) from {table}")
                    seen[table] = "seen"
                except asyncpg.InsufficientPrivilegeError:
                    seen[table] = "closed"
                await connection.execute("rollback")
            return seen
        finally:
            await connection.close()

    assert {table for table, how in asyncio.run(run()).items() if how == "seen"} == {"clinics", "users", "sessions"}


def test_every_table_is_under_row_security(address: Address) -> None:
    query = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity"
    assert [row["relname"] for row in rows(address, query)] == ["alembic_version"]


def test_every_role_of_the_access_table_is_tried(viewers: dict[Role, Viewer]) -> None:
    assert set(OWN) == set(Role) == set(viewers)
