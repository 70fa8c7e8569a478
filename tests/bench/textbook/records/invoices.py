"""The resolvers of the textbook for invoices, with their filter and sort orders."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tests.bench.textbook.fields import Args, Fields, listing, many, one, same
from tests.bench.textbook.models import (
    Case,
    ChequeAllocation,
    Denial,
    DenialEvent,
    Encounter,
    Facility,
    InternalNote,
    Invoice,
    InvoiceEvent,
    InvoiceLine,
    MessageInvoice,
    OutboundMessage,
    Patient,
    Payer,
    Physician,
    ReductionOffer,
    Reminder,
    User,
)
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.followups import hold_of, is_due, reminded_on
from tests.bench.textbook.records.parties import is_of_firms, patient_is_found
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among, squeezed

_OPEN = ("pending_invoice", "pending_reduction", "pending_cheque")
_CLOSED = ("void", "paid", "written_off")
_RISKS = {"DAYS_0_30": "LOW", "DAYS_31_60": "MODERATE", "DAYS_61_90": "HIGH", "DAYS_91_120": "VERY_HIGH"}


def open_part(invoice: Any) -> Decimal:
    """What the present payer is asked for: neither adjusted by contract nor paid by earlier payers or in earlier rounds."""
    asked: Decimal = invoice.billed_amount - invoice.contractual_amount - invoice.earlier_received_amount
    return asked


def balance(invoice: Any) -> Decimal:
    """The balance of an invoice."""
    if invoice.status in _CLOSED:
        return Decimal("0.00")
    owed = open_part(invoice) if invoice.agreed_amount is None else invoice.agreed_amount
    left: Decimal = owed - (invoice.received_amount - invoice.earlier_received_amount) - invoice.small_balance_amount
    return left


def age_days(records: Records, invoice: Any) -> int:
    """Days since the invoice was created."""
    created_on: date = invoice.created_on
    return max(0, (records.today - created_on).days)


def bucket(records: Records, invoice: Any) -> str | None:
    """The aging bucket of an invoice that is open."""
    if invoice.status not in _OPEN:
        return None
    age = age_days(records, invoice)
    if age > 120:
        return "DAYS_121_PLUS"
    return "DAYS_0_30" if age <= 30 else "DAYS_31_60" if age <= 60 else "DAYS_61_90" if age <= 90 else "DAYS_91_120"


def reduction(invoice: Any) -> Decimal | None:
    """The agreed reduction of an invoice."""
    return None if invoice.agreed_amount is None else open_part(invoice) - invoice.agreed_amount


async def _balance(records: Records, invoice: Any, args: Args) -> Decimal:
    return balance(invoice)


async def _age_days(records: Records, invoice: Any, args: Args) -> int:
    return age_days(records, invoice)


async def _bucket(records: Records, invoice: Any, args: Args) -> str | None:
    return bucket(records, invoice)


async def _risk(records: Records, invoice: Any, args: Args) -> str | None:
    found = bucket(records, invoice)
    return found and _RISKS.get(found, "CRITICAL")


async def _reduction(records: Records, invoice: Any, args: Args) -> Decimal | None:
    return reduction(invoice)


async def _reduction_rate(records: Records, invoice: Any, args: Args) -> float | None:
    reduced = reduction(invoice)
    return None if reduced is None or not open_part(invoice) else float(reduced / open_part(invoice))


async def _open_offer(records: Records, invoice: Any, args: Args) -> Any:
    offers = [o for o in await records.many(ReductionOffer, "invoice_id", invoice.id) if o.status == "open"]
    return max(offers, key=lambda offer: offer.round, default=None)


async def _reminders(records: Records, invoice: Any, args: Args) -> list[Any]:
    status = args.get("status")
    found = await records.many(Reminder, "invoice_id", invoice.id)
    kept = [reminder for reminder in found if status is None or reminder.status.upper() == status]
    return sorted(kept, key=lambda reminder: (reminded_on(reminder), reminder.id))


async def _messages(records: Records, invoice: Any, args: Args) -> list[Any]:
    links = await records.many(MessageInvoice, "invoice_id", invoice.id)
    found = {link.message_id: await records.one(OutboundMessage, link.message_id) for link in links}
    kept = [message for message in found.values() if message]
    return sorted(kept, key=lambda message: (message.due_on, message.id), reverse=True)


async def _hold(records: Records, invoice: Any, args: Args) -> Any:
    return await hold_of(records, invoice)


async def _is_found(records: Records, invoice: Any, text: str) -> bool:
    case = await records.one(Case, invoice.case_id)
    patient = await records.one(Patient, invoice.patient_id)
    numbers = [invoice.number] + ([case.number] if case else [])
    if any(number.casefold().startswith(squeezed(text)) for number in numbers):
        return True
    return patient is not None and patient_is_found(records, patient, text)


async def _is_denied(records: Records, invoice: Any) -> bool:
    return bool(await records.many(Denial, "invoice_id", invoice.id))


async def _has_denial_of(records: Records, invoice: Any, statuses: list[str]) -> bool:
    for denial in await records.many(Denial, "invoice_id", invoice.id):
        events = await records.many(DenialEvent, "denial_id", denial.id)
        last = max(events, key=lambda event: event.number, default=None)
        if (last.status.upper() if last else "OPEN") in statuses:
            return True
    return False


async def _has_due_reminder(records: Records, invoice: Any) -> bool:
    return any(is_due(records, reminder) for reminder in await records.many(Reminder, "invoice_id", invoice.id))


_PLAIN: Mapping[str, Callable[[Records, Any, Any], bool]] = {
    "status": lambda records, i, wanted: i.status.upper() in wanted,
    "agingBucket": lambda records, i, wanted: bucket(records, i) in wanted,
    "payerId": lambda records, i, ids: is_among(ids, "Payer", i.payer_id),
    "physicianId": lambda records, i, ids: is_among(ids, "Physician", i.physician_id),
    "facilityId": lambda records, i, ids: is_among(ids, "Facility", i.facility_id),
    "caseId": lambda records, i, ids: is_among(ids, "Case", i.case_id),
    "patientId": lambda records, i, ids: is_among(ids, "Patient", i.patient_id),
    "createdFrom": lambda records, i, day: i.created_on >= date.fromisoformat(day),
    "createdTo": lambda records, i, day: i.created_on <= date.fromisoformat(day),
    "serviceFrom": lambda records, i, day: i.service_date >= date.fromisoformat(day),
    "serviceTo": lambda records, i, day: i.service_date <= date.fromisoformat(day),
    "billedMin": lambda records, i, amount: i.billed_amount >= Decimal(amount),
    "billedMax": lambda records, i, amount: i.billed_amount <= Decimal(amount),
}


async def _is_represented(records: Records, invoice: Any, wanted: Args) -> bool:
    if not {"attorneyId", "firmId"} & set(wanted):
        return True
    case = await records.one(Case, invoice.case_id)
    attorney = case.attorney_id if case else None
    if "attorneyId" in wanted and not is_among(wanted["attorneyId"], "Attorney", attorney):
        return False
    return "firmId" not in wanted or await is_of_firms(records, attorney, wanted["firmId"])


async def _fits_denials(records: Records, invoice: Any, wanted: Args) -> bool:
    if "denied" in wanted and await _is_denied(records, invoice) != wanted["denied"]:
        return False
    return "denialStatus" not in wanted or await _has_denial_of(records, invoice, wanted["denialStatus"])


async def _is_on_list(records: Records, invoice: Any, wanted: Args) -> bool:
    today, submitted = records.today, invoice.submitted_on is not None
    match wanted.get("worklist"):
        case "UNSUBMITTED":
            return invoice.status == "pending_invoice" and not submitted
        case "STALE":
            since = datetime.combine(today - timedelta(days=30), time(), UTC)
            return invoice.status in _OPEN and submitted and invoice.updated_at < since
        case "EXPIRING_OFFERS":
            offers = await records.many(ReductionOffer, "invoice_id", invoice.id)
            soon = [
                o for o in offers if o.status == "open" and o.expires_on and o.expires_on <= today + timedelta(days=7)
            ]
            return invoice.status == "pending_reduction" and bool(soon)
        case "LAPSING":
            until = invoice.conditional_until
            return invoice.status == "pending_cheque" and until is not None and until <= today + timedelta(days=7)
    return True


async def fits(records: Records, invoice: Any, wanted: Args) -> bool:
    """Whether an invoice matches a filter."""
    if not all(_PLAIN[name](records, invoice, value) for name, value in wanted.items() if name in _PLAIN):
        return False
    if not await _is_represented(records, invoice, wanted):
        return False
    if not await _fits_denials(records, invoice, wanted) or not await _is_on_list(records, invoice, wanted):
        return False
    if "hasDueReminder" in wanted and await _has_due_reminder(records, invoice) != wanted["hasDueReminder"]:
        return False
    if "onHold" in wanted and (await hold_of(records, invoice) is not None) != wanted["onHold"]:
        return False
    return "search" not in wanted or await _is_found(records, invoice, wanted["search"])


_ORDERS: Mapping[str, tuple[Callable[[Any], Any], type]] = {
    "CREATED_ON": (lambda i: i.created_on, date),
    "SERVICE_DATE": (lambda i: i.service_date, date),
    "NUMBER": (lambda i: i.number, str),
    "BILLED_AMOUNT": (lambda i: i.billed_amount, Decimal),
    "BALANCE": (balance, Decimal),
    "AGE": (lambda i: i.created_on, date),
}


def sorting(records: Records, args: Args) -> Sorting:
    """The sort order of a page of invoices; by default the newest come first."""
    order_by = args.get("orderBy")
    if order_by is None:
        return Sorting("Invoice.DEFAULT", lambda i: i.created_on, date, descending=True)
    key, of = _ORDERS[order_by["field"]]
    # The oldest invoice is the one that was created first.
    is_descending = (order_by["direction"] == "DESC") != (order_by["field"] == "AGE")
    return Sorting(f"Invoice.{order_by['field']}", key, of, is_descending)


INVOICE_FIELDS: Fields = {
    "Query.invoices": listing(Invoice, fits, sorting),
    "Case.invoices": listing(Invoice, fits, sorting, "case_id"),
    "Payer.invoices": listing(Invoice, fits, sorting, "payer_id"),
    "Invoice.case": one(Case, "case_id"),
    "Invoice.patient": one(Patient, "patient_id"),
    "Invoice.payer": one(Payer, "payer_id"),
    "Invoice.physician": one(Physician, "physician_id"),
    "Invoice.facility": one(Facility, "facility_id"),
    "Invoice.encounter": one(Encounter, "encounter_id"),
    "Invoice.lines": many(InvoiceLine, "invoice_id", "position"),
    "Invoice.balance": _balance,
    "Invoice.negotiation": same(),
    "Invoice.cheques": many(ChequeAllocation, "invoice_id", "effective_on", "id"),
    "Invoice.internalNotes": many(InternalNote, "invoice_id", "written_at", "id"),
    "Invoice.reminders": _reminders,
    "Invoice.outboundMessages": _messages,
    "Invoice.hold": _hold,
    "Invoice.ageDays": _age_days,
    "Invoice.agingBucket": _bucket,
    "Invoice.risk": _risk,
    "Invoice.history": many(InvoiceEvent, "invoice_id", "seq"),
    "InvoiceEvent.by": one(User, "by_user_id"),
    "InvoiceLine.repeatConfirmedBy": one(User, "repeat_confirmed_by"),
    "InternalNote.writtenBy": one(User, "written_by"),
    "Negotiation.offers": many(ReductionOffer, "invoice_id", "round"),
    "Negotiation.openOffer": _open_offer,
    "Negotiation.reductionAmount": _reduction,
    "Negotiation.reductionRate": _reduction_rate,
    "ReductionOffer.madeBy": one(User, "made_by"),
}
