"""Decides what the demo clinic performs and what it charges: codes in its own words, exams as a tree, fee schedules.

Codes that begin with a letter and four digits are HCPCS Level II, which is public; the others are the clinic's own.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from domain.money import round_money
from domain.pricing import BilateralPolicy, PriceSource, SelectionRule
from imports.story import StoryLine

BILATERAL_FACTORS = {
    BilateralPolicy.DOUBLE: Decimal("2.0"),
    BilateralPolicy.ONE_AND_A_HALF: Decimal("1.5"),
    BilateralPolicy.NOT_ALLOWED: Decimal("1.0"),
}
ONE = Decimal("1.0000")
ONE_SIDE = Decimal("1.0")


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the master list."""

    code: str
    label: str
    base_price: Decimal
    bilateral: BilateralPolicy = BilateralPolicy.NOT_ALLOWED


@dataclass(frozen=True, slots=True)
class Exam:
    """A node of the tree of exams; without a code it only groups."""

    name: str
    code: str | None = None
    rule: SelectionRule = SelectionRule.ANY
    parts: tuple["Exam", ...] = ()


D, H = BilateralPolicy.DOUBLE, BilateralPolicy.ONE_AND_A_HALF
CODES = (
    Code("EVAL-FIRST", "First visit after an accident", Decimal("385.00")),
    Code("EVAL-AGAIN", "Follow-up visit", Decimal("165.00")),
    Code("SCAN-NECK", "Magnetic scan of the neck", Decimal("1450.00")),
    Code("SCAN-BACK", "Magnetic scan of the lower back", Decimal("1525.00")),
    Code("SCAN-SHOULDER", "Magnetic scan of a shoulder", Decimal("1310.00"), D),
    Code("SCAN-KNEE", "Magnetic scan of a knee", Decimal("1275.00"), D),
    Code("RAY-SPINE", "X-ray of the spine", Decimal("210.00")),
    Code("RAY-LIMB", "X-ray of an arm or leg", Decimal("133.35"), H),
    Code("NERVE-ARMS", "Nerve and muscle test, arms", Decimal("640.00"), H),
    Code("NERVE-LEGS", "Nerve and muscle test, legs", Decimal("655.50"), H),
    Code("THERAPY-HAND", "Hands-on therapy, a quarter of an hour", Decimal("62.25")),
    Code("THERAPY-MOVE", "Guided exercise, a quarter of an hour", Decimal("58.75")),
    Code("INJECT-JOINT", "Injection into a joint", Decimal("295.00"), H),
    Code("G0283", "Electrical stimulation, unattended", Decimal("34.50")),
    Code("E0730", "Nerve stimulator for use at home", Decimal("289.00")),
    Code("A4556", "Electrodes, a pair", Decimal("13.45")),
    Code("L0120", "Soft collar for the neck", Decimal("48.90")),
    Code("L0625", "Belt for the lower back", Decimal("96.40")),
    Code("L1830", "Brace for a knee", Decimal("141.75"), D),
    Code("E0114", "Crutches, a pair", Decimal("67.20")),
)
CODES_BY_NAME = {code.code: code for code in CODES}
SUPPLIES = ("G0283", "E0730", "A4556", "L0120", "L0625", "L1830", "E0114")
EXAMS = (
    Exam(
        "Visit", None, SelectionRule.EXACTLY_ONE, (Exam("First visit", "EVAL-FIRST"), Exam("Follow-up", "EVAL-AGAIN"))
    ),
    Exam(
        "Magnetic resonance imaging",
        None,
        SelectionRule.AT_LEAST_ONE,
        (
            Exam("Neck", "SCAN-NECK"),
            Exam("Lower back", "SCAN-BACK"),
            Exam("Shoulder", "SCAN-SHOULDER"),
            Exam("Knee", "SCAN-KNEE"),
        ),
    ),
    Exam("X-ray", None, SelectionRule.AT_LEAST_ONE, (Exam("Spine", "RAY-SPINE"), Exam("Arm or leg", "RAY-LIMB"))),
    Exam("Nerve and muscle test", None, SelectionRule.ANY, (Exam("Arms", "NERVE-ARMS"), Exam("Legs", "NERVE-LEGS"))),
    Exam("Therapy", None, SelectionRule.ANY, (Exam("Hands-on", "THERAPY-HAND"), Exam("Exercise", "THERAPY-MOVE"))),
    Exam("Joint injection", "INJECT-JOINT"),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A fee schedule: rates by code, valid from a day until before another (None: without end)."""

    name: str
    valid_from: date
    valid_to: date | None
    rates: dict[str, Decimal]
    payer_id: UUID | None = None
    facility_id: UUID | None = None

    @property
    def source(self) -> PriceSource:
        """What a price that comes from it says of where it comes from."""
        if self.payer_id:
            return PriceSource.PAYER_FACILITY_RATE if self.facility_id else PriceSource.PAYER_RATE
        return PriceSource.FACILITY_SCHEDULE if self.facility_id else PriceSource.CLINIC_SCHEDULE

    def covers(self, payer_id: UUID, facility_id: UUID, on: date) -> bool:
        """Whether it holds for a payer at a facility on a service date."""
        for_them = self.payer_id in (None, payer_id) and self.facility_id in (None, facility_id)
        return for_them and self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


class PriceList:
    """What a code costs on a day for a payer at a facility; `factors` are the facilities' geographic factors."""

    def __init__(self, schedules: tuple[Schedule, ...], factors: dict[UUID, Decimal]) -> None:
        # The most particular first: negotiated for a facility, negotiated, the facility's own, the clinic's own.
        self.schedules = sorted(schedules, key=lambda schedule: (not schedule.payer_id, not schedule.facility_id))
        self.factors = factors
        self._line = lru_cache(maxsize=100_000)(_price_line)

    def line(
        self, code: str, payer_id: UUID, facility_id: UUID, on: date, bilateral: bool = False, units: int = 1
    ) -> StoryLine:
        """The priced line of a code; the same arguments give the very same object."""
        source, rate = self._rate(code, payer_id, facility_id, on)
        negotiated = source in (PriceSource.PAYER_FACILITY_RATE, PriceSource.PAYER_RATE)
        factor = ONE if negotiated else self.factors[facility_id]
        return self._line(CODES_BY_NAME[code], source, rate, factor, bilateral, units)

    def _rate(self, code: str, payer_id: UUID, facility_id: UUID, on: date) -> tuple[PriceSource, Decimal]:
        """The first rate that exists, from the most particular to the base price."""
        for schedule in self.schedules:
            if code in schedule.rates and schedule.covers(payer_id, facility_id, on):
                return schedule.source, schedule.rates[code]
        return PriceSource.BASE_PRICE, CODES_BY_NAME[code].base_price


def overridden(line: StoryLine, unit_price: Decimal, reason: str) -> StoryLine:
    """The same line at a price that somebody set by hand, for a reason."""
    return StoryLine(
        code=line.code,
        label=line.label,
        units=line.units,
        unit_price=unit_price,
        amount=round_money(unit_price * line.bilateral_factor * line.units),
        bilateral=line.bilateral,
        source=PriceSource.OVERRIDE,
        rate=unit_price,
        bilateral_factor=line.bilateral_factor,
        override_reason=reason,
    )


def _price_line(
    code: Code, source: PriceSource, rate: Decimal, factor: Decimal, bilateral: bool, units: int
) -> StoryLine:
    unit_price = round_money(rate * factor)
    sides = BILATERAL_FACTORS[code.bilateral] if bilateral else ONE_SIDE
    return StoryLine(
        code=code.code,
        label=code.label,
        units=units,
        unit_price=unit_price,
        amount=round_money(unit_price * sides * units),
        bilateral=bilateral,
        source=source,
        rate=rate,
        geographic_factor=factor,
        bilateral_factor=sides,
    )
