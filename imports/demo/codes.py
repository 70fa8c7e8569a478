"""The services and prices of the demo clinic: codes with descriptions of its own, exams as a tree, fee schedules.

Codes that begin with a letter and four digits are HCPCS Level II, which is public; the others are the clinic's own.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from domain.billing.money import round_money
from domain.billing.transition import WantedLine
from domain.pricing.pricing import SCHEDULES, BilateralPolicy, CodePrice, PriceSource, Rate, SelectionRule, price_lines
from imports.history.invoice_history import HistoryLine


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the master list."""

    code: str
    label: str
    base_price: Decimal
    bilateral: BilateralPolicy = BilateralPolicy.NOT_ALLOWED


@dataclass(frozen=True, slots=True)
class Exam:
    """A node of the tree of exams; without a code it only groups its sub-exams."""

    name: str
    code: str | None = None
    rule: SelectionRule = SelectionRule.ANY
    parts: tuple["Exam", ...] = ()


D, H = BilateralPolicy.DOUBLE, BilateralPolicy.ONE_AND_A_HALF
ANY, ONE_OF, SOME = SelectionRule.ANY, SelectionRule.EXACTLY_ONE, SelectionRule.AT_LEAST_ONE
CODES = (
    Code("EVAL-FIRST", "First visit after an accident", Decimal("385.00")),
    Code("EVAL-AGAIN", "Follow-up visit", Decimal("165.00")),
    Code("EVAL-LAST", "Last visit, with what remains", Decimal("290.00")),
    Code("SCAN-NECK", "Magnetic scan of the neck", Decimal("1450.00")),
    Code("SCAN-CHEST", "Magnetic scan of the upper back", Decimal("1480.00")),
    Code("SCAN-BACK", "Magnetic scan of the lower back", Decimal("1525.00")),
    Code("SCAN-SHOULDER", "Magnetic scan of a shoulder", Decimal("1310.00"), D),
    Code("SCAN-KNEE", "Magnetic scan of a knee", Decimal("1275.00"), D),
    Code("SLICE-HEAD", "Layered X-ray of the head", Decimal("780.00")),
    Code("SLICE-SPINE", "Layered X-ray of the spine", Decimal("845.00")),
    Code("RAY-SPINE", "X-ray of the spine", Decimal("210.00")),
    Code("RAY-RIBS", "X-ray of the ribs", Decimal("155.00"), H),
    Code("RAY-LIMB", "X-ray of an arm or leg", Decimal("133.35"), H),
    Code("SOUND-SHOULDER", "Ultrasound of a shoulder", Decimal("245.00"), D),
    Code("SOUND-KNEE", "Ultrasound of a knee", Decimal("235.00"), D),
    Code("NERVE-ARMS", "Nerve and muscle test, arms", Decimal("640.00"), H),
    Code("NERVE-LEGS", "Nerve and muscle test, legs", Decimal("655.50"), H),
    Code("MIND-MEMORY", "Test of memory and attention", Decimal("310.00")),
    Code("MIND-BALANCE", "Test of balance", Decimal("185.00")),
    Code("MIND-EYES", "Test of eye movements", Decimal("172.50")),
    Code("MOVE-NECK", "How far the neck moves", Decimal("88.00")),
    Code("MOVE-BACK", "How far the back moves", Decimal("88.00")),
    Code("MOVE-LIMB", "How far an arm or leg moves", Decimal("64.40"), D),
    Code("ADJUST-FEW", "Adjustment of one or two parts of the spine", Decimal("74.00")),
    Code("ADJUST-MOST", "Adjustment of three or four parts of the spine", Decimal("96.00")),
    Code("ADJUST-ALL", "Adjustment of the whole spine", Decimal("118.00")),
    Code("THERAPY-HAND", "Hands-on therapy, a quarter of an hour", Decimal("62.25")),
    Code("THERAPY-MOVE", "Guided exercise, a quarter of an hour", Decimal("58.75")),
    Code("THERAPY-PULL", "Traction, a quarter of an hour", Decimal("41.10")),
    Code("INJECT-JOINT", "Injection into a joint", Decimal("295.00"), H),
    Code("INJECT-GUIDE", "Ultrasound while injecting", Decimal("120.00")),
    Code("INJECT-NECK", "Injection beside the spine, neck", Decimal("1180.00"), H),
    Code("INJECT-BACK", "Injection beside the spine, lower back", Decimal("1095.00"), H),
    Code("LETTER", "Letter on request", Decimal("75.00")),
    Code("REPORT", "Full report with opinion", Decimal("450.00")),
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


def _main(name: str, rule: SelectionRule, *parts: tuple[str, str], code: str | None = None) -> Exam:
    """A main exam with its sub-exams, each a name and a code."""
    return Exam(name, code, rule, tuple(Exam(*part) for part in parts))


EXAMS = (
    _main("Visit", ONE_OF, ("First visit", "EVAL-FIRST"), ("Follow-up", "EVAL-AGAIN"), ("Last visit", "EVAL-LAST")),
    _main(
        "Magnetic resonance imaging",
        SOME,
        ("Neck", "SCAN-NECK"),
        ("Upper back", "SCAN-CHEST"),
        ("Lower back", "SCAN-BACK"),
        ("Shoulder", "SCAN-SHOULDER"),
        ("Knee", "SCAN-KNEE"),
    ),
    _main("Computed tomography", SOME, ("Head", "SLICE-HEAD"), ("Spine", "SLICE-SPINE")),
    _main("X-ray", SOME, ("Spine", "RAY-SPINE"), ("Ribs", "RAY-RIBS"), ("Arm or leg", "RAY-LIMB")),
    _main("Ultrasound", SOME, ("Shoulder", "SOUND-SHOULDER"), ("Knee", "SOUND-KNEE")),
    _main("Nerve and muscle test", ANY, ("Arms", "NERVE-ARMS"), ("Legs", "NERVE-LEGS")),
    _main(
        "Concussion assessment",
        SOME,
        ("Memory and attention", "MIND-MEMORY"),
        ("Balance", "MIND-BALANCE"),
        ("Eye movements", "MIND-EYES"),
    ),
    _main("Range of motion", SOME, ("Neck", "MOVE-NECK"), ("Back", "MOVE-BACK"), ("Arm or leg", "MOVE-LIMB")),
    _main(
        "Chiropractic adjustment",
        ONE_OF,
        ("One or two parts", "ADJUST-FEW"),
        ("Three or four parts", "ADJUST-MOST"),
        ("Whole spine", "ADJUST-ALL"),
    ),
    _main(
        "Therapy",
        ANY,
        ("Hands-on", "THERAPY-HAND"),
        ("Exercise", "THERAPY-MOVE"),
        ("Traction", "THERAPY-PULL"),
        ("Electrical stimulation", "G0283"),
    ),
    # The injection is billed with or without ultrasound guidance.
    _main("Joint injection", ANY, ("Watched by ultrasound", "INJECT-GUIDE"), code="INJECT-JOINT"),
    _main("Spinal injection", ONE_OF, ("Neck", "INJECT-NECK"), ("Lower back", "INJECT-BACK")),
    _main(
        "Supports and aids",
        ANY,
        ("Soft collar", "L0120"),
        ("Belt for the lower back", "L0625"),
        ("Knee brace", "L1830"),
        ("Crutches", "E0114"),
        ("Nerve stimulator", "E0730"),
    ),
    _main("Written report", ONE_OF, ("Letter", "LETTER"), ("Full report", "REPORT")),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A fee schedule: rates by code, valid from a day until before another (None: no end)."""

    name: str
    valid_from: date
    valid_to: date | None
    rates: dict[str, Decimal]
    payer_id: UUID | None = None
    facility_id: UUID | None = None

    @property
    def source(self) -> PriceSource:
        """The source of a price that comes from this schedule."""
        return SCHEDULES[self.payer_id is not None, self.facility_id is not None]

    def covers(self, payer_id: UUID, facility_id: UUID, on: date) -> bool:
        """Whether the schedule applies to a payer at a facility on a service date."""
        for_them = self.payer_id in (None, payer_id) and self.facility_id in (None, facility_id)
        return for_them and self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


class PriceList:
    """The price of a code on a day for a payer at a facility; `factors` are the facilities' geographic factors."""

    def __init__(self, schedules: tuple[Schedule, ...], factors: dict[UUID, Decimal], codes_from: date) -> None:
        # The most specific first: negotiated for a facility, negotiated, the facility's own, the clinic's own.
        self.schedules = sorted(schedules, key=lambda schedule: (not schedule.payer_id, not schedule.facility_id))
        self.factors, self._codes_from = factors, codes_from
        self._line = lru_cache(maxsize=100_000)(self._priced)

    def line(
        self, code: str, payer_id: UUID, facility_id: UUID, on: date, bilateral: bool = False, units: int = 1
    ) -> HistoryLine:
        """The priced line of a code; the same arguments return the same object."""
        wanted = WantedLine(code, units, bilateral)
        return self._line(wanted, self._rate(code, payer_id, facility_id, on), self.factors[facility_id])

    def _rate(self, code: str, payer_id: UUID, facility_id: UUID, on: date) -> tuple[PriceSource, Rate] | None:
        """The first existing rate, from the most specific on; None if only the base price is left."""
        for schedule in self.schedules:
            if code in schedule.rates and schedule.covers(payer_id, facility_id, on):
                rate = Rate(schedule.rates[code], schedule.valid_from, schedule.valid_to, schedule.name)
                return schedule.source, rate
        return None

    def _priced(self, wanted: WantedLine, found: tuple[PriceSource, Rate] | None, factor: Decimal) -> HistoryLine:
        code = CODES_BY_NAME[wanted.code]
        rates = dict([found]) if found else {}
        price = CodePrice(code.code, code.label, Rate(code.base_price, self._codes_from), code.bilateral, rates)
        (line,) = price_lines([wanted], {code.code: price}, factor)
        return HistoryLine(
            line.code,
            line.label,
            line.units,
            line.unit_price,
            line.amount,
            line.bilateral,
            line.price_source,
            line.price_rate,
            line.geographic_factor,
            line.bilateral_factor,
            schedule=line.price_schedule,
            valid_from=line.price_valid_from,
            valid_to=line.price_valid_to,
        )


def overridden(line: HistoryLine, unit_price: Decimal, reason: str) -> HistoryLine:
    """The same line with a price that was overridden manually, with a reason."""
    return HistoryLine(
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
