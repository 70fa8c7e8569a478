"""Prices the lines of an invoice: the choice of the unit price, the geographic factor, and the bilateral factor."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.billing.money import LARGEST, round_money
from domain.billing.transition import WantedLine
from domain.errors import DomainError, InputReason, InvalidInput


class BilateralPolicy(StrEnum):
    """The effect of a bilateral procedure on a code's price."""

    DOUBLE = "double"
    ONE_AND_A_HALF = "one_and_a_half"
    NOT_ALLOWED = "not_allowed"


class SelectionRule(StrEnum):
    """How many sub-exams of a main exam may be selected."""

    ANY = "any"
    EXACTLY_ONE = "exactly_one"
    AT_LEAST_ONE = "at_least_one"


class PriceSource(StrEnum):
    """The source of a unit price: the first in this order that exists on the service date."""

    PAYER_FACILITY_RATE = "payer_facility_rate"
    PAYER_RATE = "payer_rate"
    FACILITY_SCHEDULE = "facility_schedule"
    CLINIC_SCHEDULE = "clinic_schedule"
    BASE_PRICE = "base_price"
    OVERRIDE = "override"


# The position of a line in the input: the name of a list, and the index in it from 0.
Place = tuple[str, ...]
MOST_UNITS = 999
MOST_LINES = 200
LONGEST_REASON = 1_000
ONE = Decimal("1.0000")
ONE_SIDE = Decimal("1.0")
BOTH_SIDES = {BilateralPolicy.DOUBLE: Decimal("2.0"), BilateralPolicy.ONE_AND_A_HALF: Decimal("1.5")}
# Fee schedules in order of precedence: (whether it is a payer's, whether it is for one facility) → source.
SCHEDULES = {
    (True, True): PriceSource.PAYER_FACILITY_RATE,
    (True, False): PriceSource.PAYER_RATE,
    (False, True): PriceSource.FACILITY_SCHEDULE,
    (False, False): PriceSource.CLINIC_SCHEDULE,
}
# Rates negotiated with a payer and override prices are final: the geographic factor does not apply to them.
FINAL = (PriceSource.PAYER_FACILITY_RATE, PriceSource.PAYER_RATE, PriceSource.OVERRIDE)


@dataclass(frozen=True, slots=True)
class Rate:
    """A price of one unit in US dollars, and its fee schedule (None: the master list)."""

    amount: Decimal
    valid_from: date | None = None
    valid_to: date | None = None
    schedule: str | None = None


@dataclass(frozen=True, slots=True)
class CodePrice:
    """A code of the master list that is valid on the service date, and its rates in fee schedules on that date."""

    code: str
    label: str
    base_price: Rate
    bilateral_policy: BilateralPolicy
    rates: Mapping[PriceSource, Rate]


@dataclass(frozen=True, slots=True)
class PricedLine:
    """The price of a line and its origin, as stored on the line. Amounts are US dollars, exact to the cent."""

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
    price_schedule: str | None
    price_valid_from: date | None
    price_valid_to: date | None


@contextmanager
def naming(place: Place) -> Iterator[None]:
    """Add the line's number and position to a domain error that is raised inside."""
    try:
        yield
    except DomainError as refusal:
        words = f"Line {int(place[-1]) + 1}: {refusal.message}"
        # The code of an exam comes from the exam type: it is not part of the input.
        path = [part for part in refusal.path if part != "code" or place[0] == "lines"]
        raise type(refusal)(words, (*place, *path)) from refusal


def price_lines(
    wanted: Sequence[WantedLine],
    codes: Mapping[str, CodePrice],
    geographic_factor: Decimal = ONE,
    places: Sequence[Place] = (),
) -> list[PricedLine]:
    """The priced lines of an invoice; `codes` are those that are valid on its service date.

    InvalidInput names the line by its position in the input; without `places`, by its index in `wanted`.
    """
    if len(wanted) > MOST_LINES:
        raise InvalidInput(f"An invoice has at most {MOST_LINES} lines", ("lines",))
    priced = []
    for position, line in enumerate(wanted):
        with naming(places[position] if places else ("lines", str(position))):
            priced.append(_price(line, codes.get(line.code), geographic_factor))
    if total(priced) > LARGEST:
        raise InvalidInput("The total of the lines is more than an invoice can bill", ("lines",))
    return priced


def total(lines: Sequence[PricedLine]) -> Decimal:
    """The total of the lines in US dollars."""
    return sum((line.amount for line in lines), Decimal("0.00"))


def check_line(line: WantedLine, policy: BilateralPolicy | None) -> None:
    """Refuse a line that cannot be billed on the service date; `policy` is that of its code (None: the code is not valid)."""
    if policy is None:
        raise InvalidInput("There is no such code that is valid on the service date", ("code",))
    if not 1 <= line.units <= MOST_UNITS:
        raise InvalidInput(f"Units are 1 to {MOST_UNITS}", ("units",))
    if line.bilateral and policy not in BOTH_SIDES:
        raise InvalidInput(f"{line.code} cannot be billed for both sides", ("bilateral",))


def _price(line: WantedLine, code: CodePrice | None, geographic_factor: Decimal) -> PricedLine:
    check_line(line, code.bilateral_policy if code else None)
    assert code is not None
    source, rate = _rate(line, code)
    factor = ONE if source in FINAL else geographic_factor
    sides = BOTH_SIDES[code.bilateral_policy] if line.bilateral else ONE_SIDE
    unit_price = round_money(rate.amount * factor)
    amount = round_money(unit_price * sides * line.units)
    if amount > LARGEST:
        raise InvalidInput("This is more than a line can bill")
    return PricedLine(
        code.code,
        code.label,
        line.units,
        line.bilateral,
        unit_price,
        amount,
        source,
        rate.amount,
        factor,
        sides,
        line.override_reason if source is PriceSource.OVERRIDE else None,
        rate.schedule,
        rate.valid_from,
        rate.valid_to,
    )


def _rate(line: WantedLine, code: CodePrice) -> tuple[PriceSource, Rate]:
    """The override price, else the first rate that exists, from the most specific fee schedule to the base price."""
    if line.override_price is not None or line.override_reason is not None:
        return PriceSource.OVERRIDE, Rate(_override(line))
    for source in SCHEDULES.values():
        if source in code.rates:
            return source, code.rates[source]
    return PriceSource.BASE_PRICE, code.base_price


def _override(line: WantedLine) -> Decimal:
    if line.override_price is None:
        raise InvalidInput("An override reason needs an override price", ("override_price",))
    if line.override_price < 0:
        raise InvalidInput("A price must not be negative", ("override_price",), InputReason.TOO_LOW, "0")
    reason = line.override_reason or ""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        words = f"An override price needs a reason of at most {LONGEST_REASON:,} characters"
        raise InvalidInput(words, ("override_reason",))
    return line.override_price
