"""The SQL of agreements that a new payer keeps: who was responsible, and on which day, when the amount was agreed upon."""

from typing import Any

from sqlalchemy import Select, Subquery, literal, or_, select, true

from db import tables
from db.row import Scope
from domain.billing.ledger.facts import AgreementKind

_CONTINUED = literal(AgreementKind.CONTINUED.value, literal_execute=True)


def kept_agreements(scope: Scope) -> Subquery:
    """A row for each invoice whose standing agreement was made by an earlier payer: `invoice_id`, `payer_id`, `agreed_on`."""
    now, made, owed = (scope.row(table) for table in (tables.agreements, tables.agreements, tables.responsibilities))
    lasts = (
        or_(now.ended_on.is_(None), now.ended_on > scope.today) if scope.is_restated else scope.lasting(now.ended_at)
    )
    stands = [now.clinic_id == scope.clinic_id, now.kind == _CONTINUED, *scope.known(now), lasts]
    original = select(made.agreed_on.label("agreed_on"), made.recorded_at.label("recorded_at")).select_from(made.source)
    of_it = (made.clinic_id == scope.clinic_id, made.invoice_id == now.invoice_id, made.number < now.number)
    first = original.where(*of_it, made.kind != _CONTINUED).order_by(made.number.desc()).limit(1).lateral("first")
    was = (
        owed.clinic_id == scope.clinic_id,
        owed.invoice_id == now.invoice_id,
        owed.recorded_at <= first.c.recorded_at,
    )
    by = (
        select(owed.stored("payer_id").label("payer_id"))
        .select_from(owed.source)
        .where(*was)
        .order_by(owed.number.desc())
        .limit(1)
        .lateral("by")
    )
    columns = [
        now.invoice_id.label("invoice_id"),
        by.c.payer_id.label("payer_id"),
        first.c.agreed_on.label("agreed_on"),
    ]
    found: Select[Any] = select(*columns).select_from(now.source.join(first, true()).join(by, true())).where(*stands)
    return found.subquery(scope.name("kept"))
