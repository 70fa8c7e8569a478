"""GraphQL types, filters and mutations of encounters (visits)."""

from datetime import date, datetime
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands.billing import encounter_changes, encounters
from schema.commands import command, payload_of
from schema.connections import Connection, Node
from schema.enums import Direction, EncounterOrderField, EncounterStatus
from schema.history import Change
from schema.keys import key
from schema.records.exam_types import ExamLineInput
from schema.records.facilities import Facility
from schema.records.physicians import Physician
from schema.references import CaseRef, EncounterRef, ExamTypeRef, InvoiceRef, PatientRef, UserRef

EncounterConnection = Connection[EncounterRef]
_ID = "The id of the visit."
_EXAMS = "The exams and sub-exams that were done; selecting an exam does not select its sub-exams."
_VERSION = "Optimistic locking: the version that was read. The request is rejected if the visit has been changed since."
_CONFIRM = "Confirms treatment before the day of injury, with the reason; only administrators can."


@strawberry.type(description="An exam that was done at a visit.")
class EncounterExam:
    exam_type: ExamTypeRef = output_field("treatment", "The exam.")
    bilateral: bool = output_field("treatment", "Whether it was done on both sides.")
    units: int = output_field("treatment", "The number of units.")


@strawberry.type(description="A correction or the cancellation of a visit; never changed afterwards.")
class EncounterEvent:
    id: strawberry.ID = output_field("workflow", "The event's id.")
    at: datetime = output_field("workflow", "When it happened.")
    by: UserRef | None = output_field("workflow", "The user who did it.")
    action: str = output_field("workflow", "What was done: update_encounter or cancel_encounter.")
    changes: list[Change] = output_field("workflow", "The values that changed.")


@strawberry.type(description="A visit in which a patient was treated.")
class Encounter(Node):
    id: strawberry.ID = output_field("treatment", "The visit's id.")
    status: EncounterStatus = output_field("treatment", "Whether it took place as it is recorded.")
    version: int = output_field(
        "treatment",
        "The version for optimistic locking; it grows with every correction. Send it with a mutation to detect concurrent changes.",
    )
    case: CaseRef = output_field("treatment", "The case to which it belongs.")
    patient: PatientRef = output_field("treatment", "The treated patient.")
    physician: Physician = output_field("treatment", "The treating physician.")
    facility: Facility | None = output_field("treatment", "The facility; null if there is none.")
    service_date: date = output_field("treatment", "The day of the visit.")
    recorded_at: datetime = output_field("treatment", "When it was recorded.")
    exams: list[EncounterExam] = output_field(
        "treatment", "The exams that were done, in the order in which they were recorded."
    )
    billed: bool = output_field("treatment", "Whether an invoice that is not void bills it.")
    invoice: InvoiceRef | None = output_field(
        "staff", "The invoice that bills it and is not void; null while it is not billed."
    )
    before_injury_reason: str | None = output_field(
        "staff", "Why treatment before the day of injury was accepted; null where none was."
    )
    history: list[EncounterEvent] = output_field("workflow", "The corrections of the visit, oldest first.")


@strawberry.input(description="Filter for visits; all conditions must be met.")
class EncounterFilter:
    status: list[EncounterStatus] | None = input_field(("Encounter.status",), "Only visits with one of these statuses.")
    billed: bool | None = input_field(
        ("Encounter.billed",),
        "If true, only visits that are billed; if false, only those that are still to be billed, which cancelled ones are not.",
    )
    case_id: list[strawberry.ID] | None = input_field(("Encounter.case", "Case.id"), "Only visits of these cases.")
    patient_id: list[strawberry.ID] | None = input_field(
        ("Encounter.patient", "Patient.id"), "Only visits of these patients."
    )
    physician_id: list[strawberry.ID] | None = input_field(
        ("Encounter.physician", "Physician.id"), "Only visits to these physicians."
    )
    facility_id: list[strawberry.ID] | None = input_field(
        ("Encounter.facility", "Facility.id"), "Only visits at these facilities."
    )
    service_from: date | None = input_field(("Encounter.serviceDate",), "Only visits on this day or later.")
    service_to: date | None = input_field(("Encounter.serviceDate",), "Only visits on this day or earlier.")


@strawberry.input(description="A sort order of visits.")
class EncounterOrder:
    field: EncounterOrderField = input_field("treatment", "The field to sort by.")
    direction: Direction = input_field("treatment", "The sort direction.")


EncounterPayload: Any = payload_of(
    Encounter,
    "treatment",
    "encounter",
    description="The result of recording, correcting or cancelling a visit.",
    changed="The visit after the change; null if the request was rejected.",
)


@strawberry.input(description="A visit to record.")
class RecordEncounterInput:
    case_id: strawberry.ID = input_field("treatment", "The id of the case.")
    physician_id: strawberry.ID | None = input_field("staff", "The treating physician; required from billing staff.")
    facility_id: strawberry.ID | None = input_field("treatment", "The facility; prices depend on it.")
    service_date: date = input_field("treatment", "The day of the visit; not before the day of injury.")
    exams: list[ExamLineInput] = input_field("treatment", _EXAMS)
    confirm_reason: str | None = input_field("administration", _CONFIRM)
    idempotency_key: str | None = key("treatment")


@strawberry.input(
    description="Corrections of a visit that is not billed; omitted fields stay as they are. Its case and patient stay: a visit "
    "of another patient is cancelled and recorded anew."
)
class UpdateEncounterInput:
    encounter_id: strawberry.ID = input_field("treatment", _ID)
    physician_id: strawberry.ID | None = input_field("staff", "The treating physician.", default=UNSET)
    facility_id: strawberry.ID | None = input_field("treatment", "The facility; null for none.", default=UNSET)
    service_date: date | None = input_field(
        "treatment", "The day of the visit; not before the day of injury.", default=UNSET
    )
    exams: list[ExamLineInput] | None = input_field("treatment", f"{_EXAMS} They replace all exams.", default=UNSET)
    confirm_reason: str | None = input_field("administration", _CONFIRM)
    version: int | None = input_field("treatment", _VERSION)
    idempotency_key: str | None = key("treatment")


@strawberry.input(description="The visit to cancel, which is not billed.")
class CancelEncounterInput:
    encounter_id: strawberry.ID = input_field("treatment", _ID)
    reason: str = input_field("treatment", "Why it is cancelled.")
    version: int | None = input_field("treatment", _VERSION)
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
        command(
            "update_encounter",
            encounter_changes.update,
            "Correct a visit that is not billed; physicians can correct their own visits only.",
            UpdateEncounterInput,
            "The visit and the corrections.",
            EncounterPayload,
        ),
        command(
            "cancel_encounter",
            encounter_changes.cancel,
            "Cancel a visit that is not billed; it stays in the records. Physicians can cancel their own visits only.",
            CancelEncounterInput,
            "The visit and the reason.",
            EncounterPayload,
        ),
    ],
)
