"""PostgreSQL's privilege lists hold only what the rules grant: nothing to PUBLIC, no grant options, no default privileges."""

from collections.abc import Iterator

import pytest

from db.security.ownership import OWNER_ROLE
from db.security.policies import (
    ATTORNEY_LOGIN,
    AUDIT_ROLE,
    IMPORT_ROLE,
    JOBS,
    PRICING_ROLE,
    REPORT_ROLE,
    SIGN_IN,
    STAFF_LOGIN,
    WORKER_ROLE,
    columns_granted,
    role_name,
)
from domain.access.people import Role
from schema.whole import surface
from server.database_urls import DatabaseUrls
from tests.db.rights.rights import (
    READ_BY_PRICING,
    READ_BY_REPORTS,
    READ_BY_SIGNING_IN,
    READ_BY_THE_WORKER,
    Columns,
    column_sets,
)
from tests.db.rights.test_grants import GROUPS, keyed
from tests.db.rights.written import CHANGED, REMOVED
from tests.support.databases import rows

# Every privilege on a table or a column that a role other than the owner holds; "-" is PUBLIC.
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


def held(address: DatabaseUrls) -> set[Held]:
    """The privileges that each role holds on tables and columns."""
    found = rows(address, _HELD)
    assert not [tuple(row) for row in found if row["is_grantable"] or row["is_passed_on"]]
    return {(row["who"], row["of"], row["part"], row["what"]) for row in found}


def expected() -> Iterator[Held]:
    """The privileges that follow from the rules, and from the tasks of the worker, of pricing, of reports and of sign-in."""
    reads: dict[str, Columns] = {role_name(role): columns_granted(role, surface()[role]) for role in Role}
    reads |= {SIGN_IN: column_sets(READ_BY_SIGNING_IN), WORKER_ROLE: column_sets(READ_BY_THE_WORKER)}
    reads |= {PRICING_ROLE: column_sets(READ_BY_PRICING), REPORT_ROLE: column_sets(READ_BY_REPORTS)}
    reads |= {AUDIT_ROLE: {}, IMPORT_ROLE: {}}
    for role, tables in reads.items():
        yield from ((role, table, column, "select") for table, columns in tables.items() for column in columns)
        changed = column_sets(CHANGED.get(role, {}))
        yield from ((role, table, column, "update") for table, columns in changed.items() for column in columns)
        yield from ((role, table, column, "insert") for table, columns in keyed(role).items() for column in columns)
        yield from ((role, table, "", "delete") for table in REMOVED.get(role, "").split())


def test_every_privilege_on_a_table_or_a_column_follows_from_the_rules(address: DatabaseUrls) -> None:
    assert held(address) == set(expected())


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("grant select on invoices to public", ("-", "invoices", "", "select")),
        ("grant select (floor_amount) on invoices to public", ("-", "invoices", "floor_amount", "select")),
        (f"grant truncate on invoices to {STAFF_LOGIN}", (STAFF_LOGIN, "invoices", "", "truncate")),
        ("grant select on alembic_version to clinic_attorney", ("clinic_attorney", "alembic_version", "", "select")),
        ("grant references (id) on patients to clinic_analyst", ("clinic_analyst", "patients", "id", "references")),
    ],
)
def test_an_excess_privilege_is_found(own_address: DatabaseUrls, statement: str, found: Held) -> None:
    rows(own_address, statement)
    assert held(own_address) - set(expected()) == {found}


def test_a_grant_option_is_found(own_address: DatabaseUrls) -> None:
    rows(own_address, "grant select (id) on invoices to clinic_attorney with grant option")
    with pytest.raises(AssertionError):
        held(own_address)


def test_default_privileges_grant_nothing_and_new_functions_are_not_executable_by_public(
    address: DatabaseUrls,
) -> None:
    query = """select defaclrole::regrole::text, defaclnamespace::int, defaclobjtype::text, defaclacl::text
        from pg_default_acl"""
    assert [tuple(row) for row in rows(address, query)] == [(OWNER_ROLE, 0, "f", f"{{{OWNER_ROLE}=X/{OWNER_ROLE}}}")]


@pytest.mark.parametrize("schema", ["public", JOBS])
def test_no_role_may_create_objects_in_a_schema_and_only_the_expected_roles_have_usage(
    address: DatabaseUrls, schema: str
) -> None:
    query = """select coalesce(r.rolname, '-'), lower(x.privilege_type) from pg_namespace n
        cross join lateral aclexplode(n.nspacl) x left join pg_roles r on r.oid = x.grantee
        where n.nspname = $1 and x.grantee <> n.nspowner"""
    found = {tuple(row) for row in rows(address, query, schema) if row[0] != OWNER_ROLE}
    # PostgreSQL itself grants PUBLIC usage of the schema "public", which allows nothing without further privileges.
    assert {privilege for _, privilege in found} == {"usage"}
    assert {role for role, _ in found} <= ({*GROUPS, "-"} if schema == "public" else {WORKER_ROLE})


def test_no_view_and_no_callable_function_reads_with_the_rights_of_its_owner(address: DatabaseUrls) -> None:
    views = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm', 'f')"
    assert rows(address, views) == []
    functions = """select p.proname, p.prorettype::regtype::text as gives from pg_proc p
        where p.pronamespace in ('public'::regnamespace, $1::text::regnamespace) and p.prosecdef"""
    # No role calls trigger functions; the function that searches the audit log by an index is called by the roles that read the log.
    # Who changes invoices has the days of their histories read, without reasons and notes, and writes restated states by a function
    # alone, both in the clinic of the transaction.
    called = {row["proname"] for row in rows(address, functions, JOBS) if row["gives"] != "trigger"}
    assert called == {"audit_events_about", "invoice_steps", "restate_invoice"}


def test_no_policy_is_for_public_and_every_table_with_a_policy_has_row_level_security(address: DatabaseUrls) -> None:
    query = """select p.tablename, p.roles::text[] as roles, c.relrowsecurity from pg_policies p
        join pg_class c on c.relname = p.tablename and c.relnamespace = 'public'::regnamespace where schemaname = 'public'"""
    found = rows(address, query)
    assert {name for row in found for name in row["roles"]} == set(GROUPS)
    assert all(row["relrowsecurity"] for row in found)
    # A role with a privilege on a table but without a policy for it sees no row of the table.
    policies = {(row["tablename"], name) for row in found for name in row["roles"]}
    assert {(table, role) for role, table, _, _ in held(address)} <= policies
    assert not {role for role, *_ in held(address)} & {STAFF_LOGIN, ATTORNEY_LOGIN, "-"}
