"""The terms of a negotiation: who made an offer, its status, how an invoice was submitted, and the clinic's limits."""

from decimal import Decimal
from enum import StrEnum

from domain.errors import InvalidInput


class Party(StrEnum):
    """Who made an offer."""

    CLINIC = "clinic"
    PAYER = "payer"


class OfferStatus(StrEnum):
    """The status of an offer."""

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


def check_limits(open_part: Decimal, floor_amount: Decimal | None, target_amount: Decimal | None) -> None:
    """Refuse contradictory limits: 0 ≤ floor ≤ target ≤ open part must hold, as far as they are set."""
    for name, amount in (("floor_amount", floor_amount), ("target_amount", target_amount)):
        if amount is not None and not 0 <= amount <= open_part:
            raise InvalidInput("A limit must be between 0 and the open part of the billed amount", (name,))
    if floor_amount is not None and target_amount is not None and floor_amount > target_amount:
        raise InvalidInput("The floor must not be above the target", ("floor_amount",))
