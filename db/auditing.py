"""Decides how events of the audit trail are written down, and which published fields show a column that was written."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import asyncpg

from db.identity import TAGS
from db.row import Scope
from db.subjects import written_names
from db.views import VIEWS
from db.views.base import Elements, Listed, Made, Many, One, Pages, Same, Worked
from domain.audit import AuditEvent

# What is written twice, because nobody heard that it was written, is kept once.
# Lists of texts come as one text each: PostgreSQL takes no lists of different lengths side by side.
_RECORD = """with waiting as (insert into audit_pending (clinic_id, id, event_ids)
        select c, gen_random_uuid(), array_agg(i) from unnest($1::uuid[], $2::uuid[]) t (c, i) group by c)
    insert into audit_events (clinic_id, id, user_id, role, operation, at, request_id, entities, fields, filters, row_count)
    select c, i, u, r, o, a, q, e, string_to_array(f, ' '), string_to_array(b, ' '), n
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::bytea[],
        $9::text[], $10::text[], $11::bigint[]) t (c, i, u, r, o, a, q, e, f, b, n)
    on conflict do nothing"""


def recording(event: AuditEvent) -> str:
    """The call that adds one event to the trail, spelled out, so that it can go with a commit; texts as bytes, so that none ends it."""
    user = f"'{event.user_id}'" if event.user_id else "null"
    texts = (event.role, event.operation, event.request_id, " ".join(event.fields), " ".join(event.filters))
    role, operation, request, fields, filters = (f"convert_from('\\x{text.encode().hex()}', 'UTF8')" for text in texts)
    counted = "null" if event.row_count is None else int(event.row_count)
    return (
        f"select keep_event('{event.clinic_id}', '{event.id}', {user}, {role}, {operation}, '{event.at.isoformat()}', {request}, "
        f"'\\x{event.entities.hex()}', {fields}, {filters}, {counted})"
    )


async def record(connection: asyncpg.Connection, events: Sequence[AuditEvent]) -> None:
    """Add events to the trail, in the transaction at hand; the chain takes them up within seconds."""
    if not events:
        return
    rows = [
        (
            event.clinic_id,
            event.id,
            event.user_id,
            event.role,
            event.operation,
            event.at,
            event.request_id,
            event.entities,
            " ".join(event.fields),
            " ".join(event.filters),
            event.row_count,
        )
        for event in events
    ]
    await connection.execute(_RECORD, *map(list, zip(*rows, strict=True)))


def entities_of(rows: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[bytes]:
    """The records that written rows are or belong to, as the trail names them."""
    for table, row in rows:
        for type_name, identity in written_names(table, row):
            yield TAGS[type_name].encode() + identity.bytes


def fields_of(rows: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """The published fields that show what was written, whoever sees them."""
    for table, row in rows:
        for column in row:
            yield from _shown().get((table, column), ())


@cache
def _shown() -> dict[tuple[str, str], tuple[str, ...]]:
    """Table and column → the fields that read it and nothing else; keys tell nothing."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for type_name, view in VIEWS.items():
        for name, how in view.fields.items():
            if name == "id" or isinstance(how, One | Many | Same | Pages | Listed | Made | Worked):
                continue
            scope = Scope()
            row = scope.row(view.table)
            how.read(row) if isinstance(how, Elements) else how(row)
            if len(scope.columns) == 1:
                [key] = scope.columns
                found[key] = (*found.get(key, ()), f"{type_name}.{name}")
    return found
