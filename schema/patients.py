"""Decides what is said of a patient, and how patients are chosen."""

from datetime import date

import strawberry
from strawberry import UNSET

from permissions.classes import asked, given, shown
from schema.cases import CaseConnection
from schema.connections import After, Connection, First, Node
from schema.reading import compiled
from schema.references import PatientRef

PatientConnection = Connection[PatientRef]


@strawberry.type(description="Somebody who was treated.")
class Patient(Node):
    id: strawberry.ID = shown("existence", "The patient's id.")
    name: str = shown("identity", "The patient's first and last name.")
    first_name: str = shown("identity", "The patient's first name.")
    last_name: str = shown("identity", "The patient's last name.")
    mrn: str = shown("contact", "The patient's medical record number.")
    birth_date: date | None = shown("contact", "The patient's day of birth.")
    phone: str | None = shown("contact", "The patient's telephone number.")
    email: str | None = shown("contact", "The patient's e-mail address.")
    address: str | None = shown("contact", "Where the patient lives.")
    active: bool = shown("staff", "Whether new cases may be opened for the patient.")

    @asked("staff", "The patient's cases.")
    def cases(self, first: First = UNSET, after: After = UNSET) -> CaseConnection:
        return compiled()


@strawberry.input(description="Which patients are wanted.")
class PatientFilter:
    search: str | None = given(("Patient.name",), "The beginning of any word of the patient's name.")
