"""Decides how the textbook answers what is asked of cheques and of what they pay."""

from decimal import Decimal
from typing import Any

from tests.bench.textbook.fields import Args, Fields, many, one
from tests.bench.textbook.models import Cheque, ChequeAllocation, Invoice, Payer
from tests.bench.textbook.records import Records


async def _unapplied(records: Records, cheque: Any, args: Args) -> Decimal:
    if cheque.returned_on is not None:
        return Decimal("0.00")
    allocations = await records.many(ChequeAllocation, "cheque_id", cheque.id)
    left: Decimal = cheque.amount - sum(allocation.amount for allocation in allocations)
    return left


async def _document_url(records: Records, cheque: Any, args: Args) -> None:
    # The textbook signs nothing: in its data every cheque comes from an import, and has no scan.
    assert cheque.document_id is None


CHEQUE_FIELDS: Fields = {
    "Cheque.documentUrl": _document_url,
    "Cheque.unappliedAmount": _unapplied,
    "Cheque.payer": one(Payer, "payer_id"),
    "Cheque.allocations": many(ChequeAllocation, "cheque_id", "effective_on", "id"),
    "ChequeAllocation.cheque": one(Cheque, "cheque_id"),
    "ChequeAllocation.invoice": one(Invoice, "invoice_id"),
}
