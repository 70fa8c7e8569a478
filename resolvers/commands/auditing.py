"""Writing audit events within the transaction of the change that they record, and chaining them by hashes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

import asyncpg
from graphql import GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema

from db.audit.chain import extend
from db.audit.events import entities_of, fields_of, record, recording
from db.pools import Database
from db.write_batch import WriteBatch
from domain.audit import WORKER, AuditEvent
from domain.ids import new_id
from permissions.roles import is_protected
from resolvers.audit_record import AuditRecord
from resolvers.context import RequestContext


def record_mutation(
    info: GraphQLResolveInfo[RequestContext],
    before_commit: list[str],
    batches: Sequence[WriteBatch],
    moment: datetime,
    audit: AuditRecord,
) -> None:
    """Register the audit event of a user's mutation, with what its result read, to be written as its transaction ends."""
    context, viewer = info.context, info.context.viewer
    context.audit.written = info.field_name
    if context.keep is None or viewer is None:
        return
    audit.add_operation(info.field_name)
    audit.add_written(*_written(batches, info.schema))
    before_commit.append(recording(audit.event(viewer, moment, context.request_id)))


async def record_job(
    connection: asyncpg.Connection, batches: Sequence[WriteBatch], operation: str, moment: datetime, request_id: str
) -> None:
    """Write an audit event of the worker."""
    entities, fields = _written(batches, None)
    event = AuditEvent(
        id=new_id(moment),
        clinic_id=batches[0].clinic_id,
        user_id=None,
        role=WORKER,
        operation=operation,
        at=moment,
        request_id=request_id,
        entities=b"".join(dict.fromkeys(entities)),
        fields=tuple(sorted(set(fields))),
    )
    await record(connection, [event])


def _written(batches: Iterable[WriteBatch], schema: GraphQLSchema | None) -> tuple[list[bytes], list[str]]:
    rows = [row for writes in batches for row in writes.rows]
    fields = [name for name in fields_of(rows) if schema is None or _is_protected(schema, name)]
    return list(entities_of(rows)), fields


@lru_cache(maxsize=5_000)
def _is_protected(schema: GraphQLSchema, coordinate: str) -> bool:
    type_name, _, name = coordinate.partition(".")
    named = schema.get_type(type_name)
    return isinstance(named, GraphQLObjectType) and is_protected(named.fields.get(name))


async def chain_audit_logs(database: Database) -> int:
    """Chain the pending audit events, clinic by clinic, a transaction for every thousand; returns their number. Safe to run concurrently."""
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
