"""The grants of each database role, compared with a table written by hand and with PostgreSQL's catalog, and the rights of the logins."""

import asyncio
from collections import defaultdict
from typing import Any

import asyncpg
import pytest

from db.security.column_grants import columns_read
from db.security.policies import (
    ATTORNEY_LOGIN,
    AUDIT_ROLE,
    IMPORT_ROLE,
    PRICING_ROLE,
    REPORT_ROLE,
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
from db.security.report_columns import columns_of_reports
from db.tables import metadata
from domain.access.people import Role
from permissions.looked_up import LOOKED_UP, LOOKED_UP_BY_ATTORNEYS, LOOKED_UP_BY_EVERYBODY
from permissions.writes import WRITES, Write
from schema.whole import surface
from server.database_urls import DatabaseUrls
from tests.db.rights.rights import (
    READ_BY_PRICING,
    READ_BY_REPORTS,
    READ_BY_SIGNING_IN,
    READ_BY_THE_WORKER,
    WRITTEN_BY_HAND,
    Columns,
    column_sets,
)
from tests.db.rights.written import ADDED, CHANGED, REMOVED
from tests.support.databases import rows

GROUPS = [*map(role_name, Role), SIGN_IN, AUDIT_ROLE, WORKER_ROLE, PRICING_ROLE, REPORT_ROLE, IMPORT_ROLE]
LOGINS = [STAFF_LOGIN, ATTORNEY_LOGIN]


def granted(address: DatabaseUrls, name: str, privilege: str = "select") -> Columns:
    """Table → columns on which PostgreSQL says that a role has a privilege."""
    query = """select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and not a.attisdropped
        and has_column_privilege($1, c.oid, a.attnum, $2)"""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for table, column in rows(address, query, name, privilege):
        found[table].add(column)
    return dict(found)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_reads_the_columns_behind_what_it_sees_and_writes_and_no_other(
    address: DatabaseUrls, role: Role
) -> None:
    assert granted(address, role_name(role)) == column_sets(WRITTEN_BY_HAND[role])


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (WORKER_ROLE, READ_BY_THE_WORKER),
        (SIGN_IN, READ_BY_SIGNING_IN),
        (AUDIT_ROLE, {}),
        (PRICING_ROLE, READ_BY_PRICING),
        (REPORT_ROLE, READ_BY_REPORTS),
        (IMPORT_ROLE, {}),
    ],
)
def test_the_roles_without_a_user_read_the_columns_of_their_tasks_and_no_other(
    address: DatabaseUrls, name: str, read: dict[str, str]
) -> None:
    assert granted(address, name) == column_sets(read)


def _columns_behind_visible_fields(role: Role) -> dict[str, set[str]]:
    read = columns_read(role, surface()[role])
    for table, names in columns_of_reports(role, surface()[role]).items():
        read[table] = read.get(table, set()) | names
    return read


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
def test_the_columns_behind_the_fields_of_staff_are_those_before_the_bar(role: Role) -> None:
    assert _columns_behind_visible_fields(role) == {
        table: set(seen.split())
        for table, columns in WRITTEN_BY_HAND[role].items()
        if (seen := columns.partition("|")[0])
    }


@pytest.mark.parametrize("role", list(Role))
def test_the_database_grants_what_follows_from_the_rules(address: DatabaseUrls, role: Role) -> None:
    assert granted(address, role_name(role)) == columns_granted(role, surface()[role])


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.ANALYST])
def test_attorneys_and_analysts_read_the_columns_of_their_fields_and_of_downloads(role: Role) -> None:
    seen = _columns_behind_visible_fields(role)
    keys = {"clinic_id"}
    assert columns_granted(role, surface()[role]) == seen | {
        table: seen.get(table, keys) | {*names}
        for table, names in (LOOKED_UP_BY_EVERYBODY | (LOOKED_UP_BY_ATTORNEYS if role is Role.ATTORNEY else {})).items()
    }


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING])
def test_staff_cannot_read_secrets(address: DatabaseUrls, role: Role) -> None:
    seen = granted(address, role_name(role))
    assert "password_hash" not in seen["users"]
    assert "token_hash" not in seen.get("sessions", set())
    assert not {"audit_pending", "sign_in_attempts", "second_factors", "alembic_version"} & set(seen)
    assert not {"logins", "memberships", "login_second_factors", "recovery_codes", "reset_links"} & set(seen)
    assert ("invitations" in seen) is (role is Role.ADMIN)
    assert ("sessions" in seen) is (role is Role.ADMIN)
    assert ("audit_events" in seen) is (role is Role.ADMIN)
    # Idempotency keys are read only by the user who sent them: tests/db/rights/test_row_security.py.
    assert "idempotency_keys.user_id = " in policy("idempotency_keys", role)


def keyed(name: str) -> Columns:
    """The inserted columns by table, with the key and the time of recording; sessions have no time of recording."""
    always_set = {"clinic_id", "id"} | (set() if name == SIGN_IN else {"recorded_at"})
    return {
        table: columns | (always_set & {column.name for column in metadata.tables[table].c})
        for table, columns in column_sets(ADDED.get(name, {})).items()
    }


@pytest.mark.parametrize("name", GROUPS)
def test_a_role_inserts_and_updates_the_columns_of_the_table_by_hand_and_no_other(
    address: DatabaseUrls, name: str
) -> None:
    assert granted(address, name, "insert") == keyed(name)
    assert granted(address, name, "update") == column_sets(CHANGED.get(name, {}))
    assert granted(address, name, "references") == {}


def test_a_column_that_is_written_and_concealed_is_not_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Write(frozenset({Role.ADMIN}), ("email", "password_hash"), ("active",), frozenset({"password_hash"}))
    monkeypatch.setitem(WRITES, "users", write)
    assert columns_granted(Role.ADMIN, frozenset())["users"] == {"clinic_id", "id", "active", *LOOKED_UP["users"]}
    assert columns_added("users", write) == {"clinic_id", "id", "recorded_at", "email", "password_hash"}


def test_write_policies_restrict_rows_to_the_kind_in_the_table_of_writes() -> None:
    tokens = Write(adds=("kind",), changes=("name",), only={"kind": "api_token"}, begins={"name": "it's"})
    only = " and sessions.kind = 'api_token'"
    assert write_policy("sessions", tokens, Role.ADMIN).endswith(only)
    assert insert_policy("sessions", tokens, Role.ADMIN).endswith(only + " and sessions.name = 'it''s'")


_WHOLE_TABLES = """select c.relname, p from pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'trigger']) p
    where c.relnamespace = $2::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')
    and case when c.relkind = 'S' then has_sequence_privilege($1, c.oid, 'usage') else has_table_privilege($1, c.oid, p) end"""


@pytest.mark.parametrize("name", [*GROUPS, *LOGINS])
def test_the_only_privilege_on_a_whole_table_is_delete(address: DatabaseUrls, name: str) -> None:
    removed = {(table, "delete") for table in REMOVED.get(name, "").split()}
    assert {tuple(row) for row in rows(address, _WHOLE_TABLES, name, "public")} == removed


@pytest.mark.parametrize("name", [*GROUPS, *LOGINS])
def test_only_the_worker_has_rights_on_the_job_queue(address: DatabaseUrls, name: str) -> None:
    held = {tuple(row) for row in rows(address, _WHOLE_TABLES, name, "jobs")}
    [[may_enter]] = rows(address, "select has_schema_privilege($1, 'jobs', 'usage')", name)
    assert may_enter is bool(held) is (name == WORKER_ROLE)
    assert not {privilege for table, privilege in held if not table.endswith("_seq")} & {"truncate", "trigger"}


def apply_security_statements(address: DatabaseUrls) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(address.owner)
        try:
            for statement in statements(surface()):
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def test_applying_the_security_statements_again_changes_nothing(own_address: DatabaseUrls) -> None:
    def state() -> Any:
        policies = "select tablename, policyname, cmd, qual, with_check from pg_policies order by 1, 2"
        grants = [granted(own_address, name, how) for name in GROUPS for how in ("select", "insert", "update")]
        whole = [{tuple(row) for row in rows(own_address, _WHOLE_TABLES, name, "public")} for name in GROUPS]
        return grants, whole, [tuple(row) for row in rows(own_address, policies)]

    before = state()
    apply_security_statements(own_address)
    assert state() == before


def test_a_grant_or_policy_that_is_not_in_the_rules_is_revoked(own_address: DatabaseUrls) -> None:
    rows(own_address, "grant select (floor_amount), update on invoices to clinic_attorney")
    rows(own_address, "grant delete, insert on invoices to clinic_attorney")
    rows(own_address, "create policy forgotten_policy on invoices to clinic_attorney using (true)")
    apply_security_statements(own_address)
    assert granted(own_address, "clinic_attorney") == columns_granted(Role.ATTORNEY, surface()[Role.ATTORNEY])
    assert set(granted(own_address, "clinic_attorney", "update")) == {"exports"}
    assert not rows(own_address, _WHOLE_TABLES, "clinic_attorney", "public")
    assert not rows(own_address, "select 1 from pg_policies where policyname = 'forgotten_policy'")


def as_login(address: DatabaseUrls, login: str, *statements_sent: str) -> str:
    """Run statements as a login of the server and return "done" or the name of PostgreSQL's error."""

    async def run() -> str:
        connection = await asyncpg.connect(address.login(login))
        try:
            for statement in statements_sent:
                await connection.execute(statement)
        except asyncpg.PostgresError as error:
            return type(error).__name__
        finally:
            await connection.close()
        return "done"

    return asyncio.run(run())


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("table", [table.name for table in metadata.sorted_tables])
def test_a_login_has_no_rights_of_its_own(address: DatabaseUrls, login: str, table: str) -> None:
    assert as_login(address, login, f"select 1 from {table} limit 1") == "InsufficientPrivilegeError"


@pytest.mark.parametrize(
    ("login", "allowed"),
    [
        (
            STAFF_LOGIN,
            {role_name(role) for role in Role if role is not Role.ATTORNEY}
            | {SIGN_IN, AUDIT_ROLE, WORKER_ROLE, PRICING_ROLE, REPORT_ROLE, IMPORT_ROLE},
        ),
        (ATTORNEY_LOGIN, {role_name(Role.ATTORNEY)}),
    ],
)
def test_a_login_can_take_its_roles_and_no_other(address: DatabaseUrls, login: str, allowed: set[str]) -> None:
    all_roles = [row[0] for row in rows(address, "select rolname from pg_roles")]
    assert {*GROUPS, *LOGINS} <= set(all_roles)
    taken = {name for name in all_roles if as_login(address, login, f'set role "{name}"') == "done"}
    assert taken == allowed | {login}
    sessions = {name for name in all_roles if as_login(address, login, f'set session authorization "{name}"') == "done"}
    assert sessions == {login}


def test_the_attorney_role_cannot_switch_to_another_role(address: DatabaseUrls) -> None:
    for name in {*GROUPS, STAFF_LOGIN} - {role_name(Role.ATTORNEY)}:
        statements_sent = ("begin", "set local role clinic_attorney", f"set local role {name}")
        assert as_login(address, ATTORNEY_LOGIN, *statements_sent) == "InsufficientPrivilegeError"


@pytest.mark.parametrize("name", [*GROUPS, *LOGINS])
def test_no_role_can_bypass_row_level_security(address: DatabaseUrls, name: str) -> None:
    [role] = rows(address, "select * from pg_roles where rolname = $1", name)
    attributes = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls", "rolinherit")
    assert not any(role[attribute] for attribute in attributes)
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
def test_a_login_cannot_change_the_database_structure(address: DatabaseUrls, login: str, statement: str) -> None:
    role = "clinic_attorney" if login == ATTORNEY_LOGIN else "clinic_admin"
    for statements_sent in ((statement,), ("begin", f"set local role {role}", statement)):
        assert as_login(address, login, *statements_sent) != "done"
