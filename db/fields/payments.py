"""The SQL of the rows of an export of payments: what each payment was used for, so that its rows add up to its amount."""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    Date,
    Integer,
    MetaData,
    Numeric,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)

from db import tables
from db.fields.base import One, View, amounts, by_id, plain
from db.fields.billing.cheques import never_counted
from db.row import Derived, Expression, Row, Scope
from domain.payments.cheques import ReversalKind
from domain.payments.recoupment import LOSS_CODE, RowReversal

_TABLE = Table(
    "payments",
    MetaData(),
    Column("clinic_id", Uuid),
    Column("cheque_id", Uuid),
    Column("invoice_id", Uuid),
    Column("refund_id", Uuid),
    Column("provider_adjustment_id", Uuid),
    Column("effective_on", Date),
    # The order of the rows of a payment, and of rows that are alike.
    Column("place", Integer),
    Column("key", Uuid),
    Column("kind", Text),
    Column("amount", Numeric(12, 2)),
)

PAYMENT = View(
    _TABLE,
    {
        **plain("effective_on", "kind"),
        **amounts("amount"),
        "cheque": One("Cheque", by_id("cheque_id")),
        "invoice": One("Invoice", by_id("invoice_id")),
        "refund": One("Refund", by_id("refund_id")),
        "providerAdjustment": One("ProviderAdjustment", by_id("provider_adjustment_id")),
    },
)


def payments(scope: Scope) -> Row:
    """A row for each allocation, reversal, refund, provider adjustment, unapplied rest and return of payments.

    Held cheques are no money and have none; of what was corrected or moved there are only the rows of what is right.
    """
    return Derived(_TABLE, scope, lambda used: _parts(scope))


def payments_of_deposit(scope: Scope) -> Row:
    """The same for the payments of one deposit, whose id comes from the request."""
    deposit = scope.brought("deposit_id", Uuid())
    return Derived(_TABLE, scope, lambda used: _parts(scope, deposit))


def _parts(scope: Scope, deposit: Expression | None = None) -> Select[Any]:
    parts = (
        _allocations(scope, deposit),
        _refunds(scope, deposit),
        _provider_adjustments(scope, deposit),
        _unapplied(scope, deposit),
        _returned(scope, deposit),
    )
    found = union_all(*parts).subquery(scope.name("parts"))
    return select(*found.c)


def _allocations(scope: Scope, deposit: Expression | None) -> Select[Any]:
    a = scope.row(tables.cheque_allocations)
    # What a later payment took back is a part of that payment, and what is restored of it.
    is_restored = and_(a.amount > 0, a.reverses_id.is_not(None))
    is_taken = or_(a.reversal_kind == _word(ReversalKind.TAKEN_BACK), is_restored)
    kinds = ((is_taken, "TAKEN_BACK"), (a.amount < 0, "REVERSAL"))
    columns = _columns(
        a,
        cheque_id=a.cheque_id,
        invoice_id=a.invoice_id,
        effective_on=a.effective_on,
        place=case((or_(a.amount < 0, is_restored), 2), else_=1),
        kind=case(*((condition, _word(kind)) for condition, kind in kinds), else_=_word("ALLOCATION")),
        amount=a.amount,
    )
    return _narrowed(a, columns, deposit).where(not_(never_counted(a)))


def _refunds(scope: Scope, deposit: Expression | None) -> Select[Any]:
    r = scope.row(tables.refunds)
    columns = _columns(
        r,
        cheque_id=r.cheque_id,
        refund_id=r.id,
        effective_on=r.refunded_on,
        place=3,
        kind=case(*((r.reversal_kind == _word(kind), _word(word)) for kind, word in _REVERSED), else_=_word("REFUND")),
        amount=r.amount,
    )
    return _narrowed(r, columns, deposit)


# The kinds of rows that reverse a refund: it came back, or it counts on another payment.
_REVERSED = ((RowReversal.RETURNED, "REFUND_RETURNED"), (RowReversal.MOVED, "REFUND_MOVED"))


def _provider_adjustments(scope: Scope, deposit: Expression | None) -> Select[Any]:
    p = scope.row(tables.provider_adjustments)
    columns = _columns(
        p,
        cheque_id=p.cheque_id,
        provider_adjustment_id=p.id,
        effective_on=p.effective_on,
        place=4,
        kind=case((p.code == _word(LOSS_CODE), _word("GIVEN_UP")), else_=_word("PROVIDER_ADJUSTMENT")),
        # A positive one lowers the payment.
        amount=-p.amount,
    )
    return _narrowed(p, columns, deposit)


def _unapplied(scope: Scope, deposit: Expression | None) -> Select[Any]:
    c = scope.row(tables.cheques)
    columns = _columns(
        c,
        cheque_id=c.id,
        effective_on=func.coalesce(c.returned_on, c.received_on),
        place=5,
        kind=_word("UNAPPLIED"),
        amount=c.unapplied_amount,
    )
    return _narrowed(c, columns, deposit).where(c.unapplied_amount != literal(0, literal_execute=True))


def _returned(scope: Scope, deposit: Expression | None) -> Select[Any]:
    c = scope.row(tables.cheques)
    columns = _columns(c, cheque_id=c.id, effective_on=c.returned_on, place=6, kind=_word("RETURNED"), amount=c.amount)
    # A held cheque that was returned was never money.
    was_money = and_(c.returned_on.is_not(None), (c.held_from.is_(None)) | (c.released_at.is_not(None)))
    return _narrowed(c, columns, deposit).where(was_money, c.corrected_at.is_(None))


def _columns(row: Row, **values: Any) -> list[Expression]:
    """The columns of a part, typed alike; those that it does not have are null."""
    known = {"clinic_id": row.clinic_id, "key": row.id, **values}
    return [_typed(column, known.get(column.name)).label(column.name) for column in _TABLE.c]


def _typed(column: Any, value: Any) -> Expression:
    if isinstance(value, int):
        value = literal(value, literal_execute=True)
    return cast(null() if value is None else value, column.type)


def _narrowed(row: Row, columns: list[Expression], deposit: Expression | None) -> Select[Any]:
    found: Select[Any] = select(*columns).select_from(row.source).where(row.clinic_id == row.scope.clinic_id)
    if row.table is tables.cheques:
        counts = [row.corrected_at.is_(None)]
        return found.where(*counts, *([] if deposit is None else [row.deposit_id == deposit]))
    c = row.scope.row(tables.cheques)
    mine = select(c.id).select_from(c.source).where(c.clinic_id == row.scope.clinic_id)
    if deposit is None:
        # There are few that were typed wrong.
        return found.where(row.cheque_id.not_in(mine.where(c.corrected_at.is_not(None))))
    return found.where(row.cheque_id.in_(mine.where(c.deposit_id == deposit, c.corrected_at.is_(None))))


def _word(text: StrEnum | str) -> Expression:
    return literal(str(text), literal_execute=True)
