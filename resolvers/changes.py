"""Decides who hears of a change: whoever sees something of what has changed, has the record in reach, and asked for such records."""

from collections.abc import AsyncGenerator
from functools import cache
from uuid import UUID

import orjson
from graphql import GraphQLSchema
from strawberry import Info

from db.columns import columns_read
from domain.people import Role
from permissions.roles import marks_of
from resolvers.context import RequestContext
from resolvers.reading import follow

_NONE_SUCH = UUID(int=0)


@cache
def names_seen(schema: GraphQLSchema, role: Role) -> frozenset[str]:
    """The columns of invoices, and the tables beside them, of which a role sees something in its schema.

    They are those that its statements read, and that it is granted in the database: what a role does not see it cannot
    hear of either. A change of reach counts as seen: who represents the case now hears that it has come.
    """
    columns = columns_read(role, frozenset(marks_of(schema)))
    return frozenset({*columns, *columns["invoices"]})


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
