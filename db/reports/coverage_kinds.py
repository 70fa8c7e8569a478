"""The SQL of the amounts by kind of coverage: each part of what was billed under the coverage that paid it, or that owes it."""

from typing import Any

from sqlalchemy import (
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.types import Date, Numeric

from db import tables
from db.reports.few_invoices import with_remainder
from db.reports.measures import Invoices, is_open, open_part
from db.row import Expression, Row, Scope
from domain.billing.ledger.facts import AdjustmentKind

AMOUNTS = ("billed", "received", "reduced", "contractual", "outstanding")


def amounts_by_kind(invoices: Invoices, scope: Scope, *, joins_few: bool) -> Select[Any]:
    """A row for each kind of coverage: `kind` (null for none), `is_remainder`, `invoice_count` and the amounts.

    With `joins_few`, the kinds of a month that add up fewer than five invoices are joined into the remainder.
    """
    return with_remainder(_of_invoices(invoices, scope).cte(scope.name("parts")), scope, AMOUNTS, joins_few=joins_few)


def _of_invoices(invoices: Invoices, scope: Scope) -> Select[Any]:
    """A row for each invoice and kind of coverage with a part of it."""
    parts = union_all(_paid(invoices, scope), _taken_off(invoices, scope), _owed(invoices, scope)).subquery("found")
    sums = [func.sum(parts.c[name]).label(name) for name in AMOUNTS]
    found = select(parts.c.invoice_id, parts.c.month, parts.c.kind, *sums)
    is_something = or_(*(func.sum(parts.c[name]) != 0 for name in AMOUNTS))
    return found.group_by(parts.c.invoice_id, parts.c.month, parts.c.kind).having(is_something)


def _part(i: Row, kind: Expression, **amounts: Expression) -> list[Any]:
    month = cast(func.date_trunc("month", i.created_on), Date).label("month")
    nothing = cast(literal(0, literal_execute=True), Numeric(12, 2))
    return [
        i.id.label("invoice_id"),
        month,
        kind.label("kind"),
        *(amounts.get(name, nothing).label(name) for name in AMOUNTS),
    ]


def _paid(invoices: Invoices, scope: Scope) -> Select[Any]:
    """What was received, under the coverage that each payment names."""
    i, conditions = invoices()
    a, v = scope.row(tables.cheque_allocations), scope.row(tables.coverages)
    columns = _part(i, v.kind, billed=a.amount, received=a.amount)
    of = and_(a.clinic_id == scope.clinic_id, a.invoice_id == i.id, *scope.known(a))
    under = and_(v.clinic_id == scope.clinic_id, v.id == a.coverage_id)
    return select(*columns).select_from(i.source.join(a.source, of).outerjoin(v.source, under)).where(*conditions)


def _taken_off(invoices: Invoices, scope: Scope) -> Select[Any]:
    """Contractual adjustments, under the coverage that was responsible on the day of each, before what was recorded later on it."""
    i, conditions = invoices()
    a, r = scope.row(tables.invoice_adjustments), scope.row(tables.responsibilities)
    of = and_(
        a.clinic_id == scope.clinic_id,
        a.invoice_id == i.id,
        a.kind == literal(AdjustmentKind.CONTRACTUAL.value, literal_execute=True),
        *scope.known(a),
    )
    began = or_(r.from_on < a.effective_on, and_(r.from_on == a.effective_on, r.recorded_at <= a.recorded_at))
    was = and_(r.clinic_id == scope.clinic_id, r.invoice_id == i.id, began, *scope.known(r))
    owing = (
        select(r.payer_id.label("payer_id"), r.coverage_id.label("coverage_id"))
        .select_from(r.source)
        .where(was)
        .order_by(r.number.desc())
        .limit(1)
    )
    owed = owing.lateral("owed")
    kind, joined = _kind(i, scope, owed.c.payer_id, owed.c.coverage_id)
    columns = _part(i, kind, billed=a.amount, contractual=a.amount)
    source = joined(i.source.join(a.source, of).outerjoin(owed, true()))
    return select(*columns).select_from(source).where(*conditions)


def _owed(invoices: Invoices, scope: Scope) -> Select[Any]:
    """The rest of what was billed, under the coverage that owes now; it contains the reduction and what is outstanding."""
    i, conditions = invoices()
    r = scope.row(tables.responsibilities)
    last = (
        select(r.invoice_id.label("invoice_id"), r.coverage_id.label("coverage_id"))
        .select_from(r.source)
        .ext(distinct_on(r.invoice_id))
    )
    last = last.where(r.clinic_id == scope.clinic_id, *scope.known(r)).order_by(r.invoice_id, r.number.desc())
    now = last.subquery("now")
    kind, joined = _kind(i, scope, i.payer_id, now.c.coverage_id)
    amounts = {
        "billed": i.billed_amount - i.received_amount - i.contractual_amount,
        "reduced": func.coalesce(open_part(i) - i.agreed_amount, 0),
        "outstanding": case((is_open(i), i.balance), else_=0),
    }
    columns = _part(i, kind, **amounts)
    source = joined(i.source.outerjoin(now, now.c.invoice_id == i.id))
    return select(*columns).select_from(source).where(*conditions)


def _kind(i: Row, scope: Scope, payer: Expression, coverage: Expression) -> tuple[Expression, Any]:
    """The kind of the coverage under which a payer owes, and the joins that it needs.

    It is that of the named coverage or, where none is named, the one kind of this payer's coverages in the case.
    """
    named, any_one = scope.row(tables.coverages), scope.row(tables.coverages)
    one = case((func.count(any_one.kind.distinct()) == 1, func.min(any_one.kind)))
    own = select(any_one.case_id.label("case_id"), any_one.payer_id.label("payer_id"), one.label("kind")).select_from(
        any_one.source
    )
    own = own.where(any_one.clinic_id == scope.clinic_id, *scope.known(any_one))
    only = own.group_by(any_one.case_id, any_one.payer_id).subquery(scope.name("only"))

    def joined(source: FromClause) -> FromClause:
        source = source.outerjoin(named.source, and_(named.clinic_id == scope.clinic_id, named.id == coverage))
        return source.outerjoin(only, and_(only.c.case_id == i.case_id, only.c.payer_id == payer))

    return case((coverage.is_not(None), named.kind), else_=only.c.kind), joined
