"""Decides what is said of the visits in which patients were treated."""

from datetime import date

import strawberry

from permissions.classes import shown
from schema.connections import Node
from schema.facilities import Facility
from schema.physicians import Physician
from schema.references import CaseRef, ExamTypeRef, PatientRef


@strawberry.type(description="An exam that was done at a visit.")
class EncounterExam:
    exam_type: ExamTypeRef = shown("treatment", "Which exam it was.")
    bilateral: bool = shown("treatment", "Whether it was done on both sides.")
    units: int = shown("treatment", "How often it was done.")


@strawberry.type(description="A visit in which a patient was treated.")
class Encounter(Node):
    id: strawberry.ID = shown("treatment", "The visit's id.")
    case: CaseRef = shown("treatment", "The case it belongs to.")
    patient: PatientRef = shown("treatment", "Who was treated.")
    physician: Physician = shown("treatment", "Who treated.")
    facility: Facility | None = shown("treatment", "Where it was.")
    service_date: date = shown("treatment", "The day of the visit.")
    exams: list[EncounterExam] = shown("treatment", "What was done, in the order in which it was recorded.")
