"""Decides the SQL of a selection: one expression per field, JSON assembled by PostgreSQL, nothing per row in Python."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType
from sqlalchemy import JSON, Text, case, column, func, literal_column, select, true, union_all
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Select

from db.reach import reach_of
from db.row import Derived, Row, Scope
from db.subjects import NOTHING, SUBJECTS, subjects_of, together
from db.views import VIEWS
from db.views.base import Elements, Listed, Made, Many, One, Pages, Relation, Same, Worked
from permissions.roles import is_protected
from resolvers.plans import Binder, converter
from resolvers.selection import Asked, Selector, object_type

Expression = ColumnElement[Any]
Columns = list[tuple[str, Expression]]
_LONGEST_ALIAS = 63
EMPTY_LIST: Expression = literal_column("'[]'::json")


@dataclass
class Compiler:
    """Turns the selections of one root field into SQL, for one role."""

    selector: Selector
    scope: Scope
    binder: Binder
    # How a list in pages is read; handed in, because pages are made of objects and objects hold pages.
    page: "Callable[[Compiler, Pages, Asked, Row, tuple[str, str]], Expression]"

    def columns(self, parent: GraphQLObjectType, asked: list[Asked], row: Row, view_name: str | None = None) -> Columns:
        """What is selected of a row: a response key and an expression for each field that is asked for."""
        view = VIEWS[view_name or parent.name]
        found: Columns = []
        for field in asked:
            if field.name == "__typename":
                found.append((field.key, typename(parent)))
                continue
            if is_protected(field.definition):
                self.binder.fields.add(f"{parent.name}.{field.name}")
            how = view.fields[field.name]
            value = self._field(how, field, row, parent.name) if isinstance(how, Relation) else how(row)
            found.append((field.key, value))
        return found

    def begin(self, type_name: str, row: Row, via: tuple[str, str] | None = None) -> None:
        """Have the audit trail name a row that is about to be read, where its records are named at all."""
        if self.binder.is_audited:
            found = subjects_of(type_name, row, via)
            row.subjects += found
            # Below the root, and where rows are named by what they belong to, one record may stand in several places.
            self.binder.named += len(found) if via is None and type_name in SUBJECTS else 2 * len(found)

    def _field(self, how: Relation, field: Asked, row: Row, parent: str) -> Expression:
        if isinstance(how, Pages):
            return self.page(self, how, field, row, (parent, field.name))
        assert field.definition is not None
        target = object_type(field.definition)
        asked = self.selector.fields(target, field.selection_sets)
        if isinstance(how, Same):
            return as_object(self.columns(target, asked, row), self.scope)
        if isinstance(how, One):
            return self._one(how, target, asked, row, (parent, field.name))
        if isinstance(how, Many):
            return self._many(how, field, target, asked, row, (parent, field.name))
        return self._worked_out(how, field, target, asked, row)

    def _worked_out(
        self,
        how: Elements | Listed | Made | Worked,
        field: Asked,
        target: GraphQLObjectType,
        asked: list[Asked],
        row: Row,
    ) -> Expression:
        """A field whose value is made of the row at hand, and of no row of another view."""
        if isinstance(how, Elements):
            return self._elements(how, target, asked, row)
        if isinstance(how, Listed):
            return self._listed(how, target, asked, row)
        if isinstance(how, Worked):
            assert isinstance(row, Derived)
            return row.lists[field.name](target, asked)
        known = {**how.values(row), "__typename": typename(target)}
        return as_object([(part.key, known[part.name]) for part in asked], self.scope)

    def _one(
        self, how: One, target: GraphQLObjectType, asked: list[Asked], row: Row, via: tuple[str, str]
    ) -> Expression:
        other = self.scope.row(VIEWS[how.target].table)
        self.begin(how.target, other, via)
        columns = self.columns(target, asked, other)

        def narrowed(query: Select[Any]) -> Select[Any]:
            query = query.where(how.on(row, other))
            return query.order_by(*how.order(other)).limit(literal_column("1")) if how.order else query

        if other.subjects:
            return beside(row, narrowed(traced(columns, other, self.scope)), self.scope)
        query = narrowed(select().select_from(other.joined))
        if how.order:
            return as_object(columns, self.scope, query)
        # A row found by its id is joined beside the row that names it, which costs less than a sub-select in its place.
        name = self.scope.name("one")
        body, whole = listed(columns, query, name)
        row.join(name, body)
        return whole if is_long(columns) else func.row_to_json(whole)

    def _many(
        self,
        how: Many,
        field: Asked,
        target: GraphQLObjectType,
        asked: list[Asked],
        row: Row,
        via: tuple[str, str],
    ) -> Expression:
        other = self.scope.row(VIEWS[how.target].table)
        self.begin(how.target, other, via)
        columns = self.columns(target, asked, other)
        query = traced(columns, other, self.scope) if other.subjects else select().select_from(other.joined)
        query = query.where(how.on(row, other)).order_by(*how.order(other))
        if how.others:
            query = query.where(*reach_of(other))
        for name, value in self.selector.arguments(field).items():
            if value is not None:
                choice = how.choose[name]
                bound = self.binder.argument(field, (name,), choice.type_, converter(name, choice.convert))
                query = query.where(choice.narrow(other, bound))
        if other.subjects:
            return beside(row, traced_list(query, self.scope), self.scope)
        return as_list(columns, self.scope, query)

    def _listed(self, how: Listed, target: GraphQLObjectType, asked: list[Asked], row: Row) -> Expression:
        def item(values: dict[str, Expression]) -> Expression:
            known = {**values, "__typename": typename(target)}
            return as_object([(field.key, known[field.name]) for field in asked], self.scope)

        lists = [(when, func.json_build_array(*map(item, items))) for when, items in how.items(row)]
        return case(*lists, else_=EMPTY_LIST)

    def _elements(self, how: Elements, target: GraphQLObjectType, asked: list[Asked], row: Row) -> Expression:
        table = VIEWS[how.target].table
        other = self.scope.row(table)
        elements = func.json_to_recordset(how.read(row)).table_valued(*(column(c.name, c.type) for c in table.c))
        query = select().select_from(elements.render_derived(name=other.alias, with_types=True))
        return as_list(self.columns(target, asked, other), self.scope, query)


def typename(of_type: GraphQLObjectType) -> Expression:
    """The name of a type as a constant."""
    return literal_column(f"'{of_type.name}'::text", Text())


def selected(columns: Columns, query: Select[Any]) -> Select[Any]:
    """A query with response keys as the names of its columns."""
    return query.add_columns(*(expression.label(key) for key, expression in columns))


def is_long(columns: Columns) -> bool:
    """Whether a response key is longer than PostgreSQL lets a column's name be."""
    return any(len(key) > _LONGEST_ALIAS for key, _ in columns)


def as_object(columns: Columns, scope: Scope, query: Select[Any] | None = None) -> Expression:
    """A JSON object of the one row that a query finds (without query: of the row at hand); null when there is none."""
    name = scope.name("q")
    if is_long(columns):
        return (query if query is not None else select()).add_columns(_long_object(columns)).scalar_subquery()
    body = selected(columns, query if query is not None else select()).subquery(name)
    return select(func.row_to_json(literal_column(name))).select_from(body).scalar_subquery()


def as_list(columns: Columns, scope: Scope, query: Select[Any]) -> Expression:
    """A JSON list with an object for each row that a query finds, in its order."""
    name = scope.name("q")
    body, item = listed(columns, query, name)
    return select(func.coalesce(func.json_agg(item), EMPTY_LIST)).select_from(body.subquery(name)).scalar_subquery()


def listed(columns: Columns, query: Select[Any], name: str) -> tuple[Select[Any], Expression]:
    """A query under a name, and the expression that is the JSON object of each of its rows."""
    if is_long(columns):
        return query.add_columns(_long_object(columns).label("o")), literal_column(f"{name}.o")
    return selected(columns, query), literal_column(name)


def traced(columns: Columns, row: Row, scope: Scope) -> Select[Any]:
    """A query for rows as JSON objects, each beside the names that the audit trail keeps of it; conditions are for the caller."""
    name = scope.name("q")
    body, item = listed(columns, select(), name)
    whole = item if is_long(columns) else func.row_to_json(item)
    source = row.joined.join(body.lateral(name), true())
    return select(whole.label("o"), together(row.subjects).label("t")).select_from(source)


def traced_list(query: Select[Any], scope: Scope) -> Select[Any]:
    """The rows of such a query as one JSON list, in its order, beside all of their names."""
    name = scope.name("q")
    items = func.coalesce(func.json_agg(literal_column(f"{name}.o")), EMPTY_LIST)
    names = func.string_agg(literal_column(f"{name}.t"), NOTHING)
    return select(items.label("o"), names.label("t")).select_from(query.subquery(name))


def beside(row: Row, query: Select[Any], scope: Scope) -> Expression:
    """The JSON of a query of at most one row; the names that come with it are named with the row."""
    name = scope.name("named")
    row.join(name, query)
    row.subjects.append(func.coalesce(literal_column(f"{name}.t"), NOTHING))
    return literal_column(f"{name}.o", JSON())


def _long_object(columns: Columns) -> Expression:
    """A JSON object whose keys may have any length."""
    pairs = [
        select(literal_column(f"'{key}'::text").label("k"), func.to_json(value).label("v")) for key, value in columns
    ]
    rows = union_all(*pairs).subquery("long_keys")
    return select(func.json_object_agg(rows.c.k, rows.c.v)).scalar_subquery()
