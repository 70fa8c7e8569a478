"""GraphQL types of the audit log: who read or changed which record, and when; it holds no field values."""

from datetime import datetime

import strawberry

from permissions.classes import input_field, output_field
from schema.access.users import User


@strawberry.type(description="A record that was read or written.")
class AuditEntity:
    type: str = output_field("administration", 'The type of the record, such as "Invoice".')
    id: strawberry.ID = output_field("administration", "The record's id.")


@strawberry.type(description="One audit event: an operation of one user or of the system.")
class AuditEvent:
    id: strawberry.ID = output_field("administration", "The event's id.")
    at: datetime = output_field("administration", "When the operation ran.")
    by: User | None = output_field(
        "administration", "The user who ran the operation; null for the system's own operations."
    )
    role: str = output_field(
        "administration",
        'The role of the user then, in capitals; "WORKER" for the system\'s own operations, "ANONYMOUS" for a sign-in with an unknown e-mail.',
    )
    operation: str = output_field(
        "administration", "The root fields that were queried or executed, by their API names, separated by spaces."
    )
    entities: list[AuditEntity] = output_field(
        "administration",
        "The records that were read or written. An event about an invoice also counts for its case, its "
        "patient and its payer; an event about a case also counts for its patient.",
    )
    fields: list[str] = output_field(
        "administration",
        "The protected fields that were read or written, as Type.field; fields that every role can read "
        "are not listed.",
    )
    filters: list[str] = output_field(
        "administration", "The fields by which records were filtered; never the filter values."
    )
    row_count: int | None = output_field(
        "administration", "The number of records that were counted; null if none were counted."
    )
    request_id: str = output_field(
        "administration", "The request id, which is also in the response and in the server logs."
    )
    chained: bool = output_field(
        "administration", "Whether the event is already part of the tamper-evident hash chain."
    )


@strawberry.input(description="Filter for audit events; all conditions must be met.")
class AuditFilter:
    patient_id: strawberry.ID | None = input_field(
        "administration",
        "Only events about this patient, including the patient's cases, visits, invoices and payments.",
    )
    entity_id: strawberry.ID | None = input_field("administration", "Only events about this record itself.")
    user_id: strawberry.ID | None = input_field("administration", "Only events of this user.")
    field: str | None = input_field(
        "administration", 'Only events in which this field was read or written, such as "Invoice.denials".'
    )
    operation: str | None = input_field(
        "administration", 'Only events of this operation, such as "invoices" or "submitInvoice".'
    )
    at_from: datetime | None = input_field("administration", "Only events at or after this time.")
    at_to: datetime | None = input_field("administration", "Only events before this time.")
