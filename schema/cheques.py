"""Decides what is said of cheques and of what they pay."""

from datetime import date
from decimal import Decimal

import strawberry

from permissions.classes import given, shown
from schema.connections import Connection, Node
from schema.references import ChequeAllocationRef, InvoiceRef, PayerRef


@strawberry.type(description="A cheque that a payer sent.")
class Cheque(Node):
    id: strawberry.ID = shown("records", "The cheque's id.")
    number: str = shown("records", "The number printed on the cheque.")
    amount: Decimal = shown("records", "What the cheque is worth.")
    unapplied_amount: Decimal = shown("records", "What of it pays no invoice yet.")
    cheque_date: date = shown("records", "The day written on the cheque.")
    received_on: date = shown("records", "The day on which it came in.")
    returned_on: date | None = shown("records", "The day on which the bank returned it unpaid.")
    payer: PayerRef = shown("records", "Who sent it.")
    allocations: list[ChequeAllocationRef] = shown("records", "Which invoices it pays, and how much of each.")
    document_url: str | None = shown(
        "records",
        "Where its scan is fetched, for 15 minutes and by whoever asked; nothing for a cheque from an import.",
    )


ChequeConnection = Connection[Cheque]


@strawberry.input(description="Which cheques are wanted; every condition narrows further.")
class ChequeFilter:
    payer_id: list[strawberry.ID] | None = given(("Cheque.payer", "Payer.id"), "Only cheques of these payers.")
    number: str | None = given(("Cheque.number",), "The beginning of the number printed on the cheque.")
    received_from: date | None = given(("Cheque.receivedOn",), "Only cheques that came in on this day or later.")
    received_to: date | None = given(("Cheque.receivedOn",), "Only cheques that came in on this day or earlier.")
    unapplied: bool | None = given(("Cheque.unappliedAmount",), "Whether a part of it pays no invoice yet.")
    returned: bool | None = given(("Cheque.returnedOn",), "Whether the bank returned it unpaid.")


@strawberry.type(
    description="The part of a cheque that pays one invoice; a returned cheque adds the same part with a minus."
)
class ChequeAllocation:
    id: strawberry.ID = shown("records", "The allocation's id.")
    amount: Decimal = shown("records", "How much of the invoice it pays; negative when it takes a payment back.")
    effective_on: date = shown("records", "The day from which it counts.")
    cheque: Cheque = shown("records", "The cheque it is part of.")
    invoice: InvoiceRef = shown("records", "The invoice it pays.")
