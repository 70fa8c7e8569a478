"""Requesting and cancelling exports; the worker builds the file, and the mutation waits for it briefly."""

import asyncio
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from graphql import GraphQLError, GraphQLInputObjectType, GraphQLList, GraphQLSchema, get_nullable_type
from strawberry import Info

from domain.billing.invoices import OPEN
from domain.errors import DomainError, InvalidInput, NotFound
from domain.exports import (
    CANCELLED,
    LONGEST_FILTER,
    MOST_UNDER_WAY,
    SINGLE_FILES,
    UNDER_WAY,
    ExportFormat,
    ExportKind,
    ExportStatus,
    file_name,
)
from domain.ids import new_id
from permissions.graphql_adapter import core_info
from permissions.viewers import Viewer
from resolvers.commands.inputs import identity_of
from resolvers.commands.unit_of_work import CommandResult, UnitOfWork, run_command
from resolvers.compiler.export_statements import SETS, Wanted, chosen, compile_export, compile_reach_check
from resolvers.compiler.reading import selection_of
from resolvers.context import ReadContext, RequestContext

# A worker gives a heartbeat every five seconds.
_ALIVE = "select exists (select from jobs.workers where heartbeat_at > now() - interval '20 seconds')"
_UNDER_WAY = sorted(UNDER_WAY)
_COUNT = "select count(*) from exports where clinic_id = $1 and requested_by = $2 and status = any($3)"
_CANCEL = """update exports set status = $4, failure = $5
    where clinic_id = $1 and id = $2 and requested_by = $3 and status = any($6) returning id"""
_STATUS = "select status from exports where clinic_id = $1 and id = $2 and requested_by = $3"
_READY = """select kind, format, filter, columns, deposit_id, byte_order_mark, file_name, byte_size, sha256, blob_key from exports
    where clinic_id = $1 and id = $2 and requested_by = $3 and role = $4 and status = 'ready' and expires_at > $5
    and record_count is not null"""
_DEPOSIT = "select 1 from deposits where clinic_id = $1 and id = $2"
_GIVE_UP = (
    "update exports set status = 'expired' where clinic_id = $1 and id = $2 and requested_by = $3 and status = 'ready'"
)
# A small file is ready with the response: its status is checked after these pauses, two seconds in all.
_PAUSES = (0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.6)


async def ask(info: Info, kind: ExportKind) -> CommandResult:
    """Request an export as the viewer of this request; invalid columns and filters are rejected at once."""
    context: RequestContext = info.context
    done = await run_command(info, f"export_{kind}", {}, partial(_ask, info, kind))
    if done.record is not None:
        await _wait(context, done.record)
    # The file may have become ready after the transaction read it.
    return CommandResult(done.record, done.errors)


async def is_worker_running(info: Info) -> bool:
    """Whether any worker of this database has given a heartbeat lately."""
    async with info.context.database.working() as connection:
        return bool(await connection.fetchval(_ALIVE))


async def _ask(info: Info, kind: ExportKind, work: UnitOfWork) -> UUID:
    wanted = _wanted(info, kind)
    assert work.actor.role is not None
    if (await work.one(_COUNT, work.user_id, _UNDER_WAY))["count"] >= MOST_UNDER_WAY:
        raise InvalidInput(f"{MOST_UNDER_WAY} of your exports are still in progress: wait for one, or cancel it")
    if wanted.deposit_id is not None and await work.one(_DEPOSIT, wanted.deposit_id) is None:
        raise NotFound("There is no such deposit", ("deposit_id",))
    for part in compile_export(core_info(info).schema, work.actor.role, wanted):
        # The plan rejects a value that no statement could take.
        part.rows.values(info.context, part.arguments)
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
        deposit_id=wanted.deposit_id,
        byte_order_mark=wanted.byte_order_mark,
        file_name=file_name(kind, wanted.format, work.today),
    )
    await writes.run(work.connection)
    return identity


def _wanted(info: Info, kind: ExportKind) -> Wanted:
    """The filter of the input in a form that can be stored."""
    selector, asked = selection_of(core_info(info))
    input_ = selector.arguments(asked)["input"]
    columns = chosen(core_info(info).schema, kind, input_.get("columns"))
    found = Wanted(
        kind, _format(kind, input_), _filter(info, input_.get("filter")), [column.path for column in columns]
    )
    if kind in SETS:
        return replace(found, filter={"status": sorted(status.name for status in OPEN), **found.filter})
    deposit = input_.get("depositId")
    deposit_id = None if deposit is None else identity_of(deposit, ("deposit_id",))
    return replace(found, byte_order_mark=input_.get("byteOrderMark") is not False, deposit_id=deposit_id)


def _format(kind: ExportKind, input_: Any) -> ExportFormat:
    if kind in SETS:
        return ExportFormat.ZIP
    export_format = ExportFormat(input_["format"])
    if export_format not in SINGLE_FILES:
        raise InvalidInput("Only exports for QuickBooks are sets of files in a ZIP", ("format",))
    return export_format


def _filter(info: Info, input_: Any) -> dict[str, Any]:
    kept: dict[str, Any] = _as_sent(input_ or {}, core_info(info).schema.type_map["InvoiceFilter"])
    if len(orjson.dumps(kept)) > LONGEST_FILTER:
        raise InvalidInput("The filter is too long", ("filter",))
    return kept


def _as_sent(value: Any, of: Any) -> Any:
    """An input as a client would send it, without null fields; the library's conversion by literals turns ids into numbers."""
    of = get_nullable_type(of)
    if isinstance(of, GraphQLList):
        return [_as_sent(one, of.of_type) for one in value]
    if isinstance(of, GraphQLInputObjectType):
        inputs = {name: (value[name], field.type) for name, field in of.fields.items() if value.get(name) is not None}
        return {name: _as_sent(*one) for name, one in inputs.items()}
    return of.serialize(value)


async def _wait(context: RequestContext, identity: UUID) -> None:
    viewer = context.viewer
    assert viewer is not None
    for pause in _PAUSES:
        await asyncio.sleep(pause)
        if not await is_under_way(context, identity):
            return


async def is_under_way(context: RequestContext, identity: UUID) -> bool:
    """Whether an export of the viewer may still change."""
    viewer = context.viewer
    assert viewer is not None
    found = await context.database.read(viewer, _STATUS, [viewer.clinic_id, identity, viewer.user_id])
    return found is not None and found["status"] in UNDER_WAY


async def find_ready(
    connection: asyncpg.Connection, viewer: Viewer, identity: UUID, moment: datetime
) -> asyncpg.Record | None:
    """The row of a finished export of the viewer in the role in which it was requested; None if there is none."""
    return await connection.fetchrow(_READY, viewer.clinic_id, identity, viewer.user_id, viewer.role.value, moment)


async def is_in_reach(
    connection: asyncpg.Connection, schema: GraphQLSchema, viewer: Viewer, identity: UUID, found: asyncpg.Record
) -> bool:
    """Whether the viewer still reaches every record and every column of a finished export; if not, end the transaction.

    A statement asks for each record, under row-level security and the column grants of the role.
    """
    assert viewer.role is not None
    try:
        for check in compile_reach_check(schema, viewer.role, Wanted.of(found), identity):
            values = check.plan.values(ReadContext(viewer), check.arguments)
            if await connection.fetchval(check.plan.sql, *values) is not True:
                return False
    except (DomainError, GraphQLError, asyncpg.InsufficientPrivilegeError):
        return False
    return True


async def give_up(connection: asyncpg.Connection, viewer: Viewer, identity: UUID) -> None:
    """Let a finished export of the viewer expire: the worker deletes its file, and nothing more is said of its content."""
    await connection.execute(_GIVE_UP, viewer.clinic_id, identity, viewer.user_id)


async def cancel(work: UnitOfWork) -> UUID:
    """Cancel an export that is in progress."""
    named, failed = work.inputs["export_id"], ExportStatus.FAILED.value
    found = await work.one(_CANCEL, named, work.user_id, failed, CANCELLED, _UNDER_WAY)
    if found is None:
        if await work.one(_STATUS, named, work.user_id) is None:
            raise NotFound("There is no such file", ("export_id",))
        raise InvalidInput("This export is not in progress", ("export_id",))
    identity: UUID = found["id"]
    return identity
