"""Decides what creating an invoice, and changing it besides its state, asks of billing staff."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import Info

from permissions.actions import ACTIONS
from permissions.classes import done, given, takes
from resolvers import invoices
from resolvers.writing import run
from schema.keys import key
from schema.payloads import InvoicePayload

_INVOICE = "The invoice that is meant."
_VERSION = "The version that was read; the step is refused when somebody has changed the invoice since."
_LINES = "What is billed, line by line."


@strawberry.input(description="One line to be billed. Its price is that of the day of service, or set by hand.")
class InvoiceLineInput:
    code: str = given("treatment", "The code, as in the master list.")
    units: int = given("treatment", "How often it was done, 1 to 999.", default=1)
    bilateral: bool = given("treatment", "Whether it was done on both sides.", default=False)
    override_price: Decimal | None = given("staff", "A price of one unit set by hand; it needs a reason.")
    override_reason: str | None = given("staff", "Why the price is set by hand.")


@strawberry.input(description="An invoice to be created.")
class CreateInvoiceInput:
    case_id: strawberry.ID = given("staff", "The case that it belongs to.")
    payer_id: strawberry.ID = given("staff", "Who is to pay.")
    service_date: date = given("staff", "The day of treatment, on which prices depend.")
    encounter_id: strawberry.ID | None = given("staff", "The visit that is billed; it says who treated, and where.")
    physician_id: strawberry.ID | None = given("staff", "Who treated.")
    facility_id: strawberry.ID | None = given("staff", "Where the treatment was; prices depend on it.")
    lines: list[InvoiceLineInput] | None = given(
        "staff", f"{_LINES} Without lines, every exam of the visit is billed that has a code."
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="Other lines for an invoice that was not sent yet, or was refused by its payer.")
class ReplaceInvoiceLinesInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    lines: list[InvoiceLineInput] = given("staff", _LINES)
    version: int | None = given("staff", _VERSION)
    idempotency_key: str | None = key("staff")


@strawberry.input(description="How far a negotiation may go: what is left out stays, null clears.")
class SetNegotiationLimitsInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    floor_amount: Decimal | None = given("staff", "The least that the clinic would take.")
    target_amount: Decimal | None = given("staff", "What the clinic hopes to get.")
    version: int | None = given("staff", _VERSION)
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A note about an invoice, for the eyes of billing staff.")
class AddInternalNoteInput:
    invoice_id: strawberry.ID = given("staff", _INVOICE)
    body: str = given("staff", "What the note says.")
    idempotency_key: str | None = key("staff")


@strawberry.type
class CreationSteps:
    """The mutations that begin an invoice."""

    @done(ACTIONS["create_invoice"], "Create an invoice of an open case; it gets the next number of the year.")
    async def create_invoice(
        self, info: Info, input: Annotated[CreateInvoiceInput, takes("What is billed, and to whom.", "staff")]
    ) -> InvoicePayload:
        return InvoicePayload(done=await run(info, "create_invoice", input, invoices.create))

    @done(ACTIONS["replace_invoice_lines"], "Bill other lines, while the invoice is not with its payer.")
    async def replace_invoice_lines(
        self, info: Info, input: Annotated[ReplaceInvoiceLinesInput, takes("The invoice, and its lines.", "staff")]
    ) -> InvoicePayload:
        return InvoicePayload(done=await run(info, "replace_invoice_lines", input, invoices.replace_lines))


@strawberry.type
class NoteSteps:
    """The mutations that say what staff think of an invoice."""

    @done(ACTIONS["set_negotiation_limits"], "Say how far a negotiation may go.")
    async def set_negotiation_limits(
        self, info: Info, input: Annotated[SetNegotiationLimitsInput, takes("The invoice, and its limits.", "staff")]
    ) -> InvoicePayload:
        return InvoicePayload(done=await run(info, "set_negotiation_limits", input, invoices.set_limits))

    @done(ACTIONS["add_internal_note"], "Note something about an invoice.")
    async def add_internal_note(
        self, info: Info, input: Annotated[AddInternalNoteInput, takes("The invoice, and the note.", "staff")]
    ) -> InvoicePayload:
        return InvoicePayload(done=await run(info, "add_internal_note", input, invoices.add_note))
