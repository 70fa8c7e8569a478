"""The SQL of exports: whether a file is still there for its reader, what is said of it, and its signed URL."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Boolean, Text, Uuid, and_, any_, case, cast, func, literal, literal_column, select, true

from db import tables
from db.fields.base import Expression, One, Order, View, by_id, name_of, plain
from db.global_ids import id_expression
from db.row import Row
from db.signed_urls import link
from domain.exports import CONTENT_TYPES, UNDER_WAY, ExportStatus
from permissions.rows import ROWS, Reach

# The tables whose records a file can show.
SHOWN_TABLES = (
    tables.invoices,
    tables.cases,
    tables.patients,
    tables.payers,
    tables.physicians,
    tables.facilities,
    tables.attorneys,
    tables.cheques,
    tables.cheque_allocations,
    tables.deposits,
    tables.refunds,
    tables.provider_adjustments,
)
Narrow = Callable[[Row], list[Expression]]


def _everything(row: Row) -> list[Expression]:
    return []


def records_in_reach(e: Row, narrow: Narrow = _everything) -> Expression:
    """How many of the records that an export shows its reader still reaches, under row-level security.

    `narrow` are further conditions for a record to count.
    """
    role = e.scope.role
    counts = [_in_reach(e, e.scope.row(table), narrow) for table in SHOWN_TABLES if role in ROWS[table.name]]
    return sum(counts[1:], counts[0])


def _in_reach(e: Row, record: Row, narrow: Narrow) -> Expression:
    listed = e.scope.row(tables.export_records)
    is_reached = and_(record.clinic_id == e.scope.clinic_id, record.id == any_(listed.ids), *narrow(record))
    # Part by part: PostgreSQL walks along the index once for the sorted ids of a part, instead of looking up each of them.
    part = select(func.count().label("n")).select_from(record.source).where(is_reached).lateral(e.scope.name("part"))
    mine = and_(
        listed.clinic_id == e.scope.clinic_id,
        listed.export_id == e.id,
        listed.table_name == _constant(record.table.name),
    )
    found = select(func.coalesce(func.sum(part.c.n), literal_column("0")))
    return found.select_from(listed.source.join(part, true())).where(mine).scalar_subquery()


def _constant(text: str) -> Expression:
    return literal(str(text), literal_execute=True)


def _is_there(e: Row) -> Expression:
    """Whether the file can be downloaded: not deleted, and no record in it has left its reader's reach."""
    name = f"{e.alias}_file"
    if name not in dict(e.joins):
        is_kept = and_(
            e.status == _constant(ExportStatus.READY), e.expires_at > func.now(), e.record_count.is_not(None)
        )
        is_whole = (records_in_reach(e) == e.record_count) if _can_leave_reach(e) else literal_column("true")
        # A case, because PostgreSQL would otherwise be free to look for the records of files that are gone.
        e.join(name, select(case((is_kept, is_whole), else_=literal_column("false")).label("is_there")))
    return literal_column(f"{name}.is_there", Boolean())


def _can_leave_reach(e: Row) -> bool:
    """Whether single records can leave the reach of the role; a download asks for each record in any case."""
    reaches = [ROWS[table.name].get(e.scope.role) for table in SHOWN_TABLES if e.scope.role]
    return any(reach not in (Reach.CLINIC, None) for reach in reaches)


def _told(read: Callable[[Row], Expression], otherwise: Any = None) -> Callable[[Row], Expression]:
    """What is said of a file while it is built and while it is there: of one that is gone, nothing."""

    def told(e: Row) -> Expression:
        is_built = e.status.in_([_constant(status) for status in sorted(UNDER_WAY)])
        return case((is_built | _is_there(e), read(e)), else_=otherwise)

    return told


def _content_type(e: Row) -> Expression:
    return case(*((e.format == _constant(form), _constant(kind)) for form, kind in CONTENT_TYPES.items()))


def _download_url(e: Row) -> Expression:
    return case((_is_there(e), link(e, "exports", "Export", e.id)))


EXPORT = View(
    tables.exports,
    {
        "id": lambda e: id_expression("Export", e.id),
        **plain("file_name", "expires_at", "created_at", "failure", "columns"),
        "rowCount": _told(lambda e: e.row_count),
        "rowsWritten": _told(lambda e: e.rows_written, literal_column("0")),
        "byteSize": _told(lambda e: e.byte_size),
        "billedTotal": _told(lambda e: cast(e.billed_total, Text)),
        "receivedTotal": _told(lambda e: cast(e.received_total, Text)),
        **{name: name_of(name) for name in ("status", "format", "kind")},
        "contentType": _content_type,
        "sha256": _told(lambda e: func.encode(e.sha256, _constant("hex"))),
        "downloadUrl": _download_url,
        "requestedBy": One("User", by_id("requested_by")),
        "filter": lambda e: cast(e.filter, Text),
    },
    # Ids sort by creation time.
    order=Order(lambda e: e.id, Uuid(), descending=True),
    listed_as="exports",
    found_as="export",
)
