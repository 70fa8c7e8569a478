"""Functions have a safe search path, and no login can create objects or take another role; read from PostgreSQL's catalog as each login."""

import asyncio

import asyncpg
import pytest

from db.security.ownership import OWNER_ROLE
from db.security.policies import ATTORNEY_LOGIN, JOBS, STAFF_LOGIN
from server.database_urls import DatabaseUrls, bring_up_to_date
from tests.db.rights.function_rights import LOGINS, channels_in_code, faults
from tests.db.rights.hostile_session import FIRINGS, Firing, works_in_hostile_session
from tests.db.rights.test_grants import GROUPS
from tests.support.databases import rows

# Each login without a role, and in each role that it may take.
SESSIONS = [
    *((login, "none") for login in LOGINS),
    (ATTORNEY_LOGIN, "clinic_attorney"),
    *((STAFF_LOGIN, role) for role in GROUPS if role != "clinic_attorney"),
]
# Statements that no session of the server may run.
FORBIDDEN = (
    "create temporary table t (a integer)",
    "create temporary view v as select 1",
    "create temporary sequence s",
    "create function pg_temp.f() returns integer language sql as 'select 1'",
    "create type pg_temp.t as enum ('a')",
    "create domain pg_temp.uuid as pg_catalog.uuid",
    "create table public.t (a integer)",
    "create view public.v as select 1",
    "create function public.f() returns integer language sql as 'select 1'",
    "create type public.t as enum ('a')",
    "create operator public.=== (function = int4eq, leftarg = int4, rightarg = int4)",
    "create table jobs.t (a integer)",
    "create function jobs.f() returns integer language sql as 'select 1'",
    "create table pg_catalog.t (a integer)",
    "create schema s",
    "create database d",
    "create role r",
    "create publication p",
    "create foreign data wrapper w",
    "create event trigger t on ddl_command_start execute function tell_session_ended()",
    "create trigger t before insert on invoices for each row execute function refuse_rewriting()",
    "alter table invoices disable row level security",
    "alter function lock_invoices(uuid, uuid[]) set search_path = pg_temp, public",
    "alter role clinic_staff_login superuser",
    "alter role clinic_admin login",
    "grant clinic_owner to clinic_staff_login",
    "grant clinic_admin to clinic_attorney_login",
    "set role clinic_owner",
    "set role pg_read_all_data",
    "set session authorization clinic_owner",
    "set session_replication_role = replica",
    "set lo_compat_privileges = on",
    "alter system set log_statement = 'all'",
    "alter database postgres set search_path = pg_temp",
    "copy (select 1) to program 'true'",
    "copy (select 1) to '/dev/null'",
    "select pg_read_file('PG_VERSION')",
    "select pg_ls_dir('.')",
    "select lo_import('/dev/null')",
    "select lo_export(1, '/dev/null')",
    "select pg_reload_conf()",
)
# Channel → the content of its notifications. PostgreSQL has no privileges on channels: every login receives all of them, of all clinics, and
# may send on them. What is sealed, only a process with the server's key reads; a trigger knows no key, and notifies without content.
# tests/permissions/side_channels/test_channels.py hears and forges them.
CHANNELS = {
    "invoice_changed": "sealed: the clinic, the invoice, and the names of the columns that changed",
    "clinic_wrote": "sealed: the clinic",
    "export_changed": "nothing",
    "session_ended": "nothing",
    "ch_pgqueuer": "nothing from the queue's trigger; sealed from a worker, which checks that it hears itself",
}
_UNSAFE = "create function public.unsafe() returns trigger language plpgsql security definer as 'begin return new; end'"


def _refusal(address: DatabaseUrls, login: str, role: str, statement: str) -> str:
    """The name of the error that a statement of a login in a role raises, or "" if it succeeds."""

    async def run() -> str:
        connection = await asyncpg.connect(address.login(login))
        try:
            await connection.execute(f"set role {role}")
            await connection.execute(statement)
        except asyncpg.PostgresError as error:
            return type(error).__name__
        finally:
            await connection.close()
        return ""

    return asyncio.run(run())


def test_every_function_belongs_to_the_owner_has_a_safe_search_path_and_only_the_intended_callers(
    address: DatabaseUrls,
) -> None:
    assert faults(address) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (f"set role {OWNER_ROLE}; {_UNSAFE}", 'security definer unsafe() has no search path: add "set search_path ='),
        (
            f"{_UNSAFE}; alter function unsafe() set search_path = public, pg_temp",
            "unsafe() belongs to postgres: make it in a migration",
        ),
        (
            'alter function ask_for_file() set search_path = "$user", public',
            'add "set search_path = public, pg_temp" to it',
        ),
        ("alter function ask_for_file() set search_path = pg_catalog", 'add "set search_path = public, pg_temp" to it'),
        ("grant execute on function ask_for_file() to clinic_billing", "ask_for_file() and clinic_billing: who calls"),
        ("create table mine (a integer)", "mine belongs to postgres: make it in a migration"),
    ],
)
def test_an_unsafe_addition_is_reported_with_its_correction(
    own_address: DatabaseUrls, change: str, message: str
) -> None:
    _as_superuser(own_address, change)
    assert any(message in fault for fault in faults(own_address)), faults(own_address)


def _as_superuser(address: DatabaseUrls, statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(address.owner)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.mark.parametrize(("login", "role"), SESSIONS)
def test_no_session_creates_objects_takes_other_roles_or_reaches_outside_the_database(
    address: DatabaseUrls, login: str, role: str
) -> None:
    allowed = {
        statement: found
        for statement in FORBIDDEN
        if (found := _refusal(address, login, role, statement)) != "InsufficientPrivilegeError"
    }
    assert allowed == {}
    assert faults(address) == []


def test_no_login_may_take_a_role_that_was_not_granted_to_it(address: DatabaseUrls) -> None:
    for login, others in ((ATTORNEY_LOGIN, {*GROUPS} - {"clinic_attorney"}), (STAFF_LOGIN, {"clinic_attorney"})):
        for role in sorted(others):
            assert _refusal(address, login, role, "select 1") == "InsufficientPrivilegeError", (login, role)


def test_no_function_depends_on_the_current_login_and_no_extension_is_installed(address: DatabaseUrls) -> None:
    assert [row[0] for row in rows(address, "select extname from pg_extension")] == ["plpgsql"]
    settings = """select setconfig from pg_db_role_setting where setrole = 0 or setrole in
        (select oid from pg_roles where rolname like 'clinic\\_%')"""
    assert rows(address, settings) == []
    code = f"""select p.proname from pg_proc p where p.pronamespace in ('public'::regnamespace, '{JOBS}'::regnamespace)
            and p::text like '%$user%'
        union all select tgname from pg_trigger where not tgisinternal and pg_get_triggerdef(oid) like '%$user%'
        union all select viewname from pg_views where schemaname in ('public', '{JOBS}')"""
    assert rows(address, code) == []


def test_row_level_security_is_not_forced_on_the_owner_whose_functions_read_across_rows(address: DatabaseUrls) -> None:
    assert rows(address, "select relname from pg_class where relforcerowsecurity") == []


def test_every_security_definer_function_has_a_hostile_session_case(address: DatabaseUrls) -> None:
    assert {row[0] for row in rows(address, "select proname from pg_proc where prosecdef")} == {*FIRINGS}


@pytest.mark.parametrize("firing", FIRINGS.values(), ids=FIRINGS)
def test_a_security_definer_function_works_with_a_hostile_search_path(
    own_address: DatabaseUrls, firing: Firing
) -> None:
    assert works_in_hostile_session(own_address, firing)


def test_the_hostile_session_case_detects_a_function_without_its_own_search_path(own_address: DatabaseUrls) -> None:
    rows(own_address, "alter function keep_treating_physicians() reset search_path")
    assert not works_in_hostile_session(own_address, FIRINGS["keep_treating_physicians"])


def test_every_channel_is_listed_and_each_login_can_listen_and_notify_on_it(address: DatabaseUrls) -> None:
    assert channels_in_code() == {*CHANNELS}
    for login in LOGINS:
        for channel in CHANNELS:
            assert _refusal(address, login, "none", f"listen {channel}; notify {channel}, ''") == ""


def test_rights_that_a_dump_does_not_contain_are_restored(own_address: DatabaseUrls) -> None:
    name = own_address.owner.partition("@/")[2].partition("?")[0]
    _as_superuser(
        own_address,
        f"""grant temporary on database "{name}" to public; grant create on schema public to public;
            reassign owned by {OWNER_ROLE} to postgres; grant execute on all functions in schema public to public""",
    )
    assert len(faults(own_address)) > 100
    asyncio.run(bring_up_to_date(own_address))
    assert faults(own_address) == []
    for statement in ("create temporary table t (a integer)", "create table public.t (a integer)"):
        assert _refusal(own_address, STAFF_LOGIN, "clinic_billing", statement) == "InsufficientPrivilegeError"
