"""GraphQL types of billing analytics: measures of a period, each with its numerator and denominator."""

from datetime import date
from decimal import Decimal

import strawberry

from domain.reports.analytics import described
from permissions.classes import input_field, output_field
from schema.billing.coverage_enums import CoverageKind
from schema.documents.enums import IssuedDocumentKind
from schema.records.attorneys import Attorney
from schema.records.physicians import Physician
from schema.references import PayerRef
from schema.reports.aging import PayerAging


@strawberry.type(description="A ratio of two amounts, with both amounts, so that ratios can be checked and aggregated.")
class Ratio:
    value: float | None = output_field("figures", "Numerator ÷ denominator; null if the denominator is 0.")
    numerator: Decimal = output_field("figures", "The numerator in US dollars.")
    denominator: Decimal = output_field("figures", "The denominator in US dollars.")


@strawberry.type(description="A ratio of two numbers of invoices, with both numbers.")
class CountRatio:
    value: float | None = output_field("figures", "Numerator ÷ denominator; null if the denominator is 0.")
    numerator: int = output_field("figures", "The numerator: a number of invoices.")
    denominator: int = output_field("figures", "The denominator: a number of invoices.")


@strawberry.type(description="A ratio of two numbers of refusals to pay, with both numbers.")
class DenialRatio:
    value: float | None = output_field("figures", "Numerator ÷ denominator; null if the denominator is 0.")
    numerator: int = output_field("figures", "The numerator: a number of refusals.")
    denominator: int = output_field("figures", "The denominator: a number of refusals.")


@strawberry.type(description="The denials of one payer, and what became of them.")
class PayerDenials:
    payer: PayerRef = output_field("records", "The payer who was responsible on the day of the denials.")
    invoice_count: int = output_field("records", "The number of invoices of the period that the payer denied.")
    denial_count: int = output_field("records", "The number of their denials.")
    appeals: int = output_field("records", described("appeals"))
    appeal_rate: DenialRatio = output_field("records", described("appeal_rate"))
    overturn_rate: DenialRatio = output_field("records", described("overturn_rate"))
    recovered_after_denial: Decimal = output_field("records", described("recovered_after_denial"))


@strawberry.type(description="The refusals to pay with one reason code, and what became of them.")
class ReasonDenials:
    reason_code: str | None = output_field("figures", "The reason code; null for the remainder.")
    is_remainder: bool = output_field(
        "figures",
        "Whether the row joins several codes. For analysts, the codes of which a figure adds up fewer than five invoices of a month "
        "of creation are joined, with another code where there is one; for other roles there is no such row.",
    )
    invoice_count: int = output_field(
        "figures", "The number of invoices that were refused so; one invoice can be in several rows."
    )
    denial_count: int = output_field("figures", "How often.")
    appeals: int = output_field("figures", described("appeals"))
    appeal_rate: DenialRatio = output_field("figures", described("appeal_rate"))
    overturn_rate: DenialRatio = output_field("figures", described("overturn_rate"))
    recovered_after_denial: Decimal = output_field("figures", described("recovered_after_denial"))


@strawberry.type(
    description="The days from creation to full payment of invoices; for analysts, to the end of the month of payment."
)
class DaysInAr:
    mean: float | None = output_field("figures", "The mean in days; null if no invoice is fully paid.")
    median: float | None = output_field("figures", "The median in days; null if no invoice is fully paid.")
    invoice_count: int = output_field("figures", "The number of fully paid invoices.")


@strawberry.type(description="The productivity of one physician in the period.")
class PhysicianProductivity:
    physician: Physician = output_field("productivity", "The treating physician.")
    encounter_count: int = output_field("productivity", "The number of visits in the period, by day of service.")
    exam_count: int = output_field("productivity", "The number of units of service in those visits.")
    invoice_count: int = output_field(
        "productivity", "The number of invoices created in the period for this physician's treatment."
    )
    billed: Decimal = output_field("productivity", "The billed amount of those invoices in US dollars.")
    average_invoice: Decimal | None = output_field(
        "productivity",
        "Billed amount ÷ number of invoices, in US dollars rounded to cents; null if there is no invoice.",
    )
    received: Decimal = output_field("figures", "The amount received for those invoices in US dollars.")


@strawberry.type(description="The agreed reductions of one payer.")
class PayerReduction:
    payer: PayerRef = output_field("figures", "The payer.")
    invoice_count: int = output_field("figures", "The number of invoices of the period with an agreed amount.")
    reduction_rate: Ratio = output_field("figures", described("reduction_rate"))


@strawberry.type(description="The agreed reductions in the cases of one attorney.")
class AttorneyReduction:
    attorney: Attorney = output_field("staff", "The attorney.")
    invoice_count: int = output_field("staff", "The number of invoices of the period with an agreed amount.")
    reduction_rate: Ratio = output_field("staff", described("reduction_rate"))


@strawberry.type(
    description="The parts of the amounts of the period's invoices under one coverage kind. Each amount of an invoice is in one row: "
    "what was received, under the coverage kind that the payment names; what a contract takes off, under the coverage kind that was "
    "responsible on its day; the rest of the billed amount (outstanding, reduced, written off, or given up), under the coverage kind "
    "that owes the invoice on the reporting day. That is the named one or, where none is named, the one coverage kind of the payer in "
    "the case."
)
class CoverageKindAmounts:
    coverage_kind: CoverageKind | None = output_field(
        "figures", "The coverage kind; null for amounts under none, and for the remainder."
    )
    is_remainder: bool = output_field(
        "figures",
        "Whether the row joins several kinds. For analysts, the kinds of which a figure adds up fewer than five invoices of a month "
        "of creation are joined, with another kind where there is one; for other roles there is no such row.",
    )
    invoice_count: int = output_field(
        "figures", "The number of invoices of which a part is in this row; one invoice can be in several rows."
    )
    billed: Decimal = output_field(
        "figures",
        "The part of the billed amounts in US dollars: received, contractual, and the rest. The rows add up to the billed amount of "
        "the period.",
    )
    received: Decimal = output_field(
        "figures", "The amount received in US dollars. The rows add up to the received amount of the period."
    )
    reduced_amount: Decimal = output_field(
        "figures", "What was reduced, in US dollars. The rows add up to the numerator of the reduction rate."
    )
    contractual: Decimal = output_field(
        "figures",
        "What contracts with payers take off, in US dollars. The rows add up to the measure of that name.",
    )
    outstanding: Decimal = output_field(
        "figures",
        "What is outstanding of open invoices of the period, in US dollars, by the coverage kind that owes it.",
    )


@strawberry.type(description="How many documents of one kind were issued in the period, and what became of them.")
class DocumentKindCounts:
    kind: IssuedDocumentKind = output_field("figures", "The kind of the documents.")
    issued: int = output_field("figures", "How many were issued in the period, by the day of issue.")
    withdrawn: int = output_field("figures", "How many of these are withdrawn on the reporting day.")
    delivered: int = output_field("figures", "How many of these were delivered, once or more, by the reporting day.")


@strawberry.type(description="The measures of the invoices created in one month.")
class MonthlyAnalytics:
    month: date = output_field("figures", "The first day of the month.")
    invoice_count: int = output_field("figures", described("invoice_count"))
    billed: Decimal = output_field("figures", described("billed"))
    received: Decimal = output_field("figures", described("received"))
    contractual: Decimal = output_field("figures", described("contractual"))
    recovered: Decimal = output_field("figures", described("recovered"))
    collection_rate: Ratio = output_field("figures", described("collection_rate"))
    net_collection_rate: Ratio = output_field("figures", described("net_collection_rate"))
    reduction_rate: Ratio = output_field("figures", described("reduction_rate"))
    days_in_ar: DaysInAr = output_field("figures", described("days_in_ar"))
    denial_rate: CountRatio = output_field("figures", described("denial_rate"))
    first_pass_rate: CountRatio = output_field("figures", described("first_pass_rate"))
    appeals: int = output_field("records", described("appeals"))
    appeal_rate: DenialRatio = output_field("records", described("appeal_rate"))
    overturn_rate: DenialRatio = output_field("records", described("overturn_rate"))
    recovered_after_denial: Decimal = output_field("records", described("recovered_after_denial"))


@strawberry.type(description="Measures of the clinic's billing. Only the requested measures are computed.")
class Analytics:
    invoice_count: int = output_field("figures", described("invoice_count"))
    billed: Decimal = output_field("figures", described("billed"))
    received: Decimal = output_field("figures", described("received"))
    contractual: Decimal = output_field("figures", described("contractual"))
    recovered: Decimal = output_field("figures", described("recovered"))
    collection_rate: Ratio = output_field("figures", described("collection_rate"))
    net_collection_rate: Ratio = output_field("figures", described("net_collection_rate"))
    reduction_rate: Ratio = output_field("figures", described("reduction_rate"))
    days_in_ar: DaysInAr = output_field("figures", described("days_in_ar"))
    ar_days: float | None = output_field("figures", described("ar_days"))
    denial_rate: CountRatio = output_field("figures", described("denial_rate"))
    first_pass_rate: CountRatio = output_field("figures", described("first_pass_rate"))
    appeals: int = output_field("records", described("appeals"))
    appeal_rate: DenialRatio = output_field("records", described("appeal_rate"))
    overturn_rate: DenialRatio = output_field("records", described("overturn_rate"))
    recovered_after_denial: Decimal = output_field("records", described("recovered_after_denial"))
    ar_over90: Ratio = output_field("figures", described("ar_over90"))
    physician_productivity: list[PhysicianProductivity] = output_field(
        "productivity", "By physician with visits or invoices in the period, highest billed amount first."
    )
    aging_by_payer: list[PayerAging] = output_field(
        "figures", "The outstanding amounts on the reporting day by payer and age, slowest payers first."
    )
    reductions_by_payer: list[PayerReduction] = output_field(
        "figures",
        "The agreed reductions by the payer who was responsible on the day on which the amount was agreed upon, largest first; what "
        "a new payer keeps counts for the payer who agreed.",
    )
    reductions_by_attorney: list[AttorneyReduction] = output_field(
        "staff",
        "The agreed reductions by the attorney who represented the patient on the day of the agreement, largest first; an agreement "
        "that a new payer keeps counts for the day on which it was made.",
    )
    amounts_by_coverage_kind: list[CoverageKindAmounts] = output_field(
        "figures",
        "The amounts of the period by coverage kind, highest billed amount first. Analysts get them for the whole clinic, "
        "without asOf and without a filter of parties.",
    )
    denials_by_payer: list[PayerDenials] = output_field(
        "records",
        "The denials of the period's invoices by the payer who was responsible on the day of each, most denials first.",
    )
    denials_by_reason: list[ReasonDenials] = output_field(
        "figures",
        "The refusals to pay the period's invoices by reason code, most frequent first. Analysts get them for the whole clinic, without "
        "asOf and without a filter of parties.",
    )
    documents_by_kind: list[DocumentKindCounts] = output_field(
        "figures",
        "The documents that were issued in the period, by kind: those of the whole clinic, without a filter of parties.",
    )
    trend: list[MonthlyAnalytics] = output_field(
        "figures", "The measures of the period by month of creation, oldest first."
    )


@strawberry.input(description="The period and the filter of invoices.")
class AnalyticsFilter:
    from_: date = strawberry.field(
        name="from",
        description="The first day of the period; for analysts the first day of a month.",
        metadata={"rule": "productivity"},
    )
    to: date = strawberry.field(
        description="The last day of the period; for analysts the last day of a month.",
        metadata={"rule": "productivity"},
    )
    payer_id: list[strawberry.ID] | None = input_field(
        ("Invoice.payer", "Payer.id"),
        "Only invoices for which one of these payers is responsible on the reporting day.",
    )
    physician_id: list[strawberry.ID] | None = input_field(
        ("Invoice.physician", "Physician.id"), "Only invoices for treatment by these physicians."
    )
    facility_id: list[strawberry.ID] | None = input_field(
        ("Invoice.facility", "Facility.id"), "Only invoices for treatment at these facilities."
    )
    attorney_id: list[strawberry.ID] | None = input_field(
        ("Invoice.case", "Case.attorney", "Attorney.id"),
        "Only invoices of cases that one of these attorneys represents on the reporting day.",
    )
