"""Compiles reports: one statement that computes the selected figures, and no others."""

from collections.abc import Callable
from functools import partial
from typing import Any

from graphql import GraphQLObjectType
from sqlalchemy import Date, FromClause, Select, and_, cast, func, literal_column, select, true
from sqlalchemy.sql.elements import ColumnElement

from db import tables
from db.fields import reports
from db.reports import denials, measures
from db.reports.coverage_kinds import amounts_by_kind
from db.reports.documents import counts_by_kind
from db.reports.measures import PLACES
from db.row import Derived, Row
from resolvers.compiler.compile import Compiler
from resolvers.compiler.json_sql import as_object
from resolvers.compiler.refusals import refuse
from resolvers.compiler.reports.payer_aging import aging_by_payer, aging_by_payer_page, clinic_of, payers
from resolvers.compiler.reports.report import SPAN, Report, reach
from resolvers.compiler.reports.worklists import worklists
from resolvers.compiler.selection import SelectedField, object_type

Expression = ColumnElement[Any]
# Facts of the visit itself; its payer is a fact of its invoices only.
_OF_VISITS = frozenset({"physicianId", "facilityId"})


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


def analytics(compiler: Compiler, field: SelectedField) -> Select[Any]:
    """All selected measures over a period."""
    report, target, asked = _begun(compiler, field)
    row = report.derived(reports.analytics, partial(_figures, report))
    row.lists = {
        "physicianProductivity": partial(_productivity, report),
        "agingByPayer": partial(payers, report),
        "reductionsByPayer": partial(_reductions, report, report.agreed_with, reports.payer_reductions, "payer_id"),
        "reductionsByAttorney": partial(
            _reductions, report, report.represented, reports.attorney_reductions, "attorney_id"
        ),
        "amountsByCoverageKind": partial(_by_coverage_kind, report),
        "denialsByPayer": partial(_denials_by_payer, report),
        "denialsByReason": partial(_denials_by_reason, report),
        "documentsByKind": partial(_documents_by_kind, report),
        "trend": partial(_trend, report),
    }
    columns = compiler.columns(target, asked, row)
    number = row.invoice_count if row.used & {*measures.COHORT, *denials.SUMS} else None
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
    if used & set(denials.SUMS):
        found.append(denials.denial_sums(report.cohort))
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
        source = source.outerjoin(days, days.c.key == sums.c.key)
    if used & set(denials.SUMS):
        denied = denials.denial_sums(invoices, key).subquery("denied")
        columns += [denied.c[one] for one in sorted(used & set(denials.SUMS))]
        source = source.outerjoin(denied, denied.c.key == sums.c.key)
    return select(clinic_of(report), *columns).select_from(source)


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


def _refuse_parts(report: Report, figures: str) -> None:
    """Of two sets that differ in a few invoices, or of two days, the kinds of coverage or the denials of those invoices would follow."""
    given = {f"filter.{name}" for name in report.given - SPAN}
    if report.arguments.get("asOf") is not None:
        given.add("asOf")
    for name in sorted(given):
        raise refuse(name, f"must not be given together with {figures}")


def _by_coverage_kind(report: Report, target: GraphQLObjectType, asked: list[SelectedField]) -> Expression:
    """The parts of the cohort's amounts by the kind of coverage; roles that see no coverage are told many invoices at once."""
    if report.is_by_month:
        _refuse_parts(report, "amountsByCoverageKind")
    build = partial(amounts_by_kind, report.cohort, report.scope, joins_few=report.is_by_month)
    row = report.derived(reports.coverage_kinds, lambda used: build())
    return report.list(target, asked, row, lambda r: r.billed.desc(), lambda r: r.kind.asc().nulls_last())


def _denials_by_payer(report: Report, target: GraphQLObjectType, asked: list[SelectedField]) -> Expression:
    def build(used: set[str]) -> Select[Any]:
        found = denials.sums_by_payer(report.cohort).subquery("found")
        return select(clinic_of(report), *found.c)

    row = report.derived(reports.payer_denials, build)
    return report.list(target, asked, row, lambda r: r.denials.desc(), lambda r: r.payer_id)


def _denials_by_reason(report: Report, target: GraphQLObjectType, asked: list[SelectedField]) -> Expression:
    """The denials by reason code; roles that see no denial are told of many invoices at once."""
    if report.is_by_month:
        _refuse_parts(report, "denialsByReason")
    build = partial(denials.sums_by_reason, report.cohort, report.scope, joins_few=report.is_by_month)
    row = report.derived(reports.reason_denials, lambda used: build())
    return report.list(target, asked, row, lambda r: r.denials.desc(), lambda r: r.kind.asc().nulls_last())


def _documents_by_kind(report: Report, target: GraphQLObjectType, asked: list[SelectedField]) -> Expression:
    """The issued documents of the period by kind; a document is of a case, which the filter of invoices does not choose."""
    for name in sorted(report.given - SPAN):
        raise refuse(f"filter.{name}", "must not be given together with documentsByKind")
    is_wanted = report.within_moments(lambda row: row.issued_at)
    build = partial(counts_by_kind, report.scope, lambda row: [is_wanted(row), *reach(row)])
    row = report.derived(reports.kind_documents, lambda used: build())
    return report.list(target, asked, row, lambda r: r.kind)


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
        return select(clinic_of(report), who, *sums, *visits).select_from(both)

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
            *reach(x),
            *scope.known(x),
            scope.uncorrected(x.removed_at),
        )
        .lateral("performed")
    )
    conditions = [e.clinic_id == scope.clinic_id, *reach(e), *scope.known(e), scope.uncorrected(e.cancelled_at)]
    conditions.append(report.within(lambda row: row.service_date)(e))
    conditions += report.narrowed(e, report.given & _OF_VISITS)
    if report.given - SPAN - _OF_VISITS:
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
    "agingByPayerPage": aging_by_payer_page,
    "analytics": analytics,
    "worklists": worklists,
}
