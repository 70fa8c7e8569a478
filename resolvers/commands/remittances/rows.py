"""Remittances as rows: what a payer says, as columns and JSON, and the same again as data."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from domain.billing.coverages import AdjustmentGroup
from domain.normal_forms import code_form, normal_key
from domain.remittances.posting import proposed_by
from domain.remittances.remittance import (
    BrokenLaw,
    ProviderAdjustment,
    RemittedAdjustment,
    RemittedClaim,
    RemittedLine,
    RemittedPayment,
)

Row = Mapping[str, Any]


def payment_columns(payment: RemittedPayment, laws: Iterable[BrokenLaw]) -> dict[str, Any]:
    """The columns of a payment that say what the payer says."""
    name = payment.payer_name
    return {
        "place": payment.place,
        "payer_identifier": payment.payer_identifier,
        "payer_name": name,
        "payer_name_key": normal_key(name) if name else None,
        "trace": payment.trace,
        "trace_key": code_form(payment.trace),
        "method": payment.method.value,
        "amount": payment.amount,
        "paid_on": payment.paid_on,
        "broken_laws": [_law(one) for one in laws],
        "provider_adjustments": [_provider_adjustment(one) for one in payment.provider_adjustments],
    }


def claim_columns(claim: RemittedClaim, line_ids: Sequence[UUID | None]) -> dict[str, Any]:
    """The columns of a claim that say what the payer says, and what it proposes."""
    proposed = proposed_by(claim)
    return {
        "number": claim.number,
        "status_code": claim.status_code,
        "charge_amount": claim.charge,
        "paid_amount": claim.paid,
        "patient_amount": claim.patient_amount,
        "payer_number": claim.payer_number,
        "adjustments": [_adjustment(one) for one in claim.adjustments],
        "remark_codes": list(claim.remark_codes),
        "lines": lines_json(claim.lines, line_ids),
        "transfer_amount": proposed.transfer_amount,
        "responsible_amount": proposed.responsible_amount,
        "is_exhausted": proposed.is_exhausted,
        "transfer_reason": proposed.reason.value,
    }


def lines_json(lines: Sequence[RemittedLine], line_ids: Sequence[UUID | None]) -> list[dict[str, Any]]:
    """The lines of a claim, with the lines of the invoice that they are about."""
    return [_line(line, identity) for line, identity in zip(lines, line_ids, strict=True)]


def claim_of(row: Row) -> RemittedClaim:
    """The claim in a row, as the payer sent it."""
    return RemittedClaim(
        place=row["place"],
        number=row["number"],
        status_code=row["status_code"],
        charge=row["charge_amount"],
        paid=row["paid_amount"],
        patient_amount=row["patient_amount"],
        payer_number=row["payer_number"],
        adjustments=_adjustments(orjson.loads(row["adjustments"])),
        remark_codes=tuple(orjson.loads(row["remark_codes"])),
        lines=tuple(_line_of(one) for one in orjson.loads(row["lines"])),
    )


def line_ids_of(row: Row) -> list[UUID | None]:
    """The lines of the invoice that the lines of a claim are about."""
    return [UUID(one["line_id"]) if one["line_id"] else None for one in orjson.loads(row["lines"])]


def provider_adjustments_of(row: Row) -> list[ProviderAdjustment]:
    """The adjustments of a payment that concern no claim."""
    found = orjson.loads(row["provider_adjustments"])
    return [ProviderAdjustment(one["code"], Decimal(one["amount"]), one["reference"]) for one in found]


def _law(one: BrokenLaw) -> dict[str, Any]:
    figures = {"stated": str(one.stated), "computed": str(one.computed)}
    return {"law": one.law.name, **figures, "claim": one.claim, "line": one.line}


def _provider_adjustment(one: ProviderAdjustment) -> dict[str, Any]:
    return {"code": one.code, "amount": str(one.amount), "reference": one.reference}


def _adjustment(one: RemittedAdjustment) -> dict[str, Any]:
    quantity = None if one.quantity is None else str(one.quantity)
    return {
        "group": one.group.name,
        "reason_code": one.reason_code,
        "amount": str(one.amount),
        "quantity": quantity,
    }


def _line(line: RemittedLine, identity: UUID | None) -> dict[str, Any]:
    return {
        "place": line.place,
        "code": line.code,
        "modifiers": list(line.modifiers),
        "charge": str(line.charge),
        "paid": str(line.paid),
        "units": None if line.units is None else str(line.units),
        "service_on": None if line.service_on is None else line.service_on.isoformat(),
        "reference": line.reference,
        "line_id": None if identity is None else str(identity),
        "adjustments": [_adjustment(one) for one in line.adjustments],
        "remark_codes": list(line.remark_codes),
    }


def _adjustments(found: Iterable[Row]) -> tuple[RemittedAdjustment, ...]:
    return tuple(
        RemittedAdjustment(
            AdjustmentGroup[one["group"]],
            one["reason_code"],
            Decimal(one["amount"]),
            None if one["quantity"] is None else Decimal(one["quantity"]),
        )
        for one in found
    )


def _line_of(one: Row) -> RemittedLine:
    return RemittedLine(
        place=one["place"],
        code=one["code"],
        charge=Decimal(one["charge"]),
        paid=Decimal(one["paid"]),
        modifiers=tuple(one["modifiers"]),
        units=None if one["units"] is None else Decimal(one["units"]),
        service_on=None if one["service_on"] is None else date.fromisoformat(one["service_on"]),
        reference=one["reference"],
        adjustments=_adjustments(one["adjustments"]),
        remark_codes=tuple(one["remark_codes"]),
    )
