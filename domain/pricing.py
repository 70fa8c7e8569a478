"""Decides what a line of an invoice costs: which price is taken, and what both sides of the body do to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.errors import InvalidInput
from domain.money import LARGEST, round_money


class BilateralPolicy(StrEnum):
    """What the bilateral toggle does to a code's price."""

    DOUBLE = "double"
    ONE_AND_A_HALF = "one_and_a_half"
    NOT_ALLOWED = "not_allowed"


class SelectionRule(StrEnum):
    """How many sub-exams of a main exam may be selected."""

    ANY = "any"
    EXACTLY_ONE = "exactly_one"
    AT_LEAST_ONE = "at_least_one"


class PriceSource(StrEnum):
    """Where a unit price came from, the first that exists on the service date."""

    PAYER_FACILITY_RATE = "payer_facility_rate"
    PAYER_RATE = "payer_rate"
    FACILITY_SCHEDULE = "facility_schedule"
    CLINIC_SCHEDULE = "clinic_schedule"
    BASE_PRICE = "base_price"
    OVERRIDE = "override"


MOST_UNITS = 999
MOST_LINES = 200
LONGEST_REASON = 1_000
ONE = Decimal("1.0000")
ONE_SIDE = Decimal("1.0")
BOTH_SIDES = {BilateralPolicy.DOUBLE: Decimal("2.0"), BilateralPolicy.ONE_AND_A_HALF: Decimal("1.5")}
# Fee schedules in the order in which they are asked: whether one is a payer's, and whether it is for one facility.
SCHEDULES = {
    (True, True): PriceSource.PAYER_FACILITY_RATE,
    (True, False): PriceSource.PAYER_RATE,
    (False, True): PriceSource.FACILITY_SCHEDULE,
    (False, False): PriceSource.CLINIC_SCHEDULE,
}
# What was negotiated with a payer is final: no factor changes it. Nor does one change what somebody set by hand.
FINAL = (PriceSource.PAYER_FACILITY_RATE, PriceSource.PAYER_RATE, PriceSource.OVERRIDE)


@dataclass(frozen=True, slots=True)
class WantedLine:
    """What is to be billed: a code, how often, on one side or both, and perhaps a price set by hand for a reason."""

    code: str
    units: int = 1
    bilateral: bool = False
    override_price: Decimal | None = None
    override_reason: str | None = None


@dataclass(frozen=True, slots=True)
class CodePrice:
    """A code of the master list that is valid on the service date, and the rates that fee schedules have for it then.

    Amounts are US dollars for one unit.
    """

    code: str
    label: str
    base_price: Decimal
    bilateral_policy: BilateralPolicy
    rates: Mapping[PriceSource, Decimal]


@dataclass(frozen=True, slots=True)
class PricedLine:
    """What a line costs and why: the columns that are frozen on it. Amounts are US dollars, exact to the cent."""

    code: str
    label: str
    units: int
    bilateral: bool
    unit_price: Decimal
    amount: Decimal
    price_source: PriceSource
    price_rate: Decimal
    geographic_factor: Decimal
    bilateral_factor: Decimal
    override_reason: str | None


def price_lines(
    wanted: Sequence[WantedLine], codes: Mapping[str, CodePrice], geographic_factor: Decimal = ONE
) -> list[PricedLine]:
    """The priced lines of an invoice, `codes` being those that are valid on its service date. InvalidInput names the line."""
    if len(wanted) > MOST_LINES:
        raise InvalidInput(f"An invoice has at most {MOST_LINES} lines", ("lines",))
    priced = []
    for place, line in enumerate(wanted):
        try:
            priced.append(_price(line, codes.get(line.code), geographic_factor))
        except InvalidInput as refusal:
            path = ("lines", str(place), *refusal.path)
            raise InvalidInput(f"Line {place + 1}: {refusal.message}", path) from refusal
    if total(priced) > LARGEST:
        raise InvalidInput("The lines come to more than an invoice can bill", ("lines",))
    return priced


def total(lines: Sequence[PricedLine]) -> Decimal:
    """What the lines come to in all."""
    return sum((line.amount for line in lines), Decimal("0.00"))


def _price(line: WantedLine, code: CodePrice | None, geographic_factor: Decimal) -> PricedLine:
    if code is None:
        raise InvalidInput("There is no such code that is valid on the day of service", ("code",))
    if not 1 <= line.units <= MOST_UNITS:
        raise InvalidInput(f"Units are 1 to {MOST_UNITS}", ("units",))
    source, rate = _rate(line, code)
    factor = ONE if source in FINAL else geographic_factor
    sides = _sides(line, code)
    unit_price = round_money(rate * factor)
    amount = round_money(unit_price * sides * line.units)
    if amount > LARGEST:
        raise InvalidInput("This is more than a line can bill")
    reason = line.override_reason if source is PriceSource.OVERRIDE else None
    return PricedLine(
        code.code, code.label, line.units, line.bilateral, unit_price, amount, source, rate, factor, sides, reason
    )


def _rate(line: WantedLine, code: CodePrice) -> tuple[PriceSource, Decimal]:
    """A price set by hand, else the first rate that exists, from the most particular to the base price."""
    if line.override_price is not None or line.override_reason is not None:
        return PriceSource.OVERRIDE, _override(line)
    for source in SCHEDULES.values():
        if source in code.rates:
            return source, code.rates[source]
    return PriceSource.BASE_PRICE, code.base_price


def _override(line: WantedLine) -> Decimal:
    if line.override_price is None:
        raise InvalidInput("A reason stands beside a price that is set by hand", ("override_price",))
    if line.override_price < 0:
        raise InvalidInput("A price is not below 0", ("override_price",))
    reason = line.override_reason or ""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        words = f"A price that is set by hand needs a reason of at most {LONGEST_REASON:,} characters"
        raise InvalidInput(words, ("override_reason",))
    return line.override_price


def _sides(line: WantedLine, code: CodePrice) -> Decimal:
    if not line.bilateral:
        return ONE_SIDE
    if code.bilateral_policy not in BOTH_SIDES:
        raise InvalidInput(f"{code.code} cannot be billed for both sides", ("bilateral",))
    return BOTH_SIDES[code.bilateral_policy]
