"""Decides that PostgreSQL's own lists of rights hold nothing beside what the rules give: not to everybody, not to be passed on, not by default."""

from collections.abc import Iterator

import pytest

from db.security import (
    ATTORNEY_LOGIN,
    AUDIT_ROLE,
    IMPORT_ROLE,
    JOBS,
    PRICING_ROLE,
    SIGN_IN,
    STAFF_LOGIN,
    WORKER_ROLE,
    columns_granted,
    role_name,
)
from domain.people import Role
from server.addresses import Address, surface
from tests.databases import rows
from tests.db.rights import CHANGED, READ_BY_PRICING, READ_BY_SIGNING_IN, READ_BY_THE_WORKER, REMOVED, Columns, words
from tests.db.test_grants import GROUPS, keyed

# Every right that somebody but the owner holds on a table or a column, as PostgreSQL keeps it: "-" is everybody.
_HELD = """
    select coalesce(r.rolname, '-') as who, c.relname as of, acl.part, lower(x.privilege_type) as what, x.is_grantable,
        x.grantor <> c.relowner as is_passed_on
    from pg_class c
    cross join lateral (
        select '' as part, c.relacl as rights
        union all select attname, attacl from pg_attribute where attrelid = c.oid
    ) acl
    cross join lateral aclexplode(acl.rights) x
    left join pg_roles r on r.oid = x.grantee
    where c.relnamespace = 'public'::regnamespace and x.grantee <> c.relowner"""
Held = tuple[str, str, str, str]


def held(address: Address) -> set[Held]:
    """Who holds which right on what."""
    found = rows(address, _HELD)
    assert not [tuple(row) for row in found if row["is_grantable"] or row["is_passed_on"]]
    return {(row["who"], row["of"], row["part"], row["what"]) for row in found}


def expected() -> Iterator[Held]:
    """What follows from the rules, and from the needs of the worker, of pricing and of signing in."""
    reads: dict[str, Columns] = {role_name(role): columns_granted(role, surface()[role]) for role in Role}
    reads |= {SIGN_IN: words(READ_BY_SIGNING_IN), WORKER_ROLE: words(READ_BY_THE_WORKER)}
    reads |= {PRICING_ROLE: words(READ_BY_PRICING), AUDIT_ROLE: {}, IMPORT_ROLE: {}}
    for who, tables in reads.items():
        yield from ((who, table, column, "select") for table, columns in tables.items() for column in columns)
        changed = words(CHANGED.get(who, {}))
        yield from ((who, table, column, "update") for table, columns in changed.items() for column in columns)
        yield from ((who, table, column, "insert") for table, columns in keyed(who).items() for column in columns)
        yield from ((who, table, "", "delete") for table in REMOVED.get(who, "").split())


def test_every_right_on_a_table_or_a_column_follows_from_the_rules(address: Address) -> None:
    assert held(address) == set(expected())


@pytest.mark.parametrize(
    ("smuggled", "found"),
    [
        ("grant select on invoices to public", ("-", "invoices", "", "select")),
        ("grant select (floor_amount) on invoices to public", ("-", "invoices", "floor_amount", "select")),
        (f"grant truncate on invoices to {STAFF_LOGIN}", (STAFF_LOGIN, "invoices", "", "truncate")),
        ("grant select on alembic_version to clinic_attorney", ("clinic_attorney", "alembic_version", "", "select")),
        ("grant references (id) on patients to clinic_analyst", ("clinic_analyst", "patients", "id", "references")),
    ],
)
def test_a_right_that_nobody_should_hold_is_found(own_address: Address, smuggled: str, found: Held) -> None:
    rows(own_address, smuggled)
    assert held(own_address) - set(expected()) == {found}


def test_a_right_that_may_be_passed_on_is_found(own_address: Address) -> None:
    rows(own_address, "grant select (id) on invoices to clinic_attorney with grant option")
    with pytest.raises(AssertionError):
        held(own_address)


def test_nothing_will_be_granted_to_what_is_made_later(address: Address) -> None:
    assert rows(address, "select * from pg_default_acl") == []


@pytest.mark.parametrize("schema", ["public", JOBS])
def test_nobody_makes_anything_in_a_schema_and_everybody_enters_none(address: Address, schema: str) -> None:
    query = """select coalesce(r.rolname, '-'), lower(x.privilege_type) from pg_namespace n
        cross join lateral aclexplode(n.nspacl) x left join pg_roles r on r.oid = x.grantee
        where n.nspname = $1 and x.grantee <> n.nspowner"""
    found = {tuple(row) for row in rows(address, query, schema)}
    # PostgreSQL itself lets everybody enter the schema "public", where there is nothing to do without further rights.
    assert {what for _, what in found} == {"usage"}
    assert {who for who, _ in found} <= ({*GROUPS, "-"} if schema == "public" else {WORKER_ROLE})


def test_no_view_and_no_function_reads_with_the_rights_of_its_owner(address: Address) -> None:
    views = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm', 'f')"
    assert rows(address, views) == []
    functions = """select p.proname, p.prorettype::regtype::text as gives from pg_proc p
        where p.pronamespace in ('public'::regnamespace, $1::text::regnamespace) and p.prosecdef"""
    # A trigger is called by nobody; what finds events of the audit trail by an index is called by whoever reads the trail.
    called = {row["proname"] for row in rows(address, functions, JOBS) if row["gives"] != "trigger"}
    assert called == {"audit_events_about"}
    callers = """select distinct coalesce(r.rolname, '-') from pg_proc p cross join lateral aclexplode(p.proacl) x
        left join pg_roles r on r.oid = x.grantee where p.proname = 'audit_events_about' and x.grantee <> p.proowner"""
    assert [tuple(row) for row in rows(address, callers)] == [(role_name(Role.ADMIN),)]


def test_no_policy_is_for_everybody_and_none_is_of_a_table_without_its_lock(address: Address) -> None:
    query = """select p.tablename, p.roles::text[] as roles, c.relrowsecurity from pg_policies p
        join pg_class c on c.relname = p.tablename and c.relnamespace = 'public'::regnamespace where schemaname = 'public'"""
    found = rows(address, query)
    assert {name for row in found for name in row["roles"]} == set(GROUPS)
    assert all(row["relrowsecurity"] for row in found)
    # Whoever has a right on a table without policy for it sees no row of it.
    policies = {(row["tablename"], name) for row in found for name in row["roles"]}
    assert {(table, who) for who, table, _, _ in held(address)} <= policies
    assert not {who for who, *_ in held(address)} & {STAFF_LOGIN, ATTORNEY_LOGIN, "-"}
