"""GraphQL types of the payers who were responsible for an invoice, and of the agreements with them."""

from datetime import date, datetime
from decimal import Decimal

import strawberry

from permissions.classes import output_field
from schema.access.users import User
from schema.billing.enums import AgreementEnd, AgreementKind, ResponsibilityReason
from schema.references import CoverageRef, PayerRef


@strawberry.type(description="A payer's responsibility for the open part of an invoice.")
class Responsibility:
    id: strawberry.ID = output_field("records", "The responsibility's id.")
    number: int = output_field("records", "The number of the responsibility of its invoice, from 1.")
    payer: PayerRef = output_field("records", "The payer who owes, or owed, the open part.")
    coverage: CoverageRef | None = output_field(
        "records", "The coverage under which the payer owes it; null if none is named."
    )
    from_on: date = output_field("records", "The day from which the payer owes it.")
    until: date | None = output_field(
        "records", "The day from which the next payer owes it; null for the present payer."
    )
    reason: ResponsibilityReason = output_field("records", "Why the payer became responsible.")
    note: str | None = output_field("records", "A note about the transfer.")
    document_url: str | None = output_field(
        "records", "A signed URL of the letter of the payer before, valid for 15 minutes and until the session ends."
    )
    decided_by: User | None = output_field("records", "The user who made the transfer; null for the first payer.")
    recorded_at: datetime = output_field("records", "When it was recorded.")


@strawberry.type(description="An agreement with a payer on what is paid of the open part of an invoice.")
class Agreement:
    id: strawberry.ID = output_field("negotiation", "The agreement's id.")
    number: int = output_field("negotiation", "The number of the agreement of its invoice, from 1.")
    kind: AgreementKind = output_field("negotiation", "What was agreed upon.")
    amount: Decimal | None = output_field(
        "negotiation", "The negotiated amount in US dollars; null for other kinds of agreements."
    )
    agreed_on: date = output_field("negotiation", "The day of the agreement.")
    conditional_until: date | None = output_field("negotiation", "The day by which it must be paid, if it must be.")
    ended_on: date | None = output_field("negotiation", "The day on which it ended; null while it stands.")
    ended_by: AgreementEnd | None = output_field("negotiation", "How it ended; null while it stands.")
