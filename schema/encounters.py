"""Decides what is said of the visits in which patients were treated."""

from datetime import date

import strawberry

from permissions.classes import shown
from schema.connections import Node
from schema.facilities import Facility
from schema.physicians import Physician
from schema.references import CaseRef, PatientRef


@strawberry.type(description="A visit in which a patient was treated.")
class Encounter(Node):
    id: strawberry.ID = shown("staff", "The visit's id.")
    case: CaseRef = shown("staff", "The case it belongs to.")
    patient: PatientRef = shown("staff", "Who was treated.")
    physician: Physician = shown("staff", "Who treated.")
    facility: Facility | None = shown("staff", "Where it was.")
    service_date: date = shown("staff", "The day of the visit.")
