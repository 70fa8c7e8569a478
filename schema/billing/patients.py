"""GraphQL types, filters and mutations of patients."""

from datetime import date
from typing import Any

import strawberry
from strawberry import UNSET

from permissions.classes import input_field, output_field, query_field
from resolvers.commands.records import patients
from schema.billing.cases import CaseConnection
from schema.connections import After, Connection, First, Node
from schema.reading import compiled
from schema.record_mutations import RecordCommands, RecordField, RecordTexts, active, record_mutations
from schema.records.addresses import ADDRESS, ADDRESS_INPUTS
from schema.records.enums import Sex
from schema.references import PatientRef

PatientConnection = Connection[PatientRef]


@strawberry.type(description="A patient of the clinic.")
class Patient(Node):
    id: strawberry.ID = output_field("existence", "The patient's id.")
    name: str = output_field("identity", "The patient's first and last name.")
    first_name: str = output_field("identity", "The patient's first name.")
    last_name: str = output_field("identity", "The patient's last name.")
    mrn: str = output_field("contact", "The patient's medical record number.")
    birth_date: date | None = output_field("contact", "The patient's date of birth.")
    sex: Sex | None = output_field("staff", "The patient's sex, as claims state it.")
    phone: str | None = output_field("contact", "The patient's telephone number.")
    email: str | None = output_field("contact", "The patient's e-mail address.")
    address: str | None = output_field("contact", "The patient's postal address.")
    address_line1: str | None = output_field("staff", ADDRESS["address_line1"])
    address_line2: str | None = output_field("staff", ADDRESS["address_line2"])
    address_city: str | None = output_field("staff", ADDRESS["address_city"])
    address_state: str | None = output_field("staff", ADDRESS["address_state"])
    address_postal_code: str | None = output_field("staff", ADDRESS["address_postal_code"])
    active: bool = output_field("staff", "Whether new cases can be opened for the patient.")

    @query_field("staff", "The patient's cases.")
    def cases(self, first: First = UNSET, after: After = UNSET) -> CaseConnection:
        return compiled()


@strawberry.input(description="Filter for patients.")
class PatientFilter:
    search: str | None = input_field(
        ("Patient.name",),
        "The start of any word of the patient's name; for roles that see them, of the record or telephone number, too.",
    )


PatientMutations: Any = record_mutations(
    Patient,
    "patient",
    (
        RecordField("mrn", str, "The medical record number; unique within the clinic.", is_required=True),
        RecordField("first_name", str, "The first name.", is_required=True),
        RecordField("last_name", str, "The last name.", is_required=True),
        RecordField("birth_date", date, "The date of birth."),
        RecordField("sex", Sex, "The sex, as claims state it."),
        RecordField("phone", str, "The telephone number."),
        RecordField("email", str, "The e-mail address."),
        RecordField("address", str, "The patient's postal address."),
        *ADDRESS_INPUTS,
        active("patient"),
    ),
    RecordCommands(patients.create, patients.update, patients.retire),
    RecordTexts(
        retire="Retire a patient of whom nothing is open: no balance, no negotiation, no money that is unapplied or held, no coverage in "
        "force of an open case. Existing records of the patient stay as they are."
    ),
    warns=True,
)
