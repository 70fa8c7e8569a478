"""The roles of users, and the kinds of payer."""

from enum import StrEnum


class Role(StrEnum):
    """The five roles of a signed-in user; a user has one role in one clinic."""

    ADMIN = "admin"
    BILLING = "billing"
    PHYSICIAN = "physician"
    ATTORNEY = "attorney"
    ANALYST = "analyst"


class PayerKind(StrEnum):
    """Who pays an invoice."""

    ATTORNEY = "attorney"
    INSURANCE = "insurance"
    PATIENT = "patient"
