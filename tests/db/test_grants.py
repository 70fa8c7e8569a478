"""Decides which columns each role may read, by a table written by hand and by what PostgreSQL itself says, and what a login may do."""

import asyncio
from collections import defaultdict
from typing import Any

import asyncpg
import pytest

from db.columns import columns_read
from db.figures import columns_of_reports
from db.security import (
    ATTORNEY_LOGIN,
    AUDIT_ROLE,
    IMPORT_ROLE,
    PRICING_ROLE,
    SIGN_IN,
    STAFF_LOGIN,
    WORKER_ROLE,
    columns_added,
    columns_granted,
    insert_policy,
    policy,
    role_name,
    statements,
    write_policy,
)
from db.tables import metadata
from domain.people import Role
from permissions.writes import LOOKED_UP_BY_EVERYBODY, WRITES, Write
from server.addresses import Address, surface
from tests.databases import rows
from tests.db.rights import (
    ADDED,
    CHANGED,
    READ_BY_PRICING,
    READ_BY_SIGNING_IN,
    READ_BY_THE_WORKER,
    REMOVED,
    WRITTEN_BY_HAND,
    Columns,
    words,
)

GROUPS = [*map(role_name, Role), SIGN_IN, AUDIT_ROLE, WORKER_ROLE, PRICING_ROLE, IMPORT_ROLE]
LOGINS = [STAFF_LOGIN, ATTORNEY_LOGIN]


def granted(address: Address, name: str, privilege: str = "select") -> Columns:
    """Table → columns for which PostgreSQL says that a role has a privilege."""
    query = """select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and not a.attisdropped
        and has_column_privilege($1, c.oid, a.attnum, $2)"""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for table, column in rows(address, query, name, privilege):
        found[table].add(column)
    return dict(found)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_reads_the_columns_behind_what_it_sees_and_writes_and_no_other(address: Address, role: Role) -> None:
    assert granted(address, role_name(role)) == words(WRITTEN_BY_HAND[role])


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (WORKER_ROLE, READ_BY_THE_WORKER),
        (SIGN_IN, READ_BY_SIGNING_IN),
        (AUDIT_ROLE, {}),
        (PRICING_ROLE, READ_BY_PRICING),
        (IMPORT_ROLE, {}),
    ],
)
def test_who_acts_for_nobody_reads_what_that_takes_and_nothing_else(
    address: Address, name: str, read: dict[str, str]
) -> None:
    assert granted(address, name) == words(read)


def _behind_what_is_seen(role: Role) -> dict[str, set[str]]:
    read = columns_read(role, surface()[role])
    for table, names in columns_of_reports(role, surface()[role]).items():
        read[table] = read.get(table, set()) | names
    return read


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
def test_what_staff_see_is_before_the_bar(role: Role) -> None:
    assert _behind_what_is_seen(role) == {
        table: set(seen.split())
        for table, columns in WRITTEN_BY_HAND[role].items()
        if (seen := columns.partition("|")[0])
    }


@pytest.mark.parametrize("role", list(Role))
def test_the_database_grants_what_follows_from_the_rules(address: Address, role: Role) -> None:
    assert granted(address, role_name(role)) == columns_granted(role, surface()[role])


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.ANALYST])
def test_who_only_asks_for_files_reads_what_it_sees_and_what_fetches_one(role: Role) -> None:
    seen = _behind_what_is_seen(role)
    assert columns_granted(role, surface()[role]) == seen | {
        "exports": seen["exports"] | {*LOOKED_UP_BY_EVERYBODY["exports"]}
    }


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
def test_not_even_staff_read_secrets(address: Address, role: Role) -> None:
    seen = granted(address, role_name(role))
    assert "password_hash" not in seen["users"]
    assert "token_hash" not in seen.get("sessions", set())
    assert not {"audit_pending", "sign_in_attempts", "second_factors", "alembic_version"} & set(seen)
    assert ("sessions" in seen) is (role is Role.ADMIN)
    assert ("audit_events" in seen) is (role is Role.ADMIN)
    # Keys that make a step safe to send again are read by who sent them: tests/db/test_row_security.py.
    assert "idempotency_keys.user_id = " in policy("idempotency_keys", role)


def keyed(name: str) -> Columns:
    """The columns of new rows by table, with the key of a row and when it was recorded; a session is not told when."""
    given = {"clinic_id", "id"} | (set() if name == SIGN_IN else {"recorded_at"})
    return {
        table: columns | (given & {column.name for column in metadata.tables[table].c})
        for table, columns in words(ADDED.get(name, {})).items()
    }


@pytest.mark.parametrize("name", GROUPS)
def test_a_role_adds_and_changes_what_is_written_here_and_nothing_else(address: Address, name: str) -> None:
    assert granted(address, name, "insert") == keyed(name)
    assert granted(address, name, "update") == words(CHANGED.get(name, {}))
    assert granted(address, name, "references") == {}


def test_what_is_written_and_concealed_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = Write(frozenset({Role.ADMIN}), ("email", "password_hash"), ("active",), frozenset({"password_hash"}))
    monkeypatch.setitem(WRITES, "users", blind)
    assert columns_granted(Role.ADMIN, frozenset())["users"] == {"clinic_id", "id", "active"}
    assert columns_added("users", blind) == {"clinic_id", "id", "recorded_at", "email", "password_hash"}


def test_what_is_written_is_of_the_kind_that_the_table_of_writes_says() -> None:
    tokens = Write(adds=("kind",), changes=("name",), only={"kind": "api_token"}, begins={"name": "it's"})
    only = " and sessions.kind = 'api_token'"
    assert write_policy("sessions", tokens).endswith(only)
    assert insert_policy("sessions", tokens, Role.ADMIN).endswith(only + " and sessions.name = 'it''s'")


_WHOLE = """select c.relname, p from pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'trigger']) p
    where c.relnamespace = $2::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')
    and case when c.relkind = 'S' then has_sequence_privilege($1, c.oid, 'usage') else has_table_privilege($1, c.oid, p) end"""


@pytest.mark.parametrize("name", [*GROUPS, *LOGINS])
def test_nobody_holds_a_privilege_on_a_whole_table_but_to_remove_rows(address: Address, name: str) -> None:
    removed = {(table, "delete") for table in REMOVED.get(name, "").split()}
    assert {tuple(row) for row in rows(address, _WHOLE, name, "public")} == removed


@pytest.mark.parametrize("name", [*GROUPS, *LOGINS])
def test_the_queue_is_the_worker_s_alone(address: Address, name: str) -> None:
    held = {tuple(row) for row in rows(address, _WHOLE, name, "jobs")}
    [[may_enter]] = rows(address, "select has_schema_privilege($1, 'jobs', 'usage')", name)
    assert may_enter is bool(held) is (name == WORKER_ROLE)
    assert not {privilege for table, privilege in held if not table.endswith("_seq")} & {"truncate", "trigger"}


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
        policies = "select tablename, policyname, cmd, qual, with_check from pg_policies order by 1, 2"
        grants = [granted(own_address, name, how) for name in GROUPS for how in ("select", "insert", "update")]
        whole = [{tuple(row) for row in rows(own_address, _WHOLE, name, "public")} for name in GROUPS]
        return grants, whole, [tuple(row) for row in rows(own_address, policies)]

    before = state()
    bring_lock_up_to_date(own_address)
    assert state() == before


def test_a_right_that_the_rules_do_not_give_is_taken_away(own_address: Address) -> None:
    rows(own_address, "grant select (floor_amount), update on invoices to clinic_attorney")
    rows(own_address, "grant delete, insert on invoices to clinic_attorney")
    rows(own_address, "create policy open_door on invoices to clinic_attorney using (true)")
    bring_lock_up_to_date(own_address)
    assert granted(own_address, "clinic_attorney") == columns_granted(Role.ATTORNEY, surface()[Role.ATTORNEY])
    assert set(granted(own_address, "clinic_attorney", "update")) == {"exports"}
    assert not rows(own_address, _WHOLE, "clinic_attorney", "public")
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
    assert as_login(address, login, f"select 1 from {table} limit 1") == "InsufficientPrivilegeError"


@pytest.mark.parametrize(
    ("login", "takes"),
    [
        (
            STAFF_LOGIN,
            {role_name(role) for role in Role if role is not Role.ATTORNEY}
            | {SIGN_IN, AUDIT_ROLE, WORKER_ROLE, PRICING_ROLE, IMPORT_ROLE},
        ),
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
