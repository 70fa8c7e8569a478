"""Writes events to the audit log, and maps written columns to the published fields that show them."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import asyncpg

from db.audit.entity_ids import ENTITIES
from db.fields import VIEWS
from db.fields.base import ActionList, ComputedList, ComputedObject, JsonList, Many, One, Pages, ReportList, SameRow
from db.global_ids import TAGS
from db.row import Scope
from domain.audit import NO_CLINIC, AuditEvent

# Idempotent: an event that is written again, because the acknowledgement of the first write was lost, is stored once.
# A list of texts is bound as one text: PostgreSQL has no arrays of arrays of different lengths.
_RECORD = f"""with waiting as (insert into audit_pending (clinic_id, id, event_ids)
        select c, gen_random_uuid(), array_agg(i) from unnest($1::uuid[], $2::uuid[]) t (c, i) where c <> '{NO_CLINIC}' group by c)
    insert into audit_events (clinic_id, id, user_id, role, operation, at, request_id, entities, fields, filters, row_count)
    select c, i, u, r, o, a, q, e, string_to_array(f, ' '), string_to_array(b, ' '), n
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::bytea[],
        $9::text[], $10::text[], $11::bigint[]) t (c, i, u, r, o, a, q, e, f, b, n)
    on conflict do nothing"""
# Table → type of its rows, and column → type of the record that a row refers to.
_TYPES_WRITTEN = (*ENTITIES, "Attorney", "Facility", "Firm", "Hold", "Physician", "User")
_TYPE_OF = {VIEWS[name].table.name: name for name in _TYPES_WRITTEN}
_REFERENCES = {
    "invoice_id": "Invoice",
    "case_id": "Case",
    "patient_id": "Patient",
    "cheque_id": "Cheque",
    "coverage_id": "Coverage",
    **{f"{which}_{kind}_id": kind.capitalize() for which in ("merged", "surviving") for kind in ("patient", "payer")},
}


def recording(event: AuditEvent) -> str:
    """The SQL call that adds one event to the audit log, in the same query as a commit; texts as bytea, so that none needs quoting."""
    user = f"'{event.user_id}'" if event.user_id else "null"
    texts = (event.role, event.operation, event.request_id, " ".join(event.fields), " ".join(event.filters))
    role, operation, request, fields, filters = (f"convert_from('\\x{text.encode().hex()}', 'UTF8')" for text in texts)
    counted = "null" if event.row_count is None else int(event.row_count)
    return (
        f"select keep_event('{event.clinic_id}', '{event.id}', {user}, {role}, {operation}, '{event.at.isoformat()}', {request}, "
        f"'\\x{event.entities.hex()}', {fields}, {filters}, {counted})"
    )


async def record(connection: asyncpg.Connection, events: Sequence[AuditEvent]) -> None:
    """Add events to the audit log, in the caller's transaction; the worker chains those of clinics within seconds."""
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
    """The binary entity ids of the records that written rows are or belong to."""
    for table, row in rows:
        for type_name, identity in _written(table, row):
            yield TAGS[type_name].encode() + identity.bytes


def _written(table: str, row: dict[str, Any]) -> list[tuple[str, Any]]:
    """The records that a written row is or belongs to, as pairs of type and id."""
    found = [(_TYPE_OF[table], row["id"])] if table in _TYPE_OF and row.get("id") else []
    return found + [(of_type, row[column]) for column, of_type in _REFERENCES.items() if row.get(column)]


def fields_of(rows: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """The published fields that show the written columns, to any role."""
    for table, row in rows:
        for column in row:
            yield from _shown().get((table, column), ())


@cache
def _shown() -> dict[tuple[str, str], tuple[str, ...]]:
    """Table and column → the fields that read only that column; key columns are left out."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for type_name, view in VIEWS.items():
        for name, how in view.fields.items():
            if name == "id" or isinstance(
                how, One | Many | SameRow | Pages | ComputedList | ComputedObject | ActionList | ReportList
            ):
                continue
            scope = Scope()
            row = scope.row(view.table)
            how.read(row) if isinstance(how, JsonList) else how(row)
            if len(scope.columns) == 1:
                [key] = scope.columns
                found[key] = (*found.get(key, ()), f"{type_name}.{name}")
    return found
