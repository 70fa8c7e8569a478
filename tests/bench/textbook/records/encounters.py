"""The resolvers of the textbook for encounters (visits)."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from tests.bench.textbook.fields import Args, Fields, listing, many, one
from tests.bench.textbook.models import (
    Case,
    Encounter,
    EncounterEvent,
    EncounterExam,
    ExamType,
    Facility,
    Invoice,
    Patient,
    Physician,
    User,
)
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among


async def bill_of(records: Records, encounter: Any) -> Any:
    """The invoice that bills a visit and is not void, or None."""
    invoices = await records.many(Invoice, "encounter_id", encounter.id)
    return next((invoice for invoice in invoices if invoice.status != "void"), None)


async def _invoice(records: Records, encounter: Any, args: Args) -> Any:
    return await bill_of(records, encounter)


async def _billed(records: Records, encounter: Any, args: Args) -> bool:
    return await bill_of(records, encounter) is not None


def _state(encounter: Any) -> str:
    return "CANCELLED" if encounter.cancelled_at else "RECORDED"


async def _status(records: Records, encounter: Any, args: Args) -> str:
    return _state(encounter)


async def _exams(records: Records, encounter: Any, args: Args) -> list[Any]:
    rows = await records.many(EncounterExam, "encounter_id", encounter.id)
    return sorted((row for row in rows if row.removed_at is None), key=lambda row: (row.position, row.id))


async def fits(records: Records, encounter: Any, wanted: Args) -> bool:
    """Whether a visit matches a filter."""
    is_billed = await bill_of(records, encounter) is not None
    conditions: dict[str, Callable[[Any], bool]] = {
        "status": lambda states: _state(encounter) in states,
        "billed": lambda billed: is_billed if billed else not is_billed and encounter.cancelled_at is None,
        "caseId": lambda ids: is_among(ids, "Case", encounter.case_id),
        "patientId": lambda ids: is_among(ids, "Patient", encounter.patient_id),
        "physicianId": lambda ids: is_among(ids, "Physician", encounter.physician_id),
        "facilityId": lambda ids: is_among(ids, "Facility", encounter.facility_id),
        "serviceFrom": lambda day: encounter.service_date >= date.fromisoformat(day),
        "serviceTo": lambda day: encounter.service_date <= date.fromisoformat(day),
    }
    return all(conditions[name](value) for name, value in wanted.items())


def sorting(records: Records, args: Args) -> Sorting:
    """By the day of the visit, newest first, or as asked."""
    order = args.get("orderBy")
    if order is None:
        return Sorting("Encounter.DEFAULT", lambda encounter: encounter.service_date, date, descending=True)
    is_descending = order["direction"] == "DESC"
    name = f"Encounter.{order['field']}"
    if order["field"] == "SERVICE_DATE":
        return Sorting(name, lambda encounter: encounter.service_date, date, descending=is_descending)
    return Sorting(name, lambda encounter: encounter.recorded_at, datetime, descending=is_descending)


ENCOUNTER_FIELDS: Fields = {
    "Query.encounters": listing(Encounter, fits, sorting),
    "Case.encounters": many(Encounter, "case_id", "service_date", "id"),
    "Encounter.status": _status,
    "Encounter.billed": _billed,
    "Encounter.invoice": _invoice,
    "Encounter.exams": _exams,
    "Encounter.history": many(EncounterEvent, "encounter_id", "at", "id"),
    "Encounter.case": one(Case, "case_id"),
    "Encounter.patient": one(Patient, "patient_id"),
    "Encounter.physician": one(Physician, "physician_id"),
    "Encounter.facility": one(Facility, "facility_id"),
    "EncounterExam.examType": one(ExamType, "exam_type_id"),
    "EncounterEvent.by": one(User, "by_user_id"),
}
