"""Decides what creating, changing and retiring a facility asks of administrators."""

from typing import Annotated

import strawberry
from strawberry import Info, Private

from domain.parties import FACILITY
from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import parties
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.errors import UserError
from schema.facilities import Facility
from schema.keys import key
from schema.payloads import told

_FACILITY = "The facility that is meant."


@strawberry.type(description="The answer to a change of a facility.")
class FacilityPayload:
    done: Private[Done]

    @asked("administration", "The facility as it is now; nothing when the change was refused.")
    async def facility(self, info: Info) -> Facility | None:
        return await follow(info, "Facility", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("administration", "Why the change was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="A place of treatment, to be recorded.")
class CreateFacilityInput:
    name: str = given("administration", "The name.")
    geographic_factor: str = given(
        "administration",
        'What the clinic\'s own prices are multiplied by in this place, such as "1.0432".',
        default="1.0000",
    )
    idempotency_key: str | None = key("administration")


@strawberry.input(description="What changes of a facility: what is left out stays, null clears.")
class UpdateFacilityInput:
    facility_id: strawberry.ID = given("administration", _FACILITY)
    name: str | None = given("administration", "The name.")
    geographic_factor: str | None = given(
        "administration", 'What the clinic\'s own prices are multiplied by in this place, such as "1.0432".'
    )
    active: bool | None = given(
        "administration",
        "Whether the facility may be chosen for new records; true brings back who or what was retired.",
    )
    idempotency_key: str | None = key("administration")


@strawberry.input(description="A facility that is not for new records any more.")
class RetireFacilityInput:
    facility_id: strawberry.ID = given("administration", _FACILITY)
    idempotency_key: str | None = key("administration")


@strawberry.type
class FacilitySteps:
    """The mutations of facilities."""

    @done(ACTIONS["create_facility"], "Record a facility.")
    async def create_facility(
        self,
        info: Info,
        input: Annotated[CreateFacilityInput, takes("What is known of the facility.", "administration")],
    ) -> FacilityPayload:
        outcome = await run(info, "create_facility", input, lambda work: parties.create(work, FACILITY))
        return FacilityPayload(done=outcome)

    @done(ACTIONS["update_facility"], "Change what is recorded of a facility.")
    async def update_facility(
        self,
        info: Info,
        input: Annotated[UpdateFacilityInput, takes("The facility, and what changes.", "administration")],
    ) -> FacilityPayload:
        outcome = await run(info, "update_facility", input, lambda work: parties.update(work, FACILITY))
        return FacilityPayload(done=outcome)

    @done(ACTIONS["retire_facility"], "Retire a facility: what names the facility stays as it is.")
    async def retire_facility(
        self, info: Info, input: Annotated[RetireFacilityInput, takes("The facility.", "administration")]
    ) -> FacilityPayload:
        outcome = await run(info, "retire_facility", input, lambda work: parties.retire(work, FACILITY))
        return FacilityPayload(done=outcome)
