"""Decides what is said of how the clinic's billing goes: measures over a period, each with what it is made of."""

from datetime import date
from decimal import Decimal

import strawberry

from domain.analytics import described
from permissions.classes import given, shown
from schema.aging import PayerAging
from schema.attorneys import Attorney
from schema.physicians import Physician
from schema.references import PayerRef


@strawberry.type(description="A ratio of two amounts, with both, so that it can be checked and summed up again.")
class Ratio:
    value: float | None = shown("figures", "Numerator ÷ denominator; nothing when the denominator is 0.")
    numerator: Decimal = shown("figures", "The amount that is divided.")
    denominator: Decimal = shown("figures", "The amount that it is divided by.")


@strawberry.type(description="A ratio of two numbers of invoices, with both.")
class CountRatio:
    value: float | None = shown("figures", "Numerator ÷ denominator; nothing when the denominator is 0.")
    numerator: int = shown("figures", "The number that is divided.")
    denominator: int = shown("figures", "The number that it is divided by.")


@strawberry.type(description="How long it took until invoices were fully paid.")
class DaysInAr:
    mean: float | None = shown("figures", "The mean in days; nothing when none is fully paid.")
    median: float | None = shown("figures", "The median in days; nothing when none is fully paid.")
    invoice_count: int = shown("figures", "How many of the invoices are fully paid.")


@strawberry.type(description="What one physician did and billed in the period.")
class PhysicianProductivity:
    physician: Physician = shown("productivity", "Who treated.")
    encounter_count: int = shown("productivity", "How many visits there were in the period, by day of treatment.")
    exam_count: int = shown("productivity", "How much was done in those visits, by their units.")
    invoice_count: int = shown("productivity", "How many invoices were created for this physician's treatments.")
    billed: Decimal = shown("productivity", "The sum of what they bill.")
    average_invoice: Decimal | None = shown("productivity", "Billed ÷ invoices, to the cent.")
    received: Decimal = shown("figures", "The sum of what came in for them.")


@strawberry.type(description="What was taken off by agreement with one payer.")
class PayerReduction:
    payer: PayerRef = shown("figures", "Who pays.")
    invoice_count: int = shown("figures", "How many invoices of the period have an agreed amount.")
    reduction_rate: Ratio = shown("figures", described("reduction_rate"))


@strawberry.type(description="What was taken off by agreement in the cases of one attorney.")
class AttorneyReduction:
    attorney: Attorney = shown("staff", "Who represents the cases.")
    invoice_count: int = shown("staff", "How many invoices of the period have an agreed amount.")
    reduction_rate: Ratio = shown("staff", described("reduction_rate"))


@strawberry.type(description="The measures of the invoices that were created in one month.")
class MonthlyAnalytics:
    month: date = shown("figures", "The first day of the month.")
    invoice_count: int = shown("figures", described("invoice_count"))
    billed: Decimal = shown("figures", described("billed"))
    received: Decimal = shown("figures", described("received"))
    collection_rate: Ratio = shown("figures", described("collection_rate"))
    net_collection_rate: Ratio = shown("figures", described("net_collection_rate"))
    reduction_rate: Ratio = shown("figures", described("reduction_rate"))
    days_in_ar: DaysInAr = shown("figures", described("days_in_ar"))
    denial_rate: CountRatio = shown("figures", described("denial_rate"))


@strawberry.type(description="How the clinic's billing goes. Only the measures that are asked for are worked out.")
class Analytics:
    invoice_count: int = shown("figures", described("invoice_count"))
    billed: Decimal = shown("figures", described("billed"))
    received: Decimal = shown("figures", described("received"))
    collection_rate: Ratio = shown("figures", described("collection_rate"))
    net_collection_rate: Ratio = shown("figures", described("net_collection_rate"))
    reduction_rate: Ratio = shown("figures", described("reduction_rate"))
    days_in_ar: DaysInAr = shown("figures", described("days_in_ar"))
    ar_days: float | None = shown("figures", described("ar_days"))
    denial_rate: CountRatio = shown("figures", described("denial_rate"))
    ar_over90: Ratio = shown("figures", described("ar_over90"))
    physician_productivity: list[PhysicianProductivity] = shown(
        "productivity", "By physician who saw or billed somebody in the period, those who billed most first."
    )
    aging_by_payer: list[PayerAging] = shown(
        "figures", "What is open on the day that is asked about, by payer and age, slowest payers first."
    )
    reductions_by_payer: list[PayerReduction] = shown("figures", "What was taken off, by payer, the most first.")
    reductions_by_attorney: list[AttorneyReduction] = shown("staff", "What was taken off, by attorney, the most first.")
    trend: list[MonthlyAnalytics] = shown("figures", "The measures of the period by month of creation, oldest first.")


@strawberry.input(description="The period and the invoices that are looked at.")
class AnalyticsFilter:
    from_: date = strawberry.field(
        name="from",
        description="The first day of the period.",
        metadata={"rule": "productivity"},
    )
    to: date = strawberry.field(description="The last day of the period.", metadata={"rule": "productivity"})
    payer_id: list[strawberry.ID] | None = given(("Invoice.payer", "Payer.id"), "Only invoices of these payers.")
    physician_id: list[strawberry.ID] | None = given(
        ("Invoice.physician", "Physician.id"), "Only invoices for treatment by these physicians."
    )
    facility_id: list[strawberry.ID] | None = given(
        ("Invoice.facility", "Facility.id"), "Only invoices for treatment at these facilities."
    )
    attorney_id: list[strawberry.ID] | None = given(
        ("Invoice.case", "Case.attorney", "Attorney.id"),
        "Only invoices of cases that these attorneys represent on the day that is asked about.",
    )
