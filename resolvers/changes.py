"""Subscriptions: a client receives a change if its role sees something of what changed, can access the record, and has subscribed to such records."""

import asyncio
from collections.abc import AsyncGenerator
from functools import cache
from time import monotonic
from uuid import UUID

import orjson
from graphql import GraphQLError, GraphQLSchema
from sqlalchemy import select
from strawberry import Info

from db.action_items import count_due
from db.row import Scope
from db.security.column_grants import columns_read
from domain.access.people import Role
from domain.exports import UNDER_WAY
from permissions.graphql_adapter import core_info
from permissions.roles import marks_of
from resolvers.compiler.audited_ids import AuditedIds
from resolvers.compiler.plans import Binder, Plan, id_reader
from resolvers.compiler.reading import match_change, resolve_payload, selection_of
from resolvers.context import RequestContext

_NONE_SUCH = UUID(int=0)
_STATE = "select status, rows_written from exports where clinic_id = $1 and id = $2 and requested_by = $3"
# A new day is noticed within a minute, without any notification.
_LOOKS_SECONDS, _RESTS = 60.0, 4


@cache
def names_seen(schema: GraphQLSchema, role: Role) -> frozenset[str]:
    """The columns of invoices, and the related tables, of which a role sees something in its schema.

    They are those that its statements read and that it is granted in the database: a role receives no notification of what
    it cannot see. A change of access counts as seen: the attorney who represents the case now is notified of it.
    """
    columns = columns_read(role, frozenset(marks_of(schema)))
    return frozenset({*columns, *columns["invoices"]})


async def export_progress(info: Info) -> AsyncGenerator[orjson.Fragment, None]:
    """An export of the viewer as it is now, and after each progress, until it is ready or has failed."""
    context: RequestContext = info.context
    viewer, (selector, asked) = context.viewer, selection_of(core_info(info))
    assert viewer is not None
    assert context.changes is not None
    identity = id_reader("id", "Export")(selector.arguments(asked)["id"])
    async with context.changes.of_exports() as changes:
        state = await _state(context, identity)
        export = await resolve_payload(info, "Export", identity)
        if export is None:
            raise GraphQLError("There is no such file", extensions={"code": "NOT_FOUND"})
        yield export
        while state is not None and state[0] in UNDER_WAY:
            await anext(changes)
            before, state = state, await _state(context, identity)
            export = None if state == before else await resolve_payload(info, "Export", identity)
            if export is not None:
                yield export


async def _state(context: RequestContext, identity: UUID) -> tuple[str, int] | None:
    """The status of an export of the viewer, and how many of its rows are written; None if there is none."""
    viewer = context.viewer
    assert viewer is not None
    found = await context.database.read(viewer, _STATE, [viewer.clinic_id, identity, viewer.user_id])
    return (found["status"], found["rows_written"]) if found else None


async def count_action_items(info: Info) -> AsyncGenerator[int, None]:
    """The number of action items that are due for the viewer's clinic, now and whenever it has changed; a new day changes it, too."""
    context: RequestContext = info.context
    viewer = context.viewer
    assert viewer is not None
    assert context.changes is not None
    plan, counted = _count(viewer.role), -1
    async with context.changes.of_any(viewer.clinic_id, names_seen(core_info(info).schema, viewer.role)) as changes:
        while True:
            began = monotonic()
            found = await context.database.read(viewer, plan.sql, plan.values(context, []))
            took = monotonic() - began
            assert found is not None
            if plan.tells_merges and found["m"]:
                plan = _count(viewer.role, follows=True)
                continue
            if found["count"] != counted:
                counted = found["count"]
                yield counted
            # In a large clinic counting takes a while: a subscription keeps the database busy for at most a fifth
            # of the time.
            await asyncio.sleep(_RESTS * took)
            await changes(_LOOKS_SECONDS)


@cache
def _count(role: Role, *, follows: bool = False) -> Plan:
    scope = Scope(role, follows=follows)
    return Binder([]).plan(select(count_due(scope).label("count")), AuditedIds(is_on=False), scope)


async def changed_invoices(info: Info) -> AsyncGenerator[orjson.Fragment, None]:
    """Each invoice that has changed, read again with the fields of the selection."""
    context: RequestContext = info.context
    viewer = context.viewer
    assert viewer is not None
    assert context.changes is not None
    names = names_seen(core_info(info).schema, viewer.role)
    async with context.changes.of_invoices(viewer.clinic_id, names) as changes:
        # An invalid argument is rejected at once, and not with the first change.
        await resolve_payload(info, "Invoice", _NONE_SUCH)
        async for change in changes:
            invoice = await resolve_payload(info, "Invoice", change.invoice_id)
            if invoice is not None:
                yield invoice


async def invoice_events(info: Info) -> AsyncGenerator[tuple[UUID, bool], None]:
    """Each invoice of which a transaction has changed something, if it matched before or matches after it; and whether it leaves.

    An invoice that the viewer lost since is left to the event of the transaction that took it.
    """
    context: RequestContext = info.context
    viewer = context.viewer
    assert viewer is not None
    assert context.changes is not None
    names = names_seen(core_info(info).schema, viewer.role)
    async with context.changes.of_invoices(viewer.clinic_id, names) as changes:
        # An invalid argument is rejected at once, and not with the first change.
        await match_change(info, _NONE_SUCH, _NONE_SUCH)
        async for change in changes:
            found = await match_change(info, change.invoice_id, change.change_id)
            leaves = found["before"] and not found["after"]
            if leaves or (found["after"] and found["reached"]):
                yield change.invoice_id, leaves
