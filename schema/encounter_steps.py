"""Decides what recording a visit asks of billing staff, and of physicians for their own patients."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry import Info, Private

from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import encounters
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.encounters import Encounter
from schema.errors import UserError
from schema.keys import key
from schema.payloads import told
from schema.quotes import ExamLineInput


@strawberry.type(description="The answer to a visit that was recorded.")
class EncounterPayload:
    done: Private[Done]

    @asked("treatment", "The visit as it was recorded; nothing when that was refused.")
    async def encounter(self, info: Info) -> Encounter | None:
        return await follow(info, "Encounter", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("treatment", "Why the visit was refused; empty when it was recorded.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="A visit in which a patient was treated, to be recorded.")
class RecordEncounterInput:
    case_id: strawberry.ID = given("treatment", "The case that it belongs to.")
    physician_id: strawberry.ID | None = given("staff", "Who treated; billing staff have to say it.")
    facility_id: strawberry.ID | None = given("treatment", "Where it was; prices depend on it.")
    service_date: date = given("treatment", "The day of the visit.")
    exams: list[ExamLineInput] = given(
        "treatment", "What was done: exams and sub-exams; selecting one does not select its sub-exams."
    )
    idempotency_key: str | None = key("treatment")


@strawberry.type
class EncounterSteps:
    """The mutations of visits."""

    @done(ACTIONS["record_encounter"], "Record a visit; physicians record those of their own patients.")
    async def record_encounter(
        self,
        info: Info,
        input: Annotated[RecordEncounterInput, takes("What was done, when, and to whom.", "treatment")],
    ) -> EncounterPayload:
        return EncounterPayload(done=await run(info, "record_encounter", input, encounters.record))
