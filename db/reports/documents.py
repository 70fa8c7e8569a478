"""The SQL of the numbers of issued documents by kind: how many were issued, and of these withdrawn and delivered."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, exists, func, literal_column, not_, select

from db import tables
from db.row import Expression, Row, Scope


def counts_by_kind(scope: Scope, wanted: Callable[[Row], list[Expression]]) -> Select[Any]:
    """A row for each kind of which documents were issued: `kind`, `issued`, `withdrawn` and `delivered`, as known by the scope's day."""
    d, v = scope.row(tables.issued_documents), scope.row(tables.document_deliveries)
    delivery = (v.clinic_id == scope.clinic_id, v.document_id == d.id, *scope.known(v))
    is_delivered = exists(select(literal_column("1")).select_from(v.source).where(*delivery))
    conditions = [d.clinic_id == scope.clinic_id, *scope.known(d), *wanted(d)]
    counts: tuple[Expression, ...] = (
        func.count().label("issued"),
        func.count().filter(not_(scope.lasting(d.withdrawn_at))).label("withdrawn"),
        func.count().filter(is_delivered).label("delivered"),
    )
    found: Select[Any] = select(scope.clinic_id.label("clinic_id"), d.kind.label("kind"), *counts)
    return found.select_from(d.source).where(*conditions).group_by(d.kind)
