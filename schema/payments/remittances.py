"""GraphQL types of remittances: what a payer says about its payments and claims, what became of each, and what it proposes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import UNSET

from domain.billing.ledger.facts import ResponsibilityReason
from permissions.classes import argument, input_field, output_field, query_field
from schema.access.users import User
from schema.commands import payload_of
from schema.connections import After, Before, Connection, First, Last, Node
from schema.payments.enums import PaymentMethod
from schema.payments.remittance_enums import (
    RemittanceLaw,
    RemittanceOrigin,
    RemittanceProposalKind,
    RemittanceStatus,
)
from schema.reading import compiled
from schema.records.cpt_codes import InvoiceLine
from schema.records.enums import AdjustmentGroup
from schema.references import ChequeRef, CoverageRef, InvoiceRef, PayerRef, RemittanceRef

_RULE = "records"


@strawberry.type(description="By how much a paid amount is below what was charged, and why.")
class RemittedAdjustment:
    group: AdjustmentGroup = output_field(_RULE, "Who is responsible for the amount.")
    reason_code: str = output_field(_RULE, "The claim adjustment reason code.")
    amount: Decimal = output_field(_RULE, "The amount in US dollars; negative where more is paid than was charged.")
    quantity: str | None = output_field(_RULE, "The quantity as a decimal string; null if the payer sends none.")


@strawberry.type(description="A line of a claim, as the payer sent it.")
class RemittedLine:
    place: int = output_field(_RULE, "The place of the line within the claim, from 1.")
    code: str = output_field(_RULE, "The procedure code.")
    modifiers: list[str] = output_field(_RULE, "Its modifiers.")
    charge: Decimal = output_field(_RULE, "What was charged, in US dollars.")
    paid: Decimal = output_field(_RULE, "What is paid, in US dollars.")
    units: str | None = output_field(_RULE, "The paid units as a decimal string; null if the payer sends none.")
    service_on: date | None = output_field(_RULE, "The day of service; null if the payer sends none.")
    reference: str | None = output_field(_RULE, "The clinic's reference of the line; null if the payer sends none.")
    line: InvoiceLine | None = output_field(
        _RULE, "The line of the invoice; null if it is not known, or if more than one may be meant."
    )
    adjustments: list[RemittedAdjustment] = output_field(_RULE, "Why less is paid than was charged.")
    remark_codes: list[str] = output_field(_RULE, "The remark codes.")


@strawberry.type(description="An adjustment of a payment that concerns no claim (provider level).")
class RemittedProviderAdjustment:
    code: str = output_field(_RULE, "The reason code.")
    amount: Decimal = output_field(_RULE, "The amount in US dollars; a positive amount lowers the payment.")
    reference: str | None = output_field(_RULE, "The payer's reference; null if there is none.")


@strawberry.type(description="Amounts of a payment that do not add up.")
class BrokenRemittanceLaw:
    law: RemittanceLaw = output_field(_RULE, "What does not hold.")
    stated: Decimal = output_field(_RULE, "The amount that the payer states, in US dollars.")
    computed: Decimal = output_field(_RULE, "What it should be by the payer's other amounts, in US dollars.")
    claim_place: int | None = output_field(
        _RULE, "The place of the claim within the payment, from 1; null where the payment is meant."
    )
    line_place: int | None = output_field(
        _RULE, "The place of the line within the claim, from 1; null where no line is meant."
    )


@strawberry.type(description="A payment of a remittance.")
class RemittancePayment:
    id: strawberry.ID = output_field(_RULE, "The id of the payment within the remittance.")
    place: int = output_field(_RULE, "The place of the payment within the remittance, from 1.")
    status: RemittanceStatus = output_field(_RULE, "What was found of the payment.")
    reason: str | None = output_field(_RULE, "Why the payment waits; null if it does not.")
    payer: PayerRef | None = output_field(_RULE, "The payer; null if it is not known.")
    payer_identifier: str | None = output_field(_RULE, "The number by which the payer identifies itself.")
    payer_name: str | None = output_field(_RULE, "The name that the payer gives itself.")
    trace: str = output_field(_RULE, "The trace number of the payment, or the number of the cheque.")
    method: PaymentMethod = output_field(_RULE, "How it is paid.")
    amount: Decimal = output_field(_RULE, "The amount of the payment in US dollars.")
    paid_on: date = output_field(_RULE, "The day of the payment.")
    broken_laws: list[BrokenRemittanceLaw] = output_field(
        _RULE, "What of the amounts does not add up; empty if all of it does."
    )
    provider_adjustments: list[RemittedProviderAdjustment] = output_field(
        _RULE, "The adjustments that concern no claim."
    )
    cheque: ChequeRef | None = output_field(_RULE, "The payment as it was recorded; null until it is posted.")
    is_attached: bool = output_field(
        _RULE, "Whether it was recorded by hand before it was posted; what was allocated then counts."
    )
    posted_at: datetime | None = output_field(_RULE, "When it was posted first; null if it is not posted.")
    posted_by: User | None = output_field(_RULE, "The user who posted it first.")


@strawberry.type(description="What a posted claim proposes. It does not happen by itself: somebody has to do the step.")
class RemittanceProposal:
    kind: RemittanceProposalKind = output_field(_RULE, "What is proposed.")
    amount: Decimal | None = output_field(
        _RULE, "The amount that may be transferred, in US dollars; null for a coverage."
    )
    invoice: InvoiceRef = output_field(_RULE, "The invoice, for the step.")
    coverage: CoverageRef | None = output_field(
        _RULE,
        "The coverage that is used up, with what remains of it; of a transfer the next active coverage of the case, null if there is "
        "none.",
    )
    payer: PayerRef | None = output_field(
        _RULE,
        "The payer of the coverage; of a transfer without a coverage the firm of the attorney who represents the case; null if nobody "
        "is proposed.",
    )
    reason: ResponsibilityReason | None = output_field(
        _RULE, "The reason of the transfer, for the step; null for a coverage."
    )


@strawberry.type(description="A claim of a remittance: what the payer says of an invoice.")
class RemittanceClaim(Node):
    id: strawberry.ID = output_field(_RULE, "The claim's id.")
    remittance: RemittanceRef = output_field(_RULE, "The remittance.")
    payment: RemittancePayment = output_field(_RULE, "The payment that pays it.")
    place: int = output_field(_RULE, "The place of the claim within the remittance, from 1.")
    status: RemittanceStatus = output_field(_RULE, "What was found of the claim.")
    reason: str | None = output_field(_RULE, "Why the claim waits; null if nothing is known that stands in the way.")
    is_waiting: bool = output_field(_RULE, "Whether it is neither posted nor closed, and no duplicate.")
    is_posted: bool = output_field(_RULE, "Whether it is posted.")
    number: str = output_field(_RULE, "The number of the invoice, as the payer sent it.")
    status_code: str = output_field(_RULE, "The payer's status of the claim.")
    charge_amount: Decimal = output_field(_RULE, "What was charged, in US dollars.")
    paid_amount: Decimal = output_field(_RULE, "What is paid, in US dollars; negative where money is taken back.")
    patient_amount: Decimal = output_field(_RULE, "What the patient is responsible for, in US dollars.")
    payer_number: str | None = output_field(_RULE, "The payer's own number of the claim.")
    adjustments: list[RemittedAdjustment] = output_field(_RULE, "The adjustments of the claim as a whole.")
    remark_codes: list[str] = output_field(_RULE, "The remark codes of the claim as a whole.")
    lines: list[RemittedLine] = output_field(_RULE, "Its lines.")
    invoice: InvoiceRef | None = output_field(_RULE, "The invoice; null if it is not known.")
    coverage: CoverageRef | None = output_field(
        _RULE, "The coverage under which it is posted; null if there is none, or none is chosen yet."
    )
    posted_at: datetime | None = output_field(_RULE, "When it was posted; null if it is not.")
    posted_by: User | None = output_field(_RULE, "The user who posted it.")
    closed_at: datetime | None = output_field(_RULE, "When it was closed without being posted; null if it was not.")
    closed_by: User | None = output_field(_RULE, "The user who closed it.")
    closing_reason: str | None = output_field(_RULE, "Why it was closed.")
    proposals: list[RemittanceProposal] = output_field(
        _RULE, "What it proposes now, as the last posted claim of the invoice."
    )


RemittanceClaimConnection = Connection[RemittanceClaim]


@strawberry.input(description="Filter for claims of remittances; all conditions must be met.")
class RemittanceClaimFilter:
    status: list[RemittanceStatus] | None = input_field(
        ("RemittanceClaim.status",), "Only claims with one of these statuses."
    )
    is_posted: bool | None = input_field(
        ("RemittanceClaim.isPosted",), "If true, only posted claims; if false, only the others."
    )
    is_waiting: bool | None = input_field(
        ("RemittanceClaim.isWaiting",), "If true, only claims that wait; if false, only the others."
    )
    invoice_id: list[strawberry.ID] | None = input_field(
        ("RemittanceClaim.invoice", "Invoice.id"), "Only claims of these invoices."
    )
    remittance_id: list[strawberry.ID] | None = input_field(
        ("RemittanceClaim.remittance", "Remittance.id"), "Only claims of these remittances."
    )


@strawberry.type(
    description="A remittance: what one or more payments of payers pay, and why less is paid than was charged."
)
class Remittance(Node):
    id: strawberry.ID = output_field(_RULE, "The remittance's id.")
    origin: RemittanceOrigin = output_field(_RULE, "How it reached the clinic.")
    file_name: str | None = output_field(_RULE, "The name of the file; null if there is none.")
    imported_at: datetime = output_field(_RULE, "When it was recorded.")
    imported_by: User = output_field(_RULE, "The user who recorded it.")
    document_url: str | None = output_field(
        _RULE, "A signed URL of the file, valid for 15 minutes and until the session ends; null if there is none."
    )
    problems: list[str] = output_field(_RULE, "What of the file could not be read; of that, nothing is kept.")
    claim_count: int = output_field(_RULE, "The number of its claims.")
    posted_count: int = output_field(_RULE, "How many of them are posted.")
    waiting_count: int = output_field(_RULE, "How many of them wait.")
    payments: list[RemittancePayment] = output_field(_RULE, "Its payments, in their order.")

    @query_field(_RULE, "Its claims, in their order.")
    def claims(
        self,
        filter: Annotated[RemittanceClaimFilter | None, argument("Only claims that match this filter.", _RULE)] = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> RemittanceClaimConnection:
        return compiled()


RemittanceConnection = Connection[Remittance]


@strawberry.input(description="Filter for remittances; all conditions must be met.")
class RemittanceFilter:
    waiting: bool | None = input_field(
        ("Remittance.waitingCount",), "If true, only remittances with claims that wait; if false, only the others."
    )
    origin: list[RemittanceOrigin] | None = input_field(("Remittance.origin",), "Only remittances of these origins.")


RemittancePayload: Any = payload_of(
    Remittance,
    "staff",
    "remittance",
    description="The result of importing, recording or posting a remittance.",
    warns=True,
)
RemittanceClaimPayload: Any = payload_of(RemittanceClaim, "staff", "claim", rejected="change")
