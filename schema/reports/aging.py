"""GraphQL types of the aging of accounts receivable."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from permissions.classes import argument, output_field
from permissions.coordinates import Narrowed
from permissions.reporting import HIDDEN_DAYS
from schema.enums import AgingBasis, AgingBucket, AgingRisk
from schema.references import PayerRef

AsOf = Annotated[
    date | None,
    argument(
        "The reporting day: figures as they were known at the end of this day, without later entries and "
        "corrections, unless they are restated. Today by default. For analysts only the last day of a month that is over; measures "
        "of a period are by default those of the last one.",
        "productivity",
    ),
]
IsRestated = Annotated[
    bool | None,
    argument(
        "Whether the figures are computed by the days on which facts count, with all that is known now, also what was entered later. "
        "By default the figures are those that were known at the end of the reporting "
        "day, which never change. As of today both are the same.",
        "productivity",
    ),
]
REPORT_FILTER = Narrowed(
    "ReportFilter",
    "Filter for the invoices of a report; all conditions must be met.",
    ("payerId", "physicianId", "facilityId"),
    HIDDEN_DAYS,
)
Basis = Annotated[AgingBasis | None, argument("The day from which ages are counted.", "figures")]


@strawberry.type(description="The open invoices of one aging bucket.")
class AgingBucketTotal:
    bucket: AgingBucket = output_field("figures", "The aging bucket.")
    risk: AgingRisk = output_field("figures", "The risk that invoices of this age are never paid.")
    from_days: int = output_field("figures", "The lowest age in days.")
    to_days: int | None = output_field("figures", "The highest age in days; null for the last bucket.")
    invoice_count: int = output_field("figures", "The number of open invoices in the bucket.")
    outstanding: Decimal = output_field(
        "figures",
        "The outstanding amount in US dollars: the sum of the balances.",
    )


@strawberry.type(
    description="The aging of all open invoices. The outstanding amount is the sum of the five buckets, and of the balances of"
    " the invoices."
)
class AgingReport:
    as_of: date = output_field("figures", "The reporting day, in the clinic's time zone.")
    is_restated: bool = output_field(
        "figures",
        "Whether the figures are computed by the days on which facts count, with all that is known now.",
    )
    basis: AgingBasis = output_field("figures", "The day from which ages are counted.")
    buckets: list[AgingBucketTotal] = output_field("figures", "The five aging buckets, youngest first.")
    invoice_count: int = output_field("figures", "The number of open invoices: neither paid in full nor closed.")
    outstanding: Decimal = output_field("figures", "The outstanding amount of all open invoices in US dollars.")


@strawberry.type(
    description="The aging of the open invoices for which one payer is responsible on the reporting day. Billing staff also get the "
    "payers without open invoices whose money is not applied, with 0.00 outstanding, unless the filter is by anything but the payer."
)
class PayerAging:
    payer: PayerRef = output_field("figures", "The payer.")
    buckets: list[AgingBucketTotal] = output_field("figures", "The five aging buckets, youngest first.")
    invoice_count: int = output_field("figures", "The number of open invoices of this payer.")
    outstanding: Decimal = output_field("figures", "The outstanding amount of this payer in US dollars.")
    unapplied_amount: Decimal = output_field(
        "records",
        "What is unapplied of all payments of this payer in US dollars, whatever the filter: it is not subtracted from what is "
        "outstanding.",
    )
    median_days_to_pay: float | None = output_field(
        "figures",
        "The median number of days from creation to full payment, over the fully paid invoices that match the filter and for which "
        "this payer was responsible on the day of full payment. For analysts, to the end of the month of payment.",
    )


@strawberry.type(
    description="The aging of the open invoices for which one payer is responsible on the reporting day, or all patients together. "
    "Billing staff also get the payers without open invoices whose money is not applied, with 0.00 outstanding, unless the filter is by "
    "anything but the payer."
)
class PayerGroupAging:
    payer: PayerRef | None = output_field("figures", "The payer; null for all patients together.")
    buckets: list[AgingBucketTotal] = output_field("figures", "The five aging buckets, youngest first.")
    invoice_count: int = output_field("figures", "The number of open invoices.")
    outstanding: Decimal = output_field("figures", "The outstanding amount in US dollars.")
    unapplied_amount: Decimal = output_field(
        "records",
        "What is unapplied of all payments of the payer or of all patients in US dollars, whatever the filter: it is not subtracted from "
        "what is outstanding.",
    )
    median_days_to_pay: float | None = output_field(
        "figures",
        "The median number of days from creation to full payment, over the fully paid invoices that match the filter and for which "
        "the payer was responsible, or a patient, on the day of full payment. For analysts, to the end of the month of payment.",
    )
