"""The SQL of the last contractual adjustment of an invoice that can be taken back."""

from collections.abc import Callable

from sqlalchemy import func, literal, select

from db import tables
from db.fields.base import Expression, same_clinic
from db.row import Row
from domain.billing.ledger.facts import AdjustmentKind


def standing_adjustment(i: Row, read: Callable[[Row], Expression]) -> Expression:
    """What `read` reads of the last contractual adjustment of which, with all of its reason and line, something stands; null without one."""
    a = i.scope.row(tables.invoice_adjustments)
    mine = (*_contractual(i, a), a.amount > 0, _standing(i, a) > 0)
    found = select(read(a)).select_from(a.source).where(*mine).order_by(a.number.desc())
    return found.limit(1).scalar_subquery()


def standing_amount(i: Row) -> Expression:
    """What stands of it, in US dollars."""
    return standing_adjustment(i, lambda a: _standing(i, a))


def _standing(i: Row, a: Row) -> Expression:
    """The sum of the adjustments of one group, reason and line."""
    b = i.scope.row(tables.invoice_adjustments)
    alike = [getattr(b, name).is_not_distinct_from(getattr(a, name)) for name in _ALIKE]
    return select(func.sum(b.amount)).select_from(b.source).where(*_contractual(i, b), *alike).scalar_subquery()


_ALIKE = ("adjustment_group", "reason_code", "line_id")


def _contractual(i: Row, a: Row) -> list[Expression]:
    u = i.scope.row(tables.invoice_adjustments)
    undoes = select(1).select_from(u.source).where(same_clinic(i, u), u.invoice_id == i.id, u.undoes_number == a.number)
    kind = a.kind == literal(AdjustmentKind.CONTRACTUAL.value, literal_execute=True)
    return [same_clinic(i, a), a.invoice_id == i.id, kind, a.undoes_number.is_(None), ~undoes.exists()]
