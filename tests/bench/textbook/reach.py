"""The rows that a role reaches in the textbook, written independently from the access table alone."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, false, or_, select, true

from db.tables import (
    attorneys,
    cases,
    document_deliveries,
    encounter_exams,
    encounters,
    facilities,
    invoices,
    issued_documents,
    patients,
    physicians,
)
from domain.access.people import Role
from permissions.viewers import Viewer

Condition = ColumnElement[bool]
# An analyst's limited data set: amounts and dates, and parties of whom only an id or a name is published.
_OF_ANALYSTS = {"invoices", "invoice_lines", "cases", "patients", "payers", "physicians", "facilities", "cpt_codes"}


def reach(viewer: Viewer, table: Table) -> Condition:
    """The condition under which a viewer reaches a row of a table."""
    return (table.c.clinic_id == viewer.clinic_id) & _within_clinic(viewer, table)


def _within_clinic(viewer: Viewer, table: Table) -> Condition:
    if table.name in ("sessions", "merges"):
        return true() if viewer.role is Role.ADMIN else false()
    if viewer.role in (Role.ADMIN, Role.BILLING):
        return true()
    if viewer.role is Role.ANALYST:
        return true() if table.name in _OF_ANALYSTS else false()
    if viewer.role is Role.ATTORNEY:
        return _of_attorney(viewer.person_id, table)
    return _of_physician(viewer.person_id, table)


def _of_attorney(me: Any, table: Table) -> Condition:
    """Cases represented now, their patients, their invoices unless void, and the parties that those name."""
    own_cases = select(cases.c.id).where(cases.c.attorney_id == me)
    is_seen = invoices.c.case_id.in_(own_cases) & (invoices.c.status != "void")
    if table is cases:
        return cases.c.id.in_(own_cases)
    if table.name in ("issued_documents", "document_deliveries"):
        delivered = _is_delivered(me) & document_deliveries.c.case_id.in_(own_cases)
        is_document = table is issued_documents
        return table.c.id.in_(select(document_deliveries.c.document_id).where(delivered)) if is_document else delivered
    if table.name == "patients":
        return _is_one_with(table, select(cases.c.patient_id).where(cases.c.attorney_id == me))
    return _named_on(is_seen, table)


def _is_delivered(me: Any) -> Condition:
    """That a delivery was to the attorney's law firm, or to the attorney where there is no firm."""
    firm = select(attorneys.c.firm_id).where(attorneys.c.id == me).scalar_subquery()
    alone = document_deliveries.c.firm_id.is_(None) & (document_deliveries.c.attorney_id == me)
    found: Condition = (document_deliveries.c.firm_id == firm) | alone
    return found


def _of_physician(me: Any, table: Table) -> Condition:
    """The physician's encounters, the invoices for them, their cases and patients, and the parties that the invoices name."""
    is_own = invoices.c.physician_id == me
    own_cases = or_(
        cases.c.id.in_(select(invoices.c.case_id).where(is_own)),
        cases.c.id.in_(select(encounters.c.case_id).where(encounters.c.physician_id == me)),
    )
    conditions = {
        "cases": own_cases,
        "encounters": encounters.c.physician_id == me,
        "physicians": physicians.c.id == me,
        "encounter_exams": encounter_exams.c.encounter_id.in_(
            select(encounters.c.id).where(encounters.c.physician_id == me)
        ),
        "exam_types": true(),
        "facilities": or_(
            _named_on(is_own, facilities),
            facilities.c.id.in_(select(encounters.c.facility_id).where(encounters.c.physician_id == me)),
        ),
        "patients": _is_one_with(patients, select(cases.c.patient_id).where(own_cases)),
    }
    return conditions[table.name] if table.name in conditions else _named_on(is_own, table)


def _named_on(is_seen: Condition, table: Table) -> Condition:
    """The condition that a row is a visible invoice, a line of one, or a party on one."""
    if table is invoices:
        return is_seen
    if table.name == "invoice_lines":
        return _is_one_of(table, select(table.c.id).where(table.c.invoice_id.in_(select(invoices.c.id).where(is_seen))))
    party = {"payers": "payer_id", "physicians": "physician_id", "facilities": "facility_id"}.get(table.name)
    if party is None:
        return false()
    named = select(invoices.c[party]).where(is_seen)
    return _is_one_with(table, named) if table.name == "payers" else _is_one_of(table, named)


def _is_one_with(table: Table, ids: Select[Any]) -> Condition:
    """That a patient or payer is one of some, or that one of them was merged into it."""
    merged = table.alias()
    return _is_one_of(table, ids) | _is_one_of(table, select(merged.c.merged_into_id).where(merged.c.id.in_(ids)))


def _is_one_of(table: Table, ids: Select[Any]) -> Condition:
    found: Condition = table.c.id.in_(ids)
    return found
