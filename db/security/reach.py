"""The SQL predicate of each reach, used both in compiled reads and, over the transaction's settings, in row-level security."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Table, any_, literal, or_
from sqlalchemy.sql.elements import ColumnElement

from db import tables
from db.fields.base import there_is
from db.row import Row
from domain.imports import ImportKind
from permissions.actions import IMPORTS
from permissions.rows import ROWS, Reach
from permissions.rules import RULES

Expression = ColumnElement[Any]
_NAMED_BY = {
    **dict.fromkeys(("payers", "merged_payers"), "payer_id"),
    "facilities": "facility_id",
    "physicians": "physician_id",
    "invoice_lines": "id",
}


def _represented(row: Row) -> Expression:
    return row.attorney_id == row.scope.person_id


def _not_void(i: Row) -> Expression:
    return _represented(i) & (i.status != literal("void", literal_execute=True))


def _treated(row: Row) -> Expression:
    return row.physician_id == row.scope.person_id


def _or_merged(links: Table, row: Row, identity: Expression, column: Callable[[Any], Expression]) -> Expression:
    """That a record is reached by a reference to it, or to another one that is merged with it.

    `column` is the condition for the reference, given what its column is compared with.
    """
    if row.table is links:
        return column(any_(row.group_ids))
    own = column(identity)
    if not row.scope.follows:
        return own
    link = row.scope.row(links)
    mine = (link.clinic_id == row.clinic_id) & (link.survivor_id == identity)
    return or_(own, there_is(link, mine & column(any_(link.group_ids))))


def _of_represented_case(row: Row) -> Expression:
    def reached(patient: Any) -> Expression:
        c = row.scope.row(tables.cases)
        of_patient = c.stored("patient_id") == patient
        return there_is(c, (c.clinic_id == row.clinic_id) & of_patient & _represented(c))

    return _or_merged(tables.merged_patients, row, _patient(row), reached)


def _patient(row: Row) -> Expression:
    return row.patient_id if row.table is tables.patient_names else row.id


def _of_treated_case(row: Row) -> Expression:
    def reached(patient: Any) -> Expression:
        t = row.scope.row(tables.treating_physicians)
        on = t.case_id == row.id if row.table is tables.cases else t.stored("patient_id") == patient
        return there_is(t, (t.clinic_id == row.clinic_id) & on & _treated(t))

    if row.table is tables.cases:
        return reached(None)
    return _or_merged(tables.merged_patients, row, _patient(row), reached)


def _on_invoice(mine: Callable[[Row], Expression]) -> Callable[[Row], Expression]:
    def reach(row: Row) -> Expression:
        def reached(identity: Any) -> Expression:
            i = row.scope.row(tables.invoices)
            on = i.stored(_NAMED_BY[row.table.name]) == identity
            return there_is(i, (i.clinic_id == row.clinic_id) & on & mine(i))

        if row.table in (tables.payers, tables.merged_payers):
            return _or_merged(tables.merged_payers, row, row.id, reached)
        return reached(row.invoice_id if row.table is tables.invoice_lines else row.id)

    return reach


def _where_treated(row: Row) -> Expression:
    e = row.scope.row(tables.encounters)
    visited = there_is(e, (e.clinic_id == row.clinic_id) & _treated(e) & (e.facility_id == row.id))
    return _on_invoice(_treated)(row) | visited


def _of_requested_export(row: Row) -> Expression:
    e = row.scope.row(tables.exports)
    return there_is(e, (e.clinic_id == row.clinic_id) & (e.id == row.export_id) & (e.requested_by == row.scope.user_id))


def _of_treated_encounter(row: Row) -> Expression:
    e = row.scope.row(tables.encounters)
    return there_is(e, (e.clinic_id == row.clinic_id) & (e.id == row.encounter_id) & _treated(e))


def _delivered_to_firm(row: Row) -> Expression:
    if row.table is tables.document_deliveries:
        return _to_own_firm(row)
    d = row.scope.row(tables.document_deliveries)
    return there_is(d, (d.clinic_id == row.clinic_id) & (d.document_id == row.id) & _to_own_firm(d))


def _to_own_firm(d: Row) -> Expression:
    """That a delivery was to the law firm of the attorney, or to the attorney where there is no firm, about a case represented now."""
    a, c = d.scope.row(tables.attorneys), d.scope.row(tables.cases)
    own = there_is(a, (a.clinic_id == d.clinic_id) & (a.id == d.scope.person_id) & (a.firm_id == d.firm_id))
    alone = d.firm_id.is_(None) & (d.attorney_id == d.scope.person_id)
    of_case = there_is(c, (c.clinic_id == d.clinic_id) & (c.id == d.case_id) & _represented(c))
    return or_(own, alone) & of_case


def _imported_kinds(row: Row) -> Expression:
    kinds = [
        literal(kind.value, literal_execute=True) for kind in ImportKind if RULES[IMPORTS[kind]].allows(row.scope.role)
    ]
    return row.kind.in_(kinds)


REACHES: dict[Reach, Callable[[Row], Expression]] = {
    Reach.REPRESENTED: _represented,
    Reach.REPRESENTED_NOT_VOID: _not_void,
    Reach.OF_REPRESENTED_CASE: _of_represented_case,
    Reach.ON_REPRESENTED_INVOICE: _on_invoice(_not_void),
    Reach.OF_REPRESENTED_INVOICE: _on_invoice(_not_void),
    Reach.TREATED: _treated,
    Reach.OF_TREATED_CASE: _of_treated_case,
    Reach.ON_TREATED_INVOICE: _on_invoice(_treated),
    Reach.OF_TREATED_INVOICE: _on_invoice(_treated),
    Reach.OF_TREATED_ENCOUNTER: _of_treated_encounter,
    Reach.WHERE_TREATED: _where_treated,
    Reach.SELF: lambda row: row.id == row.scope.person_id,
    Reach.OWN: lambda row: row.user_id == row.scope.user_id,
    Reach.REQUESTED: lambda row: row.requested_by == row.scope.user_id,
    Reach.OF_REQUESTED_EXPORT: _of_requested_export,
    Reach.IMPORTED_KINDS: _imported_kinds,
    Reach.DELIVERED_TO_FIRM: _delivered_to_firm,
    Reach.UPLOADED_OR_USED: lambda row: (row.uploaded_by == row.scope.user_id) | row.consumed_at.is_not(None),
}


def reach_of(row: Row) -> list[Expression]:
    """The conditions beyond the clinic for a row to be in the reach of the scope's role; KeyError where no row is in reach."""
    assert row.scope.role is not None
    reach = ROWS[row.table.name][row.scope.role]
    return [] if reach is Reach.CLINIC else [REACHES[reach](row)]
