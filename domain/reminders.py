"""Decides the states of a reminder and of a message to a payer."""

from enum import StrEnum


class ReminderStatus(StrEnum):
    """Whether staff still have to act on a reminder."""

    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class MessageStatus(StrEnum):
    """How far a message to a payer has come."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
