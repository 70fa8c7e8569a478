"""GraphQL types, filters and mutations of cheques and of their allocations to invoices."""

from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

from permissions.classes import input_field, output_field
from schema.commands import payload_of
from schema.connections import Connection, Node
from schema.references import ChequeAllocationRef, CoverageRef, InvoiceRef, PayerRef


@strawberry.type(description="A cheque received from a payer.")
class Cheque(Node):
    id: strawberry.ID = output_field("records", "The cheque's id.")
    number: str = output_field("records", "The number printed on the cheque.")
    amount: Decimal = output_field("records", "The amount of the cheque in US dollars.")
    unapplied_amount: Decimal = output_field(
        "records", "The part of the amount that is not allocated to an invoice yet, in US dollars."
    )
    cheque_date: date = output_field("records", "The day written on the cheque.")
    received_on: date = output_field("records", "The day on which the clinic received it.")
    returned_on: date | None = output_field(
        "records", "The day on which the bank returned it unpaid (a bounced cheque); null if it did not."
    )
    payer: PayerRef = output_field("records", "The payer who sent it.")
    allocations: list[ChequeAllocationRef] = output_field(
        "records", "The invoices that it pays, with the amount for each."
    )
    document_url: str | None = output_field(
        "records",
        "A signed URL of the scan, valid for 15 minutes and until the session ends; null for an imported cheque.",
    )


ChequeConnection = Connection[Cheque]


@strawberry.input(description="Filter for cheques; all conditions must be met.")
class ChequeFilter:
    payer_id: list[strawberry.ID] | None = input_field(("Cheque.payer", "Payer.id"), "Only cheques of these payers.")
    number: str | None = input_field(("Cheque.number",), "The start of the number printed on the cheque.")
    received_from: date | None = input_field(("Cheque.receivedOn",), "Only cheques received on or after this day.")
    received_to: date | None = input_field(("Cheque.receivedOn",), "Only cheques received on or before this day.")
    unapplied: bool | None = input_field(
        ("Cheque.unappliedAmount",),
        "If true, only cheques with an unallocated amount; if false, only fully allocated cheques.",
    )
    returned: bool | None = input_field(
        ("Cheque.returnedOn",), "If true, only cheques that the bank returned unpaid; if false, only the others."
    )


@strawberry.type(
    description="The part of a cheque that pays one invoice. A returned cheque adds the same allocation with a "
    "negative amount."
)
class ChequeAllocation:
    id: strawberry.ID = output_field("records", "The allocation's id.")
    amount: Decimal = output_field(
        "records", "The amount that pays the invoice, in US dollars; negative if it reverses a payment."
    )
    effective_on: date = output_field("records", "The day from which it counts.")
    cheque: Cheque = output_field("records", "The cheque to which it belongs.")
    invoice: InvoiceRef = output_field("records", "The invoice it pays.")
    coverage: CoverageRef | None = output_field(
        "records", "The payer's coverage under which it counts; null if the payer has none in the case of the invoice."
    )


ChequePayload: Any = payload_of(
    Cheque, "staff", "cheque", description="The result of recording or changing a cheque.", warns=True
)
