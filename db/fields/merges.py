"""The SQL of merges: what was merged into what, by whom, and whether it was undone."""

from sqlalchemy import DateTime, case, func, literal, select

from db import tables
from db.fields.base import Expression, Filter, Join, One, Order, View, by_id, plain, same_clinic
from db.global_ids import id_expression
from db.row import Row
from domain.merges import MergeKind


def _of_kind(m: Row, patient: Expression, payer: Expression) -> Expression:
    return case((m.merged_patient_id.is_not(None), patient), else_=payer)


def _word(kind: MergeKind) -> Expression:
    return literal(kind.name, literal_execute=True)


def _merged_name(m: Row) -> Expression:
    """The name of the merged record as it stands in that record itself."""
    p, y = m.scope.row(tables.patients), m.scope.row(tables.payers)
    name = p.first_name.concat(" ").concat(p.last_name)
    patient = select(name).select_from(p.source).where(p.keyed(m.merged_patient_id)).scalar_subquery()
    payer = select(y.name).select_from(y.source).where(y.keyed(m.merged_payer_id)).scalar_subquery()
    return func.coalesce(patient, payer)


def _stays(kind: MergeKind) -> Join:
    """The record that stays, also where it was itself merged into another one since."""

    def on(m: Row, party: Row) -> Expression:
        stored = getattr(m, f"surviving_{kind}_id")
        links = f"merged_{kind}s"
        m.scope.unfollowed.add(links)
        return same_clinic(m, party) & (party.id == (m.scope.surviving(links, stored) if m.scope.follows else stored))

    return on


MERGE = View(
    tables.merges,
    {
        "id": lambda m: id_expression("Merge", m.id),
        "kind": lambda m: _of_kind(m, _word(MergeKind.PATIENT), _word(MergeKind.PAYER)),
        "mergedId": lambda m: _of_kind(
            m, id_expression("Patient", m.merged_patient_id), id_expression("Payer", m.merged_payer_id)
        ),
        "mergedName": _merged_name,
        "patient": One("Patient", _stays(MergeKind.PATIENT)),
        "payer": One("Payer", _stays(MergeKind.PAYER)),
        "partOf": One("Merge", by_id("part_of_id")),
        **plain("reason", "merged_at", "undone_at", confirmedDifferentAttorneys="different_attorneys"),
        "mergedBy": One("User", by_id("merged_by")),
        "undoneBy": One("User", by_id("undone_by")),
    },
    {
        "undone": Filter(lambda m, wanted: m.undone_at.is_not(None) if wanted else m.undone_at.is_(None)),
    },
    order=Order(lambda m: m.merged_at, DateTime(timezone=True), descending=True),
    listed_as="merges",
)
