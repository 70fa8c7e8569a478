"""Remittances of one invoice at a time, as random payers send them: paid, adjusted, denied, taken back, and at times sent twice."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from domain.billing.coverages import AdjustmentGroup
from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import ProviderAdjustment, RemittedAdjustment, RemittedClaim, RemittedPayment
from tests.support.x12.writer import written

_CENT, _NOTHING = Decimal("0.01"), Decimal("0.00")
_SHARES = (Decimal(0), Decimal("0.3"), Decimal(1))


def remittance_file(random: Random, invoice: dict[str, Any], payer: str, number: int, today: date) -> bytes:
    """A file with one payment of a payer that pays an invoice, or takes back what was received of it."""
    billed, received = Decimal(invoice["billedAmount"]), Decimal(invoice["receivedAmount"])
    claims = [_paid(random, invoice["number"], billed, 1)]
    if received > 0 and random.random() < 0.4:
        claims.append(_taken_back(invoice["number"], billed, received, 2))
    provider: tuple[ProviderAdjustment, ...] = ()
    total = sum((one.paid for one in claims), _NOTHING)
    if total < 0 or random.random() < 0.1:
        # A balance that the payer forwards, or interest that it pays.
        provider = (ProviderAdjustment("FB" if total < 0 else "L6", min(total, -Decimal("1.11")), "REF"),)
    payment = RemittedPayment(
        place=1,
        amount=total - sum((one.amount for one in provider), _NOTHING),
        method=random.choice((PaymentMethod.ACH, PaymentMethod.WIRE)),
        paid_on=today - timedelta(days=random.choice((0, 0, 1, 3))),
        trace=f"R{number}" if random.random() < 0.9 else "SAME TRACE",
        payer_identifier=payer,
        payer_name=f"Payer {payer}",
        claims=tuple(claims),
        provider_adjustments=provider,
    )
    return written(payment)


def _paid(random: Random, number: str, billed: Decimal, place: int) -> RemittedClaim:
    paid = (billed * random.choice((Decimal(0), Decimal("0.3"), Decimal("0.5"), Decimal(1)))).quantize(_CENT)
    contractual = ((billed - paid) * random.choice(_SHARES)).quantize(_CENT)
    of_patient = billed - paid - contractual
    parts = (
        (AdjustmentGroup.CO, "45", contractual),
        (random.choice((AdjustmentGroup.PR, AdjustmentGroup.PI)), "2", of_patient),
    )
    return RemittedClaim(
        place=place,
        number=number,
        status_code="4" if paid == 0 and random.random() < 0.3 else "1",
        charge=billed,
        paid=paid,
        payer_number=f"PCN {number}",
        adjustments=tuple(RemittedAdjustment(group, code, amount) for group, code, amount in parts if amount),
    )


def _taken_back(number: str, billed: Decimal, received: Decimal, place: int) -> RemittedClaim:
    rest = billed - received
    adjustments = (RemittedAdjustment(AdjustmentGroup.PR, "2", -rest),) if rest else ()
    return RemittedClaim(
        place=place,
        number=number,
        status_code="22",
        charge=-billed,
        paid=-received,
        payer_number=f"PCN {number}",
        adjustments=adjustments,
    )
