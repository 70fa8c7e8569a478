"""Decides the words of a negotiation: who offers, what becomes of an offer, how an invoice was sent."""

from enum import StrEnum


class Party(StrEnum):
    """Who made an offer."""

    CLINIC = "clinic"
    PAYER = "payer"


class OfferStatus(StrEnum):
    """What became of an offer."""

    OPEN = "open"
    SUPERSEDED = "superseded"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    LAPSED = "lapsed"


class SubmissionMethod(StrEnum):
    """How an invoice reached the payer."""

    EMAIL = "email"
    MAIL = "mail"
    FAX = "fax"
    PORTAL = "portal"
    HAND = "hand"
