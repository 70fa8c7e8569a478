"""Decides what creating, changing and retiring a physician asks of administrators."""

from typing import Annotated

import strawberry
from strawberry import Info, Private

from domain.parties import PHYSICIAN
from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import parties
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told
from schema.physicians import Physician

_PHYSICIAN = "The physician that is meant."


@strawberry.type(description="The answer to a change of a physician.")
class PhysicianPayload:
    done: Private[Done]

    @asked("administration", "The physician as it is now; nothing when the change was refused.")
    async def physician(self, info: Info) -> Physician | None:
        return await follow(info, "Physician", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("administration", "Why the change was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="A physician who treats, to be recorded.")
class CreatePhysicianInput:
    name: str = given("administration", "The name.")
    npi: str | None = given("administration", "The National Provider Identifier, ten digits.")
    idempotency_key: str | None = key("administration")


@strawberry.input(description="What changes of a physician: what is left out stays, null clears.")
class UpdatePhysicianInput:
    physician_id: strawberry.ID = given("administration", _PHYSICIAN)
    name: str | None = given("administration", "The name.")
    npi: str | None = given("administration", "The National Provider Identifier, ten digits.")
    active: bool | None = given(
        "administration",
        "Whether the physician may be chosen for new records; true brings back who or what was retired.",
    )
    idempotency_key: str | None = key("administration")


@strawberry.input(description="A physician who is not for new records any more.")
class RetirePhysicianInput:
    physician_id: strawberry.ID = given("administration", _PHYSICIAN)
    idempotency_key: str | None = key("administration")


@strawberry.type
class PhysicianSteps:
    """The mutations of physicians."""

    @done(ACTIONS["create_physician"], "Record a physician.")
    async def create_physician(
        self,
        info: Info,
        input: Annotated[CreatePhysicianInput, takes("What is known of the physician.", "administration")],
    ) -> PhysicianPayload:
        outcome = await run(info, "create_physician", input, lambda work: parties.create(work, PHYSICIAN))
        return PhysicianPayload(done=outcome)

    @done(ACTIONS["update_physician"], "Change what is recorded of a physician.")
    async def update_physician(
        self,
        info: Info,
        input: Annotated[UpdatePhysicianInput, takes("The physician, and what changes.", "administration")],
    ) -> PhysicianPayload:
        outcome = await run(info, "update_physician", input, lambda work: parties.update(work, PHYSICIAN))
        return PhysicianPayload(done=outcome)

    @done(ACTIONS["retire_physician"], "Retire a physician: what names the physician stays as it is.")
    async def retire_physician(
        self, info: Info, input: Annotated[RetirePhysicianInput, takes("The physician.", "administration")]
    ) -> PhysicianPayload:
        outcome = await run(info, "retire_physician", input, lambda work: parties.retire(work, PHYSICIAN))
        return PhysicianPayload(done=outcome)
