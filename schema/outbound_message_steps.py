"""Decides what sending a message once more asks of billing staff."""

from typing import Annotated

import strawberry
from strawberry import Info, Private

from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import outbound_messages
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.errors import UserError
from schema.keys import key
from schema.outbound_messages import OutboundMessage
from schema.payloads import told


@strawberry.type(description="The answer to a step of a message.")
class OutboundMessagePayload:
    done: Private[Done]

    @asked("staff", "The message as it is now; nothing when the step was refused.")
    async def outbound_message(self, info: Info) -> OutboundMessage | None:
        return await follow(info, "OutboundMessage", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why the step was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="A message that has failed, and is to be sent again.")
class ResendMessageInput:
    outbound_message_id: strawberry.ID = given("staff", "The message that is meant.")
    idempotency_key: str | None = key("staff")


@strawberry.type
class OutboundMessageSteps:
    """The mutation of messages."""

    @done(
        ACTIONS["resend_message"],
        "Send a message again that has failed; to the payer's address of today, where there was none.",
    )
    async def resend_message(
        self, info: Info, input: Annotated[ResendMessageInput, takes("The message.", "staff")]
    ) -> OutboundMessagePayload:
        return OutboundMessagePayload(done=await run(info, "resend_message", input, outbound_messages.resend))
