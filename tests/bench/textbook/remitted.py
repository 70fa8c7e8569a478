"""The resolvers of the textbook for what remittances keep as JSON, and for what posted claims propose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.bench.textbook.fields import Args, Fields, one
from tests.bench.textbook.models import (
    Attorney,
    Case,
    Coverage,
    Invoice,
    InvoiceLine,
    Payer,
    RemittanceClaim,
    RemittancePayment,
    Responsibility,
)
from tests.bench.textbook.records.coverages import is_in_effect
from tests.bench.textbook.records.invoices import balance
from tests.bench.textbook.records.records import Records

Json = Mapping[str, Any]
_OPEN = ("pending_invoice", "pending_reduction", "pending_cheque")


@dataclass(frozen=True)
class RemittedAdjustment:
    """By how much less is paid than was charged, and why."""

    group: str
    reason_code: str
    amount: Decimal
    quantity: str | None


@dataclass(frozen=True)
class RemittedLine:
    """A line of a claim; `line_id` is the line of the invoice that it is about."""

    place: int
    code: str
    modifiers: list[str]
    charge: Decimal
    paid: Decimal
    units: str | None
    service_on: date | None
    reference: str | None
    line_id: UUID | None
    adjustments: list[RemittedAdjustment]
    remark_codes: list[str]


@dataclass(frozen=True)
class BrokenRemittanceLaw:
    """Amounts that do not add up."""

    law: str
    stated: Decimal
    computed: Decimal
    claim_place: int | None
    line_place: int | None


@dataclass(frozen=True)
class RemittedProviderAdjustment:
    """An adjustment of a payment that concerns no claim."""

    code: str
    amount: Decimal
    reference: str | None


@dataclass(frozen=True)
class RemittanceProposal:
    """What a claim proposes."""

    kind: str
    amount: Decimal | None
    invoice_id: UUID
    coverage_id: UUID | None
    payer_id: UUID | None
    reason: str | None


def _adjusted(found: list[Json]) -> list[RemittedAdjustment]:
    return [
        RemittedAdjustment(each["group"], each["reason_code"], Decimal(each["amount"]), each["quantity"])
        for each in found
    ]


def _line(found: Json) -> RemittedLine:
    return RemittedLine(
        place=found["place"],
        code=found["code"],
        modifiers=found["modifiers"],
        charge=Decimal(found["charge"]),
        paid=Decimal(found["paid"]),
        units=found["units"],
        service_on=date.fromisoformat(found["service_on"]) if found["service_on"] else None,
        reference=found["reference"],
        line_id=UUID(found["line_id"]) if found["line_id"] else None,
        adjustments=_adjusted(found["adjustments"]),
        remark_codes=found["remark_codes"],
    )


async def _adjustments(records: Records, claim: Any, args: Args) -> list[RemittedAdjustment]:
    return _adjusted(claim.adjustments)


async def _lines(records: Records, claim: Any, args: Args) -> list[RemittedLine]:
    return [_line(found) for found in claim.lines]


async def _broken_laws(records: Records, payment: Any, args: Args) -> list[BrokenRemittanceLaw]:
    return [
        BrokenRemittanceLaw(
            each["law"], Decimal(each["stated"]), Decimal(each["computed"]), each["claim"], each["line"]
        )
        for each in payment.broken_laws
    ]


async def _provider_adjustments(records: Records, payment: Any, args: Args) -> list[RemittedProviderAdjustment]:
    return [
        RemittedProviderAdjustment(each["code"], Decimal(each["amount"]), each["reference"])
        for each in payment.provider_adjustments
    ]


async def _proposals(records: Records, claim: Any, args: Args) -> list[RemittanceProposal]:
    """What the last posted claim of an invoice proposes: the end of its coverage, then the transfer of what is left."""
    if claim.posted_at is None or claim.status != "matched":
        return []
    others = await records.many(RemittanceClaim, "invoice_id", claim.invoice_id)
    if any(other.posted_at is not None and other.id > claim.id for other in others):
        return []
    invoice: Any = await records.one(Invoice, claim.invoice_id)
    coverage: Any = await records.one(Coverage, claim.coverage_id)
    found = []
    if claim.is_exhausted and coverage is not None and coverage.status in ("unverified", "active"):
        ended = (None, invoice.id, coverage.id, coverage.payer_id, None)
        found.append(RemittanceProposal("exhaust_coverage", *ended))
    if await _may_transfer(records, claim, invoice):
        amount = min(claim.transfer_amount, balance(invoice))
        following = await _next_coverage(records, invoice, coverage)
        payer_id = following.payer_id if following else await _payer_of_firm(records, invoice)
        whom = (following.id if following else None, payer_id, claim.transfer_reason)
        found.append(RemittanceProposal("transfer_balance", amount, invoice.id, *whom))
    return found


async def _may_transfer(records: Records, claim: Any, invoice: Any) -> bool:
    """Whether something is left, and its payer still owes it since the claim was posted."""
    payment: Any = await records.one(RemittancePayment, claim.payment_id)
    owed = await records.many(Responsibility, "invoice_id", invoice.id)
    is_same = payment.payer_id == invoice.payer_id and all(one.recorded_at <= claim.posted_at for one in owed)
    is_left = claim.transfer_amount > 0 and balance(invoice) > 0
    return is_same and is_left and invoice.status in _OPEN


async def _next_coverage(records: Records, invoice: Any, last: Any) -> Any:
    """The first active coverage of the case that comes after the one that has paid."""
    case: Any = await records.one(Case, invoice.case_id)
    coverages: list[Any] = await records.many(Coverage, "case_id", invoice.case_id)
    for coverage in sorted(coverages, key=lambda one: (one.priority, one.id)):
        day = invoice.service_date if coverage.kind == "health" else case.date_of_injury
        is_later = last is None or (coverage.priority, coverage.id) > (last.priority, last.id)
        is_other = last is not None or coverage.payer_id != invoice.payer_id
        if coverage.status == "active" and is_later and is_other and is_in_effect(coverage, day):
            return coverage
    return None


async def _payer_of_firm(records: Records, invoice: Any) -> UUID | None:
    """The payer that is the firm which represents the case."""
    case: Any = await records.one(Case, invoice.case_id)
    attorney: Any = await records.one(Attorney, case.attorney_id)
    if attorney is None:
        return None
    payers: list[Any] = await records.many(Payer, "firm_id", attorney.firm_id)
    usable = [one for one in payers if one.retired_at is None and one.id != invoice.payer_id]
    return min(usable, key=lambda one: (one.name, one.id)).id if usable else None


REMITTED_FIELDS: Fields = {
    "RemittanceClaim.adjustments": _adjustments,
    "RemittanceClaim.lines": _lines,
    "RemittanceClaim.proposals": _proposals,
    "RemittancePayment.brokenLaws": _broken_laws,
    "RemittancePayment.providerAdjustments": _provider_adjustments,
    "RemittedLine.line": one(InvoiceLine, "line_id"),
    "RemittanceProposal.invoice": one(Invoice, "invoice_id"),
    "RemittanceProposal.coverage": one(Coverage, "coverage_id"),
    "RemittanceProposal.payer": one(Payer, "payer_id"),
}
