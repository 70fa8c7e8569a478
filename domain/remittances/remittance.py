"""An electronic remittance (X12 835) as data: payments, the claims that they pay with their lines, and the three laws of their amounts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.billing.coverages import AdjustmentGroup
from domain.payments.cheques import PaymentMethod

_ZERO = Decimal("0.00")


class RemittanceLaw(StrEnum):
    """The laws that the amounts of a payment obey; a payment that breaks one is shown and never posted."""

    # SVC02 = SVC03 + Σ CAS of the line
    LINE = "line"
    # CLP03 = CLP04 + Σ CAS of the claim and its lines
    CLAIM = "claim"
    # BPR02 = Σ CLP04 less Σ PLB
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class RemittedAdjustment:
    """A triplet of CAS: by how much, in US dollars, the paid amount is below the charge, and why; negative where it is above."""

    group: AdjustmentGroup
    reason_code: str
    amount: Decimal
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RemittedLine:
    """A line of a claim (SVC); `reference` is our line (REF*6R), `place` counts from 1 within the claim."""

    place: int
    code: str
    charge: Decimal
    paid: Decimal
    modifiers: tuple[str, ...] = ()
    units: Decimal | None = None
    service_on: date | None = None
    reference: str | None = None
    adjustments: tuple[RemittedAdjustment, ...] = ()
    remark_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemittedClaim:
    """A claim (CLP): `number` is our invoice number, `payer_number` the payer's own, `place` counts from 1 within the payment."""

    place: int
    number: str
    status_code: str
    charge: Decimal
    paid: Decimal
    patient_amount: Decimal = _ZERO
    payer_number: str | None = None
    adjustments: tuple[RemittedAdjustment, ...] = ()
    remark_codes: tuple[str, ...] = ()
    lines: tuple[RemittedLine, ...] = ()

    @property
    def all_adjustments(self) -> tuple[RemittedAdjustment, ...]:
        """The adjustments of the claim and of its lines."""
        return (*self.adjustments, *(one for line in self.lines for one in line.adjustments))


@dataclass(frozen=True, slots=True)
class ProviderAdjustment:
    """An adjustment of the payment that concerns no claim (PLB), in US dollars; a positive amount lowers the payment."""

    code: str
    amount: Decimal
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class RemittedPayment:
    """A transaction set of a remittance: one payment of a payer; `place` counts from 1 within the file."""

    place: int
    amount: Decimal
    method: PaymentMethod
    paid_on: date
    trace: str
    payer_identifier: str | None
    payer_name: str | None
    claims: tuple[RemittedClaim, ...] = ()
    provider_adjustments: tuple[ProviderAdjustment, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokenLaw:
    """A law that does not hold: what the amounts on its right side sum up to, and what is stated, in US dollars.

    `claim` and `line` are places; None where the law concerns the payment or the claim as a whole.
    """

    law: RemittanceLaw
    stated: Decimal
    computed: Decimal
    claim: int | None = None
    line: int | None = None


def broken_laws(payment: RemittedPayment) -> list[BrokenLaw]:
    """The laws that a payment breaks, those of its lines and claims first; none if its amounts are right."""
    found = [one for claim in payment.claims for one in _broken_of_claim(claim)]
    computed = _sum(claim.paid for claim in payment.claims) - _sum(one.amount for one in payment.provider_adjustments)
    if payment.amount != computed:
        found.append(BrokenLaw(RemittanceLaw.PAYMENT, payment.amount, computed))
    return found


def _broken_of_claim(claim: RemittedClaim) -> Iterator[BrokenLaw]:
    for line in claim.lines:
        computed = line.paid + _sum(one.amount for one in line.adjustments)
        if line.charge != computed:
            yield BrokenLaw(RemittanceLaw.LINE, line.charge, computed, claim.place, line.place)
    computed = claim.paid + _sum(one.amount for one in claim.all_adjustments)
    if claim.charge != computed:
        yield BrokenLaw(RemittanceLaw.CLAIM, claim.charge, computed, claim.place)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)
