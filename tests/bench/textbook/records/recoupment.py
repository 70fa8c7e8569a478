"""The resolvers of the textbook for provider adjustments, and for recoupment requests and their answers."""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.bench.textbook.fields import Args, Fields, listing, many, one
from tests.bench.textbook.models import (
    Cheque,
    Invoice,
    Payer,
    ProviderAdjustment,
    RecoupmentAnswer,
    RecoupmentRequest,
    Refund,
    User,
)
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among


async def _document_url(records: Records, row: Any, args: Args) -> None:
    # The textbook has no signed URLs: no record of its data has a document.
    assert row.document_id is None


async def _fits(records: Records, request: Any, wanted: Args) -> bool:
    checks = (
        "payerId" not in wanted or is_among(wanted["payerId"], "Payer", request.payer_id),
        "chequeId" not in wanted
        or (request.cheque_id is not None and is_among([wanted["chequeId"]], "Cheque", request.cheque_id)),
        "invoiceId" not in wanted
        or (request.invoice_id is not None and is_among([wanted["invoiceId"]], "Invoice", request.invoice_id)),
        "status" not in wanted or request.status.upper() in wanted["status"],
        "requestedFrom" not in wanted or request.requested_on >= date.fromisoformat(wanted["requestedFrom"]),
        "requestedTo" not in wanted or request.requested_on <= date.fromisoformat(wanted["requestedTo"]),
        "dueTo" not in wanted or request.due_on <= date.fromisoformat(wanted["dueTo"]),
    )
    return all(checks)


def _sorting(records: Records, args: Args) -> Sorting:
    order = args.get("orderBy")
    if order is None:
        return Sorting("RecoupmentRequest.DEFAULT", lambda request: request.requested_on, date, descending=True)
    keys: dict[str, tuple[Any, Any]] = {
        "REQUESTED_ON": (lambda request: request.requested_on, date),
        "DUE_ON": (lambda request: request.due_on, date),
        "AMOUNT": (lambda request: request.amount, Decimal),
    }
    key, type_ = keys[order["field"]]
    return Sorting(f"RecoupmentRequest.{order['field']}", key, type_, descending=order["direction"] == "DESC")


async def _open_amount(records: Records, request: Any, args: Args) -> Decimal:
    rest: Decimal = request.amount - request.answered_amount
    return Decimal("0.00") if request.status == "withdrawn" else rest


async def _proposed(records: Records, request: Any, args: Args) -> list[Any]:
    if request.status not in ("open", "appealed"):
        return []
    names = {request.reference}
    for model, identity in ((Invoice, request.invoice_id), (Cheque, request.cheque_id)):
        named: Any = await records.one(model, identity)
        names.add(named and named.number)
    rows = await records.all(ProviderAdjustment)
    gone = {row.reverses_id for row in rows} | {row.carries_id for row in rows}
    found = []
    for row in rows:
        cheque = await records.one(Cheque, row.cheque_id)
        is_used = await records.many(RecoupmentAnswer, "provider_adjustment_id", row.id)
        lowers = row.amount > 0 and row.reverses_id is None and row.id not in gone
        if lowers and not is_used and row.reference is not None and row.reference in names:
            found += [row] if cheque and cheque.payer_id == request.payer_id else []
    return sorted(found, key=lambda row: (row.effective_on, row.id))


RECOUPMENT_FIELDS: Fields = {
    "Query.recoupmentRequests": listing(RecoupmentRequest, _fits, _sorting),
    "Cheque.providerAdjustments": many(ProviderAdjustment, "cheque_id", "effective_on", "id"),
    "Cheque.recoupmentRequests": many(RecoupmentRequest, "cheque_id", "requested_on", "id"),
    "ProviderAdjustment.cheque": one(Cheque, "cheque_id"),
    "ProviderAdjustment.reverses": one(ProviderAdjustment, "reverses_id"),
    "ProviderAdjustment.recordedBy": one(User, "recorded_by"),
    "RecoupmentRequest.payer": one(Payer, "payer_id"),
    "RecoupmentRequest.cheque": one(Cheque, "cheque_id"),
    "RecoupmentRequest.invoice": one(Invoice, "invoice_id"),
    "RecoupmentRequest.openAmount": _open_amount,
    "RecoupmentRequest.answers": many(RecoupmentAnswer, "request_id", "number"),
    "RecoupmentRequest.proposedAdjustments": _proposed,
    "RecoupmentRequest.documentUrl": _document_url,
    "RecoupmentRequest.recordedBy": one(User, "recorded_by"),
    "RecoupmentAnswer.refund": one(Refund, "refund_id"),
    "RecoupmentAnswer.providerAdjustment": one(ProviderAdjustment, "provider_adjustment_id"),
    "RecoupmentAnswer.documentUrl": _document_url,
    "RecoupmentAnswer.answeredBy": one(User, "answered_by"),
}
