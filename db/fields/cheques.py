"""The SQL of cheques and their allocations (remittance)."""

from sqlalchemy import Date, Numeric, Text, any_, case, cast, func, select

from db import tables
from db.fields.base import Expression, Filter, Many, One, Order, View, amounts, by_id, owned, plain
from db.fields.parties import UUIDS, starts_with
from db.global_ids import id_expression
from db.row import Row
from db.signed_urls import link


def _left(c: Row) -> Expression:
    """The unallocated amount of a cheque; 0 for a returned cheque."""
    a = c.scope.row(tables.cheque_allocations)
    allocated = select(func.coalesce(func.sum(a.amount), 0)).select_from(a.source).where(owned("cheque_id")(c, a))
    return case((c.returned_on.is_not(None), 0), else_=c.amount - allocated.scalar_subquery())


def _unapplied(c: Row) -> Expression:
    return cast(cast(_left(c), Numeric(12, 2)), Text)


def _is_unapplied(c: Row, wanted: bool) -> Expression:
    return _left(c) > 0 if wanted else _left(c) == 0


def _is_returned(c: Row, wanted: bool) -> Expression:
    return c.returned_on.is_not(None) if wanted else c.returned_on.is_(None)


_FILTERS = {
    "payerId": Filter(lambda c, ids: c.payer_id == any_(ids), UUIDS),
    "number": Filter(lambda c, number: starts_with(c.number, number), Text(collation="C")),
    "receivedFrom": Filter(lambda c, day: c.received_on >= day, Date()),
    "receivedTo": Filter(lambda c, day: c.received_on <= day, Date()),
    "unapplied": Filter(_is_unapplied),
    "returned": Filter(_is_returned),
}


CHEQUE = View(
    tables.cheques,
    {
        "id": lambda c: id_expression("Cheque", c.id),
        **plain("number", "cheque_date", "received_on", "returned_on"),
        **amounts("amount"),
        "unappliedAmount": _unapplied,
        "payer": One("Payer", by_id("payer_id")),
        "allocations": Many("ChequeAllocation", owned("cheque_id"), lambda a: [a.effective_on, a.id]),
        "documentUrl": lambda c: link(c, "documents", "Upload", c.document_id),
    },
    _FILTERS,
    order=Order(lambda c: c.received_on, Date(), descending=True),
    listed_as="cheques",
)

ALLOCATION = View(
    tables.cheque_allocations,
    {
        "id": lambda a: id_expression("ChequeAllocation", a.id),
        **plain("effective_on"),
        **amounts("amount"),
        "cheque": One("Cheque", by_id("cheque_id")),
        "invoice": One("Invoice", by_id("invoice_id")),
        "coverage": One("Coverage", by_id("coverage_id")),
    },
)
