"""Decides the words of a negotiation: who offers, what becomes of an offer, how an invoice was sent, and its limits."""

from decimal import Decimal
from enum import StrEnum

from domain.errors import InvalidInput


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


def check_limits(billed: Decimal, floor_amount: Decimal | None, target_amount: Decimal | None) -> None:
    """Refuse limits that no negotiation could keep: 0 ≤ floor ≤ target ≤ billed, as far as they are set."""
    for name, amount in (("floor_amount", floor_amount), ("target_amount", target_amount)):
        if amount is not None and not 0 <= amount <= billed:
            raise InvalidInput("A limit is between 0 and what is billed", (name,))
    if floor_amount is not None and target_amount is not None and floor_amount > target_amount:
        raise InvalidInput("The least that the clinic would take is not above what it hopes for", ("floor_amount",))
