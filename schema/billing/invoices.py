"""GraphQL types of invoices, with their filters and sort orders."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import UNSET

from permissions.classes import argument, input_field, output_field
from schema.billing.enums import DenialStatus, WorklistName
from schema.billing.history import AvailableTransition, InvoiceEvent
from schema.billing.negotiation import Adjustment, Denial, InternalNote, Negotiation
from schema.billing.responsibility import Responsibility
from schema.connections import Connection, Node
from schema.enums import (
    AgingBucket,
    AgingRisk,
    Direction,
    InvoiceOrderField,
    InvoiceStatus,
    ReminderStatus,
)
from schema.forms.actions import Action
from schema.payments.cheques import ChequeAllocation
from schema.reading import compiled
from schema.records.cpt_codes import InvoiceLine
from schema.records.encounters import Encounter
from schema.records.facilities import Facility
from schema.records.physicians import Physician
from schema.references import CaseRef, ExpectedPaymentRef, InvoiceRef, IssuedDocumentRef, PatientRef, PayerRef
from schema.reminders.outbound_messages import OutboundMessage
from schema.reminders.reminders import Hold, Reminder


@strawberry.type(
    description="Sums over the whole list of invoices, whatever page is read. Invoices that are VOID bill nothing."
)
class InvoiceSums:
    billed: Decimal = output_field("existence", "What they bill, in US dollars.")
    received: Decimal = output_field("ledger", "What was received for them, in US dollars.")
    balance: Decimal = output_field("ledger", "What is outstanding of them, in US dollars.")


@strawberry.type(
    description="A list of invoices that somebody has to look at; invoices(filter: {worklist}) has the invoices."
)
class Worklist:
    name: WorklistName = output_field("records", "The name of the list, whose label is in `labels`.")
    count: int = output_field("records", "How many invoices are on it.")
    billed: Decimal = output_field("records", "What they bill, in US dollars.")
    balance: Decimal = output_field("records", "What is outstanding of them, in US dollars.")


@strawberry.type(description="One page of a list of invoices (keyset pagination), and sums over the list.")
class InvoiceConnection(Connection[InvoiceRef]):
    sums: InvoiceSums = output_field("signed_in", "Sums over all invoices of the list that you can access.")


def _reminders(
    status: Annotated[ReminderStatus | None, argument("Only reminders with this status.", "negotiation")] = UNSET,
) -> list[Reminder]:
    return compiled()


@strawberry.type(description="An invoice (bill) for medical treatment.")
class Invoice(Node):
    id: strawberry.ID = output_field("existence", "The invoice's id.")
    number: str = output_field("existence", "The invoice number, such as INV-2026-000123.")
    status: InvoiceStatus = output_field("existence", "The status of the invoice.")
    version: int = output_field(
        "workflow",
        "The version for optimistic locking; it grows with every change. Send it with a mutation to "
        "detect concurrent changes.",
    )
    created_on: date = output_field("existence", "The day on which the invoice was created.")
    service_date: date = output_field("existence", "The day of service.")
    submitted_on: date | None = output_field(
        "records", "The day on which it was submitted to the payer; null if it was not."
    )
    fully_paid_on: date | None = output_field(
        "records",
        "The day from which on nothing was left to pay; null while something is left, and for an invoice of 0.00.",
    )
    paid_on: date | None = output_field(
        "records", "The day on which it was closed together with its case; null if it is not."
    )
    updated_at: datetime = output_field("workflow", "When it was last changed.")
    case: CaseRef = output_field("existence", "The case to which it belongs.")
    patient: PatientRef = output_field("existence", "The treated patient.")
    payer: PayerRef = output_field("parties", "The payer of the invoice.")
    physician: Physician | None = output_field("parties", "The treating physician.")
    facility: Facility | None = output_field("parties", "The facility of the treatment.")
    encounter: Encounter | None = output_field("staff", "The visit that is billed; null if there is none.")
    before_injury_reason: str | None = output_field(
        "staff", "Why treatment before the day of injury was accepted; null where none was."
    )
    lines: list[InvoiceLine] = output_field("existence", "The lines to bill.")
    billed_amount: Decimal = output_field("existence", "The billed amount in US dollars: the sum of the lines.")
    agreed_amount: Decimal | None = output_field(
        "ledger",
        "What the present payer is to pay of the open part, in US dollars; null while nothing is agreed.",
    )
    received_amount: Decimal = output_field("ledger", "The amount received so far from all payers, in US dollars.")
    written_off_amount: Decimal = output_field("ledger", "The amount written off as uncollectible, in US dollars.")
    balance: Decimal = output_field("ledger", "The outstanding balance in US dollars.")
    open_amount: Decimal = output_field(
        "records",
        "The open part of the billed amount that the present payer was asked for, in US dollars: billed less contractual adjustments "
        "and what other payers, and earlier rounds of the negotiation, have paid.",
    )
    contractual_amount: Decimal = output_field("records", "The contractual adjustments, in US dollars.")
    small_balance_amount: Decimal = output_field(
        "records", "The small balance that was given up after a payment, in US dollars."
    )
    recovered_amount: Decimal = output_field(
        "records",
        "What was received after the invoice was written off, in US dollars; it reduces the written-off amount.",
    )
    responsible_since: date = output_field("records", "The day from which the present payer owes the open part.")
    responsibilities: list[Responsibility] = output_field(
        "records", "Every payer who owes or owed the open part, in order; the last one is the present payer."
    )
    replaces: InvoiceRef | None = output_field(
        "records", "The voided invoice that this one replaces; null if there is none."
    )
    replaced_by: InvoiceRef | None = output_field(
        "records", "The invoice that replaces this voided one; null if there is none."
    )
    negotiation: Negotiation = output_field("negotiation", "The offers and limits of the negotiation, and its result.")
    cheques: list[ChequeAllocation] = output_field(
        "records", "The allocations of cheques to this invoice, including reversals for returned cheques."
    )
    expected_payments: list[ExpectedPaymentRef] = output_field(
        "records",
        "What each coverage of the case that is in effect, and neither exhausted nor closed, is expected to pay of this invoice, in "
        "the order in which they are billed. Each is computed on its own: as if it were the next to be billed.",
    )
    adjustments: list[Adjustment] = output_field(
        "records", "Its contractual adjustments and small balances that were given up, in the order of recording."
    )
    denials: list[Denial] = output_field("records", "The payer's denials of the invoice.")
    internal_notes: list[InternalNote] = output_field("negotiation", "Internal notes of billing staff, oldest first.")

    reminders: list[Reminder] = output_field(
        "negotiation", "The reminders of billing staff for this invoice, by day.", resolver=_reminders
    )
    outbound_messages: list[OutboundMessage] = output_field(
        "negotiation", "The e-mails about this invoice, newest first."
    )
    hold: Hold | None = output_field(
        "negotiation",
        "The hold that stops reminders about this invoice now: its own, its case's or its payer's; null "
        "if there is none.",
    )
    age_days: int = output_field("aging", "The age in days since creation.")
    aging_bucket: AgingBucket | None = output_field(
        "aging", "The aging bucket (range of days); null if the invoice is not open."
    )
    risk: AgingRisk | None = output_field(
        "aging", "The risk that the invoice is never paid, by age; null if the invoice is not open."
    )
    available_actions: list[Action] = output_field(
        "workflow", "What you may do with the invoice in its present version, with the form of each mutation."
    )
    available_transitions: list[AvailableTransition] = output_field(
        "workflow",
        "The transitions from the current status, each with the conditions that are not met.",
        deprecation_reason="availableActions says also what each asks for; this is removed with release 1.0.0.",
    )
    documents: list[IssuedDocumentRef] = output_field(
        "records", "The issued documents that name the invoice, newest first."
    )
    history: list[InvoiceEvent] = output_field("workflow", "The history of the invoice, oldest first.")


@strawberry.input(description="Filter for invoices; all conditions must be met.")
class InvoiceFilter:
    status: list[InvoiceStatus] | None = input_field(("Invoice.status",), "Only invoices with one of these statuses.")
    aging_bucket: list[AgingBucket] | None = input_field(
        ("Invoice.agingBucket",), "Only open invoices in these aging buckets."
    )
    payer_id: list[strawberry.ID] | None = input_field(("Invoice.payer", "Payer.id"), "Only invoices of these payers.")
    physician_id: list[strawberry.ID] | None = input_field(
        ("Invoice.physician", "Physician.id"), "Only invoices for treatment by these physicians."
    )
    facility_id: list[strawberry.ID] | None = input_field(
        ("Invoice.facility", "Facility.id"), "Only invoices for treatment at these facilities."
    )
    attorney_id: list[strawberry.ID] | None = input_field(
        ("Invoice.case", "Case.attorney", "Attorney.id"),
        "Only invoices of cases that one of these attorneys represents now.",
    )
    firm_id: list[strawberry.ID] | None = input_field(
        ("Invoice.case", "Case.attorney", "Attorney.lawFirm", "Firm.id"),
        "Only invoices of cases that an attorney of one of these law firms represents now.",
    )
    case_id: list[strawberry.ID] | None = input_field(("Invoice.case", "Case.id"), "Only invoices of these cases.")
    patient_id: list[strawberry.ID] | None = input_field(
        ("Invoice.patient", "Patient.id"), "Only invoices of these patients."
    )
    created_from: date | None = input_field(("Invoice.createdOn",), "Only invoices created on this day or later.")
    created_to: date | None = input_field(("Invoice.createdOn",), "Only invoices created on this day or earlier.")
    service_from: date | None = input_field(
        ("Invoice.serviceDate",), "Only invoices with a day of service on or after this day."
    )
    service_to: date | None = input_field(
        ("Invoice.serviceDate",), "Only invoices with a day of service on or before this day."
    )
    billed_min: Decimal | None = input_field(
        ("Invoice.billedAmount",), "Only invoices with at least this billed amount, in US dollars."
    )
    billed_max: Decimal | None = input_field(
        ("Invoice.billedAmount",), "Only invoices with at most this billed amount, in US dollars."
    )
    search: str | None = input_field(
        ("Invoice.number", "Case.number", "Patient.name"),
        "The start of the invoice number, of the case number or of any word of the patient's name; "
        "for roles that see them, of the record or telephone number, too.",
    )
    has_due_reminder: bool | None = input_field(
        ("Invoice.reminders",), "If true, only invoices with a reminder that is due now; if false, only the others."
    )
    denied: bool | None = input_field(
        ("Invoice.denials",), "If true, only invoices ever denied; if false, only the others."
    )
    denial_status: list[DenialStatus] | None = input_field(
        ("Invoice.denials", "Denial.status"), "Only invoices with a denial of one of these statuses."
    )
    worklist: WorklistName | None = input_field(
        ("Invoice.submittedOn", "Invoice.negotiation"), "Only invoices of this work list, as of today."
    )
    on_hold: bool | None = input_field(
        ("Invoice.hold",), "If true, only invoices on hold now; if false, only the others."
    )


@strawberry.input(description="A sort order of invoices.")
class InvoiceOrder:
    field: InvoiceOrderField = input_field("signed_in", "The field to sort by.")
    direction: Direction = input_field("signed_in", "The sort direction.")
