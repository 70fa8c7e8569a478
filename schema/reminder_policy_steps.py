"""Decides what saving a reminder policy asks of billing staff."""

from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import Info, Private

from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import reminder_policies
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.enums import InvoiceStatus, PayerKind, ReminderRecipient
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told
from schema.reminder_policies import ReminderPolicy


@strawberry.type(description="The answer to saving a policy.")
class ReminderPolicyPayload:
    done: Private[Done]

    @asked("staff", "The policy as it is now; nothing when saving was refused.")
    async def reminder_policy(self, info: Info) -> ReminderPolicy | None:
        return await follow(info, "ReminderPolicy", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why saving was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="One level of a policy; its place in the list is its number.")
class ReminderLevelInput:
    after_days: int = given(
        "staff", "After how many days it is due, counted from the submission, or from the agreement; 0 to 3,650."
    )
    in_status: InvoiceStatus = given("staff", "The state of the invoices that it is for: one in which they are open.")
    reminder_template_id: strawberry.ID = given("staff", "What it says; the newest version of that template is used.")
    recipient: ReminderRecipient = given("staff", "Whom it writes to.")
    recipient_address: str | None = given("staff", "The e-mail address, with ADDRESS alone.")
    copy_to: ReminderRecipient | None = given("staff", "Who gets a copy.")
    copy_address: str | None = given("staff", "The e-mail address of the copy, with ADDRESS alone.")
    minimum_balance: Decimal | None = given("staff", "The least balance that is worth a message.")
    repeat_days: int | None = given("staff", "After how many days it is repeated.")
    repeat_times: int = given("staff", "How often it is repeated at most; up to 365.", default=0)


@strawberry.input(description="A policy to be saved: a new one, or all of one instead of what it was.")
class SaveReminderPolicyInput:
    reminder_policy_id: strawberry.ID | None = given("staff", "The policy that is meant; a new one without it.")
    name: str = given("staff", "What the policy is called.")
    active: bool = given("staff", "Whether payers are reminded by it.", default=True)
    payer_kind: PayerKind | None = given("staff", "The one kind of payer that it is for; all of them without it.")
    facility_id: strawberry.ID | None = given("staff", "The one facility that it is for; all of them without it.")
    billing_lead_id: strawberry.ID | None = given(
        "staff", "Who is written to where a level escalates to the billing lead."
    )
    levels: list[ReminderLevelInput] = given(
        "staff", "Its levels, 1 to 20; within a state each is due later than the one before."
    )
    idempotency_key: str | None = key("staff")


@strawberry.type
class ReminderPolicySteps:
    """The mutation of policies."""

    @done(ACTIONS["save_reminder_policy"], "Save when payers are reminded of what.")
    async def save_reminder_policy(
        self, info: Info, input: Annotated[SaveReminderPolicyInput, takes("The policy and its levels.", "staff")]
    ) -> ReminderPolicyPayload:
        return ReminderPolicyPayload(done=await run(info, "save_reminder_policy", input, reminder_policies.save))
