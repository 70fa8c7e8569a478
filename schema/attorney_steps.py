"""Decides what creating, changing and retiring an attorney asks of billing staff."""

from typing import Annotated

import strawberry
from strawberry import Info, Private

from domain.parties import ATTORNEY
from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import parties
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.attorneys import Attorney
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told

_ATTORNEY = "The attorney that is meant."


@strawberry.type(description="The answer to a change of an attorney.")
class AttorneyPayload:
    done: Private[Done]

    @asked("staff", "The attorney as it is now; nothing when the change was refused.")
    async def attorney(self, info: Info) -> Attorney | None:
        return await follow(info, "Attorney", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why the change was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="An attorney who represents patients, to be recorded.")
class CreateAttorneyInput:
    name: str = given("staff", "The name.")
    firm: str = given("staff", "The law firm; it has no other attorney of this name.")
    email: str | None = given("staff", "The e-mail address.")
    phone: str | None = given("staff", "The telephone number.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="What changes of an attorney: what is left out stays, null clears.")
class UpdateAttorneyInput:
    attorney_id: strawberry.ID = given("staff", _ATTORNEY)
    name: str | None = given("staff", "The name.")
    firm: str | None = given("staff", "The law firm; it has no other attorney of this name.")
    email: str | None = given("staff", "The e-mail address.")
    phone: str | None = given("staff", "The telephone number.")
    active: bool | None = given(
        "staff", "Whether the attorney may be chosen for new records; true brings back who or what was retired."
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="An attorney who is not for new records any more.")
class RetireAttorneyInput:
    attorney_id: strawberry.ID = given("staff", _ATTORNEY)
    idempotency_key: str | None = key("staff")


@strawberry.type
class AttorneySteps:
    """The mutations of attorneys."""

    @done(ACTIONS["create_attorney"], "Record an attorney.")
    async def create_attorney(
        self, info: Info, input: Annotated[CreateAttorneyInput, takes("What is known of the attorney.", "staff")]
    ) -> AttorneyPayload:
        outcome = await run(info, "create_attorney", input, lambda work: parties.create(work, ATTORNEY))
        return AttorneyPayload(done=outcome)

    @done(ACTIONS["update_attorney"], "Change what is recorded of an attorney.")
    async def update_attorney(
        self, info: Info, input: Annotated[UpdateAttorneyInput, takes("The attorney, and what changes.", "staff")]
    ) -> AttorneyPayload:
        outcome = await run(info, "update_attorney", input, lambda work: parties.update(work, ATTORNEY))
        return AttorneyPayload(done=outcome)

    @done(ACTIONS["retire_attorney"], "Retire an attorney: what names the attorney stays as it is.")
    async def retire_attorney(
        self, info: Info, input: Annotated[RetireAttorneyInput, takes("The attorney.", "staff")]
    ) -> AttorneyPayload:
        outcome = await run(info, "retire_attorney", input, lambda work: parties.retire(work, ATTORNEY))
        return AttorneyPayload(done=outcome)
