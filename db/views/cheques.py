"""Decides how cheques and what they pay are read."""

from sqlalchemy import Numeric, Text, case, cast, func, select

from db import tables
from db.identity import id_expression
from db.links import link
from db.row import Row
from db.views.base import Expression, Many, One, View, amounts, by_id, owned, plain


def _unapplied(c: Row) -> Expression:
    """What of a cheque is not allocated yet; of a returned cheque there is nothing to allocate."""
    a = c.scope.row(tables.cheque_allocations)
    allocated = select(func.coalesce(func.sum(a.amount), 0)).select_from(a.source).where(owned("cheque_id")(c, a))
    left = case((c.returned_on.is_not(None), 0), else_=c.amount - allocated.scalar_subquery())
    return cast(cast(left, Numeric(12, 2)), Text)


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
)

ALLOCATION = View(
    tables.cheque_allocations,
    {
        "id": lambda a: id_expression("ChequeAllocation", a.id),
        **plain("effective_on"),
        **amounts("amount"),
        "cheque": One("Cheque", by_id("cheque_id")),
        "invoice": One("Invoice", by_id("invoice_id")),
    },
)
