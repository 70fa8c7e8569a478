"""The resolvers of the textbook for responsible payers, agreements and replacements of invoices."""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.bench.textbook.fields import Args, Fields, many, one
from tests.bench.textbook.models import Agreement, Coverage, Invoice, Payer, Responsibility, User
from tests.bench.textbook.records.invoices import open_part
from tests.bench.textbook.records.records import Records


async def _open_amount(records: Records, invoice: Any, args: Args) -> Decimal:
    return open_part(invoice)


async def _replaced_by(records: Records, invoice: Any, args: Args) -> Any:
    return next(iter(await records.many(Invoice, "replaces_id", invoice.id)), None)


async def _until(records: Records, responsibility: Any, args: Args) -> date | None:
    found: list[Any] = await records.many(Responsibility, "invoice_id", responsibility.invoice_id)
    later = [one for one in found if one.number > responsibility.number]
    return min(later, key=lambda one: one.number).from_on if later else None


async def _no_letter(records: Records, responsibility: Any, args: Args) -> None:
    # The textbook has no signed URLs: no responsibility in its data has a letter.
    assert responsibility.document_id is None


LEDGER_FIELDS: Fields = {
    "Invoice.openAmount": _open_amount,
    "Invoice.replaces": one(Invoice, "replaces_id"),
    "Invoice.replacedBy": _replaced_by,
    "Invoice.responsibilities": many(Responsibility, "invoice_id", "number"),
    "Negotiation.agreements": many(Agreement, "invoice_id", "number"),
    "Responsibility.payer": one(Payer, "payer_id"),
    "Responsibility.coverage": one(Coverage, "coverage_id"),
    "Responsibility.decidedBy": one(User, "decided_by"),
    "Responsibility.until": _until,
    "Responsibility.documentUrl": _no_letter,
}
