"""The SQL of adjustments: how reductions, contractual adjustments, small balances, write-offs and voids changed the amount due of an invoice."""

from typing import Any

from sqlalchemy import (
    Column,
    Date,
    MetaData,
    Numeric,
    Select,
    Table,
    Text,
    Uuid,
    case,
    column,
    func,
    literal,
    select,
    true,
    union_all,
    values,
)

from db import tables
from db.fields.base import One, View, amounts, by_id, plain
from db.row import Derived, Expression, Row, Scope
from domain.billing.invoices import InvoiceStatus

_TABLE = Table(
    "adjustments",
    MetaData(),
    Column("clinic_id", Uuid),
    Column("invoice_id", Uuid),
    Column("adjusted_on", Date),
    Column("kind", Text),
    Column("amount", Numeric(12, 2)),
)

ADJUSTMENT = View(
    _TABLE, {**plain("adjusted_on", "kind"), **amounts("amount"), "invoice": One("Invoice", by_id("invoice_id"))}
)


def adjustments(scope: Scope) -> Row:
    """A row for each day on which an adjustment of an invoice took effect; positive reduces the amount due, negative raises it.

    The billed amount less all adjustments and payments is the balance, since each end-of-day state of an invoice is compared
    with the one before.
    """
    return Derived(_TABLE, scope, lambda used: _changes(scope))


def _changes(scope: Scope) -> Select[Any]:
    days = union_all(_days(scope, tables.invoices, "id"), _days(scope, tables.invoice_states, "invoice_id")).subquery()

    def gained(name: str) -> Expression:
        before = func.lag(days.c[name], 1, 0).over(partition_by=days.c.invoice_id, order_by=days.c.known_from)
        return (days.c[name] - before).label(name)

    steps = select(
        days.c.clinic_id,
        days.c.invoice_id,
        days.c.known_from,
        days.c.status,
        *(gained(name) for name in ("reduced", "closed", "contractual", "given_up")),
    ).subquery()
    closing = case((steps.c.status == _word(InvoiceStatus.VOID), _word("VOID")), else_=_word("WRITE_OFF"))
    parts = (
        values(column("kind", Text), column("amount", Numeric(12, 2)), name="parts")
        .data(
            [
                (_word("REDUCTION"), steps.c.reduced),
                (_word("CONTRACTUAL"), steps.c.contractual),
                (_word("SMALL_BALANCE"), steps.c.given_up),
                (closing, steps.c.closed),
            ]
        )
        .lateral()
    )
    return (
        select(
            steps.c.clinic_id,
            steps.c.invoice_id,
            steps.c.known_from.label("adjusted_on"),
            parts.c.kind,
            parts.c.amount,
        )
        .select_from(steps.join(parts, true()))
        .where(parts.c.amount != literal(0, literal_execute=True))
    )


def _days(scope: Scope, table: Table, identity: str) -> Select[Any]:
    """The total of each kind of adjustment of an invoice from a day on; a void invoice has no other adjustment than that."""
    row = Row(table, scope.name("day"), scope)
    open_part = row.billed_amount - row.contractual_amount - row.earlier_received_amount
    is_void = row.status == _word(InvoiceStatus.VOID)
    of_void = row.billed_amount - row.received_amount
    return (
        select(
            row.clinic_id.label("clinic_id"),
            getattr(row, identity).label("invoice_id"),
            row.known_from.label("known_from"),
            row.status.label("status"),
            case((is_void, 0), else_=func.coalesce(open_part - row.agreed_amount, 0)).label("reduced"),
            case((is_void, 0), else_=row.contractual_amount).label("contractual"),
            case((is_void, 0), else_=row.small_balance_amount).label("given_up"),
            case((is_void, of_void), else_=row.written_off_amount).label("closed"),
        )
        .select_from(row.source)
        .where(row.clinic_id == scope.clinic_id)
    )


def _word(text: str) -> Expression:
    return literal(str(text), literal_execute=True)
