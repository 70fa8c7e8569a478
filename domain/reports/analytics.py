"""The measures of the clinic's billing: the name, title, definition and unit of each, and the invoices it covers."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """The unit of a measure."""

    INVOICES = "invoices"
    APPEALS = "appeals"
    DOLLARS = "US dollars"
    RATIO = "ratio"
    DAYS = "days"


class Over(StrEnum):
    """The invoices that a measure covers."""

    COHORT = "created in the period, not void"
    OUTSTANDING = "open on the reporting day, whenever they were created"


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of MEASURES; its definition is the description of the field of that name."""

    name: str
    title: str
    definition: str
    unit: Unit
    over: Over = Over.COHORT


_ALL = (
    Measure("invoice_count", "Invoices", "the number of invoices created", Unit.INVOICES),
    Measure("billed", "Billed", "the sum of the billed amounts", Unit.DOLLARS),
    Measure("received", "Received", "the sum of the amounts received for them", Unit.DOLLARS),
    Measure("collection_rate", "Collection rate", "received ÷ billed", Unit.RATIO),
    Measure("contractual", "Contractual", "what contracts with payers take off the billed amounts", Unit.DOLLARS),
    Measure("recovered", "Recovered", "what was received after invoices had been written off", Unit.DOLLARS),
    Measure(
        "net_collection_rate",
        "Net collection rate",
        "received ÷ (billed less what contracts with payers take off and agreed reductions)",
        Unit.RATIO,
    ),
    Measure(
        "reduction_rate",
        "Reduction rate",
        "agreed reductions ÷ the open parts agreed upon, over invoices with an agreed amount",
        Unit.RATIO,
    ),
    Measure(
        "days_in_ar",
        "Days from creation to payment",
        "mean and median of the days from creation to full payment, over fully paid invoices",
        Unit.DAYS,
    ),
    Measure(
        "ar_days",
        "Days in A/R",
        "outstanding ÷ average billed per day over the last 90 days (billed ÷ 90)",
        Unit.DAYS,
        Over.OUTSTANDING,
    ),
    Measure(
        "denial_rate",
        "Denial rate",
        "invoices that a payer refused to pay at least once ÷ invoices ever submitted to a payer",
        Unit.RATIO,
    ),
    Measure(
        "first_pass_rate",
        "First-pass acceptance",
        "invoices ever submitted that no payer refused to pay ÷ invoices ever submitted to a payer",
        Unit.RATIO,
    ),
    Measure("appeals", "Appeals", "the number of appeals against refusals to pay them", Unit.APPEALS),
    Measure("appeal_rate", "Appeal rate", "refusals to pay with an appeal ÷ refusals to pay", Unit.RATIO),
    Measure(
        "overturn_rate",
        "Overturn rate",
        "refusals to pay that the payer gave up, in full or in part ÷ refusals that it decided upon once more",
        Unit.RATIO,
    ),
    Measure(
        "recovered_after_denial",
        "Recovered after refusal",
        "what payers agreed to pay of what they had refused",
        Unit.DOLLARS,
    ),
    Measure(
        "ar_over90", "A/R over 90 days", "outstanding for more than 90 days ÷ outstanding", Unit.RATIO, Over.OUTSTANDING
    ),
)
MEASURES = {measure.name: measure for measure in _ALL}
# Amounts outstanding for longer are unlikely to be paid.
OVERDUE_DAYS = 90
# Analysts are told the amounts of a kind of coverage where at least so many invoices add up.
FEWEST_INVOICES = 5
# The days over which the average billed per day is computed.
BILLING_DAYS = 90


def described(name: str) -> str:
    """The description of a measure, as the API publishes it."""
    measure = MEASURES[name]
    return f"{measure.title}: {measure.definition}. In {measure.unit}; covers invoices {measure.over}."
