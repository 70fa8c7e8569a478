"""The SQL of the measures of denials: how many of the invoices' denials were appealed and decided, and what payers paid after all."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import FromClause, Integer, Select, and_, cast, func, literal, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.types import Date, Numeric

from db import tables
from db.reports.few_invoices import with_remainder
from db.reports.measures import Invoices, responsible_payer
from db.row import Expression, Row, Scope
from domain.billing.claims.denials import DECIDED, RECOVERS, DenialStatus

# The sums over denials, by the name of the result column; `recovered_after` is in US dollars.
SUMS = ("denials", "appealed", "appeals", "decided", "overturned", "recovered_after")


def denial_sums(invoices: Invoices, key: Callable[[Row], Expression] | None = None) -> Select[Any]:
    """One row with all sums; per value of a key of the invoice, which is the column `key`, if there is one."""
    i, _, source, conditions, parts = _denials(invoices)
    if key is None:
        return _found(sums=parts, source=source, conditions=conditions)
    grouped = key(i)
    return _found(grouped.label("key"), sums=parts, source=source, conditions=conditions).group_by(grouped)


def sums_by_payer(invoices: Invoices) -> Select[Any]:
    """One row for each payer who was responsible on the day of a denial, with the number of invoices that it denied."""
    i, d, source, conditions, parts = _denials(invoices)
    payer = responsible_payer(i, d.denied_on)
    number = func.count(i.id.distinct()).label("invoice_count")
    return _found(payer.label("payer_id"), number, sums=parts, source=source, conditions=conditions).group_by(payer)


def sums_by_reason(invoices: Invoices, scope: Scope, *, joins_few: bool) -> Select[Any]:
    """A row for each reason code: `kind` (null for the remainder), `is_remainder`, `invoice_count` and the sums."""
    i, d, source, conditions, parts = _denials(invoices)
    month = cast(func.date_trunc("month", i.created_on), Date)
    columns = (i.id.label("invoice_id"), month.label("month"), d.reason_code.label("kind"))
    found = _found(*columns, sums=parts, source=source, conditions=conditions).group_by(i.id, month, d.reason_code)
    return with_remainder(found.cte(scope.name("parts")), scope, SUMS, joins_few=joins_few)


def _found(*columns: Any, sums: dict[str, Expression], source: FromClause, conditions: list[Expression]) -> Select[Any]:
    return select(*columns, *(one.label(name) for name, one in sums.items())).select_from(source).where(*conditions)


def _denials(invoices: Invoices) -> tuple[Row, Row, FromClause, list[Expression], dict[str, Expression]]:
    """Each denial of the invoices with what became of it by the report's day: its invoice, itself, and the sums over it."""
    i, conditions = invoices()
    scope = i.scope
    d, e = scope.row(tables.denials), scope.row(tables.denial_events)
    is_appeal = e.status == _word(DenialStatus.APPEALED)
    steps = (
        select(
            func.count().filter(is_appeal).label("appeals"),
            _last(e.status, e).label("status"),
            _last(e.recovered_amount, e, ~is_appeal).label("recovered"),
        )
        .select_from(e.source)
        .where(e.clinic_id == scope.clinic_id, e.denial_id == d.id, *scope.known(e))
        .lateral(scope.name("life"))
    )
    of = and_(d.clinic_id == scope.clinic_id, d.invoice_id == i.id, *scope.known(d))
    number = cast(func.count(), Integer)
    sums = {
        "denials": number,
        "appealed": func.count().filter(steps.c.appeals > 0),
        "appeals": func.coalesce(func.sum(steps.c.appeals), 0),
        "decided": func.count().filter(steps.c.status.in_([_word(one) for one in DECIDED])),
        "overturned": func.count().filter(steps.c.status.in_([_word(one) for one in RECOVERS])),
        "recovered_after": func.coalesce(func.sum(steps.c.recovered), cast(_zero(), Numeric(12, 2))),
    }
    return i, d, i.source.join(d.source, of).join(steps, true()), conditions, sums


def _last(value: Expression, e: Row, *only: Expression) -> Expression:
    """The value of the last step."""
    found = func.array_agg(aggregate_order_by(value, e.number.desc()))
    return (found.filter(*only) if only else found)[1]


def _word(one: DenialStatus) -> Expression:
    return literal(str(one), literal_execute=True)


def _zero() -> Expression:
    return literal(0, literal_execute=True)
