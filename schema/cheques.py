"""Decides what is said of cheques and of what they pay."""

from datetime import date
from decimal import Decimal

import strawberry

from permissions.classes import shown
from schema.connections import Node
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


@strawberry.type(
    description="The part of a cheque that pays one invoice; a returned cheque adds the same part with a minus."
)
class ChequeAllocation:
    id: strawberry.ID = shown("records", "The allocation's id.")
    amount: Decimal = shown("records", "How much of the invoice it pays; negative when it takes a payment back.")
    effective_on: date = shown("records", "The day from which it counts.")
    cheque: Cheque = shown("records", "The cheque it is part of.")
    invoice: InvoiceRef = shown("records", "The invoice it pays.")
