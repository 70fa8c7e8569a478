"""GraphQL types and mutations of encounters (visits)."""

from datetime import date
from typing import Any

import strawberry
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands.billing import encounters
from schema.commands import command, payload_of
from schema.connections import Node
from schema.keys import key
from schema.records.exam_types import ExamLineInput
from schema.records.facilities import Facility
from schema.records.physicians import Physician
from schema.references import CaseRef, ExamTypeRef, PatientRef


@strawberry.type(description="An exam that was done at a visit.")
class EncounterExam:
    exam_type: ExamTypeRef = output_field("treatment", "The exam.")
    bilateral: bool = output_field("treatment", "Whether it was done on both sides.")
    units: int = output_field("treatment", "The number of units.")


@strawberry.type(description="A visit in which a patient was treated.")
class Encounter(Node):
    id: strawberry.ID = output_field("treatment", "The visit's id.")
    case: CaseRef = output_field("treatment", "The case to which it belongs.")
    patient: PatientRef = output_field("treatment", "The treated patient.")
    physician: Physician = output_field("treatment", "The treating physician.")
    facility: Facility | None = output_field("treatment", "The facility; null if there is none.")
    service_date: date = output_field("treatment", "The day of the visit.")
    exams: list[EncounterExam] = output_field(
        "treatment", "The exams that were done, in the order in which they were recorded."
    )


EncounterPayload: Any = payload_of(
    Encounter,
    "treatment",
    "encounter",
    description="The result of recording a visit.",
    changed="The recorded visit; null if the request was rejected.",
)


@strawberry.input(description="A visit to record.")
class RecordEncounterInput:
    case_id: strawberry.ID = input_field("treatment", "The id of the case.")
    physician_id: strawberry.ID | None = input_field("staff", "The treating physician; required from billing staff.")
    facility_id: strawberry.ID | None = input_field("treatment", "The facility; prices depend on it.")
    service_date: date = input_field("treatment", "The day of the visit.")
    exams: list[ExamLineInput] = input_field(
        "treatment", "The exams and sub-exams that were done; selecting an exam does not select its sub-exams."
    )
    idempotency_key: str | None = key("treatment")


EncounterMutations: Any = create_type(
    "EncounterMutations",
    [
        command(
            "record_encounter",
            encounters.record,
            "Record a visit; physicians can record visits of their own patients only.",
            RecordEncounterInput,
            "The visit.",
            EncounterPayload,
        ),
    ],
)
