"""The resolvers of the textbook for responsible payers, agreements, adjustments, denials and replacements of invoices."""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.bench.textbook.fields import Args, Fields, many, one
from tests.bench.textbook.models import (
    Adjustment,
    Agreement,
    Cheque,
    Coverage,
    Denial,
    DenialEvent,
    Invoice,
    InvoiceLine,
    Payer,
    Responsibility,
    User,
)
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


async def events_of(records: Records, denial: Any) -> list[Any]:
    """The steps of a denial, the last one first."""
    found = await records.many(DenialEvent, "denial_id", denial.id)
    return sorted(found, key=lambda event: -event.number)


async def status_of(records: Records, denial: Any) -> str:
    """What has become of a denial."""
    events = await events_of(records, denial)
    status: str = events[0].status if events else "open"
    return status.upper()


async def _status(records: Records, denial: Any, args: Args) -> str:
    return await status_of(records, denial)


async def _group(records: Records, source: Any, args: Args) -> str | None:
    group: str | None = source.adjustment_group
    return group and group.upper()


async def _is_first(records: Records, denial: Any, args: Args) -> bool:
    owed = await records.many(Responsibility, "invoice_id", denial.invoice_id)

    def payer(of: Any) -> Any:
        then = [turn for turn in owed if turn.from_on <= of.denied_on]
        return max(then, key=lambda turn: turn.number).payer_id if then else None

    def order(of: Any) -> tuple[Any, ...]:
        return of.denied_on, of.recorded_at, of.id

    others = await records.many(Denial, "invoice_id", denial.invoice_id)
    return all(order(other) >= order(denial) for other in others if payer(other) == payer(denial))


async def _appealed_on(records: Records, denial: Any, args: Args) -> date | None:
    return next((e.happened_on for e in await events_of(records, denial) if e.status == "appealed"), None)


async def _closed_on(records: Records, denial: Any, args: Args) -> date | None:
    events = await events_of(records, denial)
    return events[0].happened_on if events and events[0].status != "appealed" else None


async def _recovered(records: Records, denial: Any, args: Args) -> Decimal | None:
    return next((e.recovered_amount for e in await events_of(records, denial) if e.status != "appealed"), None)


async def _recovered_then(records: Records, event: Any, args: Args) -> Decimal | None:
    found: Decimal | None = event.recovered_amount
    return found


async def _adjusted_on(records: Records, adjustment: Any, args: Args) -> date:
    found: date = adjustment.effective_on
    return found


_DENIAL_FIELDS: Fields = {
    "Invoice.denials": many(Denial, "invoice_id", "denied_on", "id"),
    "Denial.invoice": one(Invoice, "invoice_id"),
    "Denial.line": one(InvoiceLine, "line_id"),
    "Denial.cheque": one(Cheque, "cheque_id"),
    "Denial.recordedBy": one(User, "recorded_by"),
    "Denial.group": _group,
    "Denial.status": _status,
    "Denial.isFirst": _is_first,
    "Denial.appealedOn": _appealed_on,
    "Denial.closedOn": _closed_on,
    "Denial.amountRecovered": _recovered,
    "Denial.events": many(DenialEvent, "denial_id", "number"),
    "DenialEvent.amountRecovered": _recovered_then,
    "DenialEvent.documentUrl": _no_letter,
    "DenialEvent.recordedBy": one(User, "recorded_by"),
    "Invoice.adjustments": many(Adjustment, "invoice_id", "number"),
    "Adjustment.adjustedOn": _adjusted_on,
    "Adjustment.group": _group,
    "Adjustment.line": one(InvoiceLine, "line_id"),
    "Adjustment.cheque": one(Cheque, "cheque_id"),
    "Adjustment.decidedBy": one(User, "decided_by"),
    "ReasonCode.group": _group,
}
LEDGER_FIELDS: Fields = {
    **_DENIAL_FIELDS,
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
