"""Compiles the aging of accounts receivable by payer: as a whole list, slowest payers first, and in pages, the largest amounts first."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import GraphQLObjectType
from sqlalchemy import FromClause, Select, Subquery, Uuid, case, func, literal, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from db import tables
from db.fields import reports
from db.fields.base import Pages
from db.reports import measures
from db.reports.unapplied import unapplied_by_payer
from db.row import Derived, Row
from domain.access.people import PayerKind
from resolvers.compiler.compile import Compiler
from resolvers.compiler.pages import Page, page_of
from resolvers.compiler.reports.report import SPAN, Report
from resolvers.compiler.selection import SelectedField, object_type

Expression = ColumnElement[Any]
# What the rows of a report are grouped by, made of the payer of a record.
Grouped = Callable[[Expression], Expression]
# The key of the row of all patients, which is the id of no payer.
_PATIENTS: Expression = literal_column("'00000000-0000-0000-0000-000000000000'::uuid", Uuid())


@dataclass
class _ReportPage(Page):
    """A page of the rows that a report computes, which are in reach and filtered already."""

    computed: Callable[[], Row] | None = None

    def rows(self) -> Row:
        """A row of the whole list."""
        assert self.computed is not None
        return self.computed()

    def conditions(self, row: Row) -> list[Expression]:
        """No conditions but those of the report."""
        return []


def aging_by_payer(compiler: Compiler, field: SelectedField) -> Select[Any]:
    """The outstanding amounts by payer and age, slowest payers first."""
    report = Report(compiler, field)
    assert field.definition is not None
    target = object_type(field.definition)
    return report.answer(payers(report, target, compiler.selector.fields(target, field.selection_sets)))


def payers(report: Report, target: GraphQLObjectType, asked: list[SelectedField]) -> Expression:
    """All payers as a JSON list, slowest payers first."""
    row = _by_payer(report)
    return report.list(target, asked, row, lambda r: r.days_median.desc().nulls_last(), lambda r: r.payer_id)


def aging_by_payer_page(compiler: Compiler, field: SelectedField) -> Select[Any]:
    """The same in pages, the largest outstanding amounts first; all patients are one row unless they are asked for separately."""
    report = Report(compiler, field)
    grouped = _itself if report.arguments.get("patientsSeparately") else partial(_patients_together, report)
    page = _ReportPage(
        compiler,
        Pages("PayerGroupAging"),
        field,
        None,
        report.arguments,
        computed=partial(_by_payer, report, grouped),
    )
    return report.answer(page_of(page).scalar_subquery())


def _itself(payer: Expression) -> Expression:
    return payer


def _patients_together(report: Report, payer: Expression) -> Expression:
    """The payer, or one key for all payers that are patients."""
    # One name for all: an expression that is grouped by has to be the same wherever it is written.
    row = Row(tables.payers, "patients", report.scope)
    is_patient = row.kind == literal(PayerKind.PATIENT.value, literal_execute=True)
    patients = select(row.id).select_from(row.source).where(row.clinic_id == report.scope.clinic_id, is_patient)
    return case((payer.in_(patients), _PATIENTS), else_=payer)


def _by_payer(report: Report, grouped: Grouped = _itself) -> Derived:
    """A row of figures for each payer, or for each group of them."""

    def by_payer(row: Row) -> Expression:
        return grouped(row.payer_id)

    def paid_by(row: Row) -> Expression:
        return grouped(measures.responsible_payer(row, row.fully_paid_on))

    def build(used: set[str]) -> Select[Any]:
        ages = measures.ages_by(report.invoices, by_payer, report.basis).subquery("ages")
        source, key, more = _with_unapplied(report, ages, grouped)
        paid = measures.days_to_pay(partial(report.invoices, measures.is_not_void), paid_by).subquery("paid")
        figures = [func.coalesce(ages.c[name], 0).label(name) for name in sorted(used & set(ages.c.keys()))]
        keys = [clinic_of(report), key.label("id"), key.label("payer_id")]
        columns = [*keys, paid.c.days_median, *more, *figures]
        return select(*columns).select_from(source.outerjoin(paid, paid.c.key == key))

    return report.derived(reports.payer_aging, build)


def _with_unapplied(
    report: Report, ages: Subquery, grouped: Grouped
) -> tuple[FromClause, Expression, list[Expression]]:
    """The payers with open invoices, and for roles that see payments those of whom there is nothing but unapplied money."""
    if report.is_by_month:
        return ages, ages.c.key, []
    of_payers = unapplied_by_payer(report.scope, lambda c: report.narrowed(c, {"payerId"})).subquery("of_payers")
    together = grouped(of_payers.c.key)
    sums = select(together.label("key"), func.sum(of_payers.c.unapplied).label("unapplied"))
    lying = sums.select_from(of_payers).group_by(together).subquery("unapplied")
    # Unapplied money is of no invoice that another filter could choose.
    is_whole = not report.given - SPAN - {"payerId"}
    source = ages.outerjoin(lying, lying.c.key == ages.c.key, full=is_whole)
    amount = func.coalesce(lying.c.unapplied, 0).label("unapplied")
    return source, func.coalesce(ages.c.key, lying.c.key), [amount]


def clinic_of(report: Report) -> Expression:
    """The viewer's clinic, as the column by which records are joined to the rows of a report."""
    return report.scope.clinic_id.label("clinic_id")
