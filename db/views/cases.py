"""Decides how cases, who represented them, and encounters are read."""

from sqlalchemy import Date, Numeric, Text, and_, any_, cast, func, literal, or_, select

from db import tables
from db.identity import id_expression
from db.row import Row
from db.views.base import (
    Choice,
    Expression,
    Many,
    One,
    Order,
    Pages,
    Read,
    View,
    by_id,
    name_of,
    owned,
    plain,
    same_clinic,
)
from db.views.holds import in_force
from db.views.parties import TEXTS, UUIDS, patients_named, starts_with
from domain.people import searchable


def _hold_over_case(c: Row, h: Row) -> Expression:
    return and_(same_clinic(c, h), h.case_id == c.id, in_force(h))


def _sum_of(column: str) -> Read:
    """The sum of an amount over the case's invoices, void ones left out."""

    def total(c: Row) -> Expression:
        i = c.scope.row(tables.invoices)
        summed = cast(func.coalesce(func.sum(getattr(i, column)), 0), Numeric(14, 2))
        counted = and_(owned("case_id")(c, i), i.status != literal("void", literal_execute=True))
        return select(cast(summed, Text)).select_from(i.source).where(counted).scalar_subquery()

    return total


def _search(c: Row, text: Expression) -> Expression:
    return or_(starts_with(c.number_key, text), c.patient_id.in_(patients_named(c.scope, text)))


CASE = View(
    tables.cases,
    {
        "id": lambda c: id_expression("Case", c.id),
        **plain("number", "date_of_injury", "opened_on", "settled_on"),
        "status": name_of("status"),
        "patient": One("Patient", by_id("patient_id")),
        "attorney": One("Attorney", by_id("attorney_id")),
        "representations": Many("Representation", owned("case_id"), lambda r: [r.from_on, r.id]),
        "hold": One("Hold", _hold_over_case, lambda h: [h.until_on.desc(), h.id]),
        "encounters": Many("Encounter", owned("case_id"), lambda e: [e.service_date, e.id], others=True),
        "invoices": Pages("Invoice", owned("case_id")),
        "billedTotal": _sum_of("billed_amount"),
        "outstanding": _sum_of("balance"),
    },
    {
        "status": Choice(lambda c, wanted: c.status == any_(wanted), TEXTS),
        "patientId": Choice(lambda c, ids: c.patient_id == any_(ids), UUIDS),
        "attorneyId": Choice(lambda c, ids: c.attorney_id == any_(ids), UUIDS),
        "openedFrom": Choice(lambda c, day: c.opened_on >= day, Date()),
        "openedTo": Choice(lambda c, day: c.opened_on <= day, Date()),
        "search": Choice(_search, Text(collation="C"), searchable),
    },
    order=Order(
        lambda c: c.opened_on,
        Date(),
        descending=True,
        shows="openedOn",
        # Attorneys and physicians do not see when the clinic opened a case.
        otherwise=Order(lambda c: c.date_of_injury, Date(), descending=True, shows="dateOfInjury"),
    ),
    listed_as="cases",
    found_as="case",
)

REPRESENTATION = View(
    tables.representations,
    {
        "id": lambda r: id_expression("Representation", r.id),
        **plain("from_on", "until_on"),
        "attorney": One("Attorney", by_id("attorney_id")),
    },
)

ENCOUNTER = View(
    tables.encounters,
    {
        "id": lambda e: id_expression("Encounter", e.id),
        **plain("service_date"),
        "case": One("Case", by_id("case_id")),
        "patient": One("Patient", by_id("patient_id")),
        "physician": One("Physician", by_id("physician_id")),
        "facility": One("Facility", by_id("facility_id")),
        "exams": Many("EncounterExam", owned("encounter_id"), lambda e: [e.position, e.id]),
    },
)

ENCOUNTER_EXAM = View(
    tables.encounter_exams,
    {**plain("bilateral", "units"), "examType": One("ExamType", by_id("exam_type_id"))},
)
