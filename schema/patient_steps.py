"""Decides what creating, changing and retiring a patient asks of billing staff."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry import Info, Private

from domain.parties import PATIENT
from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, takes
from resolvers import parties
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.errors import UserError
from schema.keys import key
from schema.patients import Patient
from schema.payloads import told

_PATIENT = "The patient that is meant."


@strawberry.type(description="The answer to a change of a patient.")
class PatientPayload:
    done: Private[Done]

    @asked("staff", "The patient as it is now; nothing when the change was refused.")
    async def patient(self, info: Info) -> Patient | None:
        return await follow(info, "Patient", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why the change was refused; empty when it was done.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.input(description="Somebody who was treated, to be recorded.")
class CreatePatientInput:
    mrn: str = given("staff", "The medical record number, which no other patient has.")
    first_name: str = given("staff", "The first name.")
    last_name: str = given("staff", "The last name.")
    birth_date: date | None = given("staff", "The day of birth.")
    phone: str | None = given("staff", "The telephone number.")
    email: str | None = given("staff", "The e-mail address.")
    address: str | None = given("staff", "Where the patient lives.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="What changes of a patient: what is left out stays, null clears.")
class UpdatePatientInput:
    patient_id: strawberry.ID = given("staff", _PATIENT)
    mrn: str | None = given("staff", "The medical record number, which no other patient has.")
    first_name: str | None = given("staff", "The first name.")
    last_name: str | None = given("staff", "The last name.")
    birth_date: date | None = given("staff", "The day of birth.")
    phone: str | None = given("staff", "The telephone number.")
    email: str | None = given("staff", "The e-mail address.")
    address: str | None = given("staff", "Where the patient lives.")
    active: bool | None = given(
        "staff", "Whether the patient may be chosen for new records; true brings back who or what was retired."
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A patient who is not for new records any more.")
class RetirePatientInput:
    patient_id: strawberry.ID = given("staff", _PATIENT)
    idempotency_key: str | None = key("staff")


@strawberry.type
class PatientSteps:
    """The mutations of patients."""

    @done(ACTIONS["create_patient"], "Record a patient.")
    async def create_patient(
        self, info: Info, input: Annotated[CreatePatientInput, takes("What is known of the patient.", "staff")]
    ) -> PatientPayload:
        outcome = await run(info, "create_patient", input, lambda work: parties.create(work, PATIENT))
        return PatientPayload(done=outcome)

    @done(ACTIONS["update_patient"], "Change what is recorded of a patient.")
    async def update_patient(
        self, info: Info, input: Annotated[UpdatePatientInput, takes("The patient, and what changes.", "staff")]
    ) -> PatientPayload:
        outcome = await run(info, "update_patient", input, lambda work: parties.update(work, PATIENT))
        return PatientPayload(done=outcome)

    @done(ACTIONS["retire_patient"], "Retire a patient: what names the patient stays as it is.")
    async def retire_patient(
        self, info: Info, input: Annotated[RetirePatientInput, takes("The patient.", "staff")]
    ) -> PatientPayload:
        outcome = await run(info, "retire_patient", input, lambda work: parties.retire(work, PATIENT))
        return PatientPayload(done=outcome)
