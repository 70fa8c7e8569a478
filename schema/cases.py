"""Decides what is said of a case, and how cases are chosen."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import UNSET

from permissions.classes import given, shown, takes
from schema.attorneys import Attorney
from schema.connections import After, Before, Connection, First, Last, Node
from schema.enums import CaseStatus
from schema.invoices import InvoiceConnection, InvoiceFilter, InvoiceOrder
from schema.reading import compiled
from schema.references import CaseRef, EncounterRef, PatientRef
from schema.reminders import Hold

CaseConnection = Connection[CaseRef]


def _invoices(
    filter: Annotated[InvoiceFilter | None, takes("Which of them are wanted.", "signed_in")] = UNSET,
    order_by: Annotated[
        InvoiceOrder | None, takes("How they are sorted; newest first when nothing is said.", "signed_in")
    ] = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> InvoiceConnection:
    return compiled()


@strawberry.type(description="That an attorney represents a case, from a day and perhaps until a day.")
class Representation:
    id: strawberry.ID = shown("staff", "The representation's id.")
    attorney: Attorney = shown("staff", "Who represents.")
    from_on: date = shown("staff", "The first day.")
    until_on: date | None = shown("staff", "The last day; nothing while it lasts.")


@strawberry.type(description="What one injury of one patient led to.")
class Case(Node):
    id: strawberry.ID = shown("existence", "The case's id.")
    number: str = shown("identity", "The case number.")
    patient: PatientRef = shown("identity", "Who was injured.")
    attorney: Attorney | None = shown("staff", "Who represents the patient now.")
    representations: list[Representation] = shown("staff", "Who represented the patient, and when.")
    status: CaseStatus = shown("staff", "Whether there are still bills to collect.")
    date_of_injury: date = shown("identity", "The day of the injury.")
    opened_on: date = shown("staff", "The day on which the clinic opened the case.")
    settled_on: date | None = shown("staff", "The day on which all of its bills were closed.")
    hold: Hold | None = shown("negotiation", "The pause that keeps the case quiet now.")

    encounters: list[EncounterRef] = shown("treatment", "The visits of the case that are in reach, oldest first.")
    invoices: InvoiceConnection = shown("staff", "The invoices of the case.", resolver=_invoices)
    billed_total: Decimal = shown("staff", "What was billed in the case, without what is void.")
    outstanding: Decimal = shown("staff", "What is still to be paid in the case.")


@strawberry.input(description="Which cases are wanted; every condition narrows further.")
class CaseFilter:
    status: list[CaseStatus] | None = given(("Case.status",), "Only cases in one of these states.")
    patient_id: list[strawberry.ID] | None = given(("Case.patient", "Patient.id"), "Only cases of these patients.")
    attorney_id: list[strawberry.ID] | None = given(
        ("Case.attorney", "Attorney.id"), "Only cases that these attorneys represent now."
    )
    opened_from: date | None = given(("Case.openedOn",), "Only cases opened on this day or later.")
    opened_to: date | None = given(("Case.openedOn",), "Only cases opened on this day or earlier.")
    search: str | None = given(
        ("Case.number", "Patient.name"), "The beginning of the case number or of any word of the patient's name."
    )
