"""Compiles a connection (keyset pagination): rows are limited before anything is joined, and counted only if totalCount is selected."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import GraphQLObjectType
from sqlalchemy import BigInteger, FromClause, Uuid, func, literal_column, select, true, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Select

from db.audit.entity_ids import NOTHING
from db.fields import VIEWS
from db.fields.base import Filter, Order, Pages, View
from db.global_ids import TAGS
from db.row import Row
from db.security.reach import reach_of
from resolvers.compiler.compile import Compiler
from resolvers.compiler.cursors import cursor_expression, read_cursor
from resolvers.compiler.json_sql import EMPTY_LIST, Columns, as_list, as_object, is_long, listed, typename
from resolvers.compiler.plans import converter, id_reader
from resolvers.compiler.refusals import refuse
from resolvers.compiler.selection import SelectedField, object_type

Expression = ColumnElement[Any]
DEFAULT_SIZE, LARGEST_SIZE = 50, 500
_PAGING = frozenset({"first", "last", "after", "before", "orderBy", "filter"})


@dataclass
class Page:
    """One connection while it is compiled: its rows, order, page size and cursor."""

    compiler: Compiler
    how: Pages
    field: SelectedField
    parent: Row | None
    arguments: dict[str, Any]
    # The field through which the rows are reached, None for a root field.
    via: tuple[str, str] | None = None

    @property
    def view(self) -> View:
        """The view whose rows are listed."""
        return VIEWS[self.how.target]

    def rows(self) -> Row:
        """A row of the whole list."""
        return self.compiler.scope.row(self.view.table)

    @cached_property
    def order(self) -> tuple[str, Order, bool]:
        """The name of the order for cursors, the order, and whether its column is descending."""
        asked = self.arguments.get("orderBy")
        if not asked:
            assert self.view.order is not None
            order = self.view.order.among(self._fields())
            return self._named(order.visible_field or "DEFAULT", order.descending), order, order.descending
        order = self.view.orders[asked["field"].name]
        descending = (asked["direction"].name == "DESC") != order.is_reversed
        return self._named(asked["field"].name, descending), order, descending

    def _fields(self) -> Collection[str]:
        """The fields of the listed type in the viewer's schema."""
        assert self.field.definition is not None
        listed = object_type(self.field.definition)
        # A list without pagination has no PageInfo.
        fields: Collection[str] = listed.fields if self.view.whole else object_type(listed.fields["nodes"]).fields
        return fields

    def _named(self, order: str, descending: bool) -> str:
        return f"{self.how.target}.{order}.{'DESC' if descending else 'ASC'}"

    def size(self, argument: str) -> int | None:
        """A page size, None if not given; raises an error if it is out of range."""
        size: int | None = self.arguments.get(argument)
        if size is not None and not 1 <= size <= LARGEST_SIZE:
            raise refuse(argument, f"must be a number from 1 to {LARGEST_SIZE}")
        return size

    def conditions(self, row: Row) -> list[Expression]:
        """The conditions of a row of the list: tenant, role's access, parent and filter."""
        scope = self.compiler.scope
        on, parent = self.how.on, self.parent
        found = [on(parent, row) if on and parent is not None else row.clinic_id == scope.clinic_id]
        if row.is_merged is not None:
            found.append(~row.is_merged)
        return [*found, *reach_of(row), *self.narrowed(row)]

    def narrowed(self, row: Row) -> list[Expression]:
        """The conditions of the filter, and of arguments such as `search`."""
        chosen = dict(self.arguments.get("filter") or {})
        self._note(
            [
                f"{self.view.filter_type or self.how.target + 'Filter'}.{name}"
                for name, value in chosen.items()
                if value is not None
            ]
        )
        outer = {name: value for name, value in self.arguments.items() if name not in _PAGING}
        parent, _ = self.via or ("Query", "")
        named = [name for name, value in outer.items() if value is not None]
        self._note([f"{parent}.{self.field.name}({name}:)" for name in named])
        without = [read(row) for name, read in self.view.fallback.items() if self.arguments.get(name) is None]
        found = without + [
            self._narrowed(row, ("filter", name), value) for name, value in chosen.items() if value is not None
        ]
        return found + [self._narrowed(row, (name,), value) for name, value in outer.items() if value is not None]

    def _note(self, coordinates: list[str]) -> None:
        """Record in the audit log the fields by which rows were filtered, without the values."""
        self.compiler.audited.filters.update(coordinates)

    def _narrowed(self, row: Row, path: tuple[str, ...], value: Any) -> Expression:
        choice: Filter = self.view.filters[path[-1]]
        if choice.type_ is None:
            return choice.narrow(row, value)
        argument = ".".join(path)
        named = path[-1].removesuffix("Id").capitalize()
        reader = id_reader(argument, named if named in TAGS else None) if path[-1].endswith("Id") else choice.convert
        return choice.narrow(
            row, self.compiler.binder.argument(self.field, path, choice.type_, converter(argument, reader))
        )

    def beyond(self, row: Row, argument: str, later: bool) -> list[Expression]:
        """The condition that a row is after (or before) a cursor in the order of the list."""
        if self.arguments.get(argument) is None:
            return []
        name, order, descending = self.order
        key = self._bound_cursor(argument, name, order, 0)
        identity = self._bound_cursor(argument, name, order, 1)
        place, other = tuple_(order.key(row), row.id), tuple_(key, identity)
        return [place < other if later == descending else place > other]

    def _bound_cursor(self, argument: str, name: str, order: Order, part: int) -> Expression:
        type_ = order.type_ if part == 0 else Uuid()
        return self.compiler.binder.argument(
            self.field, (argument,), type_, lambda text: read_cursor(text, name, order, argument)[part]
        )

    def ordered(self, row: Row, backwards: bool) -> list[Expression]:
        """The columns of ORDER BY."""
        _, order, descending = self.order
        keys = [order.key(row), row.id]
        return [key.desc() if descending != backwards else key.asc() for key in keys]


def whole_list(compiler: Compiler, how: Pages, field: SelectedField) -> Select[Any]:
    """All rows of a list that is always short: a query for one JSON list and, if audited, the ids of the records read."""
    page = Page(compiler, how, field, None, compiler.selector.arguments(field))
    assert field.definition is not None
    target, row = object_type(field.definition), compiler.scope.row(page.view.table)
    compiler.audited.begin(how.target, row)
    columns = compiler.columns(target, compiler.selector.fields(target, field.selection_sets), row)
    top = [page.view.top(row)] if page.view.top else []
    narrowing, order = [*page.conditions(row), *top], page.ordered(row, backwards=False)
    if compiler.audited.has(row):
        rows = compiler.audited.objects(columns, row).where(*narrowing).order_by(*order)
        return compiler.audited.array(rows, compiler.scope)
    query = select().select_from(row.joined).where(*narrowing).order_by(*order)
    return compiler.audited.row(as_list(columns, compiler.scope, query))


def connection(compiler: Compiler, how: Pages, field: SelectedField, parent: Row, via: tuple[str, str]) -> Expression:
    """A connection below a row, as one JSON object."""
    query = _assembly(Page(compiler, how, field, parent, compiler.selector.arguments(field), via)).query()
    return compiler.audited.join(parent, query) if compiler.audited.has_ids else query.scalar_subquery()


def root_connection(compiler: Compiler, how: Pages, field: SelectedField) -> Select[Any]:
    """A connection at the root: a query for one JSON object and, if audited, the ids of the records read."""
    return page_of(Page(compiler, how, field, None, compiler.selector.arguments(field)))


def page_of(page: Page) -> Select[Any]:
    """A page as a query for one JSON object and, if audited, the ids of the records read."""
    return _assembly(page).query()


def _assembly(page: Page) -> "_Assembly":
    first, last = page.size("first"), page.size("last")
    if first is None and last is None:
        first = DEFAULT_SIZE
    assert page.field.definition is not None
    target = object_type(page.field.definition)
    asked = page.compiler.selector.fields(target, page.field.selection_sets)
    return _Assembly(page, target, asked, first, last)


@dataclass
class _Assembly:
    """The selected parts of a connection, assembled over one page of rows."""

    page: Page
    target: GraphQLObjectType
    asked: list[SelectedField]
    first: int | None
    last: int | None

    def __post_init__(self) -> None:
        self.compiler, self.scope, self.audited = (
            self.page.compiler,
            self.page.compiler.scope,
            self.page.compiler.audited,
        )
        self.row = self.scope.row(self.page.view.table)
        self.summary = self.scope.name("page")
        self.backwards = self.first is None
        self.is_counted = any(field.name == "pageInfo" for field in self.asked) or self.last is not None
        self.bodies: list[tuple[str, Select[Any]]] = []
        self.gathered: Columns = []
        self.counts: Columns = []

    def query(self) -> Select[Any]:
        """The page as one row: the JSON object and, if audited, the ids of the records on it."""
        self.audited.begin(self.page.how.target, self.row, self.page.via)
        columns = [(field.key, self._part(field)) for field in self.asked]
        ids = self._ids()
        name = self.scope.name("q")
        body, item = listed(columns, select(), name)
        source: FromClause = body.lateral(name)
        for stem, number in self.counts:
            source = select(number.label("n")).subquery(stem).join(source, true())
        if self.gathered:
            source = self._page().subquery(self.summary).join(source, true())
        whole = item if is_long(columns) else func.row_to_json(item)
        return self.audited.row(whole, *ids).select_from(source)

    def _ids(self) -> list[Expression]:
        """The audit data of the page: the records on it if any are returned, and the number of counted rows."""
        found = [self.audited.count(literal_column(f"{name}.n")) for name, _ in self.counts]
        if self.bodies and self.audited.has(self.row):
            ids = self._aggregate(
                lambda value: func.string_agg(value, NOTHING), self.audited.ids(self.row), is_ordered=False
            )
            found.append(func.coalesce(self._gather(ids), NOTHING))
        return found

    def _part(self, field: SelectedField) -> Expression:
        if field.name in ("nodes", "edges"):
            return self._list(field)
        if field.name == "pageInfo":
            return self._page_info(field)
        if field.name == "totalCount":
            return self._count()
        if field.name == "sums":
            return self._sums(field)
        return typename(self.target)

    def _list(self, field: SelectedField) -> Expression:
        assert field.definition is not None
        item = object_type(field.definition)
        asked = self.compiler.selector.fields(item, field.selection_sets)
        columns = self._edge(item, asked) if field.name == "edges" else self.compiler.columns(item, asked, self.row)
        name = self.scope.name("q")
        body, whole = listed(columns, select(), name)
        self.bodies.append((name, body))
        return self._gather(func.coalesce(self._aggregate(func.json_agg, whole), EMPTY_LIST))

    def _edge(self, edge: GraphQLObjectType, asked: list[SelectedField]) -> Columns:
        columns: Columns = []
        for field in asked:
            if field.name == "node":
                assert field.definition is not None
                node = object_type(field.definition)
                below = self.compiler.selector.fields(node, field.selection_sets)
                columns.append((field.key, as_object(self.compiler.columns(node, below, self.row), self.scope)))
            else:
                columns.append((field.key, self._cursor() if field.name == "cursor" else typename(edge)))
        return columns

    def _cursor(self) -> Expression:
        name, order, _ = self.page.order
        return cursor_expression(name, order, self.row)

    def _gather(self, aggregate: Expression) -> Expression:
        name = f"part{len(self.gathered)}"
        self.gathered.append((name, aggregate))
        return literal_column(f"{self.summary}.{name}", aggregate.type)

    def _aggregate(self, function: Any, value: Expression, *, is_ordered: bool = True) -> Expression:
        """An aggregate over the rows of the page only, without the extra row that shows whether there are more."""
        # The page is in order, but rows that are joined to it may come in any order.
        if not self.is_counted and not is_ordered:
            return function(value)  # type: ignore[no-any-return]
        if not self.is_counted:
            return function(_ordered(value, *self.page.ordered(self.row, backwards=False)))  # type: ignore[no-any-return]
        place: Expression = literal_column(f"{self.row.alias}.place_on_page")
        total: Expression = literal_column(f"{self.row.alias}.rows_in_all")
        kept = place <= (self.last if self.backwards else self.first)
        if self.first is not None and self.last is not None:
            kept &= place > func.least(total, self.first) - self.last
        ordered = place.desc() if self.backwards else place.asc()
        return function(_ordered(value, ordered) if is_ordered else value).filter(kept)  # type: ignore[no-any-return]

    def _page(self) -> Select[Any]:
        query = select(*(value.label(name) for name, value in self.gathered))
        source = self.row.beside(self._rows().subquery(self.row.alias))
        for name, body in self.bodies:
            source = source.join(body.lateral(name), true())
        return query.select_from(source)

    def _rows(self) -> Select[Any]:
        """The page's rows with only the columns that are used, limited before anything is joined to them."""
        inner = self.page.rows()
        size = max(self.first or 0, self.last or 0) + self.is_counted
        conditions = [
            *self.page.conditions(inner),
            *self.page.beyond(inner, "after", later=True),
            *self.page.beyond(inner, "before", later=False),
        ]
        used = sorted(self.row.used | {"id"})
        columns, order = [inner.stored(one).label(one) for one in used], self.page.ordered(inner, self.backwards)
        # The FROM clause is built last, when all columns that are read are known.
        rows = select(*columns).select_from(inner.source).where(*conditions)
        rows = rows.order_by(*order).limit(literal_column(str(size)))
        if not self.is_counted:
            return rows
        name = self.scope.name("rows")
        place, total = func.row_number().over().label("place_on_page"), func.count().over().label("rows_in_all")
        return select(literal_column(f"{name}.*"), place, total).select_from(rows.subquery(name))

    def _count(self) -> Expression:
        row = self.page.rows()
        conditions = self.page.conditions(row)
        query = select(func.count()).select_from(row.source).where(*conditions)
        if not self.audited.has_ids:
            return query.scalar_subquery()
        # The response and the audit log both use it; it is computed once.
        name = self.scope.name("count")
        self.counts.append((name, query.scalar_subquery()))
        return literal_column(f"{name}.n", BigInteger())

    def _sums(self, field: SelectedField) -> Expression:
        assert field.definition is not None
        target, row = object_type(field.definition), self.page.rows()
        columns: Columns = [
            (part.key, self.page.view.sums[part.name](row) if part.name in self.page.view.sums else typename(target))
            for part in self.compiler.selector.fields(target, field.selection_sets)
        ]
        conditions = self.page.conditions(row)
        # One row, also where no sum is selected.
        query = select().select_from(row.source).where(*conditions).having(true())
        return as_object(columns, self.scope, query)

    def _page_info(self, field: SelectedField) -> Expression:
        assert field.definition is not None
        target = object_type(field.definition)
        total = self._gather(func.count())
        cursors: Expression | None = None
        columns: Columns = []
        for part in self.compiler.selector.fields(target, field.selection_sets):
            if part.name in ("startCursor", "endCursor") and cursors is None:
                cursors = self._gather(self._aggregate(func.array_agg, self._cursor()))
            columns.append((part.key, self._info(part.name, target, total, cursors)))
        return as_object(columns, self.scope)

    def _info(self, name: str, target: GraphQLObjectType, total: Expression, cursors: Expression | None) -> Expression:
        if name == "hasNextPage":
            return total > self.first if self.first is not None else _constant(self.page.arguments.get("before"))
        if name == "hasPreviousPage":
            return total > self.last if self.last is not None else _constant(self.page.arguments.get("after"))
        if name == "__typename":
            return typename(target)
        place = "1" if name == "startCursor" else f"cardinality({cursors})"
        return literal_column(f"({cursors})[{place}]")


def _constant(cursor: Any) -> Expression:
    return literal_column("true" if cursor is not None else "false")


def _ordered(value: Expression, *by: Expression) -> Any:
    return aggregate_order_by(value, *by)
