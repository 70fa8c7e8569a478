"""The SQL of encounters (visits), their exams and their history."""

from sqlalchemy import Date, DateTime, and_, any_, case, literal, not_, or_

from db import tables
from db.fields.base import Expression, Filter, JsonList, Many, One, Order, View, by_id, owned, plain
from db.fields.parties import TEXTS, UUIDS
from db.global_ids import id_expression
from db.row import Row
from domain.treatment.encounters import EncounterStatus


def _name(status: EncounterStatus) -> Expression:
    return literal(status.name, literal_execute=True)


def _status(e: Row) -> Expression:
    return case((e.cancelled_at.is_(None), _name(EncounterStatus.RECORDED)), else_=_name(EncounterStatus.CANCELLED))


def _has_status(e: Row, wanted: Expression) -> Expression:
    recorded, cancelled = (literal(status.value, literal_execute=True) for status in EncounterStatus)
    is_cancelled = e.cancelled_at.is_not(None)
    return and_(or_(recorded == any_(wanted), is_cancelled), or_(cancelled == any_(wanted), not_(is_cancelled)))


def _billed(e: Row, wanted: bool) -> Expression:
    """Cancelled visits are not to be billed, so that they are not among those that are unbilled."""
    return e.is_billed if wanted else and_(not_(e.is_billed), e.cancelled_at.is_(None))


def _among(column: str) -> Filter:
    return Filter(lambda e, ids: e.refers_to_any(column, ids), UUIDS)


_SERVED = Order(lambda e: e.service_date, Date(), descending=True)

ENCOUNTER = View(
    tables.encounters,
    {
        "id": lambda e: id_expression("Encounter", e.id),
        **plain("service_date", "recorded_at", "version", "before_injury_reason"),
        "status": _status,
        "billed": lambda e: e.is_billed,
        "invoice": One("Invoice", by_id("invoice_id")),
        "case": One("Case", by_id("case_id")),
        "patient": One("Patient", by_id("patient_id")),
        "physician": One("Physician", by_id("physician_id")),
        "facility": One("Facility", by_id("facility_id")),
        "exams": Many(
            "EncounterExam",
            lambda e, exam: owned("encounter_id")(e, exam) & exam.removed_at.is_(None),
            lambda exam: [exam.position, exam.id],
        ),
        "history": Many("EncounterEvent", owned("encounter_id"), lambda event: [event.at, event.id]),
    },
    {
        "status": Filter(_has_status, TEXTS),
        "billed": Filter(_billed),
        "caseId": _among("case_id"),
        "patientId": _among("patient_id"),
        "physicianId": _among("physician_id"),
        "facilityId": _among("facility_id"),
        "serviceFrom": Filter(lambda e, day: e.service_date >= day, Date()),
        "serviceTo": Filter(lambda e, day: e.service_date <= day, Date()),
    },
    {
        "SERVICE_DATE": _SERVED,
        "RECORDED_AT": Order(lambda e: e.recorded_at, DateTime(timezone=True), descending=True),
    },
    _SERVED,
    listed_as="encounters",
)

ENCOUNTER_EXAM = View(
    tables.encounter_exams,
    {**plain("bilateral", "units"), "examType": One("ExamType", by_id("exam_type_id"))},
)

ENCOUNTER_EVENT = View(
    tables.encounter_events,
    {
        "id": lambda e: id_expression("EncounterEvent", e.id),
        **plain("at", "action"),
        "by": One("User", by_id("by_user_id")),
        "changes": JsonList("Change", "changes"),
    },
)
