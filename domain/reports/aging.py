"""The aging of accounts receivable: the age of an open invoice, its aging bucket, and its collection risk."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class AgingBucket(StrEnum):
    """The aging buckets: ranges of days, oldest last."""

    DAYS_0_30 = "days_0_30"
    DAYS_31_60 = "days_31_60"
    DAYS_61_90 = "days_61_90"
    DAYS_91_120 = "days_91_120"
    DAYS_121_PLUS = "days_121_plus"


class AgingRisk(StrEnum):
    """The risk that an invoice of this age is never paid."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    VERY_HIGH = "very_high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One row of BUCKETS: days are calendar days of the clinic's time zone, both ends included; no end means without limit."""

    name: AgingBucket
    risk: AgingRisk
    from_days: int
    to_days: int | None


BUCKETS = (
    Bucket(AgingBucket.DAYS_0_30, AgingRisk.LOW, 0, 30),
    Bucket(AgingBucket.DAYS_31_60, AgingRisk.MODERATE, 31, 60),
    Bucket(AgingBucket.DAYS_61_90, AgingRisk.HIGH, 61, 90),
    Bucket(AgingBucket.DAYS_91_120, AgingRisk.VERY_HIGH, 91, 120),
    Bucket(AgingBucket.DAYS_121_PLUS, AgingRisk.CRITICAL, 121, None),
)


def age_days(basis: date, as_of: date) -> int:
    """Calendar days from the basis date to the `as_of` date, never below 0."""
    return max((as_of - basis).days, 0)


def bucket_of(days: int) -> Bucket:
    """The bucket that holds an age in days (0 or more)."""
    return next(bucket for bucket in BUCKETS if bucket.to_days is None or days <= bucket.to_days)


class AgingBasis(StrEnum):
    """The date from which the age of an invoice is counted; an invoice without that date counts from its creation."""

    CREATED = "created"
    SUBMITTED = "submitted"
    SERVICE = "service"
    AGREED = "agreed"
    RESPONSIBILITY = "responsibility"
