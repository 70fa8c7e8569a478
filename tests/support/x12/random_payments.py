"""Random payments whose amounts obey the three laws, from a seed."""

import string
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from domain.billing.coverages import AdjustmentGroup
from domain.payments.cheques import PaymentMethod
from domain.remittances.remittance import (
    ProviderAdjustment,
    RemittedAdjustment,
    RemittedClaim,
    RemittedLine,
    RemittedPayment,
)

_GROUPS = list(AdjustmentGroup)
_METHODS = [PaymentMethod.PAPER, PaymentMethod.ACH, PaymentMethod.WIRE]
_NAMES = ["Acme Mutual", "Coastal Casualty & Co", "P.I.P. Insurers (Florida)", "A" * 60]
_SAFE = string.ascii_uppercase + string.digits


def seeded(seed: int) -> Random:
    """Random choices that are the same for the same seed."""
    return Random(seed)  # noqa: S311 (no secret)


def random_payments(random: Random, count: int) -> list[RemittedPayment]:
    """Payments with the places from 1 on."""
    return [random_payment(random, place) for place in range(1, count + 1)]


def random_payment(random: Random, place: int = 1, most_claims: int = 5) -> RemittedPayment:
    """A payment of up to so many claims, with adjustments of the provider in some cases; its amount is not below 0."""
    claims = [random_claim(random, number) for number in range(1, random.randint(0, most_claims) + 1)]
    own = [_provider_adjustment(random) for _ in range(random.choice([0, 0, 1, 2, 5]))]
    total = sum((claim.paid for claim in claims), Decimal("0.00")) - sum((one.amount for one in own), Decimal("0.00"))
    if total < 0:
        # What the payer is owed is carried over to its next payment.
        own.append(ProviderAdjustment("FB", total, "CARRIED"))
        total = Decimal("0.00")
    # Without money there is no wire.
    method = random.choice(_METHODS if total else _METHODS[:2])
    return RemittedPayment(
        place,
        amount=total,
        method=method,
        paid_on=_day(random),
        trace=_text(random, 1, 50),
        payer_identifier=f"1{random.randrange(10**9):09d}",
        payer_name=random.choice(_NAMES),
        claims=tuple(claims),
        provider_adjustments=tuple(own),
    )


def random_claim(random: Random, place: int = 1) -> RemittedClaim:
    """A claim with up to six lines; a third are reversals, whose amounts are negative."""
    sign = random.choice([1, 1, -1])
    lines = tuple(_line(random, number, sign) for number in range(1, random.randint(0, 6) + 1))
    paid = sum((line.paid for line in lines), Decimal("0.00"))
    charge = sum((line.charge for line in lines), Decimal("0.00"))
    adjustments = _adjustments(random, sign, random.choice([0, 0, 1, 3]))
    adjusted = sum((one.amount for one in adjustments), Decimal("0.00"))
    if not lines:
        paid = _amount(random, sign)
        charge = paid + adjusted
    else:
        # What is adjusted of the claim as a whole was not paid of it.
        paid -= adjusted
    return RemittedClaim(
        place,
        number=_text(random, 1, 20),
        status_code=random.choice(["1", "2", "3", "19", "20", "21"]) if sign > 0 else "22",
        charge=charge,
        paid=paid,
        patient_amount=random.choice([Decimal("0.00"), _amount(random)]),
        payer_number=_text(random, 1, 30),
        adjustments=tuple(adjustments),
        remark_codes=_remarks(random, 5),
        lines=lines,
    )


def _line(random: Random, place: int, sign: int) -> RemittedLine:
    adjustments = _adjustments(random, sign, random.choice([0, 1, 2, 8]))
    paid = random.choice([Decimal("0.00"), _amount(random, sign)])
    return RemittedLine(
        place,
        code=_text(random, 5, 5),
        charge=paid + sum((one.amount for one in adjustments), Decimal("0.00")),
        paid=paid,
        modifiers=tuple(_text(random, 2, 2) for _ in range(random.randint(0, 4))),
        units=random.choice([None, Decimal(1), Decimal(random.randint(1, 96)), Decimal("1.5")]),
        service_on=random.choice([None, _day(random)]),
        reference=random.choice([None, _text(random, 1, 30)]),
        adjustments=tuple(adjustments),
        remark_codes=_remarks(random, 3),
    )


def _adjustments(random: Random, sign: int, count: int) -> list[RemittedAdjustment]:
    return [
        RemittedAdjustment(
            random.choice(_GROUPS),
            reason_code=str(random.randint(1, 299)),
            amount=_amount(random, sign * random.choice([1, 1, 1, -1])),
            quantity=random.choice([None, None, Decimal(random.randint(1, 9))]),
        )
        for _ in range(count)
    ]


def _provider_adjustment(random: Random) -> ProviderAdjustment:
    code = random.choice(["WO", "72", "CS", "L6"])
    return ProviderAdjustment(
        code, _amount(random, random.choice([1, -1])), random.choice([None, _text(random, 1, 30)])
    )


def _remarks(random: Random, most: int) -> tuple[str, ...]:
    return tuple(f"{random.choice('MN')}{random.randint(1, 99)}" for _ in range(random.randint(0, most)))


def _amount(random: Random, sign: int = 1) -> Decimal:
    cents = random.choice([1, 100, random.randint(1, 99), random.randint(1, 500_000), random.randint(1, 10**8)])
    return sign * Decimal(cents) / 100


def _day(random: Random) -> date:
    return date(2020, 1, 1) + timedelta(days=random.randint(0, 2_300))


def _text(random: Random, shortest: int, longest: int) -> str:
    inner: Sequence[str] = _SAFE + "-/ " if longest > 5 else _SAFE
    length = random.randint(shortest, longest)
    text = [random.choice(inner) for _ in range(length)]
    # No spaces at the ends: they are padding.
    text[0], text[-1] = random.choice(_SAFE), random.choice(_SAFE)
    return "".join(text)
