"""Compiles reports: one statement that computes the selected figures, and no others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, partial
from typing import Any
from zoneinfo import ZoneInfo

from graphql import GraphQLObjectType
from sqlalchemy import CTE, Date, FromClause, Select, and_, bindparam, cast, func, literal_column, select, true
from sqlalchemy.sql.elements import ColumnElement

from db import tables
from db.fields import reports
from db.fields.base import Pages
from db.reports import measures
from db.reports.as_of import AsOf, Restated
from db.reports.measures import PLACES
from db.reports.unapplied import unapplied_by_payer
from db.row import Derived, Row, Scope, Shared
from db.security import report_columns as figures
from db.security.reach import reach_of
from domain.billing.aging import AgingBasis
from domain.days import first_of_month, last_of_month
from permissions.reporting import BY_MONTH
from resolvers.compiler.compile import Compiler
from resolvers.compiler.json_sql import as_list, as_object
from resolvers.compiler.pages import Page
from resolvers.compiler.plans import Arguments
from resolvers.compiler.refusals import refuse
from resolvers.compiler.selection import SelectedField, object_type
from resolvers.context import ReadContext

Expression = ColumnElement[Any]
_SPAN = frozenset({"from", "to"})
# Facts of the visit itself; its payer is a fact of its invoices only.
_OF_VISITS = frozenset({"physicianId", "facilityId"})


@dataclass
class Report:
    """One report while it is compiled: its role, reporting day and invoices."""

    compiler: Compiler
    field: SelectedField

    def __post_init__(self) -> None:
        binder = self.compiler.binder
        self.arguments = self.compiler.selector.arguments(self.field)
        self.scope: Scope = self.compiler.scope
        is_past = self.arguments.get("asOf") is not None or (self.is_by_month and self.field.name == "analytics")
        is_restated = bool(self.arguments.get("restated"))
        if is_past or is_restated:
            past = Restated if is_restated else AsOf
            self.scope = past(self.scope.role, self.scope.columns, self.scope.numbers)
            day = _as_of if is_past else _today
            binder.param_sources |= {"as_of": day, "as_of_end": partial(_end_of, day)}
        binder.is_report = True
        self.compiler.audited.counts_only = True

    @property
    def is_by_month(self) -> bool:
        """Whether the role's reports show whole months."""
        return self.scope.role in BY_MONTH

    @property
    def basis(self) -> AgingBasis:
        """The day from which ages are counted."""
        asked = self.arguments.get("basis")
        return asked if asked is not None else AgingBasis.CREATED

    def invoices(self, *more: Callable[[Row], Expression]) -> tuple[Row, list[Expression]]:
        """An invoice of the report, and the conditions to be counted."""
        if self.is_shared:
            row: Row = Shared(tables.invoices, self.scope, self._past)
            return row, [part(row) for part in more]
        return self._read(*more)

    @property
    def is_shared(self) -> bool:
        """Whether invoices are read once for all figures: computing their state on a past day is most of the work."""
        return self.scope.is_past and self.field.name == "analytics"

    @cached_property
    def _past(self) -> CTE:
        return self._kept("past", self._read())

    @cached_property
    def _cohort(self) -> CTE:
        period = self.within(lambda i: i.created_on)
        return self._kept("cohort", self.invoices(period, measures.is_not_void))

    @cached_property
    def _agreed(self) -> CTE:
        """The cohort's invoices with an agreement, each with the attorney who represented its case on the day of it."""
        row, conditions = self.cohort(lambda i: i.agreed_amount.is_not(None))
        period = self.scope.row(tables.representations)
        columns = [
            (period if column == "attorney_id" else row, column) for column in figures.columns_kept(self.scope.role)
        ]
        source = row.source.join(period.source, measures.represents(period, row, row.agreed_on))
        kept = select(*(getattr(of, column).label(column) for of, column in columns))
        return kept.select_from(source).where(*conditions, *_reach(period)).cte(self.scope.name("agreed"))

    def _kept(self, name: str, found: tuple[Row, list[Expression]]) -> CTE:
        """Invoices with all columns that any figure uses, as far as the role may read them."""
        row, conditions = found
        columns = [getattr(row, column).label(column) for column in figures.columns_kept(self.scope.role)]
        return select(*columns).select_from(row.source).where(*conditions).cte(self.scope.name(name))

    def _read(self, *more: Callable[[Row], Expression]) -> tuple[Row, list[Expression]]:
        row = self.scope.invoice()
        wanted = self.narrowed(row, set(self.arguments.get("filter") or {}) - _SPAN)
        return row, [row.clinic_id == self.scope.clinic_id, *_reach(row), *wanted, *(part(row) for part in more)]

    def narrowed(self, row: Row, names: set[str]) -> list[Expression]:
        """The conditions of some keys of the filter."""
        given = {name: value for name, value in (self.arguments.get("filter") or {}).items() if name in names}
        narrowing = Pages("Analytics" if self.field.name == "analytics" else "Invoice")
        return Page(self.compiler, narrowing, self.field, None, {"filter": given}).narrowed(row)

    def cohort(self, *more: Callable[[Row], Expression]) -> tuple[Row, list[Expression]]:
        """An invoice that was created in the report's period and is not void."""
        row = Shared(tables.invoices, self.scope, self._cohort)
        return row, [part(row) for part in more]

    def represented(self, *more: Callable[[Row], Expression]) -> tuple[Row, list[Expression]]:
        """An invoice of the cohort with an agreement, whose attorney is the one of the day of the agreement."""
        row = Shared(tables.invoices, self.scope, self._agreed)
        return row, [part(row) for part in more]

    def within(self, day: Callable[[Row], Expression]) -> Callable[[Row], Expression]:
        """The condition that a day is in the report's period, both ends included."""
        self.compiler.binder.param_sources |= {"period_from": _from, "period_to": _to}
        first, last = bindparam("period_from", None, type_=Date()), bindparam("period_to", None, type_=Date())
        return lambda row: (day(row) >= first) & (day(row) <= last)

    def derived(self, table: Any, build: Callable[[set[str]], Select[Any]]) -> Derived:
        """A row of the report's figures."""
        return Derived(table, self.scope, build)

    def answer(self, whole: Expression, number: Expression | None = None) -> Select[Any]:
        """The statement: the response, with the data for the audit log."""
        audited = self.compiler.audited
        return audited.report(whole, *([audited.count(number)] if number is not None else []))

    def list(
        self, target: GraphQLObjectType, asked: list[SelectedField], row: Derived, *order: Callable[[Row], Expression]
    ) -> Expression:
        """All rows of some figures as a JSON list."""
        columns = self.compiler.columns(target, asked, row)
        sorted_by = [part(row) for part in order]
        return as_list(columns, self.compiler.scope, select().select_from(row.joined).order_by(*sorted_by))


def _reach(row: Row) -> list[Expression]:
    """The conditions beyond the clinic for a row to be added up; the report role reads the whole clinic of its transaction."""
    return [] if row.scope.role in BY_MONTH else reach_of(row)


def _as_of(context: ReadContext, arguments: list[Arguments]) -> date:
    day: date | None = arguments[0].get("asOf")
    if day is None:
        return first_of_month(context.today) - timedelta(days=1)
    if day > context.today:
        raise refuse("asOf", "must be today or a past day: later figures are not known yet")
    if _is_by_month(context) and (day != last_of_month(day) or day == context.today):
        raise refuse("asOf", "must be the last day of a month that is over")
    return day


def _today(context: ReadContext, arguments: list[Arguments]) -> date:
    return context.today


def _end_of(day: Callable[..., date], context: ReadContext, arguments: list[Arguments]) -> datetime:
    assert context.viewer is not None
    following = day(context, arguments) + timedelta(days=1)
    return datetime.combine(following, time(), ZoneInfo(context.viewer.time_zone))


def _from(context: ReadContext, arguments: list[Arguments]) -> date:
    first: date = arguments[0]["filter"]["from"]
    if first > _to(context, arguments):
        raise refuse("filter.from", "must not be after the end of the period")
    if _is_by_month(context) and first != first_of_month(first):
        raise refuse("filter.from", "must be the first day of a month")
    return first


def _to(context: ReadContext, arguments: list[Arguments]) -> date:
    last: date = arguments[0]["filter"]["to"]
    if _is_by_month(context) and last != last_of_month(last):
        raise refuse("filter.to", "must be the last day of a month")
    return last


def _is_by_month(context: ReadContext) -> bool:
    return context.viewer is not None and context.viewer.role in BY_MONTH


def aging(compiler: Compiler, field: SelectedField) -> Select[Any]:
    """The outstanding amounts by age (the aging of accounts receivable)."""
    report, target, asked = _begun(compiler, field)

    def build(used: set[str]) -> Select[Any]:
        basis: Expression = literal_column(f"'{report.basis.name}'::text").label("basis")
        spread = measures.ages(report.invoices, report.basis)
        return spread.add_columns(basis) if "basis" in used else spread

    row = report.derived(reports.aging, build)
    columns = compiler.columns(target, asked, row)
    number = sum((getattr(row, f"n{place}") for place in PLACES[1:]), row.n0)
    return _single(report, row, columns, number)


def _begun(compiler: Compiler, field: SelectedField) -> tuple[Report, GraphQLObjectType, list[SelectedField]]:
    assert field.definition is not None
    target = object_type(field.definition)
    return Report(compiler, field), target, compiler.selector.fields(target, field.selection_sets)


def _single(
    report: Report, row: Derived, columns: list[tuple[str, Expression]], number: Expression | None
) -> Select[Any]:
    """The response that is one object over one row of figures."""
    whole = as_object(columns, report.compiler.scope)
    return report.answer(whole, number).select_from(row.joined) if row.used else report.answer(whole)


def aging_by_payer(compiler: Compiler, field: SelectedField) -> Select[Any]:
    """The outstanding amounts by payer and age, slowest payers first."""
    report, target, asked = _begun(compiler, field)
    return report.answer(_payers(report, target, asked))


def _payers(report: Report, target: GraphQLObjectType, asked: list[SelectedField]) -> Expression:
    def by_payer(row: Row) -> Expression:
        return row.payer_id

    def build(used: set[str]) -> Select[Any]:
        ages = measures.ages_by(report.invoices, by_payer, report.basis).subquery("ages")
        paid = measures.days_to_pay(partial(report.invoices, measures.is_not_void), by_payer).subquery("paid")
        figures = [ages.c[name] for name in sorted(used & set(ages.c.keys()))]
        source = ages.outerjoin(paid, paid.c.key == ages.c.key)
        named = [_clinic(report), ages.c.key.label("payer_id"), paid.c.days_median]
        if "unapplied" in used:
            lying = unapplied_by_payer(report.scope).subquery("unapplied")
            source = source.outerjoin(lying, lying.c.key == ages.c.key)
            named.append(func.coalesce(lying.c.unapplied, 0).label("unapplied"))
        return select(*named, *figures).select_from(source)

    row = report.derived(reports.payer_aging, build)
    return report.list(target, asked, row, lambda r: r.days_median.desc().nulls_last(), lambda r: r.payer_id)


def _clinic(report: Report) -> Expression:
    return report.scope.clinic_id.label("clinic_id")


def analytics(compiler: Compiler, field: SelectedField) -> Select[Any]:
    """All selected measures over a period."""
    report, target, asked = _begun(compiler, field)
    row = report.derived(reports.analytics, partial(_figures, report))
    row.lists = {
        "physicianProductivity": partial(_productivity, report),
        "agingByPayer": partial(_payers, report),
        "reductionsByPayer": partial(_reductions, report, report.cohort, reports.payer_reductions, "payer_id"),
        "reductionsByAttorney": partial(
            _reductions, report, report.represented, reports.attorney_reductions, "attorney_id"
        ),
        "trend": partial(_trend, report),
    }
    columns = compiler.columns(target, asked, row)
    number = row.invoice_count if row.used & set(measures.COHORT) else None
    return _single(report, row, columns, number)


def _figures(report: Report, used: set[str]) -> Select[Any]:
    """One row of all selected figures, each group from one reading of its invoices."""
    parts: list[tuple[dict[str, Any], measures.Invoices]] = [
        (measures.COHORT, report.cohort),
        (measures.OUTSTANDING, partial(report.invoices, measures.is_open)),
        (measures.RECENT, partial(report.invoices, measures.is_recent)),
    ]
    found = [measures.totals(invoices, which, used & set(which)) for which, invoices in parts if used & set(which)]
    if used & set(measures.DAYS):
        found.append(measures.days_to_pay(report.cohort))
    rows = [part.subquery(f"figures{place}") for place, part in enumerate(found)]
    columns = [row.c[name] for row in rows for name in sorted(used & set(row.c.keys()))]
    return select(*columns).select_from(measures.side_by_side(rows))


def _by_key(report: Report, key: Callable[[Row], Expression], name: str, invoices: Any, used: set[str]) -> Select[Any]:
    """A row for each value of a key, with the selected figures of its cohort."""
    sums = measures.totals_by(invoices, key, measures.COHORT, used & set(measures.COHORT) | {"invoice_count"}).subquery(
        "sums"
    )
    columns = [sums.c.key.label(name), *(sums.c[one] for one in sorted(used & set(measures.COHORT)))]
    source: FromClause = sums
    if used & set(measures.DAYS):
        days = measures.days_to_pay(invoices, key).subquery("took")
        columns += [days.c[one] for one in sorted(used & set(measures.DAYS))]
        source = sums.outerjoin(days, days.c.key == sums.c.key)
    return select(_clinic(report), *columns).select_from(source)


def _reductions(
    report: Report, invoices: Any, table: Any, name: str, target: GraphQLObjectType, asked: list[SelectedField]
) -> Expression:
    def agreed(row: Row) -> Expression:
        return and_(row.agreed_amount.is_not(None), getattr(row, name).is_not(None))

    def key(row: Row) -> Expression:
        found: Expression = getattr(row, name)
        return found

    build = partial(_by_key, report, key, name, partial(invoices, agreed))
    row = report.derived(table, build)
    return report.list(
        target, asked, row, lambda r: (r.reduced / func.nullif(r.agreed_open, 0)).desc().nulls_last(), key
    )


def _trend(report: Report, target: GraphQLObjectType, asked: list[SelectedField]) -> Expression:
    def month(row: Row) -> Expression:
        return cast(func.date_trunc("month", row.created_on), Date)

    row = report.derived(reports.months, partial(_by_key, report, month, "month", report.cohort))
    return report.list(target, asked, row, lambda r: r.month)


def _productivity(report: Report, target: GraphQLObjectType, asked: list[SelectedField]) -> Expression:
    """Physicians with visits or invoices in the period, highest billed amount first."""

    def key(row: Row) -> Expression:
        return row.physician_id

    def build(used: set[str]) -> Select[Any]:
        invoices = partial(report.cohort, lambda i: i.physician_id.is_not(None))
        billed = _by_key(report, key, "physician_id", invoices, used | {"invoice_count", "billed"}).subquery(
            "of_invoices"
        )
        seen = _visits(report).subquery("of_visits")
        who = func.coalesce(billed.c.physician_id, seen.c.physician_id).label("physician_id")
        sums = [
            func.coalesce(billed.c[name], 0).label(name)
            for name in sorted(used & set(measures.COHORT) | {"invoice_count", "billed"})
        ]
        visits = [func.coalesce(seen.c[name], 0).label(name) for name in ("encounter_count", "exam_count")]
        both = billed.outerjoin(seen, billed.c.physician_id == seen.c.physician_id, full=True)
        return select(_clinic(report), who, *sums, *visits).select_from(both)

    row = report.derived(reports.productivity, build)
    return report.list(target, asked, row, lambda r: r.billed.desc(), key)


def _visits(report: Report) -> Select[Any]:
    """Encounters of the period and their exams, by physician; only those billed by the filter's invoices, if it restricts them."""
    e, x, scope = report.scope.encounter(), report.scope.row(tables.encounter_exams), report.scope
    performed = (
        select(func.coalesce(func.sum(x.units), 0).label("exams"))
        .select_from(x.source)
        .where(
            x.clinic_id == scope.clinic_id,
            x.encounter_id == e.id,
            *_reach(x),
            *scope.known(x),
            scope.uncorrected(x.removed_at),
        )
        .lateral("performed")
    )
    conditions = [e.clinic_id == scope.clinic_id, *_reach(e), *scope.known(e), scope.uncorrected(e.cancelled_at)]
    conditions.append(report.within(lambda row: row.service_date)(e))
    named = {name for name, value in (report.arguments.get("filter") or {}).items() if value is not None}
    conditions += report.narrowed(e, named & _OF_VISITS)
    if named - _SPAN - _OF_VISITS:
        i, wanted = report.invoices()
        conditions.append(
            e.id.in_(select(i.encounter_id).select_from(i.source).where(*wanted, i.encounter_id.is_not(None)))
        )
    counts = [func.count().label("encounter_count"), func.sum(performed.c.exams).label("exam_count")]
    found: Select[Any] = select(e.physician_id.label("physician_id"), *counts)
    # The FROM clause is built last, when all columns that are read are known.
    return found.select_from(e.source.join(performed, true())).where(*conditions).group_by(e.physician_id)


REPORTS: dict[str, Callable[[Compiler, SelectedField], Select[Any]]] = {
    "aging": aging,
    "agingByPayer": aging_by_payer,
    "analytics": analytics,
}
