"""Decides that what is written stands in the audit trail or is not written, and that what stands there is chained."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

import asyncpg
from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema

from db.audit_chain import extend
from db.auditing import entities_of, fields_of, record, recording
from db.pools import Database
from db.writing import Writes
from domain.audit import WORKER, AuditEvent
from domain.ids import new_id
from permissions.roles import is_protected
from resolvers.context import RequestContext
from resolvers.trail import Trail


def record_mutation(
    info: GraphQLResolveInfo[RequestContext],
    closing: list[str],
    gathered: Sequence[Writes],
    moment: datetime,
    trail: Trail,
) -> None:
    """Have what somebody's mutation wrote, and what its answer read, written down as its transaction ends."""
    context, viewer = info.context, info.context.viewer
    context.trail.written = info.field_name
    if context.keep is None or viewer is None:
        return
    trail.asked(info.field_name)
    trail.wrote(*_written(gathered, info.schema))
    closing.append(recording(trail.event(viewer, moment, context.request_id)))


async def record_job(
    connection: asyncpg.Connection, gathered: Sequence[Writes], operation: str, moment: datetime, request_id: str
) -> None:
    """Write down what the worker did by itself."""
    entities, fields = _written(gathered, None)
    event = AuditEvent(
        id=new_id(moment),
        clinic_id=gathered[0].clinic_id,
        user_id=None,
        role=WORKER,
        operation=operation,
        at=moment,
        request_id=request_id,
        entities=b"".join(dict.fromkeys(entities)),
        fields=tuple(sorted(set(fields))),
    )
    await record(connection, [event])


def _written(gathered: Iterable[Writes], schema: GraphQLSchema | None) -> tuple[list[bytes], list[str]]:
    rows = [row for writes in gathered for row in writes.rows]
    fields = [name for name in fields_of(rows) if schema is None or _is_protected(schema, name)]
    return list(entities_of(rows)), fields


@lru_cache(maxsize=5_000)
def _is_protected(schema: GraphQLSchema, coordinate: str) -> bool:
    type_name, _, name = coordinate.partition(".")
    named = schema.get_type(type_name)
    return isinstance(named, GraphQLObjectType) and is_protected(named.fields.get(name))


async def chain_trails(database: Database) -> int:
    """Chain what waits, clinic by clinic, a transaction for every thousand events; how many there were. Safe to do by many at once."""
    done = 0
    async with database.working() as connection:
        clinics = await connection.fetch("select distinct clinic_id from audit_pending")
    for (clinic_id,) in clinics:
        chained = 1
        while chained:
            async with database.working(clinic_id) as connection:
                chained = await extend(connection, clinic_id)
            done += chained
    return done
