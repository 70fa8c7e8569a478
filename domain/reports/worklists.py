"""The work lists of invoices: what somebody has to look at, each by a condition that the clinic's day decides."""

from enum import StrEnum

# How long an open invoice may lie before it is stale, and how far ahead an end is looked for, in days.
STALE_AFTER_DAYS = 30
SOON_DAYS = 7


class WorklistName(StrEnum):
    """The name of a list of invoices that somebody has to look at."""

    UNSUBMITTED = "unsubmitted"
    STALE = "stale"
    EXPIRING_OFFERS = "expiring_offers"
    LAPSING = "lapsing"
