"""The SQL statements of an export: one that writes its rows, and one that computes its control totals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import asyncpg
import orjson
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, Undefined, coerce_input_value
from sqlalchemy import ARRAY, FromClause, Numeric, Select, Uuid, cast, func, literal, null, select

from db.fields import VIEWS
from db.fields.adjustments import ADJUSTMENT, adjustments
from db.fields.base import Expression, One, Pages, View
from db.row import Row, Scope
from db.security.reach import reach_of
from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from domain.errors import InvalidInput
from domain.exports import ExportFormat, ExportKind
from exports.columns import COLUMNS, Column
from exports.formats import FORMATS, Format
from permissions.graphql_adapter import VariableValues
from permissions.rows import ROWS, Reach
from resolvers.compiler.audited_ids import AuditedIds
from resolvers.compiler.compile import Compiler
from resolvers.compiler.export_paths import NotOfferedError, Paths, Place
from resolvers.compiler.pages import Page, connection
from resolvers.compiler.plans import Binder, Plan
from resolvers.compiler.selection import SelectedField, Selector

_FILTER_TYPE, _FILTERED = "InvoiceFilter", "invoices"


@dataclass(frozen=True, slots=True)
class Root:
    """A kind of export: how its rows are read, their type in the schema, and the field that leads to the invoice.

    `billed` and `received` are the paths of the control totals, by which the file can be verified.
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
    """A requested export: its filter as JSON with the API's names, its columns as paths."""

    kind: ExportKind
    format: ExportFormat
    filter: Mapping[str, Any]
    columns: Sequence[str]

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """The values of a row of the table exports."""
        kind, export_format = ExportKind(row["kind"]), ExportFormat(row["format"])
        return cls(kind, export_format, orjson.loads(row["filter"]), orjson.loads(row["columns"]))


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of an export; `arguments` are the source of the plans' parameters."""

    columns: tuple[Column, ...]
    rows: Plan
    # (rows, billed or null, received or null, ids of the cases or null).
    totals: Plan
    arguments: list[Mapping[str, Any]]


def offered(schema: GraphQLSchema, kind: ExportKind, *, by_default: bool = False) -> tuple[Column, ...]:
    """The columns that an export can have in a role's schema, and the default columns."""
    columns = (column for column in COLUMNS[kind] if column.default or not by_default)
    return tuple(column for column in columns if _is_offered(schema, kind, column))


def chosen(schema: GraphQLSchema, kind: ExportKind, names: Sequence[str] | None) -> tuple[Column, ...]:
    """The columns with these paths, in this order; InvalidInput, which lists the available ones, for any other path."""
    if names is None:
        return offered(schema, kind, by_default=True)
    known = {column.path: column for column in offered(schema, kind)}
    if not names or len(set(names)) < len(names) or not known.keys() >= set(names):
        raise InvalidInput(f"Columns must be distinct and chosen from {', '.join(known)}", ("columns",))
    return tuple(known[name] for name in names)


def compile_export(schema: GraphQLSchema, role: Role, wanted: Wanted) -> Statements:
    """The statements of an export with the current rights of a role.

    InvalidInput for a column or a condition that the role does not have.
    """
    columns = _columns(schema, wanted)
    arguments = {"filter": _coerced(schema, wanted.filter)}
    how, rows, totals = FORMATS[wanted.format], *(_Statement(schema, role, wanted.kind, arguments) for _ in range(2))
    cells = [rows.cell(column, how) for column in columns]
    return Statements(columns, rows.in_order(how.row(columns, cells)), totals.added_up(), [arguments])


def _columns(schema: GraphQLSchema, wanted: Wanted) -> tuple[Column, ...]:
    # The QuickBooks format has no selectable paths: some of its columns contain the same value of an invoice.
    if wanted.kind is ExportKind.QUICKBOOKS_INVOICES:
        return offered(schema, wanted.kind)
    return chosen(schema, wanted.kind, wanted.columns)


def _coerced(schema: GraphQLSchema, sent: Mapping[str, Any]) -> Any:
    of_type = schema.get_type(_FILTER_TYPE)
    assert isinstance(of_type, GraphQLInputObjectType)
    found = coerce_input_value(dict(sent), of_type)
    # An invalid filter never exports everything instead of the requested rows.
    if found is Undefined:
        raise InvalidInput("The filter is not valid for this role", ("filter",))
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
    """The statement of an export while it is compiled."""

    def __init__(self, schema: GraphQLSchema, role: Role, kind: ExportKind, arguments: dict[str, Any]) -> None:
        assert schema.query_type is not None
        self._schema, self._root, self._role, self._arguments = schema, ROOTS[kind], role, arguments
        self._scope = Scope(role)
        self._paths = _paths(schema, kind, self._scope)
        self._asked = SelectedField(_FILTERED, _FILTERED, (), schema.query_type.fields[_FILTERED])
        self._binder = Binder([self._asked])
        self._audited = AuditedIds(is_on=False)

    def cell(self, column: Column, how: Format) -> Expression:
        """The value of a row in a column."""
        if column.constant is not None:
            return how.cell(column, literal(column.constant, literal_execute=True))
        return self._paths.value(column.path, partial(how.cell, column))

    def in_order(self, cells: list[Expression]) -> Plan:
        """The statement that writes the rows: they are sorted before their values are looked up and computed."""
        outer = self._paths.root.outer
        order = [getattr(outer, name) for name in self._root.order]
        row, invoice, source = self._rows()
        kept = [getattr(row, name).label(name) for name in sorted(outer.used)]
        rows = select(*kept).select_from(source).where(*self._conditions(row, invoice))
        rows = rows.order_by(*(getattr(row, name) for name in self._root.order))
        self._audited.fields |= self._paths.fields
        beside = self._paths.beside(rows.subquery(outer.alias))
        return self._binder.plan(select(*cells).select_from(beside).order_by(*order), self._audited)

    def added_up(self) -> Plan:
        """The statement of the control totals; null if the role may not see them or the rows have none."""
        row, invoice, source = self._rows()
        case_ids: Expression = null()
        if ROWS["invoices"][self._role] is not Reach.CLINIC:
            case_ids = func.array_agg(invoice.case_id.distinct())
        sums = [self._sum(row, path) for path in (self._root.billed, self._root.received)]
        found = [func.count(), *sums, cast(case_ids, ARRAY(Uuid()))]
        query: Select[Any] = select(*found).select_from(source)
        return self._binder.plan(query.where(*self._conditions(row, invoice)), self._audited)

    def _rows(self) -> tuple[Row, Row, FromClause]:
        """A row of the file, its invoice, and the FROM clause for both."""
        row = self._root.row(self._scope)
        if not self._root.invoice:
            return row, row, row.source
        invoice, how = self._scope.row(VIEWS["Invoice"].table), self._root.view.fields[self._root.invoice]
        assert isinstance(how, One)
        on = how.on(row, invoice)
        return row, invoice, row.source.join(invoice.source, on)

    def _conditions(self, row: Row, invoice: Row) -> list[Expression]:
        """The condition of the rows of the file: the tenant (clinic), the role's access, and the filter."""
        selector = Selector(self._schema, {}, VariableValues({}, {}))
        compiler = Compiler(selector, self._scope, self._binder, self._audited, connection)
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
