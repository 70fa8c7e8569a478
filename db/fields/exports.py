"""The SQL of exports, and the signed URL from which a finished one is downloaded."""

from sqlalchemy import Text, Uuid, and_, case, cast, func, literal

from db import tables
from db.fields.base import Expression, One, Order, View, amounts, by_id, name_of, plain
from db.global_ids import id_expression
from db.row import Row
from db.signed_urls import link
from domain.exports import CONTENT_TYPES, ExportStatus


def _constant(text: str) -> Expression:
    return literal(text, literal_execute=True)


def _content_type(e: Row) -> Expression:
    return case(*((e.format == _constant(form), _constant(kind)) for form, kind in CONTENT_TYPES.items()))


def _download_url(e: Row) -> Expression:
    is_there = and_(e.status == _constant(ExportStatus.READY), e.expires_at > func.now())
    return case((is_there, link(e, "exports", "Export", e.id)))


EXPORT = View(
    tables.exports,
    {
        "id": lambda e: id_expression("Export", e.id),
        **plain(
            "file_name", "row_count", "rows_written", "byte_size", "expires_at", "created_at", "failure", "columns"
        ),
        **amounts("billed_total", "received_total"),
        **{name: name_of(name) for name in ("status", "format", "kind")},
        "contentType": _content_type,
        "sha256": lambda e: func.encode(e.sha256, _constant("hex")),
        "downloadUrl": _download_url,
        "requestedBy": One("User", by_id("requested_by")),
        "filter": lambda e: cast(e.filter, Text),
    },
    # Ids sort by creation time.
    order=Order(lambda e: e.id, Uuid(), descending=True),
    listed_as="exports",
    found_as="export",
)
