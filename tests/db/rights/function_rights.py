"""Checks functions, owners, callers and roles in PostgreSQL's catalog, and returns a message for each deviation."""

import re
from collections.abc import Iterator

from db.security.ownership import OWNER_ROLE, SEARCH_PATH
from db.security.policies import ATTORNEY_LOGIN, CALLERS, JOBS, STAFF_LOGIN
from server.database_urls import DatabaseUrls
from tests.db.rights.test_grants import GROUPS
from tests.house.source import LAYERS, PROJECT
from tests.support.databases import rows

LOGINS = (STAFF_LOGIN, ATTORNEY_LOGIN)
_OURS = f"('public'::regnamespace, '{JOBS}'::regnamespace)"
_FUNCTIONS = f"""select p.oid::regprocedure::text as name, p.proowner::regrole::text as owner, p.proconfig as settings,
        p.prosecdef as is_definer from pg_proc p where p.pronamespace in {_OURS} order by 1"""
# All other objects of the product that have an owner.
_OBJECTS = f"""select c.oid::regclass::text as name, c.relowner::regrole::text as owner from pg_class c
        where c.relnamespace in {_OURS} and c.relkind not in ('i', 'I')
    union all select t.oid::regtype::text, typowner::regrole::text from pg_type t where typnamespace in {_OURS}
    union all select 'schema ' || nspname, nspowner::regrole::text from pg_namespace where nspname = '{JOBS}'"""
_CALLERS = f"""select p.oid::regprocedure::text as name, coalesce(r.rolname, 'public') as caller from pg_proc p
        cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
        left join pg_roles r on r.oid = x.grantee where p.pronamespace in {_OURS} and x.grantee <> p.proowner"""
_ROLES = """select rolname as name, rolsuper as superuser, rolcreatedb as createdb, rolcreaterole as createrole,
        rolreplication as replication, rolbypassrls as bypassrls, rolcanlogin as login, rolinherit as inherit,
        rolconfig is not null as settings from pg_roles where rolname like 'clinic\\_%'"""
_MEMBERS = """select roleid::regrole::text as role, member::regrole::text as member, admin_option, inherit_option
        from pg_auth_members where member::regrole::text like 'clinic\\_%'"""


def channels_in_code() -> set[str]:
    """Every channel on which the product's code notifies."""
    written = "".join(path.read_text(encoding="utf-8") for layer in LAYERS for path in (PROJECT / layer).rglob("*.py"))
    return set(re.findall(r"pg_notify\(\s*'(\w+)'", written))


def faults(address: DatabaseUrls) -> list[str]:
    """The deviations of functions, owners, callers and roles: for each a message that names the object and says how to correct it."""
    return [*_functions(address), *_owners(address), *_callers(address), *_roles(address), *_members(address)]


def _functions(address: DatabaseUrls) -> Iterator[str]:
    for function in rows(address, _FUNCTIONS):
        name, settings = function["name"], function["settings"] or []
        if function["owner"] != OWNER_ROLE:
            yield f"{name} belongs to {function['owner']}: make it in a migration, which runs as {OWNER_ROLE}"
        if settings != [f"search_path={SEARCH_PATH}"]:
            kind = "security definer " if function["is_definer"] else ""
            yield f'{kind}{name} has {settings or "no search path"}: add "set search_path = {SEARCH_PATH}" to it'


def _owners(address: DatabaseUrls) -> Iterator[str]:
    for object_row in rows(address, _OBJECTS):
        if object_row["owner"] != OWNER_ROLE:
            yield f"{object_row['name']} belongs to {object_row['owner']}: make it in a migration, which runs as {OWNER_ROLE}"


def _callers(address: DatabaseUrls) -> Iterator[str]:
    named = {
        (row["named"], caller)
        for function, callers in CALLERS.items()
        for row in rows(address, "select $1::text::regprocedure::text as named", function)
        for caller in callers
    }
    found = {(row["name"], row["caller"]) for row in rows(address, _CALLERS)}
    for name, caller in sorted(found ^ named):
        yield f"{name} and {caller}: who calls a function is listed in CALLERS of db/security/policies.py, and granted by it alone"


def _roles(address: DatabaseUrls) -> Iterator[str]:
    found = rows(address, _ROLES)
    for name in sorted({role["name"] for role in found} ^ {*GROUPS, *LOGINS, OWNER_ROLE}):
        yield f"{name} is a role that is not known here, or is missing: db/security/policies.py makes the roles"
    for role in found:
        attributes = {name for name, value in role.items() if value is True}
        if attributes != ({"login"} if role["name"] in LOGINS else set()):
            yield f"{role['name']} has the attributes {sorted(attributes)}: alter the role, db/security/policies.py gives it none but login"


def _members(address: DatabaseUrls) -> Iterator[str]:
    for grant in rows(address, _MEMBERS):
        if (
            grant["member"] not in LOGINS
            or grant["admin_option"]
            or grant["inherit_option"]
            or grant["role"] not in GROUPS
        ):
            yield f"{grant['member']} is a member of {grant['role']}: only logins are, with set alone"
