"""GraphQL types and mutations of reminder policies (dunning schedules) and of the message templates of their levels."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info
from strawberry.tools import create_type

from domain.reminders.reminders import NUMBER_VARIABLES, TEXT_VARIABLES
from exports.templates import Words
from permissions.actions import ACTIONS
from permissions.classes import argument, input_field, mutation, output_field
from resolvers.commands.reminders import policies as reminder_policies
from resolvers.commands.reminders import templates as reminder_templates
from resolvers.commands.unit_of_work import UnitOfWork, run_command
from schema.access.users import User
from schema.commands import command, payload_of
from schema.enums import InvoiceStatus, PayerKind, ReminderRecipient
from schema.errors import UserError, user_errors
from schema.keys import key
from schema.records.facilities import Facility


@strawberry.type(description="A version of a message template; every change creates a new version.")
class ReminderTemplate:
    id: strawberry.ID = output_field("negotiation", "The id of the version.")
    name: str = output_field("negotiation", "The name of the template.")
    version: int = output_field("negotiation", "The version number, from 1.")
    subject: str = output_field("negotiation", "The subject line, with variables in double braces.")
    body: str = output_field("negotiation", "The text, with variables in double braces.")
    created_by: User | None = output_field(
        "negotiation", "The user who wrote this version; null for a template that came with the clinic."
    )
    created_at: datetime = output_field("negotiation", "When this version was written.")


@strawberry.type(
    description="One level of a reminder policy (dunning level): when it is due, its template and its recipient. "
    "The next level escalates."
)
class ReminderLevel:
    level: int = output_field(
        "negotiation",
        "The number of the level, from 1. The first is sent first, and the others follow one after the other.",
    )
    after_days: int = output_field(
        "negotiation",
        "The number of days after which the level is due, counted from the submission or from the agreement.",
    )
    in_status: InvoiceStatus = output_field("negotiation", "The status of the invoices to which the level applies.")
    template: ReminderTemplate = output_field("negotiation", "The text of the note.")
    recipient: ReminderRecipient = output_field("negotiation", "The recipient of the message.")
    recipient_address: str | None = output_field("negotiation", "The e-mail address, for the recipient ADDRESS.")
    copy_to: ReminderRecipient | None = output_field("negotiation", "The recipient of a copy (CC).")
    copy_address: str | None = output_field("negotiation", "The e-mail address of the copy, for the recipient ADDRESS.")
    minimum_balance: Decimal | None = output_field(
        "negotiation", "The lowest balance in US dollars for which a message is sent."
    )
    repeat_days: int | None = output_field(
        "negotiation", "The number of days after which the message is repeated; null if it is not repeated."
    )
    repeat_times: int = output_field("negotiation", "The maximum number of repetitions.")


@strawberry.type(
    description="A reminder policy (dunning schedule). If several policies match an invoice, the most specific "
    "one applies."
)
class ReminderPolicy:
    id: strawberry.ID = output_field("negotiation", "The policy's id.")
    name: str = output_field("negotiation", "The name of the policy.")
    active: bool = output_field("negotiation", "Whether the policy is in use.")
    payer_kind: PayerKind | None = output_field(
        "negotiation", "The kind of payer to which the policy applies; null for all kinds."
    )
    facility: Facility | None = output_field(
        "negotiation", "The facility to which the policy applies; null for all facilities."
    )
    billing_lead: User | None = output_field(
        "negotiation", "The user who is written to where a level escalates to the billing lead."
    )
    levels: list[ReminderLevel] = output_field("negotiation", "The levels, from the first to the last.")


ReminderPolicyPayload: Any = payload_of(
    ReminderPolicy, "staff", "policy", description="The result of saving a reminder policy."
)


@strawberry.input(description="One level of a reminder policy; its position in the list is its number.")
class ReminderLevelInput:
    after_days: int = input_field(
        "staff",
        "The number of days after which the level is due, counted from the submission or from the "
        "agreement; 0 to 3,650.",
    )
    in_status: InvoiceStatus = input_field(
        "staff", "The status of the invoices to which the level applies; it must be an open status."
    )
    reminder_template_id: strawberry.ID = input_field("staff", "The template; its newest version is used.")
    recipient: ReminderRecipient = input_field("staff", "The recipient of the message.")
    recipient_address: str | None = input_field("staff", "The e-mail address; only with the recipient ADDRESS.")
    copy_to: ReminderRecipient | None = input_field("staff", "The recipient of a copy (CC).")
    copy_address: str | None = input_field("staff", "The e-mail address of the copy; only with the recipient ADDRESS.")
    minimum_balance: Decimal | None = input_field(
        "staff", "The lowest balance in US dollars for which a message is sent."
    )
    repeat_days: int | None = input_field(
        "staff", "The number of days after which the message is repeated; null if it is not repeated."
    )
    repeat_times: int = input_field("staff", "The maximum number of repetitions, up to 365.", default=0)


@strawberry.input(description="A new reminder policy, or the complete new content of an existing one.")
class SaveReminderPolicyInput:
    reminder_policy_id: strawberry.ID | None = input_field(
        "staff", "The id of the policy to replace; omit it to create a new policy."
    )
    name: str = input_field("staff", "The name of the policy.")
    active: bool = input_field("staff", "Whether the policy is in use.", default=True)
    payer_kind: PayerKind | None = input_field(
        "staff", "The kind of payer to which the policy applies; all kinds by default."
    )
    facility_id: strawberry.ID | None = input_field(
        "staff", "The facility to which the policy applies; all facilities by default."
    )
    billing_lead_id: strawberry.ID | None = input_field(
        "staff", "The user who is written to where a level escalates to the billing lead."
    )
    levels: list[ReminderLevelInput] = input_field(
        "staff", "The levels, 1 to 20; within a status, each is due later than the one before."
    )
    idempotency_key: str | None = key("staff")


ReminderPolicyMutations: Any = create_type(
    "ReminderPolicyMutations",
    [
        command(
            "save_reminder_policy",
            reminder_policies.save,
            "Create or replace a reminder policy (dunning schedule).",
            SaveReminderPolicyInput,
            "The policy and its levels.",
            ReminderPolicyPayload,
        ),
    ],
)


_VARIABLES = " ".join(f"{name}: {words}" for name, words in {**TEXT_VARIABLES, **NUMBER_VARIABLES}.items())
_NUMBERS = " or ".join(NUMBER_VARIABLES)
_BODY = f"The text, with variables in double braces, and if with {_NUMBERS} and a number. {_VARIABLES}"


ReminderTemplatePayload: Any = payload_of(
    ReminderTemplate,
    "staff",
    "reminder template",
    description="The result of saving a template.",
    changed="The newest version; null if the request was rejected.",
)


@strawberry.type(description="A message as its recipient would receive it.")
class RenderedMessage:
    subject: str = output_field("staff", "The subject line.")
    body: str = output_field("staff", "The text.")


@strawberry.type(description="The result of previewing a template.")
class RenderedMessagePayload:
    message: RenderedMessage | None = output_field("staff", "The message; null if the template cannot be rendered.")
    errors: list[UserError] = output_field("staff", "Why the template cannot be rendered; empty on success.")


@strawberry.input(
    description="A template to save. Levels that use a template of this name use the new version from then on."
)
class SaveReminderTemplateInput:
    name: str = input_field("staff", "The name of the template; an existing name gets a new version.")
    subject: str = input_field("staff", "The subject line; variables are written in double braces.")
    body: str = input_field("staff", _BODY)
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A saved or unsaved template, and the invoice for which to preview it.")
class PreviewReminderTemplateInput:
    invoice_id: strawberry.ID = input_field("staff", "The invoice for which to preview it.")
    reminder_template_id: strawberry.ID | None = input_field(
        "staff", "The id of a saved template; omit it to give a subject and a body."
    )
    subject: str | None = input_field("staff", "The subject line of an unsaved template.")
    body: str | None = input_field("staff", "The text of an unsaved template.")


@strawberry.type
class ReminderTemplateMutations:
    """The mutations of templates."""

    @mutation(ACTIONS["save_reminder_template"], "Save a message template as a new version.")
    async def save_reminder_template(
        self, info: Info, input: Annotated[SaveReminderTemplateInput, argument("The name and the texts.", "staff")]
    ) -> ReminderTemplatePayload:
        return ReminderTemplatePayload(
            result=await run_command(info, "save_reminder_template", input, reminder_templates.save)
        )

    @mutation(
        ACTIONS["preview_reminder_template"], "Preview a message template for an invoice; nothing is saved or sent."
    )
    async def preview_reminder_template(
        self,
        info: Info,
        input: Annotated[PreviewReminderTemplateInput, argument("The template and the invoice.", "staff")],
    ) -> RenderedMessagePayload:
        found: list[Words] = []

        async def preview(work: UnitOfWork) -> UUID:
            found.append(await reminder_templates.preview(work, info.context.viewer.clinic_name))
            invoice: UUID = work.inputs["invoice_id"]
            return invoice

        tried = await run_command(info, "preview_reminder_template", input, preview)
        message = RenderedMessage(subject=found[0].subject, body=found[0].body) if found and tried.record else None
        return RenderedMessagePayload(message=message, errors=user_errors(tried.errors))
