"""GraphQL inputs and mutations that create an invoice or change it without a transition: its lines, limits and notes."""

from datetime import date
from decimal import Decimal
from typing import Any

import strawberry
from strawberry.tools import create_type

from permissions.classes import input_field
from resolvers.commands.billing import invoices
from schema.billing.invoices import Invoice
from schema.billing.lines import DUPLICATE, DUPLICATE_REASON, InvoiceLineInput
from schema.commands import command, payload_of
from schema.keys import VERSION, key

_INVOICE = "The id of the invoice."
_LINES = "The lines to bill."


@strawberry.input(description="A new invoice.")
class CreateInvoiceInput:
    case_id: strawberry.ID = input_field("staff", "The id of the case.")
    payer_id: strawberry.ID = input_field("staff", "The payer of the invoice.")
    service_date: date = input_field("staff", "The day of service; prices depend on it.")
    encounter_id: strawberry.ID | None = input_field(
        "staff", "The visit to bill; it defines the physician and the facility."
    )
    physician_id: strawberry.ID | None = input_field("staff", "The treating physician.")
    facility_id: strawberry.ID | None = input_field("staff", "The facility of the treatment; prices depend on it.")
    lines: list[InvoiceLineInput] | None = input_field(
        "staff", f"{_LINES} Without lines, every exam of the visit that has a code is billed."
    )
    confirm_duplicate: bool = input_field("staff", DUPLICATE, default=False)
    duplicate_reason: str | None = input_field("administration", DUPLICATE_REASON)
    confirm_reason: str | None = input_field(
        "administration", "Confirms treatment before the day of injury, with the reason; only administrators can."
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="New lines for an invoice that has not been submitted yet or was denied by its payer.")
class ReplaceInvoiceLinesInput:
    invoice_id: strawberry.ID = input_field("staff", _INVOICE)
    lines: list[InvoiceLineInput] = input_field("staff", _LINES)
    confirm_duplicate: bool = input_field("staff", DUPLICATE, default=False)
    duplicate_reason: str | None = input_field("administration", DUPLICATE_REASON)
    version: int | None = input_field("staff", VERSION)
    idempotency_key: str | None = key("staff")


@strawberry.input(
    description="The clinic's limits for a negotiation; omitted fields stay as they are, null clears a field."
)
class SetNegotiationLimitsInput:
    invoice_id: strawberry.ID = input_field("staff", _INVOICE)
    floor_amount: Decimal | None = input_field(
        "staff", "The lowest amount that the clinic would accept, in US dollars."
    )
    target_amount: Decimal | None = input_field("staff", "The amount that the clinic aims for, in US dollars.")
    version: int | None = input_field("staff", VERSION)
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A note about an invoice, for billing staff only.")
class AddInternalNoteInput:
    invoice_id: strawberry.ID = input_field("staff", _INVOICE)
    body: str = input_field("staff", "The text of the note.")
    idempotency_key: str | None = key("staff")


InvoicePayload: Any = payload_of(Invoice, "staff", "invoice", warns=True)


CreationMutations: Any = create_type(
    "CreationMutations",
    [
        command(
            "create_invoice",
            invoices.create,
            "Create an invoice for an open case. It gets the next invoice number of the year.",
            CreateInvoiceInput,
            "The new invoice.",
            InvoicePayload,
        ),
        command(
            "replace_invoice_lines",
            invoices.replace_lines,
            "Replace the lines of an invoice that has not been submitted or was denied.",
            ReplaceInvoiceLinesInput,
            "The invoice and its new lines.",
            InvoicePayload,
        ),
    ],
)


NoteMutations: Any = create_type(
    "NoteMutations",
    [
        command(
            "set_negotiation_limits",
            invoices.set_limits,
            "Set the limits of a negotiation.",
            SetNegotiationLimitsInput,
            "The invoice and the limits.",
            InvoicePayload,
        ),
        command(
            "add_internal_note",
            invoices.add_note,
            "Add an internal note to an invoice.",
            AddInternalNoteInput,
            "The invoice and the note.",
            InvoicePayload,
        ),
    ],
)
