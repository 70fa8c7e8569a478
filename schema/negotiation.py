"""Decides what is said of reductions, denials and what staff note about an invoice."""

from datetime import date, datetime
from decimal import Decimal

import strawberry

from permissions.classes import shown
from schema.enums import OfferStatus, Party
from schema.users import User


@strawberry.type(description="One round of a negotiation: an amount that one side named.")
class ReductionOffer:
    id: strawberry.ID = shown("negotiation", "The offer's id.")
    round: int = shown("negotiation", "The number of the round, from 1.")
    party: Party = shown("negotiation", "Which side made it.")
    amount: Decimal = shown("negotiation", "What would be paid instead of what was billed.")
    reason: str | None = shown("negotiation", "Why this amount.")
    expires_on: date | None = shown("negotiation", "The last day on which it can be accepted.")
    status: OfferStatus = shown("negotiation", "What became of it.")
    made_by: User = shown("negotiation", "Who recorded it.")
    made_at: datetime = shown("negotiation", "When it was recorded.")


@strawberry.type(description="What is known and planned about a reduction of an invoice.")
class Negotiation:
    floor_amount: Decimal | None = shown("negotiation", "The least that the clinic would take.")
    target_amount: Decimal | None = shown("negotiation", "What the clinic hopes to get.")
    offers: list[ReductionOffer] = shown("negotiation", "Every round, oldest first.")
    open_offer: ReductionOffer | None = shown("negotiation", "The offer that waits for an answer.")
    reduction_amount: Decimal | None = shown("negotiation", "Billed less agreed; nothing while nothing is agreed.")
    reduction_rate: float | None = shown("negotiation", "The reduction as a share of what was billed, 0 to 1.")
    conditional_until: date | None = shown(
        "negotiation", "The day until which the agreement holds unless a cheque comes."
    )


@strawberry.type(description="A refusal of the payer to pay, recorded for appeal.")
class Denial:
    id: strawberry.ID = shown("records", "The denial's id.")
    denied_on: date = shown("records", "The day on which the payer refused.")
    reason_code: str = shown("records", "The payer's code for the reason.")
    amount: Decimal | None = shown("records", "How much was refused, where it was not all.")
    note: str | None = shown("records", "What staff noted about it.")
    appeal_due_on: date | None = shown("records", "The last day to appeal.")
    recorded_by: User | None = shown("records", "Who recorded it.")


@strawberry.type(description="A note of billing staff about an invoice, for their own eyes.")
class InternalNote:
    id: strawberry.ID = shown("negotiation", "The note's id.")
    body: str = shown("negotiation", "What it says.")
    written_by: User | None = shown("negotiation", "Who wrote it.")
    written_at: datetime = shown("negotiation", "When it was written.")
