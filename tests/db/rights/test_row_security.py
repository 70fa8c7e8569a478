"""Row-level security: the rows that each role can see and write with any statement on its own connection."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.pools import Database, entering
from db.security.policies import SIGN_IN, login_for, role_name
from db.tables import metadata
from domain.access.people import Role
from permissions.viewers import Viewer
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.db.rights.attempts import ATTEMPTS
from tests.db.rights.own_statements import CORRECTED, MERGED, OWN_ROWS_OF_USERS, REMITTED
from tests.db.rights.rights import READ_BY_REPORTS, WRITTEN_BY_HAND, column_sets
from tests.permissions.own_rows import OWN, Belongings, viewer_of
from tests.support.databases import copied, rows
from tests.support.other_clinic import add_other_clinic

TABLES = [table.name for table in metadata.sorted_tables if "clinic_id" in table.c]
WITH_ID = [table.name for table in metadata.sorted_tables if {"clinic_id", "id"} <= set(table.c.keys())]
# Tables of which no role may read a column.
UNREADABLE = ["second_factors"]
# Sign-in's own tables, which are no clinic's.
OF_SIGN_IN = ["sign_in_attempts", "logins", "memberships", "login_second_factors", "recovery_codes", "reset_links"]


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """Two clinics with equal records under different ids."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        for statement in (*OWN_ROWS_OF_USERS, *CORRECTED, *MERGED, *REMITTED):
            rows(copy, statement)
        yield copy


@pytest.fixture(scope="module")
def viewers(address: DatabaseUrls) -> dict[Role, Viewer]:
    return {role: viewer_of(address, role) for role in Role}


def as_viewer(address: DatabaseUrls, viewer: Viewer, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    """Run `work` in a transaction of the viewer, roll it back and return its result."""

    async def run() -> Any:
        connection = await asyncpg.connect(address.login(login_for(viewer.role)))
        try:
            await connection.execute(entering(viewer, read_only=False))
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def ids(address: DatabaseUrls, viewer: Viewer, table: str) -> set[UUID] | None:
    """The ids of all rows of a table that a viewer sees without any condition; None when the table is not granted."""

    async def select(connection: asyncpg.Connection) -> set[UUID] | None:
        try:
            return {row["id"] for row in await connection.fetch(f"select id from {table}")}
        except asyncpg.InsufficientPrivilegeError:
            return None

    found: set[UUID] | None = as_viewer(address, viewer, select)
    return found


@pytest.mark.parametrize("table", WITH_ID)
@pytest.mark.parametrize("role", list(Role))
def test_a_role_sees_exactly_the_rows_of_a_table_in_its_reach(
    address: DatabaseUrls, viewers: dict[Role, Viewer], role: Role, table: str
) -> None:
    mine = Belongings(address, viewers[role])
    seen = ids(address, viewers[role], table)
    if table in mine.tables:
        assert seen == mine.own(table) != set()
    else:
        assert not seen
    # Rows of others exist, so that an empty result is not simply an empty table.
    assert table in UNREADABLE or mine.elsewhere(table) or not rows(address, f"select 1 from {table}")


@pytest.mark.parametrize("table", OF_SIGN_IN)
@pytest.mark.parametrize("role", list(Role))
def test_no_role_of_users_reads_or_writes_the_tables_of_sign_in(
    address: DatabaseUrls, viewers: dict[Role, Viewer], role: Role, table: str
) -> None:
    columns = [column.name for column in metadata.tables[table].c]
    statements = [
        *(f"select {column} from {table}" for column in columns),
        *(f"update {table} set {column} = {column}" for column in columns),
        f"select count(*) from {table}",
        f"insert into {table} default values",
        f"delete from {table}",
        f"truncate {table} cascade",
        f"lock table {table} in access share mode",
    ]

    async def refused(connection: asyncpg.Connection) -> list[str]:
        found = []
        for statement in statements:
            await connection.execute("savepoint before")
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                found.append(statement)
            await connection.execute("rollback to before")
        return found

    assert rows(address, f"select 1 from {table} limit 1")
    assert as_viewer(address, viewers[role], refused) == statements


_OF_REPORTS = column_sets(READ_BY_REPORTS)
ONLY_OF_REPORTS = {
    (table, column)
    for table, columns in _OF_REPORTS.items()
    for column in columns - column_sets(WRITTEN_BY_HAND[Role.ANALYST]).get(table, set())
}


@pytest.mark.parametrize(("table", "column"), sorted(ONLY_OF_REPORTS))
def test_an_analyst_s_own_transaction_reads_no_column_that_only_reports_add_up(
    address: DatabaseUrls, viewers: dict[Role, Viewer], table: str, column: str
) -> None:
    async def select(connection: asyncpg.Connection) -> None:
        await connection.execute(f"select count(*) from {table} where {column} is not null")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        as_viewer(address, viewers[Role.ANALYST], select)


@pytest.mark.parametrize("table", sorted(_OF_REPORTS))
async def test_reports_of_analysts_read_the_rows_of_the_viewer_s_clinic_alone(
    address: DatabaseUrls, viewers: dict[Role, Viewer], table: str
) -> None:
    viewer, query = viewers[Role.ANALYST], f"select array_agg(distinct clinic_id) from {table}"
    async with Database(address.login) as database:
        found = await database.report(viewer, query, [])
        nobody = await database.report(replace(viewer, clinic_id=uuid4()), query, [])
        assert (found and found[0], nobody and nobody[0]) == ([viewer.clinic_id], None)
        # Other roles have reports under their own role.
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await database.report(viewers[Role.ATTORNEY], "select known_from from invoices", [])


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN])
@pytest.mark.parametrize("table", ["invoices", "cases", "patients", "payers", "invoice_lines"])
def test_the_same_clinic_has_rows_of_others_that_must_be_hidden(
    address: DatabaseUrls, viewers: dict[Role, Viewer], role: Role, table: str
) -> None:
    assert Belongings(address, viewers[role]).of_others(table)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
@pytest.mark.parametrize("table", ["documents", "idempotency_keys", "invoice_selections"])
def test_staff_do_not_see_uploads_and_idempotency_keys_of_other_staff(
    address: DatabaseUrls, viewers: dict[Role, Viewer], role: Role, table: str
) -> None:
    others = Belongings(address, viewers[role]).of_others(table)
    assert others
    assert not others & (ids(address, viewers[role], table) or set())


def test_void_invoices_are_hidden_from_their_attorney(address: DatabaseUrls, viewers: dict[Role, Viewer]) -> None:
    person = viewers[Role.ATTORNEY].person_id
    void = rows(address, "select id from invoices where attorney_id = $1 and status = 'void'", person)
    assert void
    assert not {row["id"] for row in void} & (ids(address, viewers[Role.ATTORNEY], "invoices") or set())


def test_a_change_of_attorney_changes_the_visible_rows_at_once(own_address: DatabaseUrls) -> None:
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
def test_only_the_ids_that_a_transaction_was_begun_with_decide_the_visible_rows(
    address: DatabaseUrls, viewers: dict[Role, Viewer], role: Role
) -> None:
    other_clinic = viewer_of(address, role, "other").clinic_id
    viewer = viewers[role]
    for altered in (
        replace(viewer, clinic_id=uuid4()),
        replace(viewer, clinic_id=other_clinic) if viewer.person_id else replace(viewer, clinic_id=uuid4()),
        replace(viewer, person_id=uuid4()) if viewer.person_id else replace(viewer, clinic_id=uuid4()),
    ):
        assert ids(address, altered, "invoices") == set()
        assert not ids(address, altered, "patients")


@pytest.mark.parametrize("role", list(Role))
def test_without_a_clinic_no_row_is_visible(address: DatabaseUrls, role: Role) -> None:
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


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("role", list(Role))
def test_a_role_can_write_to_its_tables_and_to_no_other(
    address: DatabaseUrls, viewers: dict[Role, Viewer], role: Role, attempt: str
) -> None:
    async def try_all(connection: asyncpg.Connection) -> set[str]:
        allowed = set()
        for table in TABLES:
            await connection.execute("savepoint before")
            try:
                await connection.execute(ATTEMPTS[attempt][0].format(table))
                allowed.add(table)
            except asyncpg.InsufficientPrivilegeError as error:
                # A policy refuses some rows without values as rows of no clinic; the table itself is granted.
                if "row-level security" in str(error):
                    allowed.add(table)
            except asyncpg.IntegrityConstraintViolationError:
                allowed.add(table)
            await connection.execute("rollback to before")
        return allowed

    assert as_viewer(address, viewers[role], try_all) == ATTEMPTS[attempt][1][role]


# Rows that no user of the clinic may write though the tables are granted: of another clinic, or in the name of another user.
@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
@pytest.mark.parametrize("column", ["clinic_id", "user_id"])
@pytest.mark.parametrize(
    ("table", "by", "rest"),
    [
        (
            "documents",
            "uploaded_by",
            {"file_name": "'a'", "content_type": "'b'", "byte_size": "1", "expires_at": "now()"},
        ),
        ("idempotency_keys", "user_id", {"key": "'new'", "operation": "'b'", "input_hash": "''"}),
        ("invoice_selections", "user_id", {"invoice_ids": "'{}'"}),
        ("internal_notes", "written_by", {"invoice_id": "INVOICE", "body": "'a'", "written_at": "now()"}),
        (
            "invoice_events",
            "by_user_id",
            {"invoice_id": "INVOICE", "seq": "99", "at": "now()", "transition": "'a'", "to_status": "'paid'"},
        ),
        ("denials", "recorded_by", {"invoice_id": "INVOICE", "denied_on": "current_date", "reason_code": "'a'"}),
        (
            "holds",
            "placed_by",
            {"invoice_id": "INVOICE", "until_on": "current_date", "reason": "'a'", "placed_at": "now()"},
        ),
        (
            "reduction_offers",
            "made_by",
            {
                "invoice_id": "INVOICE",
                "round": "99",
                "party": "'clinic'",
                "amount": "1",
                "status": "'open'",
                "made_at": "now()",
            },
        ),
    ],
)
def test_a_row_can_only_be_added_to_the_viewers_clinic_and_in_the_viewers_name(
    address: DatabaseUrls,
    viewers: dict[Role, Viewer],
    role: Role,
    column: str,
    table: str,
    by: str,
    rest: dict[str, str],
) -> None:
    viewer = viewers[role]
    colleague = viewers[Role.BILLING if role is Role.ADMIN else Role.ADMIN]
    wrong = replace(viewer, clinic_id=viewer_of(address, role, "other").clinic_id)
    if column == "user_id":
        wrong = replace(viewer, user_id=colleague.user_id)
    invoice = min(Belongings(address, viewer).own("invoices"))

    def insert(author: Viewer) -> str:
        row = {"clinic_id": f"'{author.clinic_id}'", "id": "gen_random_uuid()", by: f"'{author.user_id}'", **rest}
        values = ", ".join(row.values()).replace("INVOICE", f"'{invoice}'")
        return f"insert into {table} ({', '.join(row)}) values ({values})"

    async def add(connection: asyncpg.Connection) -> str:
        await connection.execute(insert(viewer))
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(insert(wrong))
        return "tried"

    assert as_viewer(address, viewer, add) == "tried"


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
def test_a_visible_file_of_another_user_cannot_be_changed(
    address: DatabaseUrls, viewers: dict[Role, Viewer], role: Role
) -> None:
    async def change(connection: asyncpg.Connection) -> set[UUID]:
        return {
            row["uploaded_by"]
            for row in await connection.fetch("update documents set blob_key = 'x' returning uploaded_by")
        }

    assert as_viewer(address, viewers[role], change) == {viewers[role].user_id}


def test_a_read_transaction_cannot_write(viewers: dict[Role, Viewer]) -> None:
    assert all(entering(viewer, read_only=True).startswith("begin read only;") for viewer in viewers.values())


def test_the_sign_in_role_sees_logins_users_sessions_and_invitations_and_no_billing_data(
    address: DatabaseUrls,
) -> None:
    async def run() -> dict[str, str]:
        connection = await asyncpg.connect(address.login(login_for(None)))
        try:
            seen = {}
            for table in metadata.sorted_tables:
                await connection.execute(f"begin; set local role {SIGN_IN}")
                try:
                    await connection.fetchval(
                        f"select count({next(iter(table.primary_key.columns)).name}) from {table.name}"
                    )
                    seen[table.name] = "seen"
                except asyncpg.InsufficientPrivilegeError:
                    seen[table.name] = "closed"
                await connection.execute("rollback")
            return seen
        finally:
            await connection.close()

    seen = {table for table, outcome in asyncio.run(run()).items() if outcome == "seen"}
    # Of attorneys and physicians it sees whether they are retired, which ends the access of their users.
    assert seen == {"clinics", "users", "sessions", "invitations", "attorneys", "physicians", *OF_SIGN_IN}


def test_every_table_has_row_level_security(address: DatabaseUrls) -> None:
    query = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity"
    assert [row["relname"] for row in rows(address, query)] == ["alembic_version"]


def test_every_role_of_the_access_table_has_a_viewer(viewers: dict[Role, Viewer]) -> None:
    assert set(OWN) == set(Role) == set(viewers)
