"""Decides what saving and trying out a template of messages asks of billing staff."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import Info, Private

from domain.reminders import NUMBER_VARIABLES, TEXT_VARIABLES
from exports.templates import Words
from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, shown, takes
from resolvers import reminder_templates
from resolvers.reading import follow
from resolvers.writing import Done, Work, run
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told
from schema.reminder_policies import ReminderTemplate

_VARIABLES = " ".join(f"{name}: {words}" for name, words in {**TEXT_VARIABLES, **NUMBER_VARIABLES}.items())
_NUMBERS = " or ".join(NUMBER_VARIABLES)
_BODY = f"The text, with variables in double braces, and if with {_NUMBERS} and a number. {_VARIABLES}"


@strawberry.type(description="The answer to saving a template.")
class ReminderTemplatePayload:
    done: Private[Done]

    @asked("staff", "The newest version; nothing when saving was refused.")
    async def reminder_template(self, info: Info) -> ReminderTemplate | None:
        return await follow(info, "ReminderTemplate", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why saving was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.type(description="A message as its recipient would read it.")
class RenderedMessage:
    subject: str = shown("staff", "The subject line.")
    body: str = shown("staff", "The text.")


@strawberry.type(description="The answer to trying out a template.")
class RenderedMessagePayload:
    message: RenderedMessage | None = shown("staff", "The message; nothing when it cannot be written.")
    errors: list[UserError] = shown("staff", "Why it cannot be written; empty when it can.")


@strawberry.input(
    description="A template to be saved. Levels that use a template of this name use the new version from then on."
)
class SaveReminderTemplateInput:
    name: str = given("staff", "What the template is called; a name that is known gets a new version.")
    subject: str = given("staff", "The subject line; variables stand in double braces.")
    body: str = given("staff", _BODY)
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A template, kept or not yet, and the invoice for which it is to be tried out.")
class PreviewReminderTemplateInput:
    invoice_id: strawberry.ID = given("staff", "The invoice for which it is tried out.")
    reminder_template_id: strawberry.ID | None = given(
        "staff", "A template that is kept; without it, say a subject and a body."
    )
    subject: str | None = given("staff", "A subject line that is not kept yet.")
    body: str | None = given("staff", "A text that is not kept yet.")


@strawberry.type
class ReminderTemplateSteps:
    """The mutations of templates."""

    @done(ACTIONS["save_reminder_template"], "Save what messages to payers say, as a new version.")
    async def save_reminder_template(
        self, info: Info, input: Annotated[SaveReminderTemplateInput, takes("The name and the texts.", "staff")]
    ) -> ReminderTemplatePayload:
        return ReminderTemplatePayload(done=await run(info, "save_reminder_template", input, reminder_templates.save))

    @done(ACTIONS["preview_reminder_template"], "See what a template says of an invoice; nothing is kept or sent.")
    async def preview_reminder_template(
        self,
        info: Info,
        input: Annotated[PreviewReminderTemplateInput, takes("The template and the invoice.", "staff")],
    ) -> RenderedMessagePayload:
        found: list[Words] = []

        async def preview(work: Work) -> UUID:
            found.append(await reminder_templates.preview(work, info.context.viewer.clinic_name))
            invoice: UUID = work.given["invoice_id"]
            return invoice

        tried = await run(info, "preview_reminder_template", input, preview)
        message = RenderedMessage(subject=found[0].subject, body=found[0].body) if found and tried.record else None
        return RenderedMessagePayload(message=message, errors=told(tried.errors))
