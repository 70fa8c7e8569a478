"""The GraphQL type of refunds: what the clinic pays back of a payment."""

from datetime import date
from decimal import Decimal

import strawberry

from permissions.classes import output_field
from schema.access.users import User
from schema.payments.enums import PaymentMethod, RowReversal
from schema.references import ChequeRef, ProviderAdjustmentRef, RefundRef


@strawberry.type(description="A part of a payment that the clinic paid back; it is recorded once and never changed.")
class Refund:
    id: strawberry.ID = output_field("records", "The refund's id.")
    cheque: ChequeRef = output_field("records", "The payment of which it was refunded.")
    amount: Decimal = output_field(
        "records", "The refunded amount in US dollars; negative if it reverses a refund that counts no more."
    )
    payee: str = output_field("records", "Who got it.")
    reason: str = output_field("records", "Why it was refunded.")
    refunded_on: date = output_field("records", "The day of the refund.")
    method: PaymentMethod = output_field("records", "How it was paid.")
    reversal_kind: RowReversal | None = output_field(
        "records", "Of a row that reverses a refund, why; null if it reverses none."
    )
    reverses: RefundRef | None = output_field("records", "The refund that it reverses; null if it reverses none.")
    carries: RefundRef | None = output_field(
        "records", "The refund of another payment that counts here instead; null if it is a refund of its own."
    )
    provider_adjustment: ProviderAdjustmentRef | None = output_field(
        "records",
        "The row of a later payment by which the payer withheld the money, so that none was sent; null if it was sent.",
    )
    refunded_by: User | None = output_field("records", "The user who recorded it; null if it was imported.")
    document_url: str | None = output_field(
        "records",
        "A signed URL of its document, valid for 15 minutes and until the session ends; null if there is none.",
    )
