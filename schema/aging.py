"""Decides what is said of how old open invoices are."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from permissions.classes import shown, takes
from schema.enums import AgingBasis, AgingBucket, AgingRisk
from schema.references import PayerRef

AsOf = Annotated[
    date | None,
    takes(
        "The day that is asked about: figures as they were known at its end, whatever was entered or undone since. "
        "Today when nothing is said.",
        "productivity",
    ),
]
Basis = Annotated[AgingBasis | None, takes("From which day ages are counted.", "figures")]


@strawberry.type(description="Open invoices of one range of ages.")
class AgingBucketTotal:
    bucket: AgingBucket = shown("figures", "The range of ages.")
    risk: AgingRisk = shown("figures", "How likely it is that invoices of this age are never paid.")
    from_days: int = shown("figures", "The least age in days.")
    to_days: int | None = shown("figures", "The greatest age in days; nothing where there is no end.")
    invoice_count: int = shown("figures", "How many open invoices are of this age.")
    outstanding: Decimal = shown(
        "figures", "What is still to be paid of them: agreed amount, or billed while nothing is agreed, less received."
    )


@strawberry.type(
    description="All open invoices by age; all in all they are the sum of the five ranges, and of the balances."
)
class AgingReport:
    as_of: date = shown("figures", "The day that is asked about, in the clinic's calendar.")
    basis: AgingBasis = shown("figures", "From which day ages are counted.")
    buckets: list[AgingBucketTotal] = shown("figures", "Always all five ranges, youngest first.")
    invoice_count: int = shown("figures", "How many invoices are open: neither paid in full nor closed.")
    outstanding: Decimal = shown("figures", "What is still to be paid in all.")


@strawberry.type(description="The open invoices of one payer by age.")
class PayerAging:
    payer: PayerRef = shown("figures", "Who is to pay.")
    buckets: list[AgingBucketTotal] = shown("figures", "Always all five ranges, youngest first.")
    invoice_count: int = shown("figures", "How many invoices of this payer are open.")
    outstanding: Decimal = shown("figures", "What this payer is still to pay.")
    median_days_to_pay: float | None = shown(
        "figures",
        "The median of the days from creation to full payment, over the fully paid invoices of this payer that the filter lets through.",
    )
