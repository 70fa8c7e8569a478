"""The textbook's available transitions of an invoice: the domain's guards, evaluated on the rows of the ORM."""

from decimal import Decimal
from typing import Any

from domain.api_names import camel
from domain.billing.invoices import GUARDS, Invoice, InvoiceStatus
from domain.billing.next_steps import refusal_of
from domain.billing.transitions import TRANSITIONS
from tests.bench.textbook import models
from tests.bench.textbook.fields import Args, Fields
from tests.bench.textbook.records.records import Records

# Of the demo clinic, which keeps the default.
_TOLERANCE = Decimal("1.00")
_COVERED = ("cheque_received", "void", "written_off")


async def _facts(records: Records, row: Any) -> Invoice:
    lines = await records.many(models.InvoiceLine, "invoice_id", row.id)
    case: Any = await records.one(models.Case, row.case_id)
    siblings: list[Any] = await records.many(models.Invoice, "case_id", row.case_id)
    return Invoice(
        id=row.id,
        number=row.number,
        case_id=row.case_id,
        payer_id=row.payer_id,
        status=InvoiceStatus(row.status),
        version=row.version,
        created_on=row.created_on,
        billed=row.billed_amount,
        agreed=row.agreed_amount,
        received=row.received_amount,
        written_off=row.written_off_amount,
        earlier_received=row.earlier_received_amount,
        contractual=row.contractual_amount,
        small_balance=row.small_balance_amount,
        recovered=row.recovered_amount,
        submitted_on=row.submitted_on,
        first_submitted_on=row.first_submitted_on,
        open_status=InvoiceStatus(row.open_status),
        paid_on=row.paid_on,
        responsible_since=row.responsible_since,
        floor=row.floor_amount,
        target=row.target_amount,
        conditional_until=row.conditional_until,
        is_replacement=row.replaces_id is not None,
        line_count=len(lines),
        open_offer=None,
        case_is_open=case.status == "open",
        case_is_settled=case.status != "open",
        case_is_covered=case.status == "open" and all(other.status in _COVERED for other in siblings),
        small_balance_tolerance=_TOLERANCE,
    )


async def _available(records: Records, row: Any, args: Args) -> list[dict[str, Any]]:
    invoice = await _facts(records, row)
    found = []
    for transition in TRANSITIONS:
        if transition.starts(invoice.status, records.viewer.role):
            guards = [GUARDS[name] for name in transition.guards_for(records.viewer.role)]
            blocked = [refusal_of(guard, invoice) for guard in guards if not guard.holds(invoice, records.today)]
            entry = {"name": transition.name, "allowed": not blocked, "blockedBy": blocked}
            found.append({**entry, "requires": list(map(camel, transition.required))})
    return found


TRANSITION_FIELDS: Fields = {"Invoice.availableTransitions": _available}
