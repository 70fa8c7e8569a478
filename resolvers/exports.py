"""Decides how a file is asked for and called off; it is built by the worker, and waited for a little."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from graphql import GraphQLInputObjectType, GraphQLList, get_nullable_type
from strawberry import Info

from domain.errors import InvalidInput, NotFound
from domain.exports import (
    CANCELLED,
    LONGEST_FILTER,
    MOST_UNDER_WAY,
    UNDER_WAY,
    ExportFormat,
    ExportKind,
    ExportStatus,
    file_name,
)
from domain.ids import new_id
from permissions.viewers import Viewer
from resolvers.context import RequestContext
from resolvers.export_statements import Wanted, chosen, compile_export
from resolvers.reading import selection_of
from resolvers.writing import Done, Work, run

_UNDER_WAY = sorted(UNDER_WAY)
_COUNT = "select count(*) from exports where clinic_id = $1 and requested_by = $2 and status = any($3)"
_CANCEL = """update exports set status = $4, failure = $5
    where clinic_id = $1 and id = $2 and requested_by = $3 and status = any($6) returning id"""
_STATUS = "select status from exports where clinic_id = $1 and id = $2 and requested_by = $3"
_READY = """select kind, format, filter, columns, file_name, byte_size, sha256, blob_key, case_ids from exports
    where clinic_id = $1 and id = $2 and requested_by = $3 and role = $4 and status = 'ready' and expires_at > $5"""
_REACHED = "select count(*) from cases where clinic_id = $1 and id = any($2)"
# A small file is ready with the answer: after these pauses, two seconds in all, it is looked whether it is.
_PAUSES = (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.6)


async def ask(info: Info, kind: ExportKind) -> Done:
    """Ask for a file as the viewer of this request; what cannot be had is refused now."""
    context: RequestContext = info.context
    done = await run(info, f"export_{kind}", {}, partial(_ask, info, kind))
    if done.record is not None:
        await _wait(context, done.record)
    # What is ready by now was not when the transaction read it.
    return Done(done.record, done.errors)


async def _ask(info: Info, kind: ExportKind, work: Work) -> UUID:
    wanted = _wanted(info, kind)
    assert work.actor.role is not None
    if (await work.one(_COUNT, work.user_id, _UNDER_WAY))["count"] >= MOST_UNDER_WAY:
        raise InvalidInput(f"{MOST_UNDER_WAY} of your files are still to be built: wait for one, or cancel it")
    statements = compile_export(info._raw_info.schema, work.actor.role, wanted)
    # A value that no statement could take is refused by its plan.
    statements.rows.values(info.context, statements.arguments)
    identity, writes = new_id(work.moment), work.writes()
    writes.insert(
        "exports",
        id=identity,
        recorded_at=work.moment,
        created_at=work.moment,
        requested_by=work.user_id,
        role=work.actor.role.value,
        kind=kind.value,
        format=wanted.format.value,
        status=ExportStatus.QUEUED.value,
        filter=wanted.filter,
        columns=list(wanted.columns),
        file_name=file_name(kind, wanted.format, work.today),
    )
    await writes.run(work.connection)
    return identity


def _wanted(info: Info, kind: ExportKind) -> Wanted:
    """What the input says, in words that can be kept."""
    selector, asked = selection_of(info._raw_info)
    said = selector.arguments(asked)["input"]
    export_format = ExportFormat(said.get("format") or ExportFormat.CSV)
    columns = chosen(info._raw_info.schema, kind, said.get("columns"))
    return Wanted(
        kind, export_format, _filter(info, said.get("filter")), [column.path for column in columns if column.path]
    )


def _filter(info: Info, said: Any) -> dict[str, Any]:
    kept: dict[str, Any] = _as_sent(said or {}, info._raw_info.schema.type_map["InvoiceFilter"])
    if len(orjson.dumps(kept)) > LONGEST_FILTER:
        raise InvalidInput("This filter is too long", ("filter",))
    return kept


def _as_sent(value: Any, of: Any) -> Any:
    """An input as a client would send it, without what is null; the library's way by literals makes numbers of ids."""
    of = get_nullable_type(of)
    if isinstance(of, GraphQLList):
        return [_as_sent(one, of.of_type) for one in value]
    if isinstance(of, GraphQLInputObjectType):
        given = {name: (value[name], field.type) for name, field in of.fields.items() if value.get(name) is not None}
        return {name: _as_sent(*one) for name, one in given.items()}
    return of.serialize(value)


async def _wait(context: RequestContext, identity: UUID) -> None:
    viewer = context.viewer
    assert viewer is not None
    for pause in _PAUSES:
        await asyncio.sleep(pause)
        if not await is_under_way(context, identity):
            return


async def is_under_way(context: RequestContext, identity: UUID) -> bool:
    """Whether something is still to be expected of a file of the viewer."""
    viewer = context.viewer
    assert viewer is not None
    found = await context.database.read(viewer, _STATUS, [viewer.clinic_id, identity, viewer.user_id])
    return found is not None and found["status"] in UNDER_WAY


async def find_ready(
    connection: asyncpg.Connection, viewer: Viewer, identity: UUID, moment: datetime
) -> asyncpg.Record | None:
    """A file of the viewer that can be fetched (its row); None when there is none, or one of its cases is out of reach by now."""
    found = await connection.fetchrow(_READY, viewer.clinic_id, identity, viewer.user_id, viewer.role.value, moment)
    if found is None or found["case_ids"] is None:
        return found
    reached = await connection.fetchval(_REACHED, viewer.clinic_id, found["case_ids"])
    return found if reached == len(found["case_ids"]) else None


async def cancel(work: Work) -> UUID:
    """Call off a file that is under way."""
    named, failed = work.given["export_id"], ExportStatus.FAILED.value
    found = await work.one(_CANCEL, named, work.user_id, failed, CANCELLED, _UNDER_WAY)
    if found is None:
        if await work.one(_STATUS, named, work.user_id) is None:
            raise NotFound("There is no such file", ("export_id",))
        raise InvalidInput("Nobody is building this file any more", ("export_id",))
    identity: UUID = found["id"]
    return identity
