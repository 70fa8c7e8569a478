"""Derives the column grants of a role: the columns behind the fields, filters and orders that it sees, and those of its row rules."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import Uuid, bindparam

from db.fields import VIEWS
from db.fields.base import (
    ActionList,
    ComputedList,
    ComputedObject,
    Field,
    Filter,
    JsonList,
    Many,
    One,
    Order,
    Pages,
    ReportList,
    SameRow,
    View,
)
from db.fields.billing.invoice_images import IMAGE, taken_before
from db.row import Row, Scope
from db.security.reach import reach_of
from db.tables import metadata
from domain.access.people import Role
from permissions.rows import ROWS


def columns_read(role: Role, seen: frozenset[str]) -> dict[str, set[str]]:
    """Table → columns that the statements of a role may name, given the coordinates of the schema that it sees."""
    scope = Scope(role, follows=True)
    for type_name, view in VIEWS.items():
        fields = {name: how for name, how in view.fields.items() if f"{type_name}.{name}" in seen}
        if fields and role in ROWS.get(view.table.name, {}):
            _touch(type_name, view, fields, scope, seen)
    if "Subscription.invoiceEvents" in seen:
        _touch_image(scope, seen)
    for table in {name for name, _ in scope.columns} & set(ROWS):
        if role in ROWS[table] and table in metadata.tables:
            reach_of(scope.row(metadata.tables[table]))
    found: dict[str, set[str]] = defaultdict(set)
    for table, column in scope.columns:
        if table in metadata.tables:
            found[table].add(column)
    return dict(found)


def _touch(type_name: str, view: View, fields: dict[str, Field], scope: Scope, seen: frozenset[str]) -> None:
    row = scope.row(view.table)
    row.clinic_id, row.id, row.is_merged  # noqa: B018 (naming a column records it)
    for how in fields.values():
        _touch_field(how, row)
    for order in _orders(type_name, view, seen):
        order.key(row)
    if view.top:
        view.top(row)
    for choice in _choices(type_name, view, seen):
        _narrow(choice, row)


def _touch_image(scope: Scope, seen: frozenset[str]) -> None:
    """What events of invoices read of the images: the columns of filters that the role sees."""
    row = scope.row(IMAGE.table)
    taken_before(row, bindparam("change", type_=Uuid()), bindparam("id", type_=Uuid()))
    row.position, row.existed  # noqa: B018 (naming a column records it)
    for choice in _choices("Invoice", IMAGE, seen):
        _narrow(choice, row)


def _touch_field(how: Field, row: Row) -> None:
    if isinstance(how, One | Many | Pages):
        other = row.scope.row(VIEWS[how.target].table)
        if how.on:
            how.on(row, other)
        if not isinstance(how, Pages) and how.order:
            how.order(other)
    elif isinstance(how, JsonList):
        how.read(row)
    elif isinstance(how, ComputedList):
        how.items(row)
    elif isinstance(how, ActionList):
        _touch_actions(how, row)
    elif isinstance(how, ComputedObject):
        how.values(row)
    elif not isinstance(how, SameRow | ReportList):
        how(row)


def _touch_actions(how: ActionList, row: Row) -> None:
    for action in how.actions(row):
        for blocker in action.blockers:
            if blocker.records is not None:
                _touch_field(blocker.records, row)


def _orders(type_name: str, view: View, seen: frozenset[str]) -> Iterator[Order]:
    if view.order and _is_listed(type_name, view, seen):
        yield view.order.among({name for name in view.fields if f"{type_name}.{name}" in seen})
    yield from (order for name, order in view.orders.items() if f"{type_name}OrderField.{name}" in seen)


def _is_listed(type_name: str, view: View, seen: frozenset[str]) -> bool:
    """Whether the role sees a list of the type, at the root or below another type: only then its order columns are read."""
    below = (
        f"{parent}.{name}"
        for parent, other in VIEWS.items()
        for name, how in other.fields.items()
        if isinstance(how, Pages) and how.target == type_name
    )
    return f"Query.{view.listed_as}" in seen or any(coordinate in seen for coordinate in below)


def _choices(type_name: str, view: View, seen: frozenset[str]) -> Iterator[Filter]:
    for name, choice in view.filters.items():
        if f"{view.filter_type or type_name + 'Filter'}.{name}" in seen or f"Query.{view.listed_as}({name}:)" in seen:
            yield choice


def _narrow(choice: Filter, row: Row) -> None:
    choice.narrow(row, True if choice.type_ is None else bindparam("value", type_=choice.type_))
