"""Decides which columns each role may read, by a table written by hand and by what PostgreSQL itself says, and what a login may do."""

import asyncio
from collections import defaultdict
from typing import Any

import asyncpg
import pytest

from db.columns import columns_read
from db.reach import reach_of
from db.row import PolicyScope, Row
from db.security import ATTORNEY_LOGIN, SIGN_IN, STAFF_LOGIN, policy, role_name, statements
from db.tables import metadata
from domain.people import Role
from permissions.rows import ROWS
from server.addresses import Address, surface
from tests.databases import rows

GROUPS = [*map(role_name, Role), SIGN_IN]
LOGINS = [STAFF_LOGIN, ATTORNEY_LOGIN]
Columns = dict[str, set[str]]

_PARTY = "clinic_id id name"
_LINE = "clinic_id id invoice_id position code label units bilateral amount"
# What is behind the fields of the access table, and what finds and sorts rows: opened_on sorts cases, position sorts lines.
_INVOICE = """clinic_id id number status billed_amount created_on service_date
    case_id patient_id payer_id physician_id facility_id"""
_CASE = "clinic_id id number number_key date_of_injury patient_id opened_on"
WRITTEN_BY_HAND: dict[Role, dict[str, str]] = {
    Role.ATTORNEY: {
        "invoices": f"{_INVOICE} attorney_id",
        "invoice_lines": _LINE,
        "cases": f"{_CASE} attorney_id",
        "patients": "clinic_id id first_name last_name sort_name",
        "patient_names": "clinic_id fragment patient_id",
        "payers": _PARTY,
        "physicians": _PARTY,
        "facilities": _PARTY,
    },
    Role.PHYSICIAN: {
        "invoices": _INVOICE,
        "invoice_lines": _LINE,
        "cases": _CASE,
        "patients": "clinic_id id first_name last_name sort_name mrn birth_date phone email address",
        "patient_names": "clinic_id fragment patient_id",
        "payers": _PARTY,
        "physicians": _PARTY,
        "facilities": _PARTY,
        "treating_physicians": "clinic_id physician_id case_id patient_id",
    },
    Role.ANALYST: {
        "invoices": f"{_INVOICE} agreed_amount received_amount written_off_amount balance",
        "invoice_lines": _LINE,
        "cases": "clinic_id id",
        "patients": "clinic_id id",
        # The name under which a payer is listed; a patient who pays has none there.
        "payers": "clinic_id id listed_name",
        "physicians": _PARTY,
        "facilities": _PARTY,
        "cpt_codes": "clinic_id id code label",
    },
}


def granted(address: Address, name: str, privilege: str = "select") -> Columns:
    """Table → columns for which PostgreSQL says that a role has a privilege."""
    query = """select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and not a.attisdropped
        and has_column_privilege($1, c.oid, a.attnum, $2)"""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for table, column in rows(address, query, name, privilege):
        found[table].add(column)
    return dict(found)


@pytest.mark.parametrize(
    "role",
    [
        Role.ATTORNEY,
        Role.PHYSICIAN,
        Role.ANALYST,
    ],
)
def test_a_role_reads_the_columns_behind_what_it_sees_and_no_other(address: Address, role: Role) -> None:
    expected = {table: set(columns.split()) for table, columns in WRITTEN_BY_HAND[role].items()}
    assert granted(address, role_name(role)) == expected


@pytest.mark.parametrize("role", list(Role))
def test_the_database_grants_what_follows_from_the_rules(address: Address, role: Role) -> None:
    assert granted(address, role_name(role)) == columns_read(role, surface()[role])


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
def test_not_even_staff_read_secrets(address: Address, role: Role) -> None:
    seen = granted(address, role_name(role))
    assert "password_hash" not in seen["users"]
    assert not {"sessions", "audit_events", "alembic_version", "idempotency_keys"} & set(seen)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("privilege", ["insert", "update", "references"])
def test_nobody_writes_but_for_sessions_that_signing_in_begins_and_ends(
    address: Address, name: str, privilege: str
) -> None:
    written = granted(address, name, privilege)
    allowed: Columns = {}
    if name == SIGN_IN and privilege != "references":
        every = {column.name for column in metadata.tables["sessions"].c}
        allowed = {"sessions": every if privilege == "insert" else {"last_used_at", "revoked_at"}}
    assert written == allowed


@pytest.mark.parametrize("name", [*GROUPS, *LOGINS])
def test_nobody_holds_a_privilege_on_a_whole_table_but_to_begin_a_session(address: Address, name: str) -> None:
    query = """select c.relname, p from pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'trigger']) p
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')
        and case when c.relkind = 'S' then has_sequence_privilege($1, c.oid, 'usage') else has_table_privilege($1, c.oid, p) end"""
    assert {tuple(row) for row in rows(address, query, name)} == (
        {("sessions", "insert")} if name == SIGN_IN else set()
    )


def test_policies_are_those_that_follow_from_the_reach_of_each_role(address: Address) -> None:
    query = "select tablename, policyname, cmd, roles::text[], permissive, qual, with_check from pg_policies where schemaname = 'public'"
    found = {(row["tablename"], row["policyname"]): row for row in rows(address, query)}
    expected = {(table, role_name(role)) for table, reaches in ROWS.items() for role in reaches}
    assert {key for key in found if key[1] != SIGN_IN} == expected
    assert {key[0] for key in found if key[1] == SIGN_IN} == {"clinics", "users", "sessions"}
    for (table, name), row in found.items():
        assert row["roles"] == [name]
        assert row["cmd"] == ("ALL" if name == SIGN_IN else "SELECT")
        if name != SIGN_IN:
            [wanted] = _as_postgresql_writes_it(address, table, policy(table, Role(name.removeprefix("clinic_"))))
            assert row["qual"] == wanted


def _as_postgresql_writes_it(address: Address, table: str, condition: str) -> list[str]:
    """A policy's condition in PostgreSQL's own spelling, by way of a policy that is not kept."""

    async def spell() -> list[str]:
        connection = await asyncpg.connect(address.owner)
        try:
            await connection.execute(
                f"begin; create policy spelt on {table} for select to {SIGN_IN} using ({condition})"
            )
            return [row[0] for row in await connection.fetch("select qual from pg_policies where policyname = 'spelt'")]
        finally:
            await connection.close()

    return asyncio.run(spell())


@pytest.mark.parametrize("role", list(Role))
def test_every_policy_keeps_to_the_viewer_s_clinic(role: Role) -> None:
    for table in (table for table, reaches in ROWS.items() if role in reaches):
        scope = PolicyScope(role)
        row = Row(metadata.tables[table], table, scope)
        first = f"{table}.clinic_id = (select nullif(current_setting('app.clinic_id', true), '')::uuid)"
        assert policy(table, role).startswith(first)
        assert bool(reach_of(row)) is (" and " in policy(table, role))


def bring_lock_up_to_date(address: Address) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(address.owner)
        try:
            for statement in statements(surface()):
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def test_bringing_the_lock_up_to_date_again_changes_nothing(own_address: Address) -> None:
    def state() -> Any:
        policies = "select tablename, policyname, qual, with_check from pg_policies order by 1, 2"
        return [granted(own_address, name) for name in GROUPS], [tuple(row) for row in rows(own_address, policies)]

    before = state()
    bring_lock_up_to_date(own_address)
    assert state() == before


def test_a_right_that_the_rules_do_not_give_is_taken_away(own_address: Address) -> None:
    rows(own_address, "grant select (floor_amount), update on invoices to clinic_attorney")
    rows(own_address, "create policy open_door on invoices to clinic_attorney using (true)")
    bring_lock_up_to_date(own_address)
    assert granted(own_address, "clinic_attorney") == columns_read(Role.ATTORNEY, surface()[Role.ATTORNEY])
    assert not rows(own_address, "select 1 from pg_policies where policyname = 'open_door'")


def as_login(address: Address, login: str, *steps: str) -> str:
    """What becomes of statements that somebody with a login of the server sends: "done", or what PostgreSQL refuses."""

    async def run() -> str:
        connection = await asyncpg.connect(address.login(login))
        try:
            for step in steps:
                await connection.execute(step)
        except asyncpg.PostgresError as error:
            return type(error).__name__
        finally:
            await connection.close()
        return "done"

    return asyncio.run(run())


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("table", [table.name for table in metadata.sorted_tables])
def test_a_login_has_no_rights_of_its_own(address: Address, login: str, table: str) -> None:
    assert as_login(address, login, f"select clinic_id from {table} limit 1") == "InsufficientPrivilegeError"


@pytest.mark.parametrize(
    ("login", "takes"),
    [
        (STAFF_LOGIN, {role_name(role) for role in Role if role is not Role.ATTORNEY} | {SIGN_IN}),
        (ATTORNEY_LOGIN, {role_name(Role.ATTORNEY)}),
    ],
)
def test_a_login_takes_the_roles_that_it_serves_and_no_other(address: Address, login: str, takes: set[str]) -> None:
    everybody = [row[0] for row in rows(address, "select rolname from pg_roles")]
    assert {*GROUPS, *LOGINS} <= set(everybody)
    taken = {name for name in everybody if as_login(address, login, f'set role "{name}"') == "done"}
    assert taken == takes | {login}
    sessions = {name for name in everybody if as_login(address, login, f'set session authorization "{name}"') == "done"}
    assert sessions == {login}


def test_an_attorney_s_role_leads_to_no_other(address: Address) -> None:
    for name in {*GROUPS, STAFF_LOGIN} - {role_name(Role.ATTORNEY)}:
        steps = ("begin", "set local role clinic_attorney", f"set local role {name}")
        assert as_login(address, ATTORNEY_LOGIN, *steps) == "InsufficientPrivilegeError"


@pytest.mark.parametrize("name", [*GROUPS, *LOGINS])
def test_no_role_is_above_the_lock(address: Address, name: str) -> None:
    [role] = rows(address, "select * from pg_roles where rolname = $1", name)
    powers = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls", "rolinherit")
    assert not any(role[power] for power in powers)
    assert role["rolcanlogin"] is (name in LOGINS)
    owned = rows(
        address, "select relname from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = $1", name
    )
    assert owned == []


@pytest.mark.parametrize(
    "statement",
    [
        "create table mine (id int)",
        "create function mine() returns int language sql as 'select 1'",
        "create schema mine",
        "create role mine",
        "alter table invoices disable row level security",
        "drop policy clinic_attorney on invoices",
        "alter role clinic_attorney bypassrls",
        "set session_replication_role = replica",
        "copy invoices to '/tmp/invoices'",
        "copy invoices to program 'cat'",
        "select pg_read_file('/etc/passwd')",
        "create extension dblink",
    ],
)
@pytest.mark.parametrize("login", LOGINS)
def test_a_login_changes_nothing_about_the_database(address: Address, login: str, statement: str) -> None:
    role = "clinic_attorney" if login == ATTORNEY_LOGIN else "clinic_admin"
    for steps in ((statement,), ("begin", f"set local role {role}", statement)):
        assert as_login(address, login, *steps) != "done"
