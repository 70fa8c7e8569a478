"""The messages with which a child process sends what it reads of a remittance: a payment, then its claims in batches."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from domain.billing.coverages import AdjustmentGroup
from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import (
    ProviderAdjustment,
    RemittedAdjustment,
    RemittedClaim,
    RemittedLine,
    RemittedPayment,
)
from imports.x12.envelopes import Part
from imports.x12.remittance_file import RemittanceProblem

# A claim with all of its lines and adjustments is shorter than the longest message.
_MOST_CLAIMS, _MOST_RECORDS = 200, 5_000


def messages_of(parts: Iterable[Part]) -> Iterator[dict[str, Any]]:
    """The messages of payments and problems."""
    for part in parts:
        if isinstance(part, RemittanceProblem):
            yield {"problem": part}
        else:
            yield {"payment": replace(part, claims=()), "claims": len(part.claims)}
            for batch in _batches(part.claims):
                yield {"batch": batch}


def parts_of(messages: Iterator[dict[str, Any]]) -> Iterator[Part]:
    """The payments and problems of the messages; an error of reading is passed on, without the payment of which it cut off claims."""
    for message in messages:
        if "problem" in message:
            yield RemittanceProblem(**message["problem"])
        else:
            claims = list[RemittedClaim]()
            while len(claims) < message["claims"]:
                claims += map(_claim, next(messages)["batch"])
            yield _payment(message["payment"], tuple(claims))


def encoded(value: Any) -> str:
    """An amount as text; TypeError for anything else that JSON does not know."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)


def _batches(claims: tuple[RemittedClaim, ...]) -> Iterator[list[RemittedClaim]]:
    batch, records = list[RemittedClaim](), 0
    for claim in claims:
        batch.append(claim)
        records += 1 + len(claim.lines) + len(claim.all_adjustments)
        if len(batch) >= _MOST_CLAIMS or records >= _MOST_RECORDS:
            yield batch
            batch, records = [], 0
    if batch:
        yield batch


def _payment(found: dict[str, Any], claims: tuple[RemittedClaim, ...]) -> RemittedPayment:
    own = [
        ProviderAdjustment(one["code"], Decimal(one["amount"]), one["reference"])
        for one in found["provider_adjustments"]
    ]
    return RemittedPayment(
        **found
        | {
            "amount": Decimal(found["amount"]),
            "method": PaymentMethod(found["method"]),
            "paid_on": date.fromisoformat(found["paid_on"]),
            "claims": claims,
            "provider_adjustments": tuple(own),
        }
    )


def _claim(found: dict[str, Any]) -> RemittedClaim:
    return RemittedClaim(
        **found
        | {
            "charge": Decimal(found["charge"]),
            "paid": Decimal(found["paid"]),
            "patient_amount": Decimal(found["patient_amount"]),
            "adjustments": tuple(map(_adjustment, found["adjustments"])),
            "remark_codes": tuple(found["remark_codes"]),
            "lines": tuple(map(_line, found["lines"])),
        }
    )


def _line(found: dict[str, Any]) -> RemittedLine:
    return RemittedLine(
        **found
        | {
            "charge": Decimal(found["charge"]),
            "paid": Decimal(found["paid"]),
            "modifiers": tuple(found["modifiers"]),
            "units": _quantity(found["units"]),
            "service_on": date.fromisoformat(found["service_on"]) if found["service_on"] else None,
            "adjustments": tuple(map(_adjustment, found["adjustments"])),
            "remark_codes": tuple(found["remark_codes"]),
        }
    )


def _adjustment(found: dict[str, Any]) -> RemittedAdjustment:
    return RemittedAdjustment(
        AdjustmentGroup(found["group"]), found["reason_code"], Decimal(found["amount"]), _quantity(found["quantity"])
    )


def _quantity(found: str | None) -> Decimal | None:
    return None if found is None else Decimal(found)
