"""GraphQL types of negotiations, adjustments, denials and internal notes of an invoice; the mutations that appeal and close a denial."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands.billing import denials
from schema.access.users import User
from schema.billing.enums import AdjustmentKind, DenialOutcome, DenialStatus
from schema.billing.responsibility import Agreement
from schema.commands import command, payload_of
from schema.enums import OfferStatus, Party
from schema.keys import key
from schema.records.cpt_codes import InvoiceLine
from schema.records.enums import AdjustmentGroup
from schema.references import ChequeRef, InvoiceRef

_REASON = "The claim adjustment reason code, or the payer's own code."
_RECOVERED = "What the payer pays after all, in US dollars; null if it pays nothing."


@strawberry.type(description="A step in the life of a denial: an appeal, or an outcome.")
class DenialEvent:
    id: strawberry.ID = output_field("records", "The step's id.")
    number: int = output_field("records", "The number of the step of its denial, from 1.")
    status: DenialStatus = output_field("records", "The status of the denial from then on.")
    happened_on: date = output_field("records", "The day of the appeal, or of the outcome.")
    amount_recovered: Decimal | None = output_field("records", _RECOVERED)
    note: str | None = output_field("records", "A note about the step.")
    document_url: str | None = output_field(
        "records",
        "A signed URL of the letter, valid for 15 minutes and until the session ends; null if there is none.",
    )
    recorded_by: User | None = output_field(
        "records", "The user who recorded it; null if a migration or an import did."
    )
    recorded_at: datetime = output_field("records", "When it was recorded.")


@strawberry.type(description="A denial: the payer refuses to pay, in full or in part.")
class Denial:
    id: strawberry.ID = output_field("records", "The denial's id.")
    invoice: InvoiceRef = output_field("records", "The invoice that is denied.")
    denied_on: date = output_field("records", "The day of the denial.")
    group: AdjustmentGroup | None = output_field(
        "records", "The group of the denial, as a remittance says it; null if it is not known."
    )
    reason_code: str = output_field("records", _REASON)
    remark_codes: list[str] = output_field("records", "The remark codes that come with the reason.")
    line: InvoiceLine | None = output_field(
        "records", "The line that is denied; null if the denial is of the whole invoice."
    )
    amount: Decimal | None = output_field(
        "records", "The denied amount in US dollars; null if the whole invoice, or the whole line, was denied."
    )
    is_first: bool = output_field(
        "records", "Whether it is the first denial of the invoice, by its day, by the payer who was responsible then."
    )
    status: DenialStatus = output_field("records", "What has become of it.")
    cheque: ChequeRef | None = output_field("records", "The payment with which it came; null if it came without one.")
    note: str | None = output_field("records", "The note of billing staff about the denial.")
    appeal_due_on: date | None = output_field("records", "The last day for an appeal; null if there is none.")
    appealed_on: date | None = output_field("records", "The day of the last appeal; null if there was none.")
    closed_on: date | None = output_field("records", "The day of the outcome; null while it is OPEN or APPEALED.")
    amount_recovered: Decimal | None = output_field("records", _RECOVERED)
    events: list[DenialEvent] = output_field("records", "Its appeals and outcomes, oldest first.")
    recorded_by: User | None = output_field("records", "The user who recorded it.")


@strawberry.type(
    description="An adjustment of an invoice: an amount that is no longer due, although it was neither paid, negotiated nor written off."
)
class Adjustment:
    id: strawberry.ID = output_field("records", "The adjustment's id.")
    number: int = output_field("records", "The number of the adjustment of its invoice, from 1.")
    kind: AdjustmentKind = output_field("records", "The kind of adjustment.")
    amount: Decimal = output_field(
        "records", "By how much less is due, in US dollars; negative where an adjustment is taken back."
    )
    adjusted_on: date = output_field("records", "The day from which it counts.")
    group: AdjustmentGroup | None = output_field(
        "records", "The group, as a remittance says it; null for a small balance."
    )
    reason_code: str | None = output_field("records", f"{_REASON} Null for a small balance.")
    remark_codes: list[str] = output_field("records", "The remark codes that come with the reason.")
    line: InvoiceLine | None = output_field("records", "The line that is adjusted; null if it is the whole invoice.")
    cheque: ChequeRef | None = output_field("records", "The payment with which it came; null if it came without one.")
    note: str | None = output_field("records", "A note about the adjustment.")
    decided_by: User | None = output_field("records", "The user who recorded it; null if it was imported.")
    recorded_at: datetime = output_field("records", "When it was recorded.")


_DENIAL = "The id of the denial."
_NOTE = "A note about it."


@strawberry.input(description="An appeal against a denial.")
class AppealDenialInput:
    denial_id: strawberry.ID = input_field("staff", _DENIAL)
    appealed_on: date = input_field("staff", "The day of the appeal.")
    document_id: strawberry.ID | None = input_field("staff", "The id of the uploaded letter of appeal.")
    note: str | None = input_field("staff", _NOTE)
    idempotency_key: str | None = key("staff")


@strawberry.input(description="The outcome of a denial.")
class CloseDenialInput:
    denial_id: strawberry.ID = input_field("staff", _DENIAL)
    outcome: DenialOutcome = input_field("staff", "How it ended.")
    closed_on: date = input_field("staff", "The day of the outcome.")
    amount_recovered: Decimal | None = input_field(
        "staff",
        "What the payer pays after all, in US dollars: of a PARTIAL denial required, of an OVERTURNED one the denied amount by default.",
    )
    note: str | None = input_field("staff", _NOTE)
    idempotency_key: str | None = key("staff")


DenialPayload: Any = payload_of(Denial, "staff", "denial", warns=True)
DenialMutations: Any = create_type(
    "DenialMutations",
    [
        command(
            "appeal_denial",
            denials.appeal,
            "Record an appeal against a denial. One after the last day for an appeal is recorded with a warning.",
            AppealDenialInput,
            "The denial and its appeal.",
            DenialPayload,
        ),
        command(
            "close_denial",
            denials.close,
            "Record the outcome of a denial, with or without an appeal before. Money that the payer sends after all is recorded as a "
            "payment; the last outcome counts.",
            CloseDenialInput,
            "The denial and its outcome.",
            DenialPayload,
        ),
    ],
)


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
