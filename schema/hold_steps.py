"""Decides what placing and releasing a hold asks of billing staff."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry import Info, Private

from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import holds
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told
from schema.reminders import Hold


@strawberry.type(description="The answer to placing or releasing a hold.")
class HoldPayload:
    done: Private[Done]

    @asked("staff", "The hold as it is now; nothing when the step was refused.")
    async def hold(self, info: Info) -> Hold | None:
        return await follow(info, "Hold", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why the step was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="One invoice, one case or one payer to be kept quiet until a day.")
class PlaceHoldInput:
    invoice_id: strawberry.ID | None = given("staff", "The invoice to be held.")
    case_id: strawberry.ID | None = given("staff", "The case to be held, with all of its invoices.")
    payer_id: strawberry.ID | None = given("staff", "The payer to be held, with all invoices that it is to pay.")
    until_on: date = given("staff", "The last day of the pause.")
    reason: str = given("staff", "Why there is a pause.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="The hold that is lifted before its last day.")
class ReleaseHoldInput:
    hold_id: strawberry.ID = given("staff", "The hold that is meant.")
    idempotency_key: str | None = key("staff")


@strawberry.type
class HoldSteps:
    """The mutations of holds."""

    @done(ACTIONS["place_hold"], "Keep an invoice, a case or a payer quiet until a day.")
    async def place_hold(
        self, info: Info, input: Annotated[PlaceHoldInput, takes("What is held, until when, and why.", "staff")]
    ) -> HoldPayload:
        return HoldPayload(done=await run(info, "place_hold", input, holds.place))

    @done(ACTIONS["release_hold"], "Lift a hold before its last day.")
    async def release_hold(
        self, info: Info, input: Annotated[ReleaseHoldInput, takes("The hold.", "staff")]
    ) -> HoldPayload:
        return HoldPayload(done=await run(info, "release_hold", input, holds.release))
