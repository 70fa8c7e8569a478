"""What payers would send for the invoices of a clinic: payments in full, in part, denied and taken back, as data for the writer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random
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
from server.database_urls import DatabaseUrls
from tests.support.databases import rows

_ZERO = Decimal("0.00")
# The invoices that were sent and of which something is open, each with its payer and lines.
_OPEN = """select i.number, p.name as payer, i.payer_id, l.position, l.code, l.amount, i.service_date
    from invoices i join payers p on p.clinic_id = i.clinic_id and p.id = i.payer_id
    join invoice_lines l on l.clinic_id = i.clinic_id and l.invoice_id = i.id
    where i.clinic_id = (select clinic_id from users where email = 'billing@demo.example')
        and i.first_submitted_on is not null and i.status in ('pending_invoice', 'pending_reduction', 'pending_cheque')
    order by i.number, l.position"""
Row = Mapping[str, Any]


def open_claims(address: DatabaseUrls) -> dict[str, list[list[Row]]]:
    """The lines of each open invoice of the demo clinic, by the name of the payer."""
    invoices: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows(address, _OPEN):
        invoices[row["payer"], row["number"]].append(dict(row))
    found: dict[str, list[list[Row]]] = defaultdict(list)
    for (payer, _), lines in invoices.items():
        found[payer].append(lines)
    return dict(found)


def clinic_payments(
    random: Random, invoices: Mapping[str, Sequence[Sequence[Row]]], paid_on: date, count: int = 2, most_claims: int = 3
) -> list[RemittedPayment]:
    """Payments of random payers for some of their open invoices, with amounts that obey the laws and days as given."""
    return [_payment(random, place, invoices, paid_on, most_claims) for place in range(1, count + 1)]


def _payment(
    random: Random, place: int, invoices: Mapping[str, Sequence[Sequence[Row]]], paid_on: date, most_claims: int
) -> RemittedPayment:
    payer = random.choice(sorted(invoices))
    chosen = random.sample(invoices[payer], min(len(invoices[payer]), random.randint(1, most_claims)))
    claims = [claim_for(random, lines, number) for number, lines in enumerate(chosen, 1)]
    if random.random() < 0.2:
        claims.append(replace(taken_back(claims[0]), place=len(claims) + 1))
    own = [ProviderAdjustment("L6", Decimal("-1.25"), "INTEREST")] if random.random() < 0.2 else []
    total = sum((claim.paid for claim in claims), _ZERO) - sum((one.amount for one in own), _ZERO)
    return RemittedPayment(
        place,
        amount=total,
        method=random.choice([PaymentMethod.ACH, PaymentMethod.PAPER]),
        paid_on=paid_on,
        trace=f"T{random.randrange(10**12):012d}",
        payer_identifier=f"1{sum(map(ord, payer)):09d}",
        payer_name=payer,
        claims=tuple(claims),
        provider_adjustments=tuple(own),
    )


def claim_for(random: Random, lines: Sequence[Row], place: int = 1) -> RemittedClaim:
    """A claim about an invoice: each line is paid in full, in part or not at all."""
    remitted = tuple(_line(random, row) for row in lines)
    return RemittedClaim(
        place,
        number=lines[0]["number"],
        status_code="1" if any(line.paid for line in remitted) else "4",
        charge=sum((line.charge for line in remitted), _ZERO),
        paid=sum((line.paid for line in remitted), _ZERO),
        patient_amount=sum(
            (one.amount for line in remitted for one in line.adjustments if one.group is AdjustmentGroup.PR), _ZERO
        ),
        payer_number=f"P{random.randrange(10**9)}",
        lines=remitted,
    )


def taken_back(claim: RemittedClaim) -> RemittedClaim:
    """The reversal of a claim: all amounts with the other sign."""
    lines = tuple(
        replace(line, charge=-line.charge, paid=-line.paid, adjustments=_negative(line.adjustments))
        for line in claim.lines
    )
    return replace(
        claim,
        status_code="22",
        charge=-claim.charge,
        paid=-claim.paid,
        patient_amount=_ZERO,
        adjustments=_negative(claim.adjustments),
        lines=lines,
    )


def _negative(adjustments: Sequence[RemittedAdjustment]) -> tuple[RemittedAdjustment, ...]:
    return tuple(replace(one, amount=-one.amount) for one in adjustments)


def _line(random: Random, row: Row) -> RemittedLine:
    charge: Decimal = row["amount"]
    paid = random.choice([charge, (charge * 8 / 10).quantize(Decimal("0.01")), _ZERO])
    left = charge - paid
    contractual = random.choice([left, (left / 2).quantize(Decimal("0.01")), _ZERO])
    parts = [(AdjustmentGroup.CO, "45", contractual), (AdjustmentGroup.PR, "2", left - contractual)]
    return RemittedLine(
        row["position"],
        code=row["code"],
        charge=charge,
        paid=paid,
        units=Decimal(1),
        service_on=row["service_date"],
        reference=str(row["position"]) if random.random() < 0.7 else None,
        adjustments=tuple(RemittedAdjustment(group, reason, amount) for group, reason, amount in parts if amount),
    )
