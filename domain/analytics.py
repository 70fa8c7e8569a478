"""Decides what each measure of the clinic's billing is: its name, its definition, its unit, and which invoices it looks at."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a measure counts in."""

    INVOICES = "invoices"
    DOLLARS = "US dollars"
    RATIO = "ratio"
    DAYS = "days"


class Over(StrEnum):
    """Which invoices a measure looks at."""

    COHORT = "created in the period, not void"
    OUTSTANDING = "open on the day that is asked about, whenever they were created"


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of MEASURES; its definition is published with the field of that name."""

    name: str
    title: str
    definition: str
    unit: Unit
    over: Over = Over.COHORT


_ALL = (
    Measure("invoice_count", "Invoices", "how many invoices were created", Unit.INVOICES),
    Measure("billed", "Billed", "the sum of what they bill", Unit.DOLLARS),
    Measure("received", "Received", "the sum of what came in for them", Unit.DOLLARS),
    Measure("collection_rate", "Collection rate", "received ÷ billed", Unit.RATIO),
    Measure("net_collection_rate", "Net collection rate", "received ÷ (billed less agreed reductions)", Unit.RATIO),
    Measure(
        "reduction_rate", "Reduction rate", "agreed reductions ÷ billed, of those with an agreed amount", Unit.RATIO
    ),
    Measure(
        "days_in_ar",
        "Days in AR",
        "mean and median of the days from creation to full payment, of those fully paid",
        Unit.DAYS,
    ),
    Measure(
        "ar_days",
        "AR days",
        "outstanding ÷ (billed in the last 90 days ÷ 90)",
        Unit.DAYS,
        Over.OUTSTANDING,
    ),
    Measure(
        "denial_rate", "Refused share", "those that a payer refused at least once ÷ those ever sent to one", Unit.RATIO
    ),
    Measure("ar_over90", "AR over 90", "outstanding for more than 90 days ÷ outstanding", Unit.RATIO, Over.OUTSTANDING),
)
MEASURES = {measure.name: measure for measure in _ALL}
# Outstanding for longer is unlikely to come.
OVERDUE_DAYS = 90
# The days whose billing says how fast a clinic bills.
BILLING_DAYS = 90


def described(name: str) -> str:
    """A measure in a sentence, as the API publishes it."""
    measure = MEASURES[name]
    return f"{measure.title}: {measure.definition}. In {measure.unit}; over invoices {measure.over}."
