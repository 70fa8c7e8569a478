"""Decides the states of a case."""

from enum import StrEnum


class CaseStatus(StrEnum):
    """Whether a case still has bills to collect."""

    OPEN = "open"
    SETTLED = "settled"
