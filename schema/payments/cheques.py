"""GraphQL types and filters of cheques (payments by any method) and of their allocations to invoices."""

from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

from permissions.classes import input_field, output_field
from schema.commands import payload_of
from schema.connections import Connection, Node
from schema.forms.actions import Action
from schema.payments.enums import ChequeStatus, PaymentMethod, ReturnKind, ReversalKind
from schema.payments.refunds import Refund
from schema.references import (
    ChequeAllocationRef,
    ChequeRef,
    CoverageRef,
    DepositRef,
    InvoiceRef,
    PayerRef,
    ProviderAdjustmentRef,
    RecoupmentRequestRef,
)


@strawberry.type(description="A payment received from a payer: a cheque, an electronic payment, or cash.")
class Cheque(Node):
    id: strawberry.ID = output_field("records", "The cheque's id.")
    method: PaymentMethod = output_field("records", "How it was paid.")
    number: str = output_field(
        "records",
        "The number printed on the cheque, the reference of an electronic payment, or the clinic's receipt number for cash.",
    )
    bank: str | None = output_field("records", "The bank or account on which it is drawn; null if that is not known.")
    status: ChequeStatus = output_field("records", "Whether it is money.")
    amount: Decimal = output_field("records", "The amount of the payment in US dollars.")
    unapplied_amount: Decimal = output_field(
        "records",
        "The part of the amount that is neither allocated to an invoice nor refunded, and not what a row of the remittance takes off, "
        "in US dollars. It is 0 while a cheque is held, and negative if it was returned after a refund.",
    )
    cheque_date: date = output_field(
        "records", "The day written on the cheque, or the settlement day of an electronic payment."
    )
    received_on: date = output_field(
        "records",
        "The day on which the clinic received it. A held cheque is received on the day of its deposit; until then, this is the "
        "day on which it arrived.",
    )
    held_from: date | None = output_field(
        "records", "The day on which a post-dated cheque arrived; null if it was not post-dated."
    )
    deposited_on: date | None = output_field("records", "The day of its deposit; null if it was not deposited.")
    deposit: DepositRef | None = output_field("records", "Its deposit; null if it was not deposited.")
    cleared_on: date | None = output_field(
        "records", "The day on which the bank cleared it; null if that is not known."
    )
    returned_on: date | None = output_field("records", "The day on which it was returned unpaid; null if it was not.")
    corrects: ChequeRef | None = output_field(
        "records", "The payment that was typed wrong, in whose place this one stands; null if there is none."
    )
    corrected_by: ChequeRef | None = output_field(
        "records", "The payment that stands in the place of this one, which was typed wrong; null if there is none."
    )
    correction_reason: str | None = output_field(
        "records", "What was typed wrong of the payment that this one corrects; null if there is none."
    )
    return_kind: ReturnKind | None = output_field("records", "Why it was returned; null if it was not.")
    is_bounced: bool = output_field(
        "records",
        "Whether the bank returned it for lack of funds (a bounced cheque); no other return counts as bounced.",
    )
    replaces: ChequeRef | None = output_field(
        "records", "The returned payment that it replaces; null if it replaces none."
    )
    replaced_by: list[ChequeRef] = output_field("records", "The payments that replace it.")
    payer: PayerRef = output_field("records", "The payer who sent it.")
    allocations: list[ChequeAllocationRef] = output_field(
        "records", "The invoices that it pays, with the amount for each."
    )
    refunds: list[Refund] = output_field("records", "What was paid back of it, oldest first.")
    provider_adjustments: list[ProviderAdjustmentRef] = output_field(
        "records", "The rows of its remittance that concern no claim (PLB), oldest first."
    )
    recoupment_requests: list[RecoupmentRequestRef] = output_field(
        "records", "The requests of its payer to pay it back, oldest first."
    )
    available_actions: list[Action] = output_field(
        "workflow", "What you may do with the payment as it is now, with the form of each mutation."
    )
    document_url: str | None = output_field(
        "records",
        "A signed URL of the scan, valid for 15 minutes and until the session ends; null if there is none, as for an imported cheque.",
    )


ChequeConnection = Connection[Cheque]


@strawberry.input(description="Filter for cheques; all conditions must be met.")
class ChequeFilter:
    payer_id: list[strawberry.ID] | None = input_field(("Cheque.payer", "Payer.id"), "Only cheques of these payers.")
    number: str | None = input_field(("Cheque.number",), "The start of the number or reference.")
    method: list[PaymentMethod] | None = input_field(("Cheque.method",), "Only payments by one of these methods.")
    status: list[ChequeStatus] | None = input_field(("Cheque.status",), "Only payments with one of these statuses.")
    received_from: date | None = input_field(("Cheque.receivedOn",), "Only cheques received on or after this day.")
    received_to: date | None = input_field(("Cheque.receivedOn",), "Only cheques received on or before this day.")
    deposit_id: strawberry.ID | None = input_field(("Cheque.deposit", "Deposit.id"), "Only payments of this deposit.")
    deposited: bool | None = input_field(
        ("Cheque.deposit",), "If true, only payments of a deposit; if false, only those that were not deposited."
    )
    unapplied: bool | None = input_field(
        ("Cheque.unappliedAmount",),
        "If true, only cheques with an unapplied amount; if false, only the others.",
    )
    corrected: bool | None = input_field(
        ("Cheque.correctedBy", "Cheque.status"),
        "If true, only payments that were typed wrong, in whose place others stand; if false, only the others.",
    )
    returned: bool | None = input_field(
        ("Cheque.returnedOn",), "If true, only cheques that were returned unpaid; if false, only the others."
    )


@strawberry.type(
    description="The part of a payment that pays one invoice. A returned cheque adds the same allocation with a "
    "negative amount, and so does a correction or a move."
)
class ChequeAllocation:
    id: strawberry.ID = output_field("records", "The allocation's id.")
    amount: Decimal = output_field(
        "records", "The amount that pays the invoice, in US dollars; negative if it reverses a payment."
    )
    effective_on: date = output_field("records", "The day from which it counts.")
    reversal_kind: ReversalKind | None = output_field(
        "records", "Why it reverses a payment; null if it does not. A correction or a move is no return."
    )
    cheque: Cheque = output_field("records", "The cheque to which it belongs.")
    invoice: InvoiceRef = output_field("records", "The invoice it pays.")
    coverage: CoverageRef | None = output_field(
        "records", "The payer's coverage under which it counts; null if the payer has none in the case of the invoice."
    )


ChequePayload: Any = payload_of(
    Cheque, "staff", "cheque", description="The result of recording or changing a cheque.", warns=True
)
