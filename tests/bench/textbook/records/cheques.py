"""The resolvers of the textbook for cheques (payments), their allocations, deposits and refunds."""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.bench.textbook.fields import Args, Fields, listing, many, one
from tests.bench.textbook.models import (
    Cheque,
    ChequeAllocation,
    Deposit,
    Invoice,
    Payer,
    ProviderAdjustment,
    Refund,
    User,
)
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among


def is_held(cheque: Any) -> bool:
    """Whether a cheque waits for its day."""
    return cheque.held_from is not None and cheque.released_at is None


async def unapplied(records: Records, cheque: Any, args: Args) -> Decimal:
    """What is left of a payment after its allocations, refunds and provider adjustments."""
    is_money = cheque.returned_on is None and not is_held(cheque)
    allocations = await records.many(ChequeAllocation, "cheque_id", cheque.id)
    refunds = await records.many(Refund, "cheque_id", cheque.id)
    taken = await records.many(ProviderAdjustment, "cheque_id", cheque.id)
    used = sum((part.amount for part in (*allocations, *refunds)), Decimal("0.00")) - sum(part.amount for part in taken)
    left: Decimal = (cheque.amount if is_money else Decimal("0.00")) - used
    return left


async def _status(records: Records, cheque: Any, args: Args) -> str:
    if cheque.corrected_at is not None:
        return "CORRECTED"
    if cheque.returned_on is not None:
        return "RETURNED"
    return "HELD" if is_held(cheque) else "RECEIVED"


def _was_returned(cheque: Any) -> bool:
    return cheque.returned_on is not None and cheque.return_kind != "corrected"


async def _returned_on(records: Records, cheque: Any, args: Args) -> date | None:
    return cheque.returned_on if _was_returned(cheque) else None


async def _return_kind(records: Records, cheque: Any, args: Args) -> str | None:
    return (cheque.return_kind or "nsf").upper() if _was_returned(cheque) else None


async def _corrected_by(records: Records, cheque: Any, args: Args) -> Any:
    return next(iter(await records.many(Cheque, "corrects_id", cheque.id)), None)


async def _is_bounced(records: Records, cheque: Any, args: Args) -> bool:
    return await _return_kind(records, cheque, args) == "NSF" and not is_held(cheque) and cheque.corrected_at is None


async def _deposited_on(records: Records, cheque: Any, args: Args) -> date | None:
    deposit = await records.one(Deposit, cheque.deposit_id)
    return deposit.deposited_on if deposit else None


async def _document_url(records: Records, row: Any, args: Args) -> None:
    # The textbook has no signed URLs: in its data every cheque comes from an import, and has no scan.
    assert row.document_id is None


async def _fits(records: Records, cheque: Any, wanted: Args) -> bool:
    checks = (
        "payerId" not in wanted or is_among(wanted["payerId"], "Payer", cheque.payer_id),
        "receivedFrom" not in wanted or cheque.received_on >= date.fromisoformat(wanted["receivedFrom"]),
        "receivedTo" not in wanted or cheque.received_on <= date.fromisoformat(wanted["receivedTo"]),
        "returned" not in wanted
        or (
            cheque.returned_on is not None and cheque.corrected_at is None
            if wanted["returned"]
            else cheque.returned_on is None
        ),
        "corrected" not in wanted or (cheque.corrected_at is not None) is wanted["corrected"],
        "deposited" not in wanted or (cheque.deposit_id is not None) is wanted["deposited"],
        "depositId" not in wanted
        or (
            cheque.deposit_id is not None
            and cheque.corrected_at is None
            and is_among([wanted["depositId"]], "Deposit", cheque.deposit_id)
        ),
        "method" not in wanted or cheque.method.upper() in wanted["method"],
        "status" not in wanted or await _status(records, cheque, {}) in wanted["status"],
        "unapplied" not in wanted or (await unapplied(records, cheque, {}) > 0) is wanted["unapplied"],
        cheque.number.startswith(wanted.get("number", "")),
    )
    return all(checks)


def _latest_first(records: Records, args: Args) -> Sorting:
    return Sorting("Cheque.DEFAULT", lambda cheque: cheque.received_on, date, descending=True)


async def _deposit_fits(records: Records, deposit: Any, wanted: Args) -> bool:
    first, last = wanted.get("depositedFrom"), wanted.get("depositedTo")
    return (first is None or deposit.deposited_on >= date.fromisoformat(first)) and (
        last is None or deposit.deposited_on <= date.fromisoformat(last)
    )


def _latest_deposit_first(records: Records, args: Args) -> Sorting:
    return Sorting("Deposit.DEFAULT", lambda deposit: deposit.deposited_on, date, descending=True)


async def _right(records: Records, deposit: Any) -> list[Any]:
    """The payments of a deposit without those that were typed wrong."""
    return [one for one in await records.many(Cheque, "deposit_id", deposit.id) if one.corrected_at is None]


async def _reversal_kind(records: Records, part: Any, args: Args) -> str | None:
    return None if part.reverses_id is None else (part.reversal_kind or "returned").upper()


async def _total(records: Records, deposit: Any, args: Args) -> Decimal:
    return sum((one.amount for one in await _right(records, deposit)), Decimal("0.00"))


async def _count(records: Records, deposit: Any, args: Args) -> int:
    return len(await _right(records, deposit))


CHEQUE_FIELDS: Fields = {
    "Query.cheques": listing(Cheque, _fits, _latest_first),
    "Query.deposits": listing(Deposit, _deposit_fits, _latest_deposit_first),
    "Cheque.documentUrl": _document_url,
    "Cheque.unappliedAmount": unapplied,
    "Cheque.status": _status,
    "Cheque.returnedOn": _returned_on,
    "Cheque.returnKind": _return_kind,
    "Cheque.corrects": one(Cheque, "corrects_id"),
    "Cheque.correctedBy": _corrected_by,
    "Cheque.isBounced": _is_bounced,
    "Cheque.depositedOn": _deposited_on,
    "Cheque.deposit": one(Deposit, "deposit_id"),
    "Cheque.replaces": one(Cheque, "replaces_id"),
    "Cheque.replacedBy": many(Cheque, "replaces_id", "received_on", "id"),
    "Cheque.payer": one(Payer, "payer_id"),
    "Cheque.allocations": many(ChequeAllocation, "cheque_id", "effective_on", "id"),
    "Cheque.refunds": many(Refund, "cheque_id", "refunded_on", "id"),
    "ChequeAllocation.reversalKind": _reversal_kind,
    "ChequeAllocation.cheque": one(Cheque, "cheque_id"),
    "ChequeAllocation.invoice": one(Invoice, "invoice_id"),
    "Deposit.paymentCount": _count,
    "Deposit.total": _total,
    "Deposit.cheques": many(Cheque, "deposit_id", "received_on", "id"),
    "Deposit.recordedBy": one(User, "recorded_by"),
    "Refund.documentUrl": _document_url,
    "Refund.cheque": one(Cheque, "cheque_id"),
    "Refund.reverses": one(Refund, "reverses_id"),
    "Refund.carries": one(Refund, "carries_id"),
    "Refund.providerAdjustment": one(ProviderAdjustment, "provider_adjustment_id"),
    "Refund.refundedBy": one(User, "refunded_by"),
}
