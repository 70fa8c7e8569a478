"""The version of roles, grants, policies and the lifecycle guard: a serial number and a digest, in the code and in the database.

The serial number rises with every change and orders the versions; `make snapshots` keeps it in policy_version.json. The digest of
the catalog shows whether the database still has what was set, also after a restore or a change by hand.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncpg

FILE = Path(__file__).with_name("policy_version.json")
_MIGRATIONS = Path(__file__).parents[1] / "migrations" / "versions"
_STORED = "select serial, digest, catalog_digest from policy_version"
_STORE = """insert into policy_version (is_only_row, serial, digest, catalog_digest, applied_at)
    values (true, $1, $2, $3, clock_timestamp()) on conflict (is_only_row) do update
    set serial = $1, digest = $2, catalog_digest = $3, applied_at = clock_timestamp()"""
# What the statements set, as the catalog has it: policies, privileges, owners, functions, triggers and memberships.
_CATALOG = """select sha256(convert_to(coalesce(string_agg(line, E'\\n' order by line collate "C"), ''), 'UTF8')) from (
    select format('policy %s %s %s %s %s %s', tablename, policyname, roles, cmd, qual, with_check) as line
        from pg_policies where schemaname = 'public'
    union all select format('relation %s %s %s %s', oid::regclass, relowner::regrole, relrowsecurity, relacl)
        from pg_class where relnamespace in (select oid from ours) and relkind in ('r', 'p', 'v', 'm', 'S')
    union all select format('column %s %s %s', attrelid::regclass, attname, attacl) from pg_attribute
        where attacl is not null and attrelid in (select oid from pg_class where relnamespace in (select oid from ours))
    union all select format('function %s %s %s %s', oid::regprocedure, proowner::regrole, proacl, pg_get_functiondef(oid))
        from pg_proc where pronamespace in (select oid from ours) and prokind in ('f', 'p')
    union all select format('trigger %s %s', tgenabled, pg_get_triggerdef(oid)) from pg_trigger
        where not tgisinternal and tgrelid in (select oid from pg_class where relnamespace in (select oid from ours))
    union all select format('schema %s %s %s', nspname, nspowner::regrole, nspacl) from pg_namespace where oid in (select oid from ours)
    union all select format('member %s %s %s %s', roleid::regrole, member::regrole, inherit_option, set_option)
        from pg_auth_members where starts_with(roleid::regrole::text, 'clinic_')
    union all select format('role %s %s %s %s', rolname, rolcanlogin, rolinherit, rolbypassrls) from pg_roles
        where starts_with(rolname, 'clinic_')
) found"""
_CATALOG_DIGEST = f"with ours as (select oid from pg_namespace where nspname in ('public', 'jobs')) {_CATALOG}"


class Standing(Enum):
    """How the database's version stands to that of this code."""

    SAME = "same"
    OLDER = "older"
    NEWER = "newer"


@dataclass(frozen=True)
class PolicyVersion:
    """The statements of this code, with their serial number; a new migration counts as a change as well."""

    serial: int
    statements: tuple[str, ...]

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the newest migration's name and of all statements."""
        newest = max(path.stem for path in _MIGRATIONS.glob("[0-9]*.py"))
        return hashlib.sha256("\n".join((newest, *self.statements)).encode()).digest()


def version_of(statements: Iterable[str]) -> PolicyVersion:
    """The version of these statements, with the serial number that the project keeps."""
    return PolicyVersion(json.loads(FILE.read_text(encoding="utf-8"))["serial"], tuple(statements))


def kept_text(statements: Iterable[str]) -> str:
    """The content of policy_version.json: the same as it is, or the next serial number where the digest has changed."""
    kept: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    digest = PolicyVersion(0, tuple(statements)).digest.hex()
    serial = kept["serial"] + (digest != kept["digest"])
    return json.dumps({"serial": serial, "digest": digest}, indent=2) + "\n"


async def standing(connection: asyncpg.Connection, version: PolicyVersion, *, by_catalog: bool = False) -> Standing:
    """How the database stands to a version; `by_catalog`, it is older also where it has lost something of what was set."""
    try:
        row = await connection.fetchrow(_STORED)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        # Never migrated, or not yet by this login.
        row = None
    if row is None or row["serial"] < version.serial:
        return Standing.OLDER
    if row["serial"] > version.serial:
        return Standing.NEWER
    is_same = row["digest"] == version.digest
    if is_same and by_catalog:
        is_same = row["catalog_digest"] == await connection.fetchval(_CATALOG_DIGEST)
    return Standing.SAME if is_same else Standing.OLDER


async def store(connection: asyncpg.Connection, version: PolicyVersion) -> None:
    """Record that the statements of a version have been run, in their transaction."""
    catalog = await connection.fetchval(_CATALOG_DIGEST)
    await connection.execute(_STORE, version.serial, version.digest, catalog)
