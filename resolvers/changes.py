"""Decides who hears of a change: whoever sees something of what has changed, has the record in reach, and asked for such records."""

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
from db.columns import columns_read
from db.row import Scope
from domain.people import Role
from permissions.roles import marks_of
from resolvers.context import RequestContext
from resolvers.exports import is_under_way
from resolvers.plans import Binder, Plan, id_reader
from resolvers.reading import follow, selection_of

_NONE_SUCH = UUID(int=0)
# A new day is noticed within a minute, without anybody having said anything.
_LOOKS_SECONDS, _RESTS = 60.0, 4


@cache
def names_seen(schema: GraphQLSchema, role: Role) -> frozenset[str]:
    """The columns of invoices, and the tables beside them, of which a role sees something in its schema.

    They are those that its statements read, and that it is granted in the database: what a role does not see it cannot
    hear of either. A change of reach counts as seen: who represents the case now hears that it has come.
    """
    columns = columns_read(role, frozenset(marks_of(schema)))
    return frozenset({*columns, *columns["invoices"]})


async def export_progress(info: Info) -> AsyncGenerator[orjson.Fragment, None]:
    """A file of the viewer as it is now, and whenever its building has come further, until there is nothing more to come."""
    context: RequestContext = info.context
    viewer, (selector, asked) = context.viewer, selection_of(info._raw_info)
    assert viewer is not None
    assert context.changes is not None
    identity = id_reader("id", "Export")(selector.arguments(asked)["id"])
    async with context.changes.of_export(viewer.clinic_id, identity) as changes:
        is_to_come = await is_under_way(context, identity)
        export = await follow(info, "Export", identity)
        if export is None:
            raise GraphQLError("There is no such file", extensions={"code": "NOT_FOUND"})
        yield export
        while is_to_come:
            await anext(changes)
            is_to_come = await is_under_way(context, identity)
            export = await follow(info, "Export", identity)
            if export is not None:
                yield export


async def count_action_items(info: Info) -> AsyncGenerator[int, None]:
    """How many action items are due for the viewer's clinic, now and whenever that has changed; a new day changes it, too."""
    context: RequestContext = info.context
    viewer = context.viewer
    assert viewer is not None
    assert context.changes is not None
    plan, counted = _count(viewer.role), -1
    async with context.changes.of_any(viewer.clinic_id, names_seen(info._raw_info.schema, viewer.role)) as changes:
        while True:
            began = monotonic()
            found = await context.database.read(viewer, plan.sql, plan.values(context, []))
            took = monotonic() - began
            assert found is not None
            if found["count"] != counted:
                counted = found["count"]
                yield counted
            # In a large clinic counting takes a while: whoever listens keeps the database busy for a fifth of the time at most.
            await asyncio.sleep(_RESTS * took)
            await changes(_LOOKS_SECONDS)


@cache
def _count(role: Role) -> Plan:
    scope = Scope(role)
    return Binder([]).plan(select(count_due(scope).label("count")))


async def changed_invoices(info: Info) -> AsyncGenerator[orjson.Fragment, None]:
    """Each invoice that has changed, read anew as the selection asks."""
    context: RequestContext = info.context
    viewer = context.viewer
    assert viewer is not None
    assert context.changes is not None
    names = names_seen(info._raw_info.schema, viewer.role)
    async with context.changes.of_invoices(viewer.clinic_id, names) as changes:
        # An argument that makes no sense is refused now, and not with the first change.
        await follow(info, "Invoice", _NONE_SUCH)
        async for invoice_id in changes:
            invoice = await follow(info, "Invoice", invoice_id)
            if invoice is not None:
                yield invoice
