"""The SQL of report fields over the sums that a report computes; the tables here describe query results, not database tables."""

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    cast,
    func,
    literal_column,
    true,
)

from db.fields.base import ComputedList, ComputedObject, Expression, Field, One, Order, Read, ReportList, View, by_id
from db.fields.billing.invoices import FILTERS
from db.reports.coverage_kinds import AMOUNTS
from db.reports.denials import SUMS
from db.reports.measures import PLACES
from db.row import Row
from domain.reports.aging import BUCKETS
from domain.reports.analytics import BILLING_DAYS

_NOWHERE = MetaData()


def _counts(*names: str) -> list[Column[Any]]:
    return [Column(name, BigInteger) for name in names]


def _sums(*names: str) -> list[Column[Any]]:
    return [Column(name, Numeric) for name in names]


def _ages() -> list[Column[Any]]:
    return [*_counts(*(f"n{place}" for place in PLACES)), *_sums(*(f"s{place}" for place in PLACES))]


def _cohort() -> list[Column[Any]]:
    counts = _counts("invoice_count", "agreed_count", "submitted", "denied", "days_count")
    days = [Column("days_mean", Float), Column("days_median", Float)]
    sums = _sums("billed", "received", "reduced", "agreed_open", "contractual", "recovered")
    return [*counts, *days, *sums, *_denials()]


def _denials() -> list[Column[Any]]:
    return [*_counts(*(name for name in SUMS if name != "recovered_after")), *_sums("recovered_after")]


def _key(name: str) -> list[Column[Any]]:
    return [Column("clinic_id", Uuid), Column(name, Uuid)]


aging = Table("aging", _NOWHERE, Column("basis", Text), *_ages())
payer_aging = Table(
    "payer_aging",
    _NOWHERE,
    *_key("payer_id"),
    Column("id", Uuid),
    *_ages(),
    *_sums("unapplied"),
    Column("days_median", Float),
)
analytics = Table("analytics", _NOWHERE, *_cohort(), *_sums("outstanding", "overdue", "recent"))
months = Table("months", _NOWHERE, Column("month", Date), *_cohort())
payer_reductions = Table("payer_reductions", _NOWHERE, *_key("payer_id"), *_cohort())
attorney_reductions = Table("attorney_reductions", _NOWHERE, *_key("attorney_id"), *_cohort())
coverage_kinds = Table(
    "coverage_kinds",
    _NOWHERE,
    Column("clinic_id", Uuid),
    Column("kind", Text),
    Column("is_remainder", Boolean),
    *_counts("invoice_count"),
    *_sums(*AMOUNTS),
)
payer_denials = Table("payer_denials", _NOWHERE, *_key("payer_id"), *_counts("invoice_count"), *_denials())
reason_denials = Table(
    "reason_denials",
    _NOWHERE,
    Column("clinic_id", Uuid),
    Column("kind", Text),
    Column("is_remainder", Boolean),
    *_counts("invoice_count"),
    *_denials(),
)
kind_documents = Table(
    "kind_documents",
    _NOWHERE,
    Column("clinic_id", Uuid),
    Column("kind", Text),
    *_counts("issued", "withdrawn", "delivered"),
)
productivity = Table(
    "productivity", _NOWHERE, *_key("physician_id"), *_cohort(), *_counts("encounter_count", "exam_count")
)


def money(value: Expression) -> Expression:
    """An amount as the decimal string that clients read."""
    return cast(cast(value, Numeric(16, 2)), Text)


def _added(row: Row, stem: str) -> Expression:
    return reduce(add, (getattr(row, f"{stem}{place}") for place in PLACES))


def _bucket(row: Row, place: int) -> dict[str, Expression]:
    bucket = BUCKETS[place]
    return {
        "bucket": _constant(f"'{bucket.name.name}'"),
        "risk": _constant(f"'{bucket.risk.name}'"),
        "fromDays": _constant(str(bucket.from_days)),
        "toDays": _constant("null::int" if bucket.to_days is None else str(bucket.to_days)),
        "invoiceCount": getattr(row, f"n{place}"),
        "outstanding": money(getattr(row, f"s{place}")),
    }


def _constant(text: str) -> Expression:
    return literal_column(text)


_AGES: dict[str, Field] = {
    "buckets": ComputedList("AgingBucketTotal", lambda row: [(true(), [_bucket(row, place) for place in PLACES])]),
    "invoiceCount": lambda row: _added(row, "n"),
    "outstanding": lambda row: money(_added(row, "s")),
}


def _ratio(
    numerator: Read, denominator: Read, shown: Callable[[Expression], Expression] = money
) -> Callable[[Row], dict[str, Expression]]:
    return lambda row: {
        "value": cast(cast(numerator(row), Numeric) / func.nullif(denominator(row), 0), Float(53)),
        "numerator": shown(numerator(row)),
        "denominator": shown(denominator(row)),
    }


def _as_it_is(value: Expression) -> Expression:
    return value


def _count(value: Expression) -> Expression:
    """A number that a group without denials lacks."""
    return cast(func.coalesce(value, 0), BigInteger)


def _days(row: Row) -> dict[str, Expression]:
    return {"mean": row.days_mean, "median": row.days_median, "invoiceCount": func.coalesce(row.days_count, 0)}


_REDUCTION = ComputedObject("Ratio", _ratio(lambda r: r.reduced, lambda r: r.agreed_open))
_DENIALS: dict[str, Field] = {
    "appeals": lambda r: func.coalesce(r.appeals, 0),
    "appealRate": ComputedObject("DenialRatio", _ratio(lambda r: r.appealed, lambda r: r.denials, _count)),
    "overturnRate": ComputedObject("DenialRatio", _ratio(lambda r: r.overturned, lambda r: r.decided, _count)),
    "recoveredAfterDenial": lambda r: money(func.coalesce(r.recovered_after, 0)),
}
_COHORT: dict[str, Field] = {
    "invoiceCount": lambda r: r.invoice_count,
    "billed": lambda r: money(r.billed),
    "received": lambda r: money(r.received),
    "contractual": lambda r: money(r.contractual),
    "recovered": lambda r: money(r.recovered),
    "collectionRate": ComputedObject("Ratio", _ratio(lambda r: r.received, lambda r: r.billed)),
    "netCollectionRate": ComputedObject(
        "Ratio", _ratio(lambda r: r.received, lambda r: r.billed - r.contractual - r.reduced)
    ),
    "reductionRate": _REDUCTION,
    "daysInAr": ComputedObject("DaysInAr", _days),
    "denialRate": ComputedObject("CountRatio", _ratio(lambda r: r.denied, lambda r: r.submitted, _as_it_is)),
    "firstPassRate": ComputedObject(
        "CountRatio", _ratio(lambda r: r.submitted - r.denied, lambda r: r.submitted, _as_it_is)
    ),
    **_DENIALS,
}

AGING_REPORT = View(
    aging,
    {
        "asOf": lambda row: row.scope.today,
        "isRestated": lambda row: _constant("true" if row.scope.is_restated else "false"),
        "basis": lambda row: row.basis,
        **_AGES,
    },
)
_PAYERS: dict[str, Field] = {
    "payer": One("Payer", by_id("payer_id")),
    **_AGES,
    "unappliedAmount": lambda row: money(row.unapplied),
    "medianDaysToPay": lambda row: row.days_median,
}
PAYER_AGING = View(payer_aging, _PAYERS)
# The largest outstanding amounts first.
PAYER_GROUP_AGING = View(payer_aging, _PAYERS, order=Order(lambda row: _added(row, "s"), Numeric(), descending=True))
MONTHLY_ANALYTICS = View(months, {"month": lambda r: r.month, **_COHORT})
PAYER_REDUCTION = View(
    payer_reductions,
    {
        "payer": One("Payer", by_id("payer_id")),
        "invoiceCount": lambda r: r.agreed_count,
        "reductionRate": _REDUCTION,
    },
)
ATTORNEY_REDUCTION = View(
    attorney_reductions,
    {
        "attorney": One("Attorney", by_id("attorney_id")),
        "invoiceCount": lambda r: r.agreed_count,
        "reductionRate": _REDUCTION,
    },
)
COVERAGE_KIND_AMOUNTS = View(
    coverage_kinds,
    {
        "coverageKind": lambda r: func.upper(r.kind),
        "isRemainder": lambda r: r.is_remainder,
        "invoiceCount": lambda r: r.invoice_count,
        "billed": lambda r: money(r.billed),
        "received": lambda r: money(r.received),
        "reducedAmount": lambda r: money(r.reduced),
        "contractual": lambda r: money(r.contractual),
        "outstanding": lambda r: money(r.outstanding),
    },
)
PAYER_DENIALS = View(
    payer_denials,
    {
        "payer": One("Payer", by_id("payer_id")),
        "invoiceCount": lambda r: r.invoice_count,
        "denialCount": lambda r: r.denials,
        **_DENIALS,
    },
)
REASON_DENIALS = View(
    reason_denials,
    {
        "reasonCode": lambda r: r.kind,
        "isRemainder": lambda r: r.is_remainder,
        "invoiceCount": lambda r: r.invoice_count,
        "denialCount": lambda r: r.denials,
        **_DENIALS,
    },
)
DOCUMENT_KIND_COUNTS = View(
    kind_documents,
    {
        "kind": lambda r: r.kind,
        "issued": lambda r: r.issued,
        "withdrawn": lambda r: r.withdrawn,
        "delivered": lambda r: r.delivered,
    },
)
PHYSICIAN_PRODUCTIVITY = View(
    productivity,
    {
        "physician": One("Physician", by_id("physician_id")),
        "encounterCount": lambda r: r.encounter_count,
        "examCount": lambda r: r.exam_count,
        "invoiceCount": lambda r: r.invoice_count,
        "billed": lambda r: money(r.billed),
        "averageInvoice": lambda r: money(r.billed / func.nullif(r.invoice_count, 0)),
        "received": lambda r: money(r.received),
    },
)
ANALYTICS = View(
    analytics,
    {
        **_COHORT,
        "arDays": lambda r: cast(r.outstanding * BILLING_DAYS / func.nullif(r.recent, 0), Float(53)),
        "arOver90": ComputedObject("Ratio", _ratio(lambda r: r.overdue, lambda r: r.outstanding)),
        "physicianProductivity": ReportList("PhysicianProductivity"),
        "agingByPayer": ReportList("PayerAging"),
        "reductionsByPayer": ReportList("PayerReduction"),
        "reductionsByAttorney": ReportList("AttorneyReduction"),
        "amountsByCoverageKind": ReportList("CoverageKindAmounts"),
        "denialsByPayer": ReportList("PayerDenials"),
        "denialsByReason": ReportList("ReasonDenials"),
        "documentsByKind": ReportList("DocumentKindCounts"),
        "trend": ReportList("MonthlyAnalytics"),
    },
    {name: FILTERS[name] for name in ("payerId", "physicianId", "facilityId", "attorneyId")},
)
