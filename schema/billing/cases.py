"""GraphQL types, filters and mutations of cases."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import UNSET
from strawberry.tools import create_type

from permissions.classes import argument, input_field, output_field
from resolvers.commands.billing import cases
from schema.access.users import User
from schema.billing.enums import CloseReason
from schema.billing.invoices import InvoiceConnection, InvoiceFilter, InvoiceOrder
from schema.commands import command, payload_of
from schema.connections import After, Before, Connection, First, Last, Node
from schema.enums import CaseStatus
from schema.forms.actions import Action
from schema.history import Change
from schema.keys import key
from schema.reading import compiled
from schema.records.attorneys import Attorney
from schema.references import (
    AttorneyChangeRef,
    CaseRef,
    CoverageRef,
    EncounterRef,
    IssuedDocumentRef,
    PatientRef,
    PayerRef,
    RepresentationRef,
)
from schema.reminders.reminders import Hold

CaseConnection = Connection[CaseRef]


def _invoices(
    filter: Annotated[InvoiceFilter | None, argument("Only invoices that match this filter.", "signed_in")] = UNSET,
    order_by: Annotated[InvoiceOrder | None, argument("The sort order; newest first by default.", "signed_in")] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> InvoiceConnection:
    return compiled()


def _proposed_payer(
    service_date: Annotated[
        date | None,
        argument("The day of service, by which health insurance is chosen; today by default.", "records"),
    ] = UNSET,
) -> PayerRef | None:
    return compiled()


@strawberry.type(description="A change of a case; never changed afterwards.")
class CaseEvent:
    id: strawberry.ID = output_field("workflow", "The event's id.")
    at: datetime = output_field("workflow", "When it happened.")
    by: User | None = output_field("workflow", "The user who did it.")
    action: str = output_field("workflow", "What was done, such as update_case or assign_attorney.")
    changes: list[Change] = output_field("workflow", "The values that changed.")


@strawberry.type(description="A personal-injury case: the treatment and the bills of one injury of one patient.")
class Case(Node):
    id: strawberry.ID = output_field("existence", "The case's id.")
    number: str = output_field("identity", "The case number.")
    version: int = output_field(
        "workflow",
        "The version for optimistic locking; it grows with every change of the case. Send it with a mutation to detect concurrent changes.",
    )
    patient: PatientRef = output_field("identity", "The injured patient.")
    attorney: Attorney | None = output_field(
        "staff", "The attorney who represents the patient now; null if there is none."
    )
    representations: list[RepresentationRef] = output_field(
        "staff", "All attorneys who have represented the patient, with the period of each, as known now."
    )
    attorney_change: AttorneyChangeRef | None = output_field(
        "staff", "The change of attorney that is recorded and has not taken effect yet; null if there is none."
    )
    status: CaseStatus = output_field("representation", "Whether the case still has bills to collect.")
    date_of_injury: date = output_field("identity", "The day of the injury.")
    opened_on: date = output_field("staff", "The day on which the clinic opened the case.")
    settled_on: date | None = output_field(
        "staff", "The day of the settlement, on which all invoices of the case were closed."
    )
    closed_on: date | None = output_field("staff", "The day on which the case was closed without a settlement.")
    closed_reason: CloseReason | None = output_field("staff", "Why the case was closed without a settlement.")
    hold: Hold | None = output_field(
        "negotiation", "The hold that stops reminders about the case now; null if there is none."
    )

    encounters: list[EncounterRef] = output_field(
        "treatment", "The visits of the case that you can access, oldest first."
    )
    coverages: list[CoverageRef] = output_field(
        "records", "What obliges payers to pay for the case, in the order in which they are billed."
    )
    proposed_payer: PayerRef | None = output_field(
        "records",
        "The payer that a new invoice of the case is proposed to be billed to: that of the first ACTIVE coverage by priority that is "
        "in effect on the day of the injury, or, for health insurance, on the day of service; null if there is none.",
        resolver=_proposed_payer,
    )
    invoices: InvoiceConnection = output_field(
        "case_reading", "The invoices of the case that you can access.", resolver=_invoices
    )
    documents: list[IssuedDocumentRef] = output_field(
        "delivered", "The issued documents of the case that you can access, newest first."
    )
    billed_total: Decimal = output_field(
        "case_reading",
        "What the invoices of the case that you can access bill in US dollars, without those that are VOID.",
    )
    outstanding: Decimal = output_field("staff", "The total outstanding in the case in US dollars.")
    available_actions: list[Action] = output_field(
        "workflow", "What you may do with the case as it is now, with the form of each mutation."
    )
    history: list[CaseEvent] = output_field("workflow", "The changes of the case, oldest first.")


@strawberry.input(description="Filter for cases; all conditions must be met.")
class CaseFilter:
    status: list[CaseStatus] | None = input_field(("Case.status",), "Only cases with one of these statuses.")
    patient_id: list[strawberry.ID] | None = input_field(
        ("Case.patient", "Patient.id"), "Only cases of these patients."
    )
    attorney_id: list[strawberry.ID] | None = input_field(
        ("Case.attorney", "Attorney.id"), "Only cases that one of these attorneys represents now."
    )
    firm_id: list[strawberry.ID] | None = input_field(
        ("Case.attorney", "Attorney.lawFirm", "Firm.id"),
        "Only cases that an attorney of one of these law firms represents now.",
    )
    opened_from: date | None = input_field(("Case.openedOn",), "Only cases opened on this day or later.")
    opened_to: date | None = input_field(("Case.openedOn",), "Only cases opened on this day or earlier.")
    search: str | None = input_field(
        ("Case.number", "Patient.name"),
        "The start of the case number or of any word of the patient's name; for roles that see them, of the record or telephone number, too.",
    )


@strawberry.input(description="A new case.")
class CreateCaseInput:
    patient_id: strawberry.ID = input_field("staff", "The injured patient.")
    date_of_injury: date = input_field("staff", "The day of the injury.")
    opened_on: date | None = input_field("staff", "The day on which the clinic opened the case; today by default.")
    number: str | None = input_field("staff", "The case number; the next number of the year by default.")
    attorney_id: strawberry.ID | None = input_field("staff", "The attorney who represents the patient.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="Changes to a case; omitted fields stay as they are.")
class UpdateCaseInput:
    case_id: strawberry.ID = input_field("staff", "The id of the case.")
    date_of_injury: date | None = input_field(
        "staff", "The day of the injury; not after treatment that is recorded or billed.", default=UNSET
    )
    opened_on: date | None = input_field("staff", "The day on which the clinic opened the case.", default=UNSET)
    version: int | None = input_field(
        "staff",
        "Optimistic locking: the version that was read. The request is rejected if the case has been changed since.",
    )
    idempotency_key: str | None = key("staff")


CasePayload: Any = payload_of(Case, "staff", "case", warns=True)


CaseMutations: Any = create_type(
    "CaseMutations",
    [
        command("create_case", cases.create, "Open a case.", CreateCaseInput, "The new case.", CasePayload),
        command(
            "update_case",
            cases.update,
            "Change the day of injury or the opening day of a case.",
            UpdateCaseInput,
            "The case and the changes.",
            CasePayload,
        ),
    ],
)
