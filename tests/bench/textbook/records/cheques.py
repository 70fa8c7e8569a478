"""The resolvers of the textbook for cheques and their allocations."""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.bench.textbook.fields import Args, Fields, listing, many, one
from tests.bench.textbook.models import Cheque, ChequeAllocation, Invoice, Payer
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among


async def _unapplied(records: Records, cheque: Any, args: Args) -> Decimal:
    if cheque.returned_on is not None:
        return Decimal("0.00")
    allocations = await records.many(ChequeAllocation, "cheque_id", cheque.id)
    left: Decimal = cheque.amount - sum(allocation.amount for allocation in allocations)
    return left


async def _document_url(records: Records, cheque: Any, args: Args) -> None:
    # The textbook has no signed URLs: in its data every cheque comes from an import, and has no scan.
    assert cheque.document_id is None


async def _fits(records: Records, cheque: Any, wanted: Args) -> bool:
    if "payerId" in wanted and not is_among(wanted["payerId"], "Payer", cheque.payer_id):
        return False
    if "receivedFrom" in wanted and cheque.received_on < date.fromisoformat(wanted["receivedFrom"]):
        return False
    if "receivedTo" in wanted and cheque.received_on > date.fromisoformat(wanted["receivedTo"]):
        return False
    if "returned" in wanted and (cheque.returned_on is not None) is not wanted["returned"]:
        return False
    if "unapplied" in wanted and (await _unapplied(records, cheque, {}) > 0) is not wanted["unapplied"]:
        return False
    is_numbered: bool = cheque.number.startswith(wanted.get("number", ""))
    return is_numbered


def _latest_first(records: Records, args: Args) -> Sorting:
    return Sorting("Cheque.DEFAULT", lambda cheque: cheque.received_on, date, descending=True)


CHEQUE_FIELDS: Fields = {
    "Query.cheques": listing(Cheque, _fits, _latest_first),
    "Cheque.documentUrl": _document_url,
    "Cheque.unappliedAmount": _unapplied,
    "Cheque.payer": one(Payer, "payer_id"),
    "Cheque.allocations": many(ChequeAllocation, "cheque_id", "effective_on", "id"),
    "ChequeAllocation.cheque": one(Cheque, "cheque_id"),
    "ChequeAllocation.invoice": one(Invoice, "invoice_id"),
}
