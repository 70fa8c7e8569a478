"""The SQL statements of an export: its rows, its control totals, the records that it shows, and whether they are still in reach."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self
from uuid import UUID

import asyncpg
import orjson
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, Undefined, coerce_input_value
from sqlalchemy import (
    ARRAY,
    FromClause,
    Integer,
    Numeric,
    Select,
    Table,
    Text,
    Uuid,
    cast,
    exists,
    func,
    literal,
    literal_column,
    not_,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from db import tables
from db.fields import VIEWS
from db.fields.base import Expression, One, Pages, View
from db.fields.billing.adjustments import ADJUSTMENT, adjustments
from db.fields.billing.cheques import never_counted
from db.fields.exports import SHOWN_TABLES, records_in_reach
from db.fields.payments import PAYMENT, payments, payments_of_deposit
from db.row import Row, Scope
from db.security.reach import reach_of
from domain.access.people import Role
from domain.billing.invoices import InvoiceStatus
from domain.errors import InvalidInput
from domain.exports import ExportFormat, ExportKind
from exports.columns import COLUMNS, Column
from exports.formats import FORMATS, Format
from exports.quickbooks import parts
from permissions.graphql_adapter import VariableValues
from permissions.rows import ROWS, Reach
from resolvers.compiler.audited_ids import AuditedIds
from resolvers.compiler.compile import Compiler
from resolvers.compiler.export_paths import NotOfferedError, Paths, Place
from resolvers.compiler.pages import Page, connection
from resolvers.compiler.plans import Binder, Plan
from resolvers.compiler.selection import SelectedField, Selector

_FILTER_TYPE, _FILTERED = "InvoiceFilter", "invoices"
# The ids in one row of export_records: a few hundred kilobytes as text, whatever the size of the file.
_IDS_IN_A_PART = 10_000
# More than the ids of one part of an export take.
_MOST_PARTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Root:
    """A kind of export: how its rows are read, their type in the schema, and the field that leads to the invoice.

    `billed` and `received` are the paths of the control totals, by which the file can be verified. Where not every row
    `has_invoice`, a filter of invoices leaves out the rows without one.
    """

    view: View
    row: Callable[[Scope], Row]
    type_name: str = ""
    invoice: str = ""
    order: tuple[str, ...] = ("number",)
    billed: str = ""
    received: str = ""
    left_out: InvoiceStatus | None = None
    has_invoice: bool = True
    # The rows that it does not show.
    without: Callable[[Row], Expression] | None = None


def _row_of(name: str) -> Callable[[Scope], Row]:
    return lambda scope: scope.row(VIEWS[name].table)


_OF_INVOICE = "invoice"
_INVOICE = (VIEWS["Invoice"], _row_of("Invoice"), "Invoice")
_ALLOCATION = (VIEWS["ChequeAllocation"], _row_of("ChequeAllocation"), "ChequeAllocation", _OF_INVOICE)
ROOTS: dict[ExportKind, Root] = {
    ExportKind.INVOICES: Root(*_INVOICE, billed="billedAmount", received="receivedAmount"),
    ExportKind.PAYMENTS: Root(
        PAYMENT,
        payments,
        invoice=_OF_INVOICE,
        order=("effective_on", "cheque_id", "place", "key"),
        received="amount",
        has_invoice=False,
    ),
    ExportKind.ADJUSTMENTS: Root(
        ADJUSTMENT, adjustments, invoice=_OF_INVOICE, order=("adjusted_on", "invoice_id", "kind")
    ),
}
# A set of files for QuickBooks: what is read one after the other, from one snapshot.
_WITHOUT_VOID = InvoiceStatus.VOID
SETS: dict[ExportKind, tuple[tuple[Root, tuple[Column, ...]], ...]] = {
    ExportKind.QUICKBOOKS_INVOICES: (
        (Root(*_INVOICE, billed="billedAmount", left_out=_WITHOUT_VOID), parts.INVOICES),
        (
            replace(ROOTS[ExportKind.ADJUSTMENTS], left_out=_WITHOUT_VOID),
            parts.ADJUSTMENTS,
        ),
        # Money that is not applied to an invoice is no part of a customer's balance. What was corrected or moved has never counted.
        (
            Root(
                *_ALLOCATION,
                order=("effective_on", "id"),
                received="amount",
                left_out=_WITHOUT_VOID,
                without=never_counted,
            ),
            parts.PAYMENTS,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A requested export: its filter as JSON with the API's names, its columns as paths, and the deposit whose payments it shows."""

    kind: ExportKind
    format: ExportFormat
    filter: Mapping[str, Any]
    columns: Sequence[str]
    byte_order_mark: bool = True
    deposit_id: UUID | None = None

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        """The values of a row of the table exports."""
        kind, export_format = ExportKind(row["kind"]), ExportFormat(row["format"])
        columns = orjson.loads(row["columns"])
        return cls(kind, export_format, orjson.loads(row["filter"]), columns, row["byte_order_mark"], row["deposit_id"])


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of a part of an export; most exports have one part. `arguments` are the source of the plans' parameters."""

    columns: tuple[Column, ...]
    rows: Plan
    # (rows, billed or null, received or null, ids of the cases or null).
    totals: Plan
    # Table, part and ids of the records that the file shows, for export_records.
    shown: Plan
    arguments: list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ReachCheck:
    """A statement whether a finished file may still be read; it fails where the role lost a column of the database."""

    plan: Plan
    arguments: list[Mapping[str, Any]]


def offered(schema: GraphQLSchema, kind: ExportKind, *, by_default: bool = False) -> tuple[Column, ...]:
    """The columns that an export can have in a role's schema, and the default columns."""
    columns = (column for column in COLUMNS[kind] if column.default or not by_default)
    return tuple(column for column in columns if _is_offered(schema, ROOTS[kind], column))


def chosen(schema: GraphQLSchema, kind: ExportKind, names: Sequence[str] | None) -> tuple[Column, ...]:
    """The columns with these paths, in this order; InvalidInput, which lists the available ones, for any other path."""
    if kind in SETS:
        return ()
    if names is None:
        return offered(schema, kind, by_default=True)
    known = {column.path: column for column in offered(schema, kind)}
    if not names or len(set(names)) < len(names) or not known.keys() >= set(names):
        raise InvalidInput(f"Columns must be distinct and chosen from {', '.join(known)}", ("columns",))
    return tuple(known[name] for name in names)


def compile_export(schema: GraphQLSchema, role: Role, wanted: Wanted) -> tuple[Statements, ...]:
    """The statements of an export with the current rights of a role, for each of its parts.

    InvalidInput for a column or a condition that the role does not have.
    """
    arguments = {"filter": _coerced(schema, wanted.filter)}
    how, found = FORMATS[wanted.format], []
    for number, (root, columns) in enumerate(_parts(schema, wanted)):
        rows, totals, shown = (_Statement(schema, role, root, arguments) for _ in range(3))
        written = rows.in_order(how.row(columns, rows.cells(columns, how)))
        listed = shown.shown(columns, number * _MOST_PARTS)
        found.append(Statements(columns, written, totals.added_up(), listed, [arguments, _chosen_deposit(wanted)]))
    return tuple(found)


def compile_reach_check(schema: GraphQLSchema, role: Role, wanted: Wanted, identity: UUID) -> tuple[ReachCheck, ...]:
    """The statements (one boolean each) whether a role still reaches every record and every column of a finished export.

    InvalidInput for a column or a condition that the role's schema no longer has.
    """
    arguments = {"filter": _coerced(schema, wanted.filter)}
    how, found = FORMATS[wanted.format], []
    for number, (root, columns) in enumerate(_parts(schema, wanted)):
        statement = _Statement(schema, role, root, arguments)
        cells = how.row(columns, statement.cells(columns, how))
        # The first one asks for the records of all parts.
        plan = statement.still_in_reach(cells, with_records=number == 0)
        found.append(ReachCheck(plan, [arguments, {"export_id": identity, **_chosen_deposit(wanted)}]))
    return tuple(found)


def _chosen_deposit(wanted: Wanted) -> Mapping[str, Any]:
    return {"deposit_id": wanted.deposit_id}


def _parts(schema: GraphQLSchema, wanted: Wanted) -> Sequence[tuple[Root, tuple[Column, ...]]]:
    """The parts of an export: what a row of each is, and its columns."""
    if wanted.kind not in SETS:
        root = ROOTS[wanted.kind]
        if wanted.deposit_id is not None:
            root = replace(root, row=payments_of_deposit)
        return ((root, chosen(schema, wanted.kind, wanted.columns)),)
    if not all(_is_offered(schema, root, column) for root, columns in SETS[wanted.kind] for column in columns):
        raise InvalidInput("This role does not have all columns of the files", ("columns",))
    # An export of an earlier release is one file, of invoices.
    return SETS[wanted.kind] if wanted.format is ExportFormat.ZIP else SETS[wanted.kind][:1]


def _coerced(schema: GraphQLSchema, sent: Mapping[str, Any]) -> Any:
    of_type = schema.get_type(_FILTER_TYPE)
    assert isinstance(of_type, GraphQLInputObjectType)
    found = coerce_input_value(dict(sent), of_type)
    # An invalid filter never exports everything instead of the requested rows.
    if found is Undefined:
        raise InvalidInput("The filter is not valid for this role", ("filter",))
    return found


def _is_offered(schema: GraphQLSchema, root: Root, column: Column) -> bool:
    try:
        _paths(schema, root, Scope()).value(column.path, _as_it_is)
    except NotOfferedError:
        return False
    return True


def _part(record: Row, first_part: int) -> Expression:
    number = (func.row_number().over(order_by=record.id) - 1) // _IDS_IN_A_PART
    return cast(number + literal(first_part, literal_execute=True), Integer)


def _as_it_is(value: Expression) -> Expression:
    return value


def _paths(schema: GraphQLSchema, root: Root, scope: Scope) -> Paths:
    of_type = schema.get_type(root.type_name) if root.type_name else None
    row = scope.row(root.view.table)
    return Paths(schema, Place(root.view, of_type if isinstance(of_type, GraphQLObjectType) else None, row, row))


class _Statement:
    """The statement of an export while it is compiled."""

    def __init__(self, schema: GraphQLSchema, role: Role, root: Root, arguments: dict[str, Any]) -> None:
        assert schema.query_type is not None
        self._schema, self._root, self._role, self._arguments = schema, root, role, arguments
        self._scope = Scope(role, follows=True)
        self._paths = _paths(schema, root, self._scope)
        self._asked = SelectedField(_FILTERED, _FILTERED, (), schema.query_type.fields[_FILTERED])
        self._binder = Binder([self._asked])
        self._binder.param_sources["deposit_id"] = lambda context, arguments: arguments[1]["deposit_id"]
        self._audited = AuditedIds(is_on=False)

    def cells(self, columns: Sequence[Column], how: Format) -> list[Expression]:
        """The values of a row."""
        return [self._paths.value(column.path, partial(how.cell, column)) for column in columns]

    def in_order(self, cells: list[Expression]) -> Plan:
        """The statement that writes the rows: they are sorted before their values are looked up and computed."""
        outer = self._paths.root.outer
        order = [getattr(outer, name) for name in self._root.order]
        self._audited.fields |= self._paths.fields
        return self._binder.plan(
            select(*cells).select_from(self._read(self._root.order)).order_by(*order), self._audited
        )

    def shown(self, columns: Sequence[Column], first_part: int) -> Plan:
        """The statement of the records behind the columns: the ids of each table, in parts numbered from `first_part`, as text.

        Only ids that the role reaches are listed: of a record out of its reach, the file shows nothing.
        """
        found: dict[Table, list[Expression]] = defaultdict(list)
        for table, identity in self._identities(columns):
            found[table].append(identity.label(self._scope.name("id")))
        ids = [identity for some in found.values() for identity in some]
        records = (
            select(*ids).select_from(self._read()).cte("records").prefix_with("materialized", dialect="postgresql")
        )
        parts = [
            self._in_parts(table, [records.c[one.name] for one in some], first_part) for table, some in found.items()
        ]
        return self._binder.plan(select(union_all(*parts).subquery("parts")), self._audited)

    def still_in_reach(self, cells: list[Expression], *, with_records: bool) -> Plan:
        """The statement whether all records of an export are in reach, now; its rights on the columns are asked for without a row."""
        e = self._scope.row(tables.exports)
        self._binder.param_sources["export_id"] = lambda context, arguments: arguments[1]["export_id"]
        # Of a condition that is never true, PostgreSQL would leave out the joins, and with them the check of their columns.
        columns = exists(select(*cells).select_from(self._read()).limit(literal_column("0")))
        is_whole = not_(columns)
        if with_records:
            is_whole = (records_in_reach(e, self._in_reach) == e.record_count) & is_whole
        mine = (e.clinic_id == self._scope.clinic_id, e.id == self._scope.brought("export_id", Uuid()))
        return self._binder.plan(select(is_whole).select_from(e.source).where(*mine, *reach_of(e)), self._audited)

    def _read(self, order: Sequence[str] = ()) -> FromClause:
        """The rows of the file in an order, with the records that are looked up for them; valid when all that is read is known."""
        outer = self._paths.root.outer
        row, invoice, source = self._rows()
        kept = [row.stored(name).label(name) for name in sorted(outer.used)]
        rows = select(*kept).select_from(source).where(*self._conditions(row, invoice))
        rows = rows.order_by(*(getattr(row, name) for name in order))
        return self._paths.beside(rows.subquery(outer.alias))

    def _identities(self, columns: Sequence[Column]) -> list[tuple[Table, Expression]]:
        # A row is in reach with its invoice, also where no column shows anything of that.
        shown = {tuple(column.path.split(".")[:-1]) for column in columns}
        for steps in sorted(shown | ({(self._root.invoice,)} if self._root.invoice else set())):
            self._paths.place(steps)
        return self._paths.identities()

    def _in_parts(self, table: Table, ids: list[Any], first_part: int) -> Select[Any]:
        assert table in SHOWN_TABLES, f"add {table.name} to SHOWN_TABLES (db/fields/exports.py)"
        record = self._scope.row(table)
        among = union_all(*(select(identity) for identity in ids)) if ids[1:] else select(ids[0])
        numbered = select(record.id.label("id"), _part(record, first_part).label("part")).select_from(record.source)
        numbered = numbered.where(record.clinic_id == self._scope.clinic_id, record.id.in_(among), *reach_of(record))
        of_table = numbered.subquery(self._scope.name("parts"))
        name = literal(str(table.name), literal_execute=True).label("table_name")
        listed = cast(func.array_agg(aggregate_order_by(of_table.c.id, of_table.c.id)), Text).label("ids")
        return select(name, of_table.c.part, listed).group_by(of_table.c.part)

    def _in_reach(self, record: Row) -> list[Expression]:
        conditions = reach_of(record)
        if self._root.left_out and record.table is self._root.view.table:
            conditions.append(record.status != literal(self._root.left_out.value, literal_execute=True))
        return conditions

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
        return row, invoice, row.source.join(invoice.source, on, isouter=not self._root.has_invoice)

    def _conditions(self, row: Row, invoice: Row) -> list[Expression]:
        """The condition of the rows of the file: the tenant (clinic), the role's access, and the filter."""
        selector = Selector(self._schema, {}, VariableValues({}, {}))
        compiler = Compiler(selector, self._scope, self._binder, self._audited, connection)
        reach = reach_of(row) if row.table.name in ROWS else []
        found = [row.clinic_id == self._scope.clinic_id, *reach]
        narrowed = Page(compiler, Pages("Invoice"), self._asked, None, self._arguments).narrowed(invoice)
        found += [invoice.id.is_not(None), *narrowed] if narrowed and not self._root.has_invoice else narrowed
        if self._root.left_out:
            found.append(invoice.status != literal(self._root.left_out.value, literal_execute=True))
        if self._root.without:
            found.append(not_(self._root.without(row)))
        return found

    def _sum(self, row: Row, path: str) -> Expression:
        of_type = self._paths.root.of_type
        if not path or (of_type is not None and path not in of_type.fields):
            return null()
        how = self._root.view.fields[path]
        assert callable(how)
        return func.coalesce(func.sum(cast(how(row), Numeric(14, 2))), 0)
