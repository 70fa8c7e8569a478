"""Compiles a selection of invoices: the ids that a filter finds at this moment, with their number and sums, in one statement."""

from typing import Any

from sqlalchemy import func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from db.fields import VIEWS
from db.fields.base import Pages
from db.row import Scope, Shared
from domain.records.bulk_steps import MOST_SELECTED
from resolvers.compiler.audited_ids import AuditedIds
from resolvers.compiler.compile import Compiler
from resolvers.compiler.pages import Page, connection
from resolvers.compiler.plans import Arguments, Binder, Plan
from resolvers.compiler.reading import ResolveInfo, selection_of

_COLUMNS = ("id", "status", "billed_amount", "received_amount", "balance")


def compile_selection(info: ResolveInfo) -> tuple[Plan, Arguments]:
    """The statement of a mutation whose input has a filter of invoices: `ids`, `count`, sums by name, and `t` for the audit log."""
    selector, asked = selection_of(info)
    assert info.context.viewer is not None
    arguments = {"filter": selector.arguments(asked)["input"].get("filter") or {}}
    scope, binder = Scope(info.context.viewer.role, follows=True), Binder([asked])
    audited, view = AuditedIds(is_on=True, counts_only=True), VIEWS["Invoice"]
    page = Page(Compiler(selector, scope, binder, audited, connection), Pages("Invoice"), asked, None, arguments)
    row = scope.row(view.table)
    columns, conditions = [row.stored(name).label(name) for name in _COLUMNS], page.conditions(row)
    chosen = select(*columns).select_from(row.joined).where(*conditions).order_by(row.id)
    # One more shows that there are too many.
    found = Shared(view.table, scope, chosen.limit(literal_column(f"{MOST_SELECTED + 1}")).cte(scope.name("chosen")))
    ids = func.coalesce(func.array_agg(aggregate_order_by(found.id, found.id)), literal_column("'{}'::uuid[]"))
    sums: list[Any] = [read(found).label(name) for name, read in view.sums.items()]
    counted = audited.count(func.count()).label("t")
    statement = select(ids.label("ids"), func.count().label("count"), *sums, counted).select_from(found.source)
    return binder.plan(statement, audited, scope), arguments
