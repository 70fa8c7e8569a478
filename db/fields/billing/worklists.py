"""The SQL of work lists: which invoices belong on one, and the sums over a list."""

from sqlalchemy import Text, and_, case, cast, func, literal, literal_column

from db import tables
from db.fields.base import Expression, Read, owned, there_is
from db.row import Row
from domain.billing.invoices import OPEN, InvoiceStatus
from domain.reports.worklists import SOON_DAYS, STALE_AFTER_DAYS, WorklistName


def is_open(i: Row) -> Expression:
    """That an invoice is open (part of accounts receivable): it is neither covered nor closed."""
    return i.status.in_([literal(status.value, literal_execute=True) for status in OPEN])


def in_worklist(i: Row, wanted: WorklistName) -> Expression:
    """That an invoice belongs on a work list today."""
    soon = i.scope.today + SOON_DAYS
    match wanted:
        case WorklistName.UNSUBMITTED:
            return and_(_is(i, InvoiceStatus.PENDING_INVOICE), i.submitted_on.is_(None))
        case WorklistName.STALE:
            return and_(is_open(i), i.submitted_on.is_not(None), i.updated_at < i.scope.today - STALE_AFTER_DAYS)
        case WorklistName.EXPIRING_OFFERS:
            o = i.scope.row(tables.reduction_offers)
            ends = and_(
                owned("invoice_id")(i, o), o.status == literal("open", literal_execute=True), o.expires_on <= soon
            )
            return and_(_is(i, InvoiceStatus.PENDING_REDUCTION), there_is(o, ends))
        case WorklistName.LAPSING:
            return and_(_is(i, InvoiceStatus.PENDING_CHEQUE), i.conditional_until <= soon)


def _is(i: Row, status: InvoiceStatus) -> Expression:
    found: Expression = i.status == literal(status.value, literal_execute=True)
    return found


def _sum(amount: Expression) -> Expression:
    return cast(func.coalesce(func.sum(amount), literal_column("0.00")), Text)


# A void invoice has neither received nor outstanding amounts.
SUMS: dict[str, Read] = {
    "billed": lambda i: _sum(
        case((i.status == literal("void", literal_execute=True), literal_column("0.00")), else_=i.billed_amount)
    ),
    "received": lambda i: _sum(i.received_amount),
    "balance": lambda i: _sum(i.balance),
}
