"""The SQL of the measures: counts and sums over invoices, aging buckets and medians, in their fast forms."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Float,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)

from db import tables
from db.row import Expression, Row
from domain.billing.invoices import OPEN
from domain.reports.aging import BUCKETS, AgingBasis, Bucket
from domain.reports.analytics import BILLING_DAYS, OVERDUE_DAYS
from permissions.reporting import BY_MONTH

# A row of invoices, and the conditions under which it counts: a fresh one for each query.
Invoices = Callable[[], tuple[Row, list[Expression]]]
BASES: dict[AgingBasis, Callable[[Row], Expression]] = {
    AgingBasis.CREATED: lambda i: i.created_on,
    AgingBasis.SUBMITTED: lambda i: func.coalesce(i.submitted_on, i.created_on),
    AgingBasis.SERVICE: lambda i: i.service_date,
    AgingBasis.AGREED: lambda i: func.coalesce(i.agreed_on, i.created_on),
    AgingBasis.RESPONSIBILITY: lambda i: func.coalesce(i.responsible_since, i.created_on),
}
PLACES = range(len(BUCKETS))


def outstanding(i: Row) -> Expression:
    """The outstanding amount of an open invoice."""
    return i.balance


def open_part(i: Row) -> Expression:
    """The part of the billed amount that was agreed upon or is still to be: billed less what others paid, and by contract."""
    return i.billed_amount - i.contractual_amount - i.earlier_received_amount


def is_open(i: Row) -> Expression:
    """That an invoice is open (part of accounts receivable): it is neither covered nor closed."""
    return i.status.in_([literal(status.value, literal_execute=True) for status in OPEN])


def is_not_void(i: Row) -> Expression:
    """That an invoice is not void, so that it counts."""
    return i.status != literal("void", literal_execute=True)


def represents(r: Row, i: Row, day: Expression) -> Expression:
    """That a period of representation is of an invoice's case, contains a day, and is known on the scope's day."""
    if r.scope.is_past and not r.scope.is_restated:
        known = and_(
            func.coalesce(r.known_from, r.from_on) <= r.scope.today, _is_null_or_after(r.known_until, r.scope.today)
        )
    else:
        known = r.known_until.is_(None)
    of_case = and_(r.clinic_id == i.scope.clinic_id, r.case_id == i.case_id)
    return and_(of_case, r.from_on <= day, _is_null_or_after(r.until_on, day), known)


def responsible_payer(i: Row, day: Expression) -> Expression:
    """The payer who was responsible for an invoice on a day: the present one, unless it has come later."""
    r = i.scope.row(tables.responsibilities)
    was = (r.clinic_id == i.scope.clinic_id, r.invoice_id == i.id, r.from_on <= day, *i.scope.known(r))
    then = select(r.payer_id).select_from(r.source).where(*was).order_by(r.number.desc()).limit(1).scalar_subquery()
    return case((day < i.responsible_since, func.coalesce(then, i.payer_id)), else_=i.payer_id)


def _is_null_or_after(day: Expression, other: Expression) -> Expression:
    return or_(day.is_(None), day > other)


_COUNT, _SUM = func.count(), func.sum


def _was_denied(i: Row) -> Expression:
    d = i.scope.row(tables.denials)
    return i.id.in_(
        select(d.invoice_id).select_from(d.source).where(d.clinic_id == i.scope.clinic_id, *i.scope.known(d))
    )


# The sums over a cohort, by the name of the result column.
COHORT: dict[str, Callable[[Row], Expression]] = {
    "invoice_count": lambda i: _COUNT,
    "billed": lambda i: func.coalesce(_SUM(i.billed_amount), 0),
    "received": lambda i: func.coalesce(_SUM(i.received_amount), 0),
    "reduced": lambda i: func.coalesce(_SUM(open_part(i) - i.agreed_amount), 0),
    "agreed_open": lambda i: func.coalesce(_SUM(open_part(i)).filter(i.agreed_amount.is_not(None)), 0),
    "contractual": lambda i: func.coalesce(_SUM(i.contractual_amount), 0),
    "recovered": lambda i: func.coalesce(_SUM(i.recovered_amount), 0),
    "agreed_count": lambda i: func.count(i.agreed_amount),
    "submitted": lambda i: func.count(i.first_submitted_on),
    "denied": lambda i: _COUNT.filter(_was_denied(i)),
}
# Statistics on the days until full payment; the median is computed over the distinct days, which are few, not over the invoices.
DAYS = ("days_mean", "days_median", "days_count")
OUTSTANDING: dict[str, Callable[[Row], Expression]] = {
    "outstanding": lambda i: func.coalesce(_SUM(outstanding(i)), 0),
    "overdue": lambda i: func.coalesce(_SUM(outstanding(i)).filter(i.created_on < i.scope.today - OVERDUE_DAYS), 0),
}
RECENT: dict[str, Callable[[Row], Expression]] = {"recent": lambda i: func.coalesce(_SUM(i.billed_amount), 0)}


def is_recent(i: Row) -> Expression:
    """That an invoice was created in the last 90 days."""
    return and_(is_not_void(i), i.created_on > i.scope.today - BILLING_DAYS, i.created_on <= i.scope.today)


def totals(invoices: Invoices, which: dict[str, Callable[[Row], Expression]], names: set[str]) -> Select[Any]:
    """One row with the requested sums."""
    row, conditions = invoices()
    columns = [which[name](row).label(name) for name in sorted(names)]
    return select(*columns).select_from(row.source).where(*conditions)


def totals_by(
    invoices: Invoices, key: Callable[[Row], Expression], which: dict[str, Callable[[Row], Expression]], names: set[str]
) -> Select[Any]:
    """The same, one row for each value of a key, which is the column `key`."""
    row, conditions = invoices()
    columns = [which[name](row).label(name) for name in sorted(names)]
    grouped = key(row)
    return select(grouped.label("key"), *columns).select_from(row.source).where(*conditions).group_by(grouped)


def _paid_by(i: Row) -> Expression:
    """The day of full payment, as precisely as the role's reports show it: the day, or the last day of its month."""
    if i.scope.role not in BY_MONTH:
        return i.fully_paid_on
    following = func.date_trunc("month", cast(i.fully_paid_on, DateTime)) + literal_column("interval '1 month'")
    return cast(following, Date) - 1


def days_to_pay(invoices: Invoices, key: Callable[[Row], Expression] | None = None) -> Select[Any]:
    """Mean and median of the days until full payment, and the number of fully paid invoices; per value of a key if there is one."""
    row, conditions = invoices()
    took = _paid_by(row) - row.created_on
    grouped = [key(row)] if key else []
    counts = (
        select(*(one.label("key") for one in grouped), took.label("days"), _COUNT.label("n"))
        .select_from(row.source)
        .where(*conditions, row.fully_paid_on.is_not(None))
        .group_by(*grouped, took)
        .subquery("took")
    )
    alike = counts.c.key if key else None
    upto = func.sum(counts.c.n).over(partition_by=alike, order_by=counts.c.days).label("upto")
    whole = func.sum(counts.c.n).over(partition_by=alike).label("whole")
    placed = select(*counts.c, upto, whole).subquery("placed")
    # With an even number the median is the mean of the two middle values; with an odd number both are the same value.
    low = func.min(placed.c.days).filter(placed.c.upto >= func.div(placed.c.whole + 1, 2))
    high = func.min(placed.c.days).filter(placed.c.upto >= func.div(placed.c.whole + 2, 2))
    found = select(
        *([placed.c.key] if key else []),
        cast(func.sum(placed.c.days * placed.c.n) / func.sum(placed.c.n), Float(53)).label("days_mean"),
        cast((low + high) / literal_column("2.0"), Float(53)).label("days_median"),
        func.coalesce(func.sum(placed.c.n), 0).label("days_count"),
    )
    return found.group_by(placed.c.key) if key else found


def within(bucket: Bucket, day: Expression, today: Expression) -> Expression:
    """That an age counted from a day lies in a bucket; a day in the future has age 0."""
    parts = [day >= today - bucket.to_days] if bucket.to_days is not None else []
    parts += [day <= today - bucket.from_days] if bucket.from_days else []
    return and_(true(), *parts)


def ages(invoices: Invoices, basis: AgingBasis) -> Select[Any]:
    """One row: for each aging bucket the number of open invoices (n0, n1, …) and their outstanding amount (s0, s1, …)."""
    row, _ = invoices()
    if basis is AgingBasis.CREATED and not row.scope.is_past:
        return _by_ranges(invoices)
    return _spread(_days(invoices, BASES[basis]), row.scope.today)


def ages_by(invoices: Invoices, key: Callable[[Row], Expression], basis: AgingBasis) -> Select[Any]:
    """The same, one row for each value of a key, which is the column `key`."""
    row, _ = invoices()
    days = _days(invoices, BASES[basis], key)
    return _spread(days, row.scope.today, days.c.key).group_by(days.c.key)


def _days(
    invoices: Invoices, basis: Callable[[Row], Expression], key: Callable[[Row], Expression] | None = None
) -> Any:
    """Open invoices grouped by the basis date: there are few distinct dates, so that the buckets cost nothing."""
    row, conditions = invoices()
    keys = [key(row).label("key")] if key else []
    sums = [basis(row).label("day"), _COUNT.label("n"), _SUM(outstanding(row)).label("s")]
    # The FROM clause is built last, when all columns that are read are known.
    conditions.append(is_open(row))
    query = select(*keys, *sums).select_from(row.source).where(*conditions)
    return query.group_by(*([key(row)] if key else []), basis(row)).subquery("days")


def _spread(days: Any, today: Expression, *keys: Expression) -> Select[Any]:
    columns = []
    for place, bucket in enumerate(BUCKETS):
        inside = within(bucket, days.c.day, today)
        columns.append(cast(func.coalesce(_SUM(days.c.n).filter(inside), 0), BigInteger()).label(f"n{place}"))
        columns.append(func.coalesce(_SUM(days.c.s).filter(inside), 0).label(f"s{place}"))
    return select(*keys, *columns)


def _by_ranges(invoices: Invoices) -> Select[Any]:
    """By ranges of creation dates, each an index-only scan: the fastest way, possible for the column that leads the index."""
    columns, parts = [], []
    for place, bucket in enumerate(BUCKETS):
        row, conditions = invoices()
        inside = within(bucket, row.created_on, row.scope.today)
        sums = [_COUNT.label("n"), func.coalesce(_SUM(outstanding(row)), 0).label("s")]
        conditions += [is_open(row), inside]
        part = select(*sums).select_from(row.source).where(*conditions).subquery(f"b{place}")
        columns += [part.c.n.label(f"n{place}"), part.c.s.label(f"s{place}")]
        parts.append(part)
    return select(*columns).select_from(side_by_side(parts))


def side_by_side(parts: Sequence[FromClause]) -> FromClause:
    """Queries of one row each, as one row."""
    return reduce(lambda left, right: left.join(right, true()), parts)
