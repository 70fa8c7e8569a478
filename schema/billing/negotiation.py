"""GraphQL types of negotiations and internal notes of an invoice."""

from datetime import date, datetime
from decimal import Decimal

import strawberry

from permissions.classes import output_field
from schema.access.users import User
from schema.billing.responsibility import Agreement
from schema.enums import OfferStatus, Party


@strawberry.type(description="One offer of a negotiation: an amount proposed by one side.")
class ReductionOffer:
    id: strawberry.ID = output_field("negotiation", "The offer's id.")
    round: int = output_field(
        "negotiation",
        "The number of the offer, from 1, counted over all offers of the invoice, whichever payer they were made by or to.",
    )
    party: Party = output_field("negotiation", "The side that made the offer.")
    amount: Decimal = output_field(
        "negotiation", "The amount in US dollars that would be paid instead of the open part."
    )
    reason: str | None = output_field("negotiation", "The reason for the amount.")
    expires_on: date | None = output_field("negotiation", "The last day on which it can be accepted.")
    status: OfferStatus = output_field("negotiation", "The status of the offer.")
    made_by: User = output_field("negotiation", "The user who recorded it.")
    made_at: datetime = output_field("negotiation", "When it was recorded.")


@strawberry.type(description="The negotiation of a reduction of an invoice.")
class Negotiation:
    floor_amount: Decimal | None = output_field(
        "negotiation", "The lowest amount that the clinic would accept, in US dollars."
    )
    target_amount: Decimal | None = output_field("negotiation", "The amount that the clinic aims for, in US dollars.")
    agreements: list[Agreement] = output_field("negotiation", "All agreements, oldest first.")
    offers: list[ReductionOffer] = output_field("negotiation", "All offers, oldest first.")
    open_offer: ReductionOffer | None = output_field("negotiation", "The open offer; null if there is none.")
    reduction_amount: Decimal | None = output_field(
        "negotiation", "The reduction in US dollars: open part less agreed amount; null until an amount is agreed."
    )
    reduction_rate: float | None = output_field("negotiation", "The reduction as a share of the open part, 0 to 1.")
    conditional_until: date | None = output_field(
        "negotiation", "The day on which a conditional agreement lapses unless money is received by then."
    )


@strawberry.type(description="An internal note about an invoice, for billing staff only.")
class InternalNote:
    id: strawberry.ID = output_field("negotiation", "The note's id.")
    body: str = output_field("negotiation", "The text of the note.")
    written_by: User | None = output_field("negotiation", "The author.")
    written_at: datetime = output_field("negotiation", "When it was written.")
