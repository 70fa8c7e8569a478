"""The resolvers of the textbook for coverages, what they are expected to pay, and the payer that a case proposes."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from tests.bench.textbook.fields import Args, Fields, many, one
from tests.bench.textbook.models import (
    Case,
    ChequeAllocation,
    Coverage,
    CoverageEvent,
    Invoice,
    InvoiceLine,
    Payer,
    User,
)
from tests.bench.textbook.records.invoices import balance
from tests.bench.textbook.records.records import Records

_CENT, _NOTHING = Decimal("0.01"), Decimal("0.00")


@dataclass(frozen=True)
class ExpectedPayment:
    """What one coverage is expected to pay of one invoice."""

    coverage: Any
    deductible_amount: Decimal
    calculated_amount: Decimal | None
    amount: Decimal | None


async def received(records: Records, coverage: Any) -> Decimal:
    """What was paid under a coverage."""
    parts = await records.many(ChequeAllocation, "coverage_id", coverage.id)
    return sum((part.amount for part in parts), _NOTHING)


async def rest(records: Records, coverage: Any) -> Decimal | None:
    """What remains of a coverage."""
    if coverage.limit_amount is None:
        return None
    left: Decimal = coverage.limit_amount - await received(records, coverage) - (coverage.other_payments_amount or 0)
    return max(left, _NOTHING)


def is_in_effect(coverage: Any, day: date) -> bool:
    """Whether a coverage was in effect on a day."""
    begun = coverage.effective_from is None or coverage.effective_from <= day
    return begun and (coverage.effective_to is None or day < coverage.effective_to)


async def _proposed(records: Records, case: Any, args: Args) -> Any:
    served = date.fromisoformat(args["serviceDate"]) if args.get("serviceDate") else records.today
    for coverage in await _of_case(records, case, {}):
        day = served if coverage.kind == "health" else case.date_of_injury
        if coverage.status == "active" and is_in_effect(coverage, day):
            return await records.one(Payer, coverage.payer_id)
    return None


_of_case = many(Coverage, "case_id", "priority", "id")


async def _expected(records: Records, invoice: Any, args: Args) -> list[ExpectedPayment]:
    case: Any = await records.one(Case, invoice.case_id)
    found = []
    for coverage in await _of_case(records, case, {}):
        day = invoice.service_date if coverage.kind == "health" else case.date_of_injury
        if coverage.status in ("unverified", "active") and is_in_effect(coverage, day):
            found.append(await _expected_under(records, invoice, coverage))
    return found


async def _expected_under(records: Records, invoice: Any, coverage: Any) -> ExpectedPayment:
    parts = await records.many(ChequeAllocation, "coverage_id", coverage.id)
    here = sum((part.amount for part in parts if part.invoice_id == invoice.id), _NOTHING)
    elsewhere = sum((part.amount for part in parts if part.invoice_id != invoice.id), _NOTHING)
    is_used = elsewhere > 0 or (coverage.other_payments_amount or 0) > 0
    deductible = _NOTHING if is_used else coverage.deductible_amount or _NOTHING
    if coverage.pays_percent is None:
        return ExpectedPayment(coverage, deductible, None, None)
    calculated = await _calculated(records, invoice.id, deductible, coverage.pays_percent)
    bounds = [calculated - here, balance(invoice)]
    left = await rest(records, coverage)
    if left is not None:
        bounds.append(left)
    return ExpectedPayment(coverage, deductible, calculated, max(_NOTHING, min(bounds)))


async def _calculated(records: Records, invoice: UUID, deductible: Decimal, percent: Decimal) -> Decimal:
    total, borne = _NOTHING, deductible
    for line in sorted(await records.many(InvoiceLine, "invoice_id", invoice), key=lambda line: line.position):
        paid = max(_NOTHING, line.amount - borne)
        borne = max(_NOTHING, borne - line.amount)
        total += (paid * percent / 100).quantize(_CENT, ROUND_HALF_UP)
    return total


async def _received(records: Records, coverage: Any, args: Args) -> Decimal:
    return await received(records, coverage)


async def _rest(records: Records, coverage: Any, args: Args) -> Decimal | None:
    return await rest(records, coverage)


def _column(name: str) -> Any:
    async def resolve(records: Records, coverage: Any, args: Args) -> Any:
        return getattr(coverage, name)

    return resolve


async def _percent(records: Records, coverage: Any, args: Args) -> str | None:
    return None if coverage.pays_percent is None else f"{coverage.pays_percent:.2f}"


async def _no_letter(records: Records, coverage: Any, args: Args) -> None:
    # The textbook has no signed URLs: no coverage in its data has a letter.
    assert coverage.letter_id is None
    assert coverage.closing_letter_id is None


COVERAGE_FIELDS: Fields = {
    "Case.coverages": many(Coverage, "case_id", "priority", "id"),
    "Case.proposedPayer": _proposed,
    "ChequeAllocation.coverage": one(Coverage, "coverage_id"),
    "Coverage.case": one(Case, "case_id"),
    "Coverage.payer": one(Payer, "payer_id"),
    "Coverage.addedAt": _column("recorded_at"),
    "Coverage.limit": _column("limit_amount"),
    "Coverage.deductible": _column("deductible_amount"),
    "Coverage.otherPayments": _column("other_payments_amount"),
    "Coverage.paysPercent": _percent,
    "Coverage.receivedAmount": _received,
    "Coverage.remaining": _rest,
    "Coverage.letterUrl": _no_letter,
    "Coverage.closingLetterUrl": _no_letter,
    "Coverage.verifiedBy": one(User, "verified_by"),
    "Coverage.history": many(CoverageEvent, "coverage_id", "seq"),
    "CoverageEvent.by": one(User, "by_user_id"),
    "Invoice.expectedPayments": _expected,
}


async def open_invoices(records: Records, payer_id: UUID, case_id: UUID) -> list[Any]:
    """The open invoices of a payer in a case, in the order in which they were created."""
    found = [i for i in await records.many(Invoice, "case_id", case_id) if i.payer_id == payer_id]
    open_ones = [i for i in found if i.status in ("pending_invoice", "pending_reduction", "pending_cheque")]
    return sorted(open_ones, key=lambda i: (i.created_on, i.id))
