"""Compiles a selection to SQL: one expression per field, JSON assembled by PostgreSQL, nothing per row in Python."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType
from sqlalchemy import case, column, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Select

from db.fields import VIEWS
from db.fields.base import (
    ActionList,
    ComputedList,
    ComputedObject,
    JsonList,
    Many,
    One,
    Pages,
    Relation,
    ReportList,
    SameRow,
)
from db.row import Derived, Row, Scope
from db.security.reach import reach_of
from domain.api_names import snake
from permissions.roles import is_protected
from resolvers.compiler.audited_ids import AuditedIds
from resolvers.compiler.forms.actions import compiled_actions, record_type
from resolvers.compiler.json_sql import EMPTY_LIST, Columns, as_list, as_object, is_long, listed, typename
from resolvers.compiler.plans import Binder, converter
from resolvers.compiler.selection import SelectedField, Selector, object_type

Expression = ColumnElement[Any]
# How many records that block an action are listed.
MOST_RECORDS = 20


@dataclass
class Compiler:
    """Compiles the selections of one root field into SQL, for one role."""

    selector: Selector
    scope: Scope
    binder: Binder
    audited: AuditedIds
    # The function that compiles a paginated list; it is passed in, because pages contain objects and objects contain
    # pages.
    page: "Callable[[Compiler, Pages, SelectedField, Row, tuple[str, str]], Expression]"

    def columns(
        self, parent: GraphQLObjectType, asked: list[SelectedField], row: Row, view_name: str | None = None
    ) -> Columns:
        """The selected fields of a row: a response key and an expression for each."""
        view = VIEWS[view_name or parent.name]
        found: Columns = []
        for field in asked:
            if field.name == "__typename":
                found.append((field.key, typename(parent)))
                continue
            if is_protected(field.definition):
                self.audited.fields.add(f"{parent.name}.{field.name}")
            how = view.fields[field.name]
            value = self._field(how, field, row, parent.name) if isinstance(how, Relation) else how(row)
            found.append((field.key, value))
        return found

    def _field(self, how: Relation, field: SelectedField, row: Row, parent: str) -> Expression:
        if isinstance(how, Pages):
            return self.page(self, how, field, row, (parent, field.name))
        assert field.definition is not None
        target = object_type(field.definition)
        if isinstance(how, ActionList):
            return compiled_actions(how, field, row, self.selector, self._records)
        asked = self.selector.fields(target, field.selection_sets)
        if isinstance(how, SameRow):
            return as_object(self.columns(target, asked, row), self.scope)
        if isinstance(how, One):
            return self._one(how, field, target, asked, row, (parent, field.name))
        if isinstance(how, Many):
            return self._many(how, field, target, asked, row, (parent, field.name))
        return self._worked_out(how, field, target, asked, row)

    def _worked_out(
        self,
        how: JsonList | ComputedList | ComputedObject | ReportList,
        field: SelectedField,
        target: GraphQLObjectType,
        asked: list[SelectedField],
        row: Row,
    ) -> Expression:
        """A field whose value is computed from the current row, without rows of another view."""
        if isinstance(how, JsonList):
            return self._elements(how, target, asked, row)
        if isinstance(how, ComputedList):
            return self._listed(how, target, asked, row)
        if isinstance(how, ReportList):
            assert isinstance(row, Derived)
            return row.lists[field.name](target, asked)
        known = {**how.values(row), "__typename": typename(target)}
        return as_object([(part.key, known[part.name]) for part in asked], self.scope)

    def _one(
        self,
        how: One,
        field: SelectedField,
        target: GraphQLObjectType,
        asked: list[SelectedField],
        row: Row,
        via: tuple[str, str],
    ) -> Expression:
        other = self.scope.row(VIEWS[how.target].table)
        self.audited.begin(how.target, other, via)
        columns = self.columns(target, asked, other)
        sent = self.selector.arguments(field) if how.given else {}
        given = {
            snake(name): self.binder.argument(field, (name,), how.given[name], converter(name))
            for name, value in sent.items()
            if value is not None
        }

        def narrowed(query: Select[Any]) -> Select[Any]:
            query = query.where(how.on(row, other, **given))
            return query.order_by(*how.order(other)).limit(literal_column("1")) if how.order else query

        if self.audited.has(other):
            return self.audited.join(row, narrowed(self.audited.objects(columns, other)))
        query = narrowed(select().select_from(other.joined))
        if how.order:
            return as_object(columns, self.scope, query)
        # A row found by its id is joined to the row that refers to it, which costs less than a sub-select.
        name = self.scope.name("one")
        body, whole = listed(columns, query, name)
        row.join(name, body)
        return whole if is_long(columns) else func.row_to_json(whole)

    def _many(
        self,
        how: Many,
        field: SelectedField,
        target: GraphQLObjectType,
        asked: list[SelectedField],
        row: Row,
        via: tuple[str, str],
        most: int | None = None,
    ) -> Expression:
        other = self.scope.row(VIEWS[how.target].table)
        self.audited.begin(how.target, other, via)
        columns = self.columns(target, asked, other)
        query = self.audited.objects(columns, other) if self.audited.has(other) else select().select_from(other.joined)
        query = query.where(how.on(row, other)).order_by(*how.order(other))
        if most is not None:
            query = query.limit(literal_column(str(most)))
        if how.others:
            query = query.where(*reach_of(other))
        for name, value in self.selector.arguments(field).items():
            if value is not None:
                choice = how.choose[name]
                bound = self.binder.argument(field, (name,), choice.type_, converter(name, choice.convert))
                query = query.where(choice.narrow(other, bound))
        if self.audited.has(other):
            return self.audited.join(row, self.audited.array(query, self.scope))
        return as_list(columns, self.scope, query)

    def _records(self, how: Many, field: SelectedField, row: Row) -> Expression:
        """Some rows of a relation, where the field is of an interface."""
        target = record_type(self.selector.schema, how.target)
        asked = self.selector.fields(target, field.selection_sets)
        return self._many(how, field, target, asked, row, (target.name, field.name), most=MOST_RECORDS)

    def _listed(self, how: ComputedList, target: GraphQLObjectType, asked: list[SelectedField], row: Row) -> Expression:
        def item(values: dict[str, Expression]) -> Expression:
            known = {**values, "__typename": typename(target)}
            return as_object([(field.key, known[field.name]) for field in asked], self.scope)

        lists = [(when, func.json_build_array(*map(item, items))) for when, items in how.items(row)]
        return case(*lists, else_=EMPTY_LIST)

    def _elements(self, how: JsonList, target: GraphQLObjectType, asked: list[SelectedField], row: Row) -> Expression:
        table = VIEWS[how.target].table
        other = self.scope.row(table)
        elements = func.json_to_recordset(how.read(row)).table_valued(*(column(c.name, c.type) for c in table.c))
        columns = self.columns(target, asked, other)
        source = other.beside(elements.render_derived(name=other.alias, with_types=True))
        if self.audited.has(other):
            # The records that the elements refer to.
            return self.audited.join(row, self.audited.array(self.audited.objects(columns, other, source), self.scope))
        return as_list(columns, self.scope, select().select_from(source))
