"""GraphQL types and mutations of the dry run of reminders, and of its confirmation, which switches them on."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import Info
from strawberry.tools import create_type

from db.global_ids import make_id
from db.reminders.plan import DryRun
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.reminders import confirmations
from schema.access.users import User
from schema.commands import command, payload_of
from schema.errors import UserError, user_errors
from schema.keys import key

_COLUMNS = ("balance", "policy", "level", "repetition", "due_on")


@strawberry.type(description="A confirmed dry run: while it has not ended, reminders are sent.")
class ReminderConfirmation:
    id: strawberry.ID = output_field("negotiation", "The id of the confirmation.")
    confirmed_by: User | None = output_field(
        "negotiation",
        "The user who confirmed it; null if it was done on the command line, or before dry runs were confirmed.",
    )
    confirmed_at: datetime = output_field("negotiation", "When it was confirmed.")
    dry_run_on: date = output_field("negotiation", "The day of the dry run.")
    message_count: int = output_field("negotiation", "How many messages the dry run showed.")
    invoice_count: int = output_field("negotiation", "How many invoices they were about.")
    ended_by: User | None = output_field(
        "negotiation", "The user who switched reminders off; null on the command line, or while they are on."
    )
    ended_at: datetime | None = output_field("negotiation", "When reminders were switched off; null while they are on.")


@strawberry.type(description="A reminder of an invoice in a dry run.")
class DryRunInvoice:
    invoice_id: strawberry.ID = output_field("negotiation", "The id of the invoice.")
    listed_invoice: str = output_field("negotiation", "The invoice number.")
    listed_case: str = output_field("negotiation", "The number of its case.")
    balance: Decimal = output_field("negotiation", "The balance in US dollars.")
    policy: str = output_field("negotiation", "The name of the reminder policy.")
    level: int = output_field("negotiation", "The number of the level within the policy.")
    repetition: int = output_field("negotiation", "The number of the repetition of the level; 0 for the first message.")
    due_on: date = output_field("negotiation", "The day since which it is due.")


@strawberry.type(description="A message that a dry run would send.")
class DryRunMessage:
    recipient: str | None = output_field(
        "negotiation", "The e-mail address; null if the payer has none, so that the message would fail."
    )
    copy_to: str | None = output_field("negotiation", "The e-mail address of the copy (CC); null if there is none.")
    invoices: list[DryRunInvoice] = output_field("negotiation", "The invoices in the message.")


@strawberry.type(
    description="What would be sent today: a dry run, which changes and sends nothing. "
    "On a day that is no working day of the clinic, what would be sent on the next one."
)
class ReminderDryRun:
    token: str = output_field(
        "negotiation",
        "Identifies this dry run; confirmReminders accepts it as long as what would be sent does not change.",
    )
    dry_run_on: date = output_field("negotiation", "The day for which it was made: today, or the next working day.")
    message_count: int = output_field("negotiation", "How many messages would be sent.")
    invoice_count: int = output_field("negotiation", "How many invoices they are about.")
    skipped_count: int = output_field("negotiation", "How many open invoices get no reminder.")
    messages: list[DryRunMessage] = output_field("negotiation", "The first of the messages.")


@strawberry.type(description="The result of a dry run of reminders.")
class ReminderDryRunPayload:
    dry_run: ReminderDryRun | None = output_field("staff", "The dry run; null if the request was rejected.")
    errors: list[UserError] = output_field("staff", "Why the request was rejected; empty on success.")


ReminderConfirmationPayload: Any = payload_of(
    ReminderConfirmation, "staff", "confirmation", description="The result of switching reminders on or off."
)


@strawberry.input(description="The dry run that was seen.")
class ConfirmRemindersInput:
    token: str = input_field("staff", "The token of the dry run.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="Switches the clinic's reminders off.")
class StopRemindersInput:
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A dry run of the clinic's reminders.")
class PreviewRemindersInput:
    first: int = input_field("staff", f"How many messages to show, up to {confirmations.MOST_SHOWN}.", default=100)


ReminderConfirmationMutations: Any = create_type(
    "ReminderConfirmationMutations",
    [
        command(
            "stop_reminders",
            confirmations.stop,
            "Switch the clinic's reminders off. Messages that wait are not sent until reminders are on again.",
            StopRemindersInput,
            "An idempotency key, if any.",
            ReminderConfirmationPayload,
        ),
    ],
)


@strawberry.type
class DryRunMutations:
    """The mutations of the dry run, which is computed before their transaction."""

    @mutation(
        ACTIONS["preview_reminders"],
        "Show what would be sent today, or on the next working day, and to whom; nothing is saved or sent.",
    )
    async def preview_reminders(
        self,
        info: Info,
        input: Annotated[PreviewRemindersInput, argument("How much to show.", "staff")],
    ) -> ReminderDryRunPayload:
        done, run = await confirmations.preview(info, input)
        return ReminderDryRunPayload(
            dry_run=_present(run, input.first) if done.record else None, errors=user_errors(done.errors)
        )

    @mutation(
        ACTIONS["confirm_reminders"],
        "Switch the clinic's reminders on, after a dry run: they are off until somebody has seen one and confirms it.",
    )
    async def confirm_reminders(
        self, info: Info, input: Annotated[ConfirmRemindersInput, argument("The dry run that was seen.", "staff")]
    ) -> ReminderConfirmationPayload:
        return ReminderConfirmationPayload(result=await confirmations.confirm(info, input))


def _present(run: DryRun, first: int) -> ReminderDryRun:
    return ReminderDryRun(
        token=run.token,
        dry_run_on=run.day,
        message_count=len(run.messages),
        invoice_count=run.invoice_count,
        skipped_count=len(run.skipped),
        messages=[_message(rows) for rows in run.messages[:first]],
    )


def _message(rows: Sequence[Any]) -> DryRunMessage:
    return DryRunMessage(
        recipient=rows[0]["address"],
        copy_to=rows[0]["copy_address"] if rows[0]["address"] else None,
        invoices=[
            DryRunInvoice(
                invoice_id=strawberry.ID(make_id("Invoice", row["invoice_id"])),
                listed_invoice=row["invoice_number"],
                listed_case=row["case_number"],
                **{name: row[name] for name in _COLUMNS},
            )
            for row in rows
        ],
    )
