"""Decides what a line of an invoice costs: which price is taken, and what both sides of the body do to it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.errors import InvalidInput, Refusal
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


# Where a line stands in the input: the name of a list, and its place in it from 0.
Place = tuple[str, ...]
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
class Rate:
    """A price of one unit in US dollars, and where it stands: in a fee schedule or, without one, in the master list."""

    amount: Decimal
    valid_from: date | None = None
    valid_to: date | None = None
    schedule: str | None = None


@dataclass(frozen=True, slots=True)
class CodePrice:
    """A code of the master list that is valid on the service date, and the rates that fee schedules have for it then."""

    code: str
    label: str
    base_price: Rate
    bilateral_policy: BilateralPolicy
    rates: Mapping[PriceSource, Rate]


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
    price_schedule: str | None
    price_valid_from: date | None
    price_valid_to: date | None


@contextmanager
def naming(place: Place) -> Iterator[None]:
    """Have a refusal name the line that it is about."""
    try:
        yield
    except Refusal as refusal:
        words = f"Line {int(place[-1]) + 1}: {refusal.message}"
        # An exam brings its code along: that is no part of the input.
        path = [part for part in refusal.path if part != "code" or place[0] == "lines"]
        raise type(refusal)(words, (*place, *path)) from refusal


def price_lines(
    wanted: Sequence[WantedLine],
    codes: Mapping[str, CodePrice],
    geographic_factor: Decimal = ONE,
    places: Sequence[Place] = (),
) -> list[PricedLine]:
    """The priced lines of an invoice, `codes` being those that are valid on its service date.

    InvalidInput names the line, by its place in the input: without `places`, lines are counted as they come.
    """
    if len(wanted) > MOST_LINES:
        raise InvalidInput(f"An invoice has at most {MOST_LINES} lines", ("lines",))
    priced = []
    for position, line in enumerate(wanted):
        with naming(places[position] if places else ("lines", str(position))):
            priced.append(_price(line, codes.get(line.code), geographic_factor))
    if total(priced) > LARGEST:
        raise InvalidInput("The lines come to more than an invoice can bill", ("lines",))
    return priced


def total(lines: Sequence[PricedLine]) -> Decimal:
    """What the lines come to in all."""
    return sum((line.amount for line in lines), Decimal("0.00"))


def check_line(line: WantedLine, policy: BilateralPolicy | None) -> None:
    """Refuse a line that cannot be billed on the day of service, whatever it costs; `policy` is that of its code, if that is valid."""
    if policy is None:
        raise InvalidInput("There is no such code that is valid on the day of service", ("code",))
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
    """A price set by hand, else the first rate that exists, from the most particular to the base price."""
    if line.override_price is not None or line.override_reason is not None:
        return PriceSource.OVERRIDE, Rate(_override(line))
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
