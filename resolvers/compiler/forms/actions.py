"""Compiles the actions of a record: what is constant of a form is taken from the role's schema, the rest are expressions over the row."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from sqlalchemy import JSON, and_, case, false, func, literal_column, not_, select, true
from sqlalchemy.sql.elements import ColumnElement

from db.fields import VIEWS
from db.fields.base import Action, ActionList, Blocker, FormField, Many
from db.fields.forms.choices import MOST_CHOICES
from db.row import Row
from domain.api_names import camel
from resolvers.compiler.forms.inputs import has_mutation, inputs_of
from resolvers.compiler.forms.json_tree import OptionalItem, as_json
from resolvers.compiler.json_sql import EMPTY_LIST
from resolvers.compiler.selection import SelectedField, Selector, object_type

Expression = ColumnElement[Any]
# Compiles the records of a blocker: those of a relation of the row, as the field selects them.
RecordsOf = Callable[[Many, SelectedField, Row], Expression]


def compiled_actions(
    how: ActionList, field: SelectedField, row: Row, selector: Selector, records: RecordsOf
) -> Expression:
    """The list of the actions of a row, as the field selects them."""
    found = [
        OptionalItem(action.offered, _Form(action, row, selector, records).selected(field))
        for action in how.actions(row)
        if has_mutation(selector.schema, action.name)
    ]
    return as_json(found)


class _Form:
    """One action of a row, as a selection asks for it."""

    def __init__(self, action: Action, row: Row, selector: Selector, records: RecordsOf) -> None:
        self.action, self.row, self.selector, self.records = action, row, selector, records

    def selected(self, field: SelectedField) -> dict[str, Any]:
        """The JSON tree of the action."""
        conditions = [blocker.holds for blocker in self.action.blockers]
        known: dict[str, Any] = {
            "name": self.action.name.upper(),
            "mutation": camel(self.action.name),
            "label": self.action.label,
            "isAllowed": and_(*conditions) if conditions else True,
            "blockedBy": lambda part: [self._blocker(one, part) for one in self.action.blockers],
            "warnings": lambda part: [self._blocker(one, part) for one in self.action.warnings],
            "inputs": self._inputs,
        }
        return self._project(field, known)

    def _project(self, field: SelectedField, known: dict[str, Any]) -> dict[str, Any]:
        """What a field selects of an object; what needs a selection below it is a function."""
        target = _target(field.definition)
        tree: dict[str, Any] = {}
        for part in self.selector.fields(target, field.selection_sets):
            value = target.name if part.name == "__typename" else known[part.name]
            tree[part.key] = value(part) if callable(value) and not isinstance(value, ColumnElement) else value
        return tree

    def _blocker(self, blocker: Blocker, field: SelectedField) -> OptionalItem:
        of = blocker.records
        known = {
            "code": blocker.code,
            "message": blocker.message,
            "records": lambda part: self.records(of, part, self.row) if of else [],
            "total": _count(of, self.row) if of else 0,
        }
        return OptionalItem(not_(blocker.holds), self._project(field, known))

    def _inputs(self, field: SelectedField) -> list[Any]:
        return self._fields(inputs_of(self.selector.schema, self.action.name), "", field)

    def _fields(self, inputs: list[dict[str, Any]], path: str, field: SelectedField) -> list[Any]:
        return [self._input(one, f"{path}{one['name']}", field) for one in inputs]

    def _input(self, one: dict[str, Any], path: str, field: SelectedField) -> dict[str, Any]:
        form = self.action.fields.get(path) or FormField()
        offered = [choice for choice in one["choices"] if choice["value"] not in form.without]
        known = {
            **one,
            "label": form.label or one["label"],
            "isRequired": _either(one["isRequired"], form.required),
            "isFromContext": form.is_context,
            "default": one["default"] if form.default is None else form.default,
            "minimum": form.least,
            "maximum": form.most,
            "choices": lambda part: self._choices(form, offered, part),
            "choicesFrom": one["choicesFrom"] if form.is_searched else None,
            "fields": lambda part: self._fields(one["fields"], f"{path}.", part),
        }
        return self._project(field, known)

    def _choices(self, form: FormField, constant: list[dict[str, str]], field: SelectedField) -> Any:
        if form.choices is None:
            return [self._project(field, dict(choice)) for choice in constant]
        value, label, found = form.choices
        item = as_json(self._project(field, {"value": value, "label": label})).label("item")
        some = found.with_only_columns(item).limit(literal_column(str(MOST_CHOICES))).subquery()
        return select(func.coalesce(func.json_agg(some.c.item, type_=JSON), EMPTY_LIST, type_=JSON)).scalar_subquery()


def _target(definition: GraphQLField | None) -> GraphQLObjectType:
    assert definition is not None
    return object_type(definition)


def _either(is_required: bool, required: Expression | None) -> Any:
    """Whether an input is required: always, or where a fact of the record says so."""
    return True if is_required else False if required is None else case((required, true()), else_=false())


def _count(of: Many, row: Row) -> Expression:
    other = row.scope.row(VIEWS[of.target].table)
    return select(func.count()).select_from(other.source).where(of.on(row, other)).scalar_subquery()


def record_type(schema: GraphQLSchema, name: str) -> GraphQLObjectType:
    """The object type of a name; TypeError for another kind of type."""
    named = schema.type_map[name]
    if not isinstance(named, GraphQLObjectType):
        raise TypeError(f"{name} is no object type")
    return named
