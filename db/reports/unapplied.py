"""The SQL of the unapplied money of each payer, now or as it was known at the end of a past day."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, or_, select

from db import tables
from db.reports.as_of import AsOf
from db.row import Expression, Row, Scope


def unapplied_by_payer(scope: Scope, narrowed: Callable[[Row], list[Expression]]) -> Select[Any]:
    """A row for each payer with unapplied money: its id as `key`, and the amount; `narrowed` chooses among the payments."""
    c = scope.row(tables.cheques)
    amount = _known_amount(c, scope) if isinstance(scope, AsOf) else c.unapplied_amount
    conditions = [c.clinic_id == scope.clinic_id, *scope.known(c), *narrowed(c)]
    if not isinstance(scope, AsOf):
        conditions.append(c.unapplied_amount != literal(0, literal_execute=True))
    found: Select[Any] = select(c.payer_id.label("key"), func.sum(amount).label("unapplied")).select_from(c.source)
    return found.where(*conditions).group_by(c.payer_id).having(func.sum(amount) != 0)


def _known_amount(c: Row, scope: AsOf) -> Expression:
    """What was unapplied of a payment: its amount, if it was money, less what had been allocated and refunded, and its provider adjustments."""
    if scope.is_restated:
        was_money = c.held_from.is_(None) | c.released_at.is_not(None)
        is_gone = or_(c.returned_on <= scope.today, c.corrected_at.is_not(None))
        was_returned = and_(c.returned_on.is_not(None), is_gone)
    else:
        was_money = c.held_from.is_(None) | and_(c.released_at.is_not(None), c.released_at < scope.cut)
        returned_at = func.coalesce(c.returned_at, c.recorded_at)
        was_returned = and_(c.returned_on.is_not(None), returned_at < scope.cut)
    held = case((and_(was_money, ~was_returned), c.amount), else_=literal(0, literal_execute=True))
    used = [_used(c, scope.row(table), scope) for table in (tables.cheque_allocations, tables.refunds)]
    return held - used[0] - used[1] + _used(c, scope.row(tables.provider_adjustments), scope)


def _used(c: Row, part: Row, scope: AsOf) -> Expression:
    amount = func.coalesce(func.sum(part.amount), literal(0, literal_execute=True))
    mine = (part.clinic_id == scope.clinic_id, part.cheque_id == c.id, *scope.known(part))
    return select(amount).select_from(part.source).where(*mine).scalar_subquery()
