"""Joins the figures of few invoices to a remainder, so that no row of a report tells what a single invoice is about."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, FromClause, Select, and_, case, false, func, null, or_, select

from db.row import Expression, Scope
from domain.reports.analytics import FEWEST_INVOICES


def with_remainder(parts: CTE, scope: Scope, names: Sequence[str], *, joins_few: bool) -> Select[Any]:
    """A row for each kind of the parts: `kind` (null for none), `is_remainder`, `invoice_count` and the named sums.

    The parts have `invoice_id`, `month`, `kind` and the names, one for each invoice and kind. With `joins_few`, the kinds of a month
    that add up fewer than five invoices are joined into the remainder.
    """
    source: FromClause = parts
    is_hidden: Expression = false()
    if joins_few:
        cells = _cells(parts, names).subquery("cells")
        alike = and_(cells.c.month == parts.c.month, cells.c.kind.is_not_distinct_from(parts.c.kind))
        source, is_hidden = parts.join(cells, alike), cells.c.is_hidden
    kind = case((is_hidden, null()), else_=parts.c.kind).label("kind")
    values = [parts.c[name] for name in names]
    told = (
        select(kind, is_hidden.label("is_remainder"), parts.c.invoice_id, *values).select_from(source).subquery("told")
    )
    sums = [func.sum(told.c[name]).label(name) for name in names]
    number = func.count(told.c.invoice_id.distinct()).label("invoice_count")
    found = select(scope.clinic_id.label("clinic_id"), told.c.kind, told.c.is_remainder, number, *sums)
    return found.group_by(told.c.kind, told.c.is_remainder)


def _cells(parts: CTE, names: Sequence[str]) -> Select[Any]:
    """Each kind of each month, and whether it is joined with others.

    It is, where one of its figures adds up fewer than five invoices. What is joined is itself the rest of a total: so that it is not
    a figure of few invoices, or of one kind, the kind with the fewest invoices goes along where that is so.
    """
    numbers = [func.count().filter(parts.c[name] != 0) for name in names]
    size = func.least(*(func.nullif(number, 0) for number in numbers)).label("size")
    kinds = select(parts.c.month, parts.c.kind, func.count().label("n"), size).group_by(parts.c.month, parts.c.kind)
    cell = kinds.subquery("kinds")
    few = cell.c.size < FEWEST_INVOICES
    place = func.row_number().over(partition_by=cell.c.month, order_by=(~few, cell.c.n, cell.c.kind))
    joined = func.count().filter(few).over(partition_by=cell.c.month)
    most = func.max(cell.c.n).filter(few).over(partition_by=cell.c.month)
    placed = select(
        cell.c.month, cell.c.kind, place.label("place"), joined.label("joined"), most.label("most")
    ).subquery()
    is_short = and_(placed.c.joined > 0, or_(placed.c.joined == 1, placed.c.most < FEWEST_INVOICES))
    hidden = placed.c.place <= placed.c.joined + case((is_short, 1), else_=0)
    return select(placed.c.month, placed.c.kind, hidden.label("is_hidden"))
