"""Decides what is said of an invoice, and how invoices are chosen and sorted."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import UNSET

from permissions.classes import given, shown, takes
from schema.cheques import ChequeAllocation
from schema.connections import Connection, Node
from schema.encounters import Encounter
from schema.enums import (
    AgingBucket,
    AgingRisk,
    Direction,
    InvoiceOrderField,
    InvoiceStatus,
    ReminderStatus,
)
from schema.facilities import Facility
from schema.history import AvailableTransition, InvoiceEvent
from schema.negotiation import Denial, InternalNote, Negotiation
from schema.outbound_messages import OutboundMessage
from schema.physicians import Physician
from schema.pricing import InvoiceLine
from schema.reading import compiled
from schema.references import CaseRef, InvoiceRef, PatientRef, PayerRef
from schema.reminders import Hold, Reminder

InvoiceConnection = Connection[InvoiceRef]


def _reminders(
    status: Annotated[ReminderStatus | None, takes("Only reminders in this state.", "negotiation")] = UNSET,
) -> list[Reminder]:
    return compiled()


@strawberry.type(description="A bill for treatment.")
class Invoice(Node):
    id: strawberry.ID = shown("existence", "The invoice's id.")
    number: str = shown("existence", "The invoice number, such as INV-2026-000123.")
    status: InvoiceStatus = shown("existence", "Where the invoice stands.")
    version: int = shown(
        "workflow", "Grows with every change, so that nobody overwrites what somebody else has changed."
    )
    created_on: date = shown("existence", "The day on which the invoice was created.")
    service_date: date = shown("existence", "The day of treatment.")
    submitted_on: date | None = shown("records", "The day on which it was sent to the payer.")
    fully_paid_on: date | None = shown("records", "The day on which cheques covered it in full.")
    paid_on: date | None = shown("records", "The day on which it was closed together with its case.")
    updated_at: datetime = shown("workflow", "When it was last changed.")
    case: CaseRef = shown("existence", "The case it belongs to.")
    patient: PatientRef = shown("existence", "Who was treated.")
    payer: PayerRef = shown("parties", "Who is to pay.")
    physician: Physician | None = shown("parties", "Who treated.")
    facility: Facility | None = shown("parties", "Where the treatment was.")
    encounter: Encounter | None = shown("staff", "The visit that is billed.")
    lines: list[InvoiceLine] = shown("existence", "What is billed, line by line.")
    billed_amount: Decimal = shown("existence", "What was billed: the sum of the lines.")
    agreed_amount: Decimal | None = shown("ledger", "What is to be paid by agreement; nothing while nothing is agreed.")
    received_amount: Decimal = shown("ledger", "What has been paid so far.")
    written_off_amount: Decimal = shown("ledger", "What was given up as uncollectible.")
    balance: Decimal = shown("ledger", "What is still to be paid.")
    negotiation: Negotiation = shown("negotiation", "Offers, limits and what came of them.")
    cheques: list[ChequeAllocation] = shown("records", "What cheques paid, and what was taken back when one bounced.")
    denials: list[Denial] = shown("records", "The payer's refusals to pay.")
    internal_notes: list[InternalNote] = shown("negotiation", "What billing staff noted, oldest first.")

    reminders: list[Reminder] = shown(
        "negotiation", "What billing staff want to do about it, by day.", resolver=_reminders
    )
    outbound_messages: list[OutboundMessage] = shown("negotiation", "E-mails that speak of it, the latest first.")
    hold: Hold | None = shown("negotiation", "The pause that keeps it quiet now: its own, its case's or its payer's.")
    age_days: int = shown("aging", "Days since it was created.")
    aging_bucket: AgingBucket | None = shown("aging", "The range of days it falls into; nothing when it is not open.")
    risk: AgingRisk | None = shown("aging", "How likely it is never to be paid; nothing when it is not open.")
    available_transitions: list[AvailableTransition] = shown(
        "workflow", "What can be done with it now, and what stands in the way."
    )
    history: list[InvoiceEvent] = shown("workflow", "What happened to it, oldest first.")


@strawberry.input(description="Which invoices are wanted; every condition narrows further.")
class InvoiceFilter:
    status: list[InvoiceStatus] | None = given(("Invoice.status",), "Only invoices that stand here.")
    aging_bucket: list[AgingBucket] | None = given(("Invoice.agingBucket",), "Only open invoices of this age.")
    payer_id: list[strawberry.ID] | None = given(("Invoice.payer", "Payer.id"), "Only invoices of these payers.")
    physician_id: list[strawberry.ID] | None = given(
        ("Invoice.physician", "Physician.id"), "Only invoices for treatment by these physicians."
    )
    facility_id: list[strawberry.ID] | None = given(
        ("Invoice.facility", "Facility.id"), "Only invoices for treatment at these facilities."
    )
    attorney_id: list[strawberry.ID] | None = given(
        ("Invoice.case", "Case.attorney", "Attorney.id"), "Only invoices of cases that these attorneys represent now."
    )
    case_id: list[strawberry.ID] | None = given(("Invoice.case", "Case.id"), "Only invoices of these cases.")
    patient_id: list[strawberry.ID] | None = given(
        ("Invoice.patient", "Patient.id"), "Only invoices of these patients."
    )
    created_from: date | None = given(("Invoice.createdOn",), "Only invoices created on this day or later.")
    created_to: date | None = given(("Invoice.createdOn",), "Only invoices created on this day or earlier.")
    service_from: date | None = given(("Invoice.serviceDate",), "Only treatment on this day or later.")
    service_to: date | None = given(("Invoice.serviceDate",), "Only treatment on this day or earlier.")
    billed_min: Decimal | None = given(("Invoice.billedAmount",), "Only invoices billed at this much or more.")
    billed_max: Decimal | None = given(("Invoice.billedAmount",), "Only invoices billed at this much or less.")
    search: str | None = given(
        ("Invoice.number", "Case.number", "Patient.name"),
        "The beginning of the invoice number, of the case number or of any word of the patient's name.",
    )
    has_due_reminder: bool | None = given(("Invoice.reminders",), "Whether a reminder is to be acted on now.")
    denied: bool | None = given(("Invoice.denials",), "Whether the payer has ever refused to pay.")
    on_hold: bool | None = given(("Invoice.hold",), "Whether a pause keeps the invoice quiet now.")


@strawberry.input(description="How invoices are sorted.")
class InvoiceOrder:
    field: InvoiceOrderField = given("signed_in", "What they are sorted by.")
    direction: Direction = given("signed_in", "Which end comes first.")
