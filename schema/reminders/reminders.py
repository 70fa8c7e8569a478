"""GraphQL types and mutations of follow-ups: reminders for staff, action items and holds."""

from datetime import date, datetime
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands.reminders import holds, reminders
from schema.access.users import User
from schema.commands import command, payload_of
from schema.connections import Connection
from schema.enums import ActionItemKind, ReminderStatus
from schema.keys import key
from schema.references import (
    ChequeRef,
    EncounterRef,
    InvoiceRef,
    IssuedDocumentRef,
    RecoupmentRequestRef,
    RemittanceRef,
)


@strawberry.type(description="A task of billing staff for an invoice, due on a day.")
class Reminder:
    id: strawberry.ID = output_field("negotiation", "The reminder's id.")
    invoice: InvoiceRef = output_field("negotiation", "The invoice.")
    target_date: date = output_field("negotiation", "The day for which it was scheduled.")
    due_on: date = output_field(
        "negotiation",
        "The day from which it is due: that for which it was scheduled, or the next working day, where the reminders of the clinic wait for one.",
    )
    subject: str = output_field("negotiation", "What to do.")
    notes: str | None = output_field("negotiation", "Notes that help to do it.")
    assignee: User | None = output_field("negotiation", "The user to whom it is assigned.")
    status: ReminderStatus = output_field("negotiation", "Whether it is still open.")
    outcome: str | None = output_field("negotiation", "The outcome, recorded on completion.")
    created_by: User | None = output_field("negotiation", "The user who created it.")
    created_at: datetime = output_field("negotiation", "When it was created.")
    closed_at: datetime | None = output_field("negotiation", "When it was completed or cancelled.")


@strawberry.type(description="An item on the work list of billing staff.")
class ActionItem:
    id: strawberry.ID = output_field("negotiation", "The item's id.")
    kind: ActionItemKind = output_field("negotiation", "The reason for the item.")
    due_on: date = output_field("negotiation", "The day from which it is due.")
    subject: str = output_field("negotiation", "What to do, or what has happened.")
    assignee: User | None = output_field(
        "negotiation", "The user to whom it is assigned; null if any member of billing staff may do it."
    )
    reminder: Reminder | None = output_field("negotiation", "The reminder, if the item is one.")
    invoice: InvoiceRef | None = output_field(
        "negotiation", "The invoice, with its status, age and balance; null if the item is about another record."
    )
    cheque: ChequeRef | None = output_field("negotiation", "The payment; null if the item is not about one.")
    encounter: EncounterRef | None = output_field(
        "negotiation", "The visit, if the item is about one that is not billed."
    )
    document: IssuedDocumentRef | None = output_field(
        "negotiation", "The issued document, if the item is about one that is no longer true or did not arrive."
    )
    remittance: RemittanceRef | None = output_field(
        "negotiation", "The remittance, if the item is about claims of one that wait."
    )
    recoupment_request: RecoupmentRequestRef | None = output_field(
        "negotiation", "The request of a payer to pay money back; null if the item is not about one."
    )


ActionItemConnection = Connection[ActionItem]


@strawberry.type(
    description="A hold: until its last day, no reminders are sent for the invoice, case or payer on hold."
)
class Hold:
    id: strawberry.ID = output_field("negotiation", "The hold's id.")
    until_on: date = output_field("negotiation", "The last day of the hold.")
    reason: str = output_field("negotiation", "The reason for the hold.")
    placed_by: User | None = output_field("negotiation", "The user who created it.")
    placed_at: datetime = output_field("negotiation", "When it was created.")
    released_at: datetime | None = output_field("negotiation", "When it was released early; null if it was not.")


ReminderPayload: Any = payload_of(Reminder, "staff", "reminder")


_REMINDER = "The id of the reminder."


@strawberry.input(description="A new reminder for an open invoice.")
class ScheduleReminderInput:
    invoice_id: strawberry.ID = input_field("staff", "The invoice.")
    target_date: date = input_field("staff", "The day from which it is due.")
    subject: str = input_field("staff", "What to do.")
    notes: str | None = input_field("staff", "Notes that help to do it.")
    assignee_id: strawberry.ID | None = input_field(
        "staff", "The user to whom it is assigned; any member of billing staff by default."
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="Changes to a reminder; omitted fields stay as they are.")
class UpdateReminderInput:
    reminder_id: strawberry.ID = input_field("staff", _REMINDER)
    target_date: date | None = input_field("staff", "The new day from which it is due.", default=UNSET)
    subject: str | None = input_field("staff", "What to do.", default=UNSET)
    notes: str | None = input_field("staff", "Notes that help to do it; null removes them.", default=UNSET)
    assignee_id: strawberry.ID | None = input_field(
        "staff", "The user to whom it is assigned; null for any member of billing staff.", default=UNSET
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="The reminder to complete.")
class CompleteReminderInput:
    reminder_id: strawberry.ID = input_field("staff", _REMINDER)
    outcome: str = input_field("staff", "The outcome, recorded on completion.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="The reminder to cancel.")
class CancelReminderInput:
    reminder_id: strawberry.ID = input_field("staff", _REMINDER)
    reason: str | None = input_field("staff", "Why it is cancelled.")
    idempotency_key: str | None = key("staff")


ReminderMutations: Any = create_type(
    "ReminderMutations",
    [
        command(
            "schedule_reminder",
            reminders.schedule,
            "Create a reminder for billing staff about an invoice.",
            ScheduleReminderInput,
            "The new reminder.",
            ReminderPayload,
        ),
        command(
            "update_reminder",
            reminders.update,
            "Change a reminder: its day, its text or its assignee.",
            UpdateReminderInput,
            "The reminder and the changes.",
            ReminderPayload,
        ),
        command(
            "complete_reminder",
            reminders.complete,
            "Complete a reminder and record its outcome.",
            CompleteReminderInput,
            "The reminder and its outcome.",
            ReminderPayload,
        ),
        command(
            "cancel_reminder",
            reminders.cancel,
            "Cancel a reminder.",
            CancelReminderInput,
            "The reminder.",
            ReminderPayload,
        ),
    ],
)


HoldPayload: Any = payload_of(Hold, "staff", "hold", description="The result of placing or releasing a hold.")


@strawberry.input(description="A new hold on one invoice, one case or one payer.")
class PlaceHoldInput:
    invoice_id: strawberry.ID | None = input_field("staff", "The invoice to put on hold.")
    case_id: strawberry.ID | None = input_field("staff", "The case to put on hold, with all of its invoices.")
    payer_id: strawberry.ID | None = input_field(
        "staff", "The payer to put on hold, with all invoices that it is to pay."
    )
    until_on: date = input_field("staff", "The last day of the hold.")
    reason: str = input_field("staff", "The reason for the hold.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="The hold to release before its last day.")
class ReleaseHoldInput:
    hold_id: strawberry.ID = input_field("staff", "The id of the hold.")
    idempotency_key: str | None = key("staff")


HoldMutations: Any = create_type(
    "HoldMutations",
    [
        command(
            "place_hold",
            holds.place,
            "Put an invoice, a case or a payer on hold: no reminders are sent until the given day.",
            PlaceHoldInput,
            "The invoice, case or payer, the last day and the reason.",
            HoldPayload,
        ),
        command(
            "release_hold",
            holds.release,
            "Release a hold before its last day.",
            ReleaseHoldInput,
            "The hold.",
            HoldPayload,
        ),
    ],
)
