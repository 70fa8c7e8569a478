"""GraphQL types and mutations of recoupment: rows of payments that concern no claim, and money that payers ask back."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands.payments import recoupment
from schema.access.users import User
from schema.commands import command, payload_of
from schema.connections import Connection, Node
from schema.enums import Direction
from schema.keys import key
from schema.payments.enums import RecoupmentRequestOrderField, RecoupmentStatus, RecoupmentStep, RowReversal
from schema.payments.refunds import Refund
from schema.references import ChequeRef, InvoiceRef, PayerRef, ProviderAdjustmentRef


@strawberry.type(
    description="A row of a payment that concerns no claim (provider-level adjustment, PLB), as its remittance states it. "
    "It is recorded once and never changed."
)
class ProviderAdjustment(Node):
    id: strawberry.ID = output_field("records", "The id of the row.")
    cheque: ChequeRef = output_field("records", "The payment.")
    code: str = output_field(
        "records", "The code that the payer gives; LOSS where the clinic gave up what the payer owes it after a refund."
    )
    reference: str | None = output_field("records", "The reference that the payer gives; null if it gives none.")
    amount: Decimal = output_field(
        "records", "The amount in US dollars: a positive one lowers the payment, a negative one raises it."
    )
    effective_on: date = output_field("records", "The day from which it counts.")
    note: str | None = output_field("records", "A note; null if there is none.")
    reversal_kind: RowReversal | None = output_field(
        "records", "Of a row that reverses another one, why; null if it reverses none."
    )
    reverses: ProviderAdjustmentRef | None = output_field(
        "records", "The row that it reverses; null if it reverses none."
    )
    recorded_by: User | None = output_field("records", "The user who recorded it; null if it was imported.")


@strawberry.type(
    description="An answer to a recoupment request, or what became of it later; recorded once and never changed."
)
class RecoupmentAnswer:
    step: RecoupmentStep = output_field("records", "What was answered, or what happened.")
    answered_on: date = output_field("records", "The day of it.")
    amount: Decimal | None = output_field(
        "records",
        "What of the request it answers, in US dollars; negative if it takes an answer back, and null if it is no payment.",
    )
    refund: Refund | None = output_field("records", "The refund that answers; null if none does.")
    provider_adjustment: ProviderAdjustment | None = output_field(
        "records", "The row of a later payment by which the payer withheld the money; null if there is none."
    )
    due_on: date | None = output_field(
        "records", "The new due day, after an appeal that was refused; null if it stays."
    )
    note: str | None = output_field("records", "A note; null if there is none.")
    document_url: str | None = output_field(
        "records",
        "A signed URL of its document, valid for 15 minutes and until the session ends; null if there is none.",
    )
    answered_by: User | None = output_field("records", "The user who recorded it; null if it was imported.")


@strawberry.type(description="A request of a payer to pay money back (recoupment).")
class RecoupmentRequest(Node):
    id: strawberry.ID = output_field("records", "The id of the request.")
    payer: PayerRef = output_field("records", "The payer who asks.")
    cheque: ChequeRef | None = output_field("records", "The payment that it asks back; null if it names none.")
    invoice: InvoiceRef | None = output_field("records", "The invoice that was paid; null if it names none.")
    reference: str | None = output_field("records", "The payer's reference; null if it has none.")
    amount: Decimal = output_field("records", "The amount that is asked back, in US dollars.")
    open_amount: Decimal = output_field(
        "records",
        "What of the amount is neither refunded nor withheld, in US dollars; 0 once the request is withdrawn.",
    )
    reason: str = output_field("records", "Why the payer asks for it.")
    requested_on: date = output_field("records", "The day of the request.")
    due_on: date = output_field("records", "The day by which it is to be answered.")
    document_url: str | None = output_field(
        "records",
        "A signed URL of the letter, valid for 15 minutes and until the session ends; null if there is none.",
    )
    status: RecoupmentStatus = output_field("records", "Where it stands.")
    answers: list[RecoupmentAnswer] = output_field("records", "What became of it, oldest first.")
    proposed_adjustments: list[ProviderAdjustment] = output_field(
        "records",
        "Rows of the payer's payments that may answer it, oldest first: they lower the payment, answer no request yet, and name "
        "its reference, its invoice or its payment. Empty once it is answered.",
    )
    recorded_at: datetime = output_field("records", "When it was recorded.")
    recorded_by: User | None = output_field("records", "The user who recorded it; null if it was imported.")


RecoupmentRequestConnection = Connection[RecoupmentRequest]


@strawberry.input(description="Filter for recoupment requests; all conditions must be met.")
class RecoupmentRequestFilter:
    payer_id: list[strawberry.ID] | None = input_field(
        ("RecoupmentRequest.payer", "Payer.id"), "Only requests of these payers."
    )
    cheque_id: strawberry.ID | None = input_field(
        ("RecoupmentRequest.cheque", "Cheque.id"), "Only requests for this payment."
    )
    invoice_id: strawberry.ID | None = input_field(
        ("RecoupmentRequest.invoice", "Invoice.id"), "Only requests about this invoice."
    )
    status: list[RecoupmentStatus] | None = input_field(
        ("RecoupmentRequest.status",), "Only requests with one of these statuses."
    )
    requested_from: date | None = input_field(
        ("RecoupmentRequest.requestedOn",), "Only requests made on or after this day."
    )
    requested_to: date | None = input_field(
        ("RecoupmentRequest.requestedOn",), "Only requests made on or before this day."
    )
    due_to: date | None = input_field(("RecoupmentRequest.dueOn",), "Only requests due on or before this day.")


@strawberry.input(description="The sort order of recoupment requests.")
class RecoupmentRequestOrder:
    field: RecoupmentRequestOrderField = input_field("records", "The field to sort by.")
    direction: Direction = input_field("records", "The sort direction.")


@strawberry.input(description="A request of a payer to pay money back.")
class RecordRecoupmentRequestInput:
    payer_id: strawberry.ID = input_field("staff", "The payer who asks.")
    cheque_id: strawberry.ID | None = input_field("staff", "The payment that it asks back, if it names one.")
    invoice_id: strawberry.ID | None = input_field("staff", "The invoice that was paid, if the payer names one.")
    reference: str | None = input_field("staff", "The payer's reference.")
    amount: Decimal = input_field("staff", "The amount in US dollars.")
    reason: str = input_field("staff", "Why the payer asks for it.")
    requested_on: date = input_field("staff", "The day of the request.")
    due_on: date = input_field("staff", "The day by which it is to be answered.")
    document_id: strawberry.ID | None = input_field("staff", "The id of the uploaded letter.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="The answer to a recoupment request, or what the payer did next.")
class AnswerRecoupmentRequestInput:
    request_id: strawberry.ID = input_field("staff", "The id of the request.")
    step: RecoupmentStep = input_field("staff", "What was answered, or what happened.")
    answered_on: date | None = input_field("staff", "The day of it; today by default.")
    refund_id: strawberry.ID | None = input_field("staff", "For REFUND, the refund of the money.")
    provider_adjustment_id: strawberry.ID | None = input_field(
        "staff", "For WITHHOLDING, the row of a later payment by which the payer withheld the money."
    )
    due_on: date | None = input_field("staff", "For APPEAL_REFUSED, the new due day; it stays by default.")
    note: str | None = input_field("staff", "A note.")
    document_id: strawberry.ID | None = input_field("staff", "The id of an uploaded document about it.")
    idempotency_key: str | None = key("staff")


RecoupmentRequestPayload: Any = payload_of(RecoupmentRequest, "staff", "recoupment request")


RecoupmentMutations: Any = create_type(
    "RecoupmentMutations",
    [
        command(
            "record_recoupment_request",
            recoupment.record,
            "Record that a payer asks for money back.",
            RecordRecoupmentRequestInput,
            "The new request.",
            RecoupmentRequestPayload,
        ),
        command(
            "answer_recoupment_request",
            recoupment.answer,
            "Record the answer to a recoupment request, or what the payer did next.",
            AnswerRecoupmentRequestInput,
            "The request and the answer.",
            RecoupmentRequestPayload,
        ),
    ],
)
