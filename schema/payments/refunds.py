"""The GraphQL type of refunds: what the clinic pays back of a payment."""

from datetime import date
from decimal import Decimal

import strawberry

from permissions.classes import output_field
from schema.access.users import User
from schema.payments.enums import PaymentMethod


@strawberry.type(description="A part of a payment that the clinic paid back; it is recorded once and never changed.")
class Refund:
    id: strawberry.ID = output_field("records", "The refund's id.")
    amount: Decimal = output_field("records", "The refunded amount in US dollars.")
    payee: str = output_field("records", "Who got it.")
    reason: str = output_field("records", "Why it was refunded.")
    refunded_on: date = output_field("records", "The day of the refund.")
    method: PaymentMethod = output_field("records", "How it was paid.")
    refunded_by: User | None = output_field("records", "The user who recorded it; null if it was imported.")
    document_url: str | None = output_field(
        "records",
        "A signed URL of its document, valid for 15 minutes and until the session ends; null if there is none.",
    )
