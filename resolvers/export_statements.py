"""Decides the statements of a file: one that writes its rows, one that adds up what they have to come to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import asyncpg
import orjson
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, Undefined, coerce_input_value
from graphql.execution.values import VariableValues
from sqlalchemy import ARRAY, FromClause, Numeric, Select, Uuid, cast, func, literal, null, select

from db.adjustments import ADJUSTMENT, adjustments
from db.reach import reach_of
from db.row import Row, Scope
from db.views import VIEWS
from db.views.base import Expression, One, Pages, View
from domain.errors import InvalidInput
from domain.exports import ExportFormat, ExportKind
from domain.invoices import InvoiceStatus
from domain.people import Role
from exports.columns import COLUMNS, Column
from exports.formats import FORMATS, Format
from permissions.rows import ROWS, Reach
from resolvers.compiling import Compiler
from resolvers.export_paths import NotOfferedError, Paths, Place
from resolvers.pages import Page, connection
from resolvers.plans import Binder, Plan
from resolvers.selection import Asked, Selector

_FILTER_TYPE, _FILTERED = "InvoiceFilter", "invoices"


@dataclass(frozen=True, slots=True)
class Root:
    """What a kind of file has a row for: how it is read, which type of the schema it is, and by which field it leads to its invoice.

    `billed` and `received` are the paths of what is added up, so that the file can be checked by it.
    """

    view: View
    row: Callable[[Scope], Row]
    type_name: str = ""
    invoice: str = ""
    order: tuple[str, ...] = ("number",)
    billed: str = ""
    received: str = ""
    left_out: InvoiceStatus | None = None


def _row_of(name: str) -> Callable[[Scope], Row]:
    return lambda scope: scope.row(VIEWS[name].table)


_OF_INVOICE = "invoice"
_INVOICE = (VIEWS["Invoice"], _row_of("Invoice"), "Invoice")
_ALLOCATION = (VIEWS["ChequeAllocation"], _row_of("ChequeAllocation"), "ChequeAllocation", _OF_INVOICE)
ROOTS: dict[ExportKind, Root] = {
    ExportKind.INVOICES: Root(*_INVOICE, billed="billedAmount", received="receivedAmount"),
    ExportKind.PAYMENTS: Root(*_ALLOCATION, order=("effective_on", "id"), received="amount"),
    ExportKind.ADJUSTMENTS: Root(
        ADJUSTMENT, adjustments, invoice=_OF_INVOICE, order=("adjusted_on", "invoice_id", "kind")
    ),
    ExportKind.QUICKBOOKS_INVOICES: Root(*_INVOICE, billed="billedAmount", left_out=InvoiceStatus.VOID),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that was asked for: its filter as JSON in the words of the API, its columns by their paths."""

    kind: ExportKind
    format: ExportFormat
    filter: Mapping[str, Any]
    columns: Sequence[str]

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """What stands in a row of exports."""
        kind, export_format = ExportKind(row["kind"]), ExportFormat(row["format"])
        return cls(kind, export_format, orjson.loads(row["filter"]), orjson.loads(row["columns"]))


@dataclass(frozen=True, slots=True)
class Statements:
    """What is read for a file; `arguments` are what the plans take their values from."""

    columns: tuple[Column, ...]
    rows: Plan
    # (rows, billed or null, received or null, ids of the cases or null).
    totals: Plan
    arguments: list[Mapping[str, Any]]


def offered(schema: GraphQLSchema, kind: ExportKind, *, by_default: bool = False) -> tuple[Column, ...]:
    """The columns that a file can have for whoever is served a schema; those that it has when nothing is said."""
    columns = (column for column in COLUMNS[kind] if column.default or not by_default)
    return tuple(column for column in columns if _is_offered(schema, kind, column))


def chosen(schema: GraphQLSchema, kind: ExportKind, names: Sequence[str] | None) -> tuple[Column, ...]:
    """The columns with these paths, in this order; InvalidInput, which lists what is offered, for another one."""
    if names is None:
        return offered(schema, kind, by_default=True)
    known = {column.path: column for column in offered(schema, kind)}
    if not names or len(set(names)) < len(names) or not known.keys() >= set(names):
        raise InvalidInput(f"Columns are some of {', '.join(known)}, each once", ("columns",))
    return tuple(known[name] for name in names)


def compile_export(schema: GraphQLSchema, role: Role, wanted: Wanted) -> Statements:
    """The statements of a file as a role may have it now.

    InvalidInput for a column or a condition that the role does not have.
    """
    columns = _columns(schema, wanted)
    arguments = {"filter": _coerced(schema, wanted.filter)}
    how, rows, totals = FORMATS[wanted.format], *(_Statement(schema, role, wanted.kind, arguments) for _ in range(2))
    cells = [rows.cell(column, how) for column in columns]
    return Statements(columns, rows.in_order(how.row(columns, cells)), totals.added_up(), [arguments])


def _columns(schema: GraphQLSchema, wanted: Wanted) -> tuple[Column, ...]:
    # What QuickBooks takes in has no paths to choose by: some of its columns say the same of an invoice.
    if wanted.kind is ExportKind.QUICKBOOKS_INVOICES:
        return offered(schema, wanted.kind)
    return chosen(schema, wanted.kind, wanted.columns)


def _coerced(schema: GraphQLSchema, said: Mapping[str, Any]) -> Any:
    of_type = schema.get_type(_FILTER_TYPE)
    assert isinstance(of_type, GraphQLInputObjectType)
    found = coerce_input_value(dict(said), of_type)
    # Never a file of everything instead of what was asked for.
    if found is Undefined:
        raise InvalidInput("The filter is not one that this role has", ("filter",))
    return found


def _is_offered(schema: GraphQLSchema, kind: ExportKind, column: Column) -> bool:
    try:
        if column.constant is None:
            _paths(schema, kind, Scope()).value(column.path, _as_it_is)
    except NotOfferedError:
        return False
    return True


def _as_it_is(value: Expression) -> Expression:
    return value


def _paths(schema: GraphQLSchema, kind: ExportKind, scope: Scope) -> Paths:
    root = ROOTS[kind]
    of_type = schema.get_type(root.type_name) if root.type_name else None
    row = scope.row(root.view.table)
    return Paths(schema, Place(root.view, of_type if isinstance(of_type, GraphQLObjectType) else None, row, row))


class _Statement:
    """One statement over the rows of a file, while it is compiled."""

    def __init__(self, schema: GraphQLSchema, role: Role, kind: ExportKind, arguments: dict[str, Any]) -> None:
        assert schema.query_type is not None
        self._schema, self._root, self._role, self._arguments = schema, ROOTS[kind], role, arguments
        self._scope = Scope(role)
        self._paths = _paths(schema, kind, self._scope)
        self._asked = Asked(_FILTERED, _FILTERED, (), schema.query_type.fields[_FILTERED])
        self._binder = Binder([self._asked], is_audited=False)

    def cell(self, column: Column, how: Format) -> Expression:
        """What a row shows in a column."""
        if column.constant is not None:
            return how.cell(column, literal(column.constant, literal_execute=True))
        return self._paths.value(column.path, partial(how.cell, column))

    def in_order(self, cells: list[Expression]) -> Plan:
        """The statement that writes the rows: they are sorted before anything is looked up and worked out for them."""
        outer = self._paths.root.outer
        order = [getattr(outer, name) for name in self._root.order]
        row, invoice, source = self._rows()
        kept = [getattr(row, name).label(name) for name in sorted(outer.used)]
        rows = select(*kept).select_from(source).where(*self._conditions(row, invoice))
        rows = rows.order_by(*(getattr(row, name) for name in self._root.order))
        self._binder.fields |= self._paths.fields
        beside = self._paths.beside(rows.subquery(outer.alias))
        return self._binder.plan(select(*cells).select_from(beside).order_by(*order))

    def added_up(self) -> Plan:
        """The statement that says what the rows come to; null where it is not to be seen, or says nothing."""
        row, invoice, source = self._rows()
        case_ids: Expression = null()
        if ROWS["invoices"][self._role] is not Reach.CLINIC:
            case_ids = func.array_agg(invoice.case_id.distinct())
        sums = [self._sum(row, path) for path in (self._root.billed, self._root.received)]
        found = [func.count(), *sums, cast(case_ids, ARRAY(Uuid()))]
        query: Select[Any] = select(*found).select_from(source)
        return self._binder.plan(query.where(*self._conditions(row, invoice)))

    def _rows(self) -> tuple[Row, Row, FromClause]:
        """A row of the file, the invoice that it is about, and what stands in FROM for both."""
        row = self._root.row(self._scope)
        if not self._root.invoice:
            return row, row, row.source
        invoice, how = self._scope.row(VIEWS["Invoice"].table), self._root.view.fields[self._root.invoice]
        assert isinstance(how, One)
        on = how.on(row, invoice)
        return row, invoice, row.source.join(invoice.source, on)

    def _conditions(self, row: Row, invoice: Row) -> list[Expression]:
        """What makes a row one of the file: the clinic, the reach of who asks, and the filter."""
        selector = Selector(self._schema, {}, VariableValues({}, {}))
        compiler = Compiler(selector, self._scope, self._binder, connection)
        reach = reach_of(row) if row.table.name in ROWS else []
        found = [row.clinic_id == self._scope.clinic_id, *reach]
        found += Page(compiler, Pages("Invoice"), self._asked, None, self._arguments).narrowed(invoice)
        if self._root.left_out:
            found.append(invoice.status != literal(self._root.left_out.value, literal_execute=True))
        return found

    def _sum(self, row: Row, path: str) -> Expression:
        of_type = self._paths.root.of_type
        if not path or (of_type is not None and path not in of_type.fields):
            return null()
        how = self._root.view.fields[path]
        assert callable(how)
        return func.coalesce(func.sum(cast(how(row), Numeric(14, 2))), 0)
