"""The ownership of tables and functions by a role without login, and the execute privileges on functions.

Functions that are `security definer` run with the rights of their owner, so that the owner must be no superuser and must have
no login. Row-level security is not forced on the owner: such a function is meant to read and write all rows.
"""

from collections.abc import Iterator, Mapping, Sequence

# The owner of the job queue's schema and of every table, sequence, type and function of the application; migrations run as it.
OWNER_ROLE = "clinic_owner"
# The search path of each function. Where pg_temp is not named, PostgreSQL looks for tables and types there first, also
# before pg_catalog.
SEARCH_PATH = "public, pg_temp"
_SCHEMAS = "('public', 'jobs')"

_MAY_MIGRATE = """do $$ begin
    if not exists (select from pg_roles r, pg_database d where r.rolname = current_user and d.datname = current_database()
            and (r.rolsuper or r.rolcreaterole and pg_has_role(current_user, d.datdba, 'usage'))) then
        raise insufficient_privilege using
            message = 'migrations must be run by the owner of the database with the right to create roles, or by a superuser';
    end if;
end $$"""

# Roles belong to the whole server, so that two databases may create it at the same time.
_OWNER_EXISTS = f"""do $$ begin
    if not exists (select from pg_roles where rolname = '{OWNER_ROLE}') then
        create role {OWNER_ROLE} nologin noinherit;
    end if;
exception when duplicate_object or unique_violation then null;
end $$"""

# A migrating login that is no superuser acts as the owner by membership; a superuser needs none.
_MIGRATES_AS_OWNER = f"""do $$ begin
    if not (pg_has_role(current_user, '{OWNER_ROLE}', 'usage') and pg_has_role(current_user, '{OWNER_ROLE}', 'set')) then
        execute format('grant {OWNER_ROLE} to %I with inherit true, set true', current_user);
    end if;
end $$"""

_OWNER_MAKES_TABLES = f"""do $$ begin
    if not has_database_privilege('{OWNER_ROLE}', current_database(), 'create') then
        execute format('grant create on database %I to {OWNER_ROLE}', current_database());
    end if;
    if not has_schema_privilege('{OWNER_ROLE}', 'public', 'create') then
        grant usage, create on schema public to {OWNER_ROLE};
    end if;
end $$"""

# Objects of other owners, such as extensions or views made by other users, keep their owner. Sequences of columns follow their
# table.
_OWNER_OWNS = f"""do $$ declare wanted text; begin
    for wanted in
        with former as (
            select oid from pg_roles where rolname = current_user and rolname <> '{OWNER_ROLE}'
            union select relowner from pg_class where oid = to_regclass('public.alembic_version') and relowner <> '{OWNER_ROLE}'::regrole
        ), ours as (
            select oid from pg_namespace where nspname in {_SCHEMAS}
        ), dependent as (
            select classid, objid from pg_depend where deptype = 'e' or classid = 'pg_class'::regclass
                and deptype in ('a', 'i') and refclassid = 'pg_class'::regclass
        ), owned as (
            select 0 as step, 'pg_namespace'::regclass as kind, oid, nspowner as owner, format('schema %I', nspname) as thing
                from pg_namespace where nspname = 'jobs'
            union all select 1, 'pg_class'::regclass, c.oid, relowner,
                case relkind when 'S' then 'sequence ' else 'table ' end || c.oid::regclass
                from pg_class c join ours on ours.oid = relnamespace where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
            union all select 1, 'pg_proc'::regclass, p.oid, proowner, 'routine ' || p.oid::regprocedure
                from pg_proc p join ours on ours.oid = pronamespace
            union all select 1, 'pg_type'::regclass, t.oid, typowner, 'type ' || t.oid::regtype
                from pg_type t join ours on ours.oid = typnamespace left join pg_class c on c.oid = typrelid
                where typtype in ('e', 'd', 'r') or c.relkind = 'c'
        )
        select format('alter %s owner to {OWNER_ROLE}', thing) from owned where owner in (select oid from former)
            and not exists (select from dependent d where d.classid = owned.kind and d.objid = owned.oid)
        order by step
    loop
        execute wanted;
    end loop;
end $$"""

# The server's logins must not create objects: neither temporary nor permanent tables, types and functions.
NOTHING_TEMPORARY = """do $$ begin
    if has_database_privilege('public', current_database(), 'temporary') then
        execute format('revoke temporary on database %I from public', current_database());
    end if;
end $$"""
_NOTHING_IS_MADE = """do $$ begin
    if has_schema_privilege('public', 'public', 'create') then
        revoke create on schema public from public;
    end if;
end $$"""


def ownership() -> tuple[str, ...]:
    """The statements before migrations: they create the owner role and give it all objects; they are idempotent."""
    return (
        _MAY_MIGRATE,
        _OWNER_EXISTS,
        _MIGRATES_AS_OWNER,
        _OWNER_MAKES_TABLES,
        _OWNER_OWNS,
        NOTHING_TEMPORARY,
        _NOTHING_IS_MADE,
        f"alter default privileges for role {OWNER_ROLE} revoke execute on functions from public",
    )


def calls(callers: Mapping[str, Sequence[str]], roles: Sequence[str]) -> Iterator[str]:
    """The statements that grant execute on each function to its callers only; triggers fire without that privilege."""
    yield f"""do $$ declare called regprocedure; begin
        for called in select oid from pg_proc where proowner = '{OWNER_ROLE}'::regrole and prokind in ('f', 'p') loop
            execute format('revoke execute on routine %s from public, {", ".join(roles)}', called);
        end loop;
    end $$"""
    for function, names in callers.items():
        yield f"grant execute on function {function} to {', '.join(names)}"
