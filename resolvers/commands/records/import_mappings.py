"""Saved mappings of files to import: listed, saved with optimistic locking, and deleted, within the kinds that a role may import."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson
from strawberry import Info

from domain.access.people import Role
from domain.errors import Conflict, InvalidInput, NotFound, StaleVersion
from domain.ids import new_id
from domain.imports import ImportKind
from domain.normal_forms import normal_key
from domain.texts import NAME, required_text
from imports.mapping.mappings import ImportMapping, as_json, check_decided, mapping_of
from permissions.actions import IMPORTS
from permissions.rules import RULES
from resolvers.commands.unit_of_work import UnitOfWork

_READ = """select m.id, m.kind, m.name, m.version, m.mapping::text as mapping, m.changed_at, u.name as changed_by from import_mappings m
    left join users u on u.clinic_id = m.clinic_id and u.id = m.changed_by where m.clinic_id = $1"""
_LIST = f"{_READ} and ($2::text is null or m.kind = $2) order by m.kind, m.name"
_FIND = f"{_READ} and m.id = $2"
_NAMED = "select id, version, name from import_mappings where clinic_id = $1 and kind = $2 order by id for update"
_DELETE = "delete from import_mappings where clinic_id = $1 and id = $2 and version = $3 returning kind"
_NO_MAPPING = "There is no such mapping"
# The longest list: a clinic has a handful of systems, and each kind has a mapping or two.
_MOST = 500


class SavedMapping(NamedTuple):
    """A saved mapping, and who changed it last."""

    id: UUID
    kind: ImportKind
    name: str
    version: int
    mapping: ImportMapping
    changed_at: datetime
    changed_by: str | None


def check_kind(role: Role | None, kind: ImportKind) -> None:
    """The second check, behind the role's schema, which does not contain the kinds that the role may not import."""
    if not RULES[IMPORTS[kind]].allows(role):
        raise InvalidInput("There is no such kind of file", ("kind",))


async def list_mappings(info: Info, kind: ImportKind | None) -> list[SavedMapping]:
    """The mappings of the kinds that the viewer may import, or those of one kind."""
    context = info.context
    context.audit.add_operation(info.field_name)
    async with context.database.entered(context.viewer) as connection:
        rows = await connection.fetch(_LIST, context.viewer.clinic_id, kind)
    return [_saved(row) for row in rows]


async def find_again(info: Info, identity: UUID) -> list[SavedMapping]:
    """The mapping that a repeated request has saved; none if it was deleted since."""
    context = info.context
    async with context.database.entered(context.viewer) as connection:
        rows = await connection.fetch(_FIND, context.viewer.clinic_id, identity)
    return [_saved(row) for row in rows]


async def get_mapping(
    connection: asyncpg.Connection, clinic_id: UUID, identity: UUID, kind: ImportKind | None = None
) -> SavedMapping:
    """A saved mapping, of a kind if one is given; NotFound if the viewer reaches no such mapping."""
    row = await connection.fetchrow(_FIND, clinic_id, identity)
    if row is None or kind not in (None, row["kind"]):
        raise NotFound(_NO_MAPPING, ("mapping_id",))
    return _saved(row)


def mapping_from(kind: ImportKind, found: Mapping[str, Any]) -> ImportMapping:
    """The checked mapping of an input; the path of an error begins with the input's field."""
    try:
        return mapping_of(kind, found)
    except InvalidInput as error:
        raise error.at("mapping", *error.path) from None


async def save(work: UnitOfWork) -> UUID:
    """Save a new mapping, or replace the one of this kind and name, which must have the version that was read."""
    kind, name = work.inputs["kind"], required_text(work.inputs, "name", NAME)
    check_kind(work.actor.role, kind)
    mapping = mapping_from(kind, work.inputs["mapping"])
    check_decided(mapping)
    # A name in other letters is the same name; the mapping keeps the spelling that it has.
    found = next((row for row in await work.all(_NAMED, kind) if normal_key(row["name"]) == normal_key(name)), None)
    version = work.inputs.get("version")
    values = {"mapping": as_json(mapping), "changed_by": work.user_id, "changed_at": work.moment}
    writes = work.writes()
    if found is None:
        if version is not None:
            raise NotFound(_NO_MAPPING, ("version",))
        await _check_count(work)
        identity = new_id(work.moment)
        writes.insert("import_mappings", id=identity, recorded_at=work.moment, kind=kind, name=name, **values)
    else:
        identity = found["id"]
        if version != found["version"]:
            raise StaleVersion("The mapping has been changed since it was read", ("version",), found["version"])
        writes.update("import_mappings", {"id": identity}, version=version + 1, **values)
    try:
        await writes.run(work.connection)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("A mapping of this name was saved at the same time", ("name",)) from error
    return identity


async def delete(work: UnitOfWork) -> UUID:
    """Delete a mapping, which must have the version that was read; files that were imported with it stay as they are."""
    identity: UUID = work.inputs["mapping_id"]
    kept = await get_mapping(work.connection, work.clinic_id, identity)
    if await work.one(_DELETE, identity, work.inputs["version"]) is None:
        raise StaleVersion("The mapping has been changed since it was read", ("version",), kept.version)
    return identity


async def _check_count(work: UnitOfWork) -> None:
    if (await work.one("select count(*) from import_mappings where clinic_id = $1"))["count"] >= _MOST:
        raise InvalidInput(f"A clinic has at most {_MOST} mappings: delete one that is not needed", ("name",))


def _saved(row: Any) -> SavedMapping:
    kind = ImportKind(row["kind"])
    mapping = mapping_of(kind, orjson.loads(row["mapping"]))
    return SavedMapping(row["id"], kind, row["name"], row["version"], mapping, row["changed_at"], row["changed_by"])
