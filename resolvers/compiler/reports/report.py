"""One report while it is compiled: its reporting day, its period, and the invoices that its figures add up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property, partial
from typing import Any
from zoneinfo import ZoneInfo

from graphql import GraphQLObjectType
from sqlalchemy import CTE, Date, DateTime, FromClause, Select, bindparam, func, select
from sqlalchemy.sql.elements import ColumnElement

from db import tables
from db.fields.base import Pages
from db.reports import measures
from db.reports.as_of import AsOf, Restated
from db.reports.kept_agreements import kept_agreements
from db.row import Derived, Row, Scope, Shared
from db.security import report_columns as figures
from db.security.reach import reach_of
from domain.days import first_of_month, last_of_month
from domain.reports.aging import AgingBasis
from permissions.reporting import BY_MONTH
from resolvers.compiler.compile import Compiler
from resolvers.compiler.json_sql import as_list
from resolvers.compiler.pages import Page
from resolvers.compiler.plans import Arguments
from resolvers.compiler.refusals import refuse
from resolvers.compiler.selection import SelectedField
from resolvers.context import ReadContext

Expression = ColumnElement[Any]
SPAN = frozenset({"from", "to"})


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
            self.scope = past(
                self.scope.role, self.scope.columns, self.scope.numbers, self.scope.follows, self.scope.unfollowed
            )
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
    def _represented(self) -> CTE:
        """The cohort's invoices with an agreement, each with the attorney who represented its case on the day of it."""
        row, conditions = self._agreed()
        period, kept = self.scope.row(tables.representations), kept_agreements(self.scope)
        day = func.coalesce(kept.c.agreed_on, row.agreed_on)
        source = row.source.outerjoin(kept, kept.c.invoice_id == row.id)
        source = source.join(period.source, measures.represents(period, row, day))
        return self._carried(row, source, [*conditions, *reach(period)], attorney_id=period.attorney_id)

    @cached_property
    def _agreed_with(self) -> CTE:
        """The cohort's invoices with an agreement, each with the payer who was responsible when it was made."""
        row, conditions = self._agreed()
        kept = kept_agreements(self.scope)
        payer = func.coalesce(kept.c.payer_id, row.stored("payer_id"))
        return self._carried(row, row.source.outerjoin(kept, kept.c.invoice_id == row.id), conditions, payer_id=payer)

    def _agreed(self) -> tuple[Row, list[Expression]]:
        return self.cohort(lambda i: i.agreed_amount.is_not(None))

    def _carried(self, row: Row, source: FromClause, conditions: list[Expression], **other: Expression) -> CTE:
        """Invoices with all columns that any figure uses, some of which are other expressions."""
        columns = figures.columns_kept(self.scope.role)
        read = select(*((other[one] if one in other else row.stored(one)).label(one) for one in columns))
        return read.select_from(source).where(*conditions).cte(self.scope.name("agreed"))

    def _kept(self, name: str, found: tuple[Row, list[Expression]]) -> CTE:
        """Invoices with all columns that any figure uses, as far as the role may read them."""
        row, conditions = found
        columns = [row.stored(column).label(column) for column in figures.columns_kept(self.scope.role)]
        return select(*columns).select_from(row.source).where(*conditions).cte(self.scope.name(name))

    def _read(self, *more: Callable[[Row], Expression]) -> tuple[Row, list[Expression]]:
        row = self.scope.invoice()
        wanted = self.narrowed(row, set(self.arguments.get("filter") or {}) - SPAN)
        return row, [row.clinic_id == self.scope.clinic_id, *reach(row), *wanted, *(part(row) for part in more)]

    @property
    def given(self) -> set[str]:
        """The keys of the filter that are given, those of the period included."""
        return {name for name, value in (self.arguments.get("filter") or {}).items() if value is not None}

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
        row = Shared(tables.invoices, self.scope, self._represented)
        return row, [part(row) for part in more]

    def agreed_with(self, *more: Callable[[Row], Expression]) -> tuple[Row, list[Expression]]:
        """An invoice of the cohort with an agreement, whose payer is the one that made it."""
        row = Shared(tables.invoices, self.scope, self._agreed_with)
        return row, [part(row) for part in more]

    def within(self, day: Callable[[Row], Expression]) -> Callable[[Row], Expression]:
        """The condition that a day is in the report's period, both ends included."""
        self.compiler.binder.param_sources |= {"period_from": _from, "period_to": _to}
        first, last = bindparam("period_from", None, type_=Date()), bindparam("period_to", None, type_=Date())
        return lambda row: (day(row) >= first) & (day(row) <= last)

    def within_moments(self, moment: Callable[[Row], Expression]) -> Callable[[Row], Expression]:
        """The condition that a moment is in the report's period, by the clinic's calendar."""
        ends = {"period_begins_at": partial(_end_of, _day_before_from), "period_ends_at": partial(_end_of, _to)}
        self.compiler.binder.param_sources |= ends
        first, end = (bindparam(name, None, type_=DateTime(timezone=True)) for name in ends)
        return lambda row: (moment(row) >= first) & (moment(row) < end)

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


def reach(row: Row) -> list[Expression]:
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


def _day_before_from(context: ReadContext, arguments: list[Arguments]) -> date:
    return _from(context, arguments) - timedelta(days=1)


def _to(context: ReadContext, arguments: list[Arguments]) -> date:
    last: date = arguments[0]["filter"]["to"]
    if _is_by_month(context) and last != last_of_month(last):
        raise refuse("filter.to", "must be the last day of a month")
    return last


def _is_by_month(context: ReadContext) -> bool:
    return context.viewer is not None and context.viewer.role in BY_MONTH
