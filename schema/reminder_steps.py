"""Decides what scheduling and closing a reminder asks of billing staff."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry import UNSET, Info, Private

from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import reminders
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told
from schema.reminders import Reminder


@strawberry.type(description="The answer to a step of a reminder.")
class ReminderPayload:
    done: Private[Done]

    @asked("staff", "The reminder as it is now; nothing when the step was refused.")
    async def reminder(self, info: Info) -> Reminder | None:
        return await follow(info, "Reminder", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why the step was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


_REMINDER = "The reminder that is meant."


@strawberry.input(description="Something to be done about an open invoice, from a day on.")
class ScheduleReminderInput:
    invoice_id: strawberry.ID = given("staff", "The invoice it is about.")
    target_date: date = given("staff", "The day from which it is to be acted on.")
    subject: str = given("staff", "What is to be done.")
    notes: str | None = given("staff", "What helps to do it.")
    assignee_id: strawberry.ID | None = given(
        "staff", "Who is to do it; anybody of billing staff when nothing is said."
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="What is to be changed of a reminder; what is not said stays as it is.")
class UpdateReminderInput:
    reminder_id: strawberry.ID = given("staff", _REMINDER)
    target_date: date | None = given("staff", "Another day from which it is to be acted on.", default=UNSET)
    subject: str | None = given("staff", "What is to be done now.", default=UNSET)
    notes: str | None = given("staff", "What helps to do it; null takes it away.", default=UNSET)
    assignee_id: strawberry.ID | None = given("staff", "Who is to do it now; null leaves it to anybody.", default=UNSET)
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A reminder that was acted on.")
class CompleteReminderInput:
    reminder_id: strawberry.ID = given("staff", _REMINDER)
    outcome: str = given("staff", "What came of it.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A reminder that nobody has to act on any more.")
class CancelReminderInput:
    reminder_id: strawberry.ID = given("staff", _REMINDER)
    reason: str | None = given("staff", "Why nobody has to.")
    idempotency_key: str | None = key("staff")


@strawberry.type
class ReminderSteps:
    """The mutations of reminders."""

    @done(ACTIONS["schedule_reminder"], "Have billing staff reminded of an invoice from a day on.")
    async def schedule_reminder(
        self, info: Info, input: Annotated[ScheduleReminderInput, takes("What is to be done, and when.", "staff")]
    ) -> ReminderPayload:
        return ReminderPayload(done=await run(info, "schedule_reminder", input, reminders.schedule))

    @done(ACTIONS["update_reminder"], "Move a reminder to another day, reword it or hand it to somebody else.")
    async def update_reminder(
        self, info: Info, input: Annotated[UpdateReminderInput, takes("The reminder, and what changes.", "staff")]
    ) -> ReminderPayload:
        return ReminderPayload(done=await run(info, "update_reminder", input, reminders.update))

    @done(ACTIONS["complete_reminder"], "Say what came of a reminder.")
    async def complete_reminder(
        self, info: Info, input: Annotated[CompleteReminderInput, takes("The reminder, and what came of it.", "staff")]
    ) -> ReminderPayload:
        return ReminderPayload(done=await run(info, "complete_reminder", input, reminders.complete))

    @done(ACTIONS["cancel_reminder"], "Take back a reminder.")
    async def cancel_reminder(
        self, info: Info, input: Annotated[CancelReminderInput, takes("The reminder.", "staff")]
    ) -> ReminderPayload:
        return ReminderPayload(done=await run(info, "cancel_reminder", input, reminders.cancel))
