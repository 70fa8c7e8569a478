"""The textbook's action items of billing staff: each kind by a rule of its own, over every row in reach."""

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from hashlib import md5
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.billing.ledger import late_facts as domain
from domain.billing.transitions import BY_NAME, OUTSIDE_FACTS
from tests.bench.textbook.fields import Args, Fields, one
from tests.bench.textbook.models import (
    Attorney,
    Case,
    Cheque,
    ChequeAllocation,
    Coverage,
    Denial,
    DenialEvent,
    Encounter,
    Invoice,
    InvoiceEvent,
    IssuedDocument,
    LateFact,
    MessageInvoice,
    OutboundMessage,
    Payer,
    RecoupmentRequest,
    ReductionOffer,
    Reminder,
    Remittance,
    RemittanceClaim,
    Representation,
    User,
    WriteOff,
)
from tests.bench.textbook.pages import Connection, Sorting, connection
from tests.bench.textbook.records.cheques import is_held, unapplied
from tests.bench.textbook.records.coverages import open_invoices, rest
from tests.bench.textbook.records.encounters import bill_of
from tests.bench.textbook.records.followups import reminded_on
from tests.bench.textbook.records.invoices import balance
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.remittances import waits
from tests.bench.textbook.words import is_among

_DAY, _ZERO = timedelta(days=1), Decimal("0.00")
_OPEN = ("pending_invoice", "pending_reduction", "pending_cheque")


@dataclass(frozen=True)
class ActionItem:
    """One action item."""

    id: UUID
    kind: str
    due_on: date
    subject: str
    invoice_id: UUID | None
    assignee_id: UUID | None = None
    reminder_id: UUID | None = None
    cheque_id: UUID | None = None
    encounter_id: UUID | None = None
    recoupment_request_id: UUID | None = None
    remittance_id: UUID | None = None
    document_id: UUID | None = None


async def _reminders(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for r in await records.all(Reminder):
        if r.status == "scheduled":
            yield ActionItem(r.id, "due_reminder", reminded_on(r), r.subject, r.invoice_id, r.assignee_id, r.id)


async def _agreements(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for i in await records.all(Invoice):
        if i.status == "pending_cheque" and i.conditional_until is not None:
            words = "The agreed amount was not paid in full by the agreed date"
            yield ActionItem(i.id, "lapsed_agreement", i.conditional_until + _DAY, words, i.id)


async def _negotiations(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for i in await records.all(Invoice):
        if i.status != "pending_reduction":
            continue
        offers = [offer for offer in await records.many(ReductionOffer, "invoice_id", i.id) if offer.status == "open"]
        for offer in offers:
            if offer.expires_on is not None:
                words = f"The last offer expired on {offer.expires_on}: ask the payer, or make another offer"
                yield ActionItem(offer.id, "lapsed_agreement", offer.expires_on + _DAY, words, i.id)
        events = [e for e in await records.many(InvoiceEvent, "invoice_id", i.id) if e.transition in BY_NAME]
        last = max(events, key=lambda event: event.seq, default=None)
        if last is not None and last.transition == "lapse_agreement" and not offers:
            lapsed_on = last.at.astimezone(ZoneInfo(records.viewer.time_zone)).date()
            words = "The agreement has lapsed: negotiate again"
            yield ActionItem(last.id, "lapsed_agreement", lapsed_on, words, i.id)


def _is_return(part: Any) -> bool:
    """Whether a row of an invoice is what a returned payment had paid; what was moved, corrected or taken back is no return."""
    return part.amount < 0 and part.reversal_kind in (None, "returned")


def _counted_at(part: Any) -> tuple[Any, UUID]:
    """The place of a row among those of its day: of what is right, that of what was wrong."""
    return part.ordered_at or part.recorded_at, part.id


async def _cheques(records: Records, day: date) -> AsyncIterator[ActionItem]:
    cheques = {cheque.id: cheque for cheque in await records.all(Cheque)}
    invoices = {invoice.id: invoice for invoice in await records.all(Invoice) if invoice.status in _OPEN}
    parts = defaultdict[UUID, list[Any]](list)
    for part in await records.all(ChequeAllocation):
        parts[part.invoice_id].append(part)
    for invoice in invoices.values():
        moved = {one.reverses_id for one in parts[invoice.id] if one.reversal_kind == "moved"}
        right = [one for one in parts[invoice.id] if cheques[one.cheque_id].corrected_at is None]
        for back in filter(_is_return, right):
            later = [one for one in right if _counted_at(one) > _counted_at(back)]
            is_paid = any(one.amount > 0 and one.id not in moved for one in later)
            if not is_paid and not any(one.amount < 0 and one.cheque_id == back.cheque_id for one in later):
                words = await _returned(records, cheques[back.cheque_id], invoice)
                item = ActionItem(back.id, "returned_cheque", back.effective_on, words, invoice.id)
                yield replace(item, cheque_id=back.cheque_id)


async def _returned(records: Records, cheque: Any, invoice: Any) -> str:
    if cheque.payer_id == invoice.payer_id:
        return f"Cheque {cheque.number} was returned"
    paid_by, owed_by = [await records.one(Payer, one.payer_id) for one in (cheque, invoice)]
    words = f"Cheque {cheque.number} of {paid_by and paid_by.name} was returned: ask for another payment"
    return f"{words}, or collect ${balance(invoice)} from {owed_by and owed_by.name}"


async def _recoveries(records: Records, day: date) -> AsyncIterator[ActionItem]:
    """Payments that were returned after the write-off of what they had recovered."""
    for cheque in await records.all(Cheque):
        for back in await records.many(ChequeAllocation, "cheque_id", cheque.id):
            invoice = await records.one(Invoice, back.invoice_id)
            if not _is_return(back) or invoice is None or invoice.status != "written_off":
                continue
            offs = [off for off in await records.many(WriteOff, "invoice_id", invoice.id) if off.reversed_on is None]
            paid = [one for one in await records.many(ChequeAllocation, "invoice_id", invoice.id) if one.id > back.id]
            events = await records.many(InvoiceEvent, "invoice_id", invoice.id)
            is_noted = any(one.transition == "add_internal_note" and one.at > back.recorded_at for one in events)
            is_later = any(back.recorded_at > off.recorded_at for off in offs)
            if is_later and not is_noted and not any(one.amount > 0 or one.cheque_id == cheque.id for one in paid):
                words = f"Cheque {cheque.number} was returned after the write-off: ask for another payment, "
                words += "or note that none is expected (addInternalNote)"
                item = ActionItem(back.id, "returned_cheque", back.effective_on, words, invoice.id)
                yield replace(item, cheque_id=cheque.id)


async def _payments(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for cheque in await records.all(Cheque):
        left = await unapplied(records, cheque, {})
        if is_held(cheque) and cheque.returned_on is None:
            item = ActionItem(cheque.id, "deposit_due", cheque.cheque_date, f"Deposit cheque {cheque.number}", None)
            yield replace(item, cheque_id=cheque.id)
        elif left and left * await _unapplied_of(records, cheque.payer_id) > 0:
            words = f"${left} of payment {cheque.number} is not applied"
            if cheque.returned_on is not None:
                words = f"Payment {cheque.number} was returned after a refund of ${-left}"
                words += (
                    ": cover it with the payer's next payment (recordCheque, coverRefund), or give it up (giveUpRefund)"
                )
            due_on = cheque.returned_on or cheque.received_on + 7 * _DAY
            if cheque.returned_on is None and left < 0:
                words = (
                    f"With payment {cheque.number} the payer took back ${-left} of a payment that was returned: "
                    "make due what it paid too much (moveAllocation), or give it up (giveUpRefund)"
                )
                parts = await records.many(ChequeAllocation, "cheque_id", cheque.id)
                due_on = max(one.effective_on for one in parts if one.reversal_kind == "returned")
            yield replace(ActionItem(cheque.id, "unapplied_money", due_on, words, None), cheque_id=cheque.id)


async def _unapplied_of(records: Records, payer_id: UUID) -> Decimal:
    """What is unapplied of all payments of a payer, less what was refunded of payments that were returned."""
    return sum([await unapplied(records, one, {}) for one in await records.many(Cheque, "payer_id", payer_id)], _ZERO)


async def _messages(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for message in await records.all(OutboundMessage):
        links = await records.many(MessageInvoice, "message_id", message.id) if message.status == "failed" else []
        for invoice_id in {link.invoice_id for link in links}:
            invoice = await records.one(Invoice, invoice_id)
            if invoice and invoice.status in _OPEN and not await _was_sent_since(records, message, invoice_id):
                first = min(link.id for link in links if link.invoice_id == invoice_id)
                words = f"A message could not be sent: {message.failure or ''}"
                yield ActionItem(first, "failed_message", message.due_on, words, invoice_id)


async def _was_sent_since(records: Records, failed: Any, invoice_id: UUID) -> bool:
    links = await records.many(MessageInvoice, "invoice_id", invoice_id)
    messages = [await records.one(OutboundMessage, link.message_id) for link in links]
    return any(m and m.status != "failed" and m.due_on > failed.due_on for m in messages)


async def _appeals(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for i in await records.all(Invoice):
        denials = await records.many(Denial, "invoice_id", i.id)
        is_rejected = i.status == "pending_invoice" and i.submitted_on is None
        for line in {denial.line_id for denial in denials}:
            last = max((denial for denial in denials if denial.line_id == line), key=lambda denial: denial.id)
            is_due = is_rejected if line is None else i.status in _OPEN
            is_open = not await records.many(DenialEvent, "denial_id", last.id)
            if is_due and is_open and last.appeal_due_on is not None:
                due_on = max(last.denied_on, last.appeal_due_on - 14 * _DAY)
                words = f"Appeal the denial by {last.appeal_due_on}"
                yield ActionItem(last.id, "appeal_deadline", due_on, words, i.id)


async def _coverages(records: Records, day: date) -> AsyncIterator[ActionItem]:
    groups = defaultdict[tuple[UUID, UUID], list[Any]](list)
    for coverage in await records.all(Coverage):
        if coverage.status in ("unverified", "active", "exhausted"):
            groups[coverage.payer_id, coverage.case_id].append(coverage)
    for (payer_id, case_id), coverages in groups.items():
        rests = [_ZERO if c.status == "exhausted" else await rest(records, c) for c in coverages]
        if None in rests:
            continue
        left, since = sum(filter(None, rests), _ZERO), max([await _since(records, c) for c in coverages])
        together = _ZERO
        for i in await open_invoices(records, payer_id, case_id):
            together += balance(i)
            due_on, kind = max(i.created_on, since), "coverage_exhausted"
            if left == 0:
                yield _of_invoice(i, kind, due_on, f"The coverage is exhausted: transfer the balance of ${balance(i)}")
            elif left < together:
                words = f"${left} of the coverage remains, less than the open balances"
                yield _of_invoice(i, "coverage_nearly_exhausted", due_on, words)


async def _since(records: Records, coverage: Any) -> date:
    """The last day on which something changed what remains of a coverage."""
    paid = [part.effective_on for part in await records.many(ChequeAllocation, "coverage_id", coverage.id)]
    begun: date = coverage.recorded_at.astimezone(ZoneInfo(records.viewer.time_zone)).date()
    told: list[date] = [on for on in (coverage.exhausted_on, coverage.other_payments_on) if on is not None]
    last: date = max([begun, *paid, *told])
    return last


_MOVES = ("change_payer", "transfer_balance")


async def _filings(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for i in await records.all(Invoice):
        if i.status != "pending_invoice" or i.submitted_on is not None:
            continue
        found = await records.many(Coverage, "case_id", i.case_id)
        own = [c for c in found if c.payer_id == i.payer_id and c.status in ("unverified", "active")]
        within = [c.file_within_days for c in own if c.file_within_days is not None]
        events = sorted(await records.many(InvoiceEvent, "invoice_id", i.id), key=lambda event: event.seq)
        was_submitted = False
        for event in events:
            was_submitted = (was_submitted or event.transition == "submit_invoice") and event.transition not in _MOVES
        if within and not was_submitted:
            last = i.service_date + min(within) * _DAY
            words = f"File the invoice with the payer by {last}"
            yield _of_invoice(i, "filing_due", max(i.created_on, last - 7 * _DAY), words)


def _of_invoice(i: Any, kind: str, due_on: date, words: str) -> ActionItem:
    """An item without a record of its own: its id is derived from the kind and the invoice."""
    identity = UUID(hashlib.md5(f"{kind}{i.id}".encode(), usedforsecurity=False).hexdigest())
    return ActionItem(identity, kind, due_on, words, i.id)


async def _former_firms(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for i in await records.all(Invoice):
        payer = await records.one(Payer, i.payer_id)
        if i.status not in _OPEN or payer is None or payer.firm_id is None:
            continue
        case = await records.one(Case, i.case_id)
        now = await records.one(Attorney, case.attorney_id) if case else None
        ended = []
        for r in await records.many(Representation, "case_id", i.case_id):
            attorney = await records.one(Attorney, r.attorney_id)
            is_ended = r.known_until is None and r.until_on is not None and r.until_on > r.from_on
            if (is_ended or r.known_until is not None) and attorney is not None and attorney.firm_id == payer.firm_id:
                ended.append(r)
        if ended and (now is None or now.firm_id != payer.firm_id):
            last = max(ended, key=lambda r: (r.known_until is None, r.known_until or r.until_on, r.id))
            day_of_it = last.known_until or last.until_on
            words = f"The firm that pays has not represented the case since {day_of_it}: transfer the balance"
            identity = UUID(md5(f"{last.id}{i.id}".encode(), usedforsecurity=False).hexdigest())
            yield ActionItem(identity, "representation_ended", day_of_it, words, i.id)


async def _visits(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for e in await records.all(Encounter):
        if e.cancelled_at is None and await bill_of(records, e) is None:
            words = f"The visit of {e.service_date} is not billed"
            yield ActionItem(e.id, "unbilled_encounter", e.service_date + 7 * _DAY, words, None, encounter_id=e.id)


async def _late(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for late in await records.all(LateFact):
        events = await records.many(InvoiceEvent, "invoice_id", late.invoice_id)
        later = [BY_NAME.get(event.transition) for event in events if event.seq > late.seq]
        is_decided = any(row is not None and row.roles and row.name not in OUTSIDE_FACTS for row in later)
        if not is_decided and not await _was_typed_wrong(records, late):
            named = domain.LateFact(
                domain.OutsideFact(late.fact), late.fact_on, domain.Decision(late.decision), late.decided_on
            )
            due_on = late.recorded_at.astimezone(ZoneInfo(records.viewer.time_zone)).date()
            yield ActionItem(late.id, "late_fact", due_on, named.words, late.invoice_id)


async def _was_typed_wrong(records: Records, late: Any) -> bool:
    """Whether a payment of the day of a late fact was corrected or moved since."""
    rows = await records.many(ChequeAllocation, "invoice_id", late.invoice_id)
    wrong = {
        one.reverses_id
        for one in rows
        if one.reversal_kind in ("corrected", "moved") and one.recorded_at > late.recorded_at
    }
    of_day = [one for one in rows if one.reverses_id is None and one.effective_on == late.fact_on]
    return late.fact in ("receipt", "correction") and any(one.id in wrong for one in of_day)


async def _recoupment(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for request in await records.all(RecoupmentRequest):
        if request.status == "open":
            payer = await records.one(Payer, request.payer_id)
            rest = request.amount - request.answered_amount
            words = (
                f"{payer and payer.name} asks for ${rest} back by {request.due_on}: refund it (refundCheque), or appeal"
            )
            due_on = max(request.requested_on, request.due_on - 7 * _DAY)
            item = ActionItem(request.id, "recoupment_due", due_on, words, None)
            yield replace(item, recoupment_request_id=request.id)


async def _remittances(records: Records, day: date) -> AsyncIterator[ActionItem]:
    for remittance in await records.all(Remittance):
        claims = [one for one in await records.many(RemittanceClaim, "remittance_id", remittance.id) if waits(one)]
        if claims:
            paid = sum((one.paid_amount for one in claims), _ZERO)
            words = (
                "1 claim of a remittance waits" if len(claims) == 1 else f"{len(claims)} claims of a remittance wait"
            )
            words += f", ${paid}: post them (postRemittance), or match or close what cannot be posted"
            due_on = remittance.recorded_at.astimezone(ZoneInfo(records.viewer.time_zone)).date()
            item = ActionItem(remittance.id, "remittance_unmatched", due_on, words, None)
            yield replace(item, remittance_id=remittance.id)


_KINDS = (
    *(
        _reminders,
        _agreements,
        _negotiations,
        _cheques,
        _recoveries,
        _payments,
        _messages,
        _appeals,
        _coverages,
        _filings,
        _former_firms,
        _visits,
        _late,
        _recoupment,
        _remittances,
    ),
)


async def _items(records: Records, source: Any, args: Args) -> Connection:
    day = date.fromisoformat(args["asOf"]) if args.get("asOf") else records.today
    found = [item for kind in _KINDS async for item in kind(records, day) if item.due_on <= day]
    if args.get("assigneeId") is not None:
        found = [
            item for item in found if item.assignee_id and is_among([args["assigneeId"]], "User", item.assignee_id)
        ]
    return connection(found, Sorting("ActionItem.DEFAULT", lambda item: item.due_on, date), args)


ACTION_ITEM_FIELDS: Fields = {
    "Query.actionItems": _items,
    "ActionItem.assignee": one(User, "assignee_id"),
    "ActionItem.reminder": one(Reminder, "reminder_id"),
    "ActionItem.invoice": one(Invoice, "invoice_id"),
    "ActionItem.cheque": one(Cheque, "cheque_id"),
    "ActionItem.encounter": one(Encounter, "encounter_id"),
    "ActionItem.document": one(IssuedDocument, "document_id"),
    "ActionItem.remittance": one(Remittance, "remittance_id"),
    "ActionItem.recoupmentRequest": one(RecoupmentRequest, "recoupment_request_id"),
}
