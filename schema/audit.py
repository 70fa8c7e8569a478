"""Decides what is said of the audit trail: who saw or changed what, and when; no values."""

from datetime import datetime

import strawberry

from permissions.classes import given, shown
from schema.users import User


@strawberry.type(description="A record that was read or written.")
class AuditEntity:
    type: str = shown("administration", 'What kind of record it is, such as "Invoice".')
    id: strawberry.ID = shown("administration", "The record's id.")


@strawberry.type(description="One operation of somebody.")
class AuditEvent:
    id: strawberry.ID = shown("administration", "The event's id.")
    at: datetime = shown("administration", "When it was done.")
    by: User | None = shown("administration", "Who did it; nothing for what was done by itself.")
    role: str = shown(
        "administration", 'The role in which it was done, in capitals; "WORKER" for what was done by itself.'
    )
    operation: str = shown(
        "administration", "What was asked or done, by the names that this API has for it, apart by spaces."
    )
    entities: list[AuditEntity] = shown(
        "administration",
        "Which records were read or written. An invoice stands for its case, its patient and its payer, too, "
        "and a case for its patient.",
    )
    fields: list[str] = shown(
        "administration", "Which fields were read or written, of those that not everybody sees: type, point, field."
    )
    filters: list[str] = shown("administration", "By what records were chosen; never by which values.")
    row_count: int | None = shown("administration", "How many records were counted, where any were.")
    request_id: str = shown("administration", "The id of the request, which answers and logs have, too.")
    chained: bool = shown("administration", "Whether the event is part of the chain that shows tampering.")


@strawberry.input(description="Which events are wanted; every condition narrows further.")
class AuditFilter:
    patient_id: strawberry.ID | None = given(
        "administration", "Only events about this patient: cases, visits, invoices and what paid them among it."
    )
    entity_id: strawberry.ID | None = given("administration", "Only events about this record itself.")
    user_id: strawberry.ID | None = given("administration", "Only what this user did.")
    field: str | None = given(
        "administration", 'Only events in which this field was read or written: "Invoice.denials".'
    )
    operation: str | None = given("administration", 'Only this operation, such as "invoices" or "submitInvoice".')
    at_from: datetime | None = given("administration", "Only events at this moment or later.")
    at_to: datetime | None = given("administration", "Only events before this moment.")
