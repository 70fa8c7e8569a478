"""The kinds of fields, filters and orders, and the view: the mapping of a GraphQL type's fields to SQL expressions."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, Table, Text, Uuid, cast, exists, func, select
from sqlalchemy.sql.elements import ColumnElement

from db.row import Row
from domain.api_names import camel

Expression = ColumnElement[Any]
Read = Callable[[Row], Expression]
Join = Callable[[Row, Row], Expression]


@dataclass(frozen=True)
class One:
    """A to-one relation: one row of another view; with an order, the first of several.

    `given` are the field's arguments with the types of their values: those that are sent are passed to `on`, by name.
    """

    target: str
    on: Callable[..., Expression]
    order: Callable[[Row], list[Expression]] | None = None
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Many:
    """A to-many relation: a plain list of rows of another view, in a fixed order. `choose` reads the field's arguments.

    A viewer who may read a row may read the rows below it. With `others`, the rows below may belong to other users, so that those
    out of reach are left out.
    """

    target: str
    on: Join
    order: Callable[[Row], list[Expression]]
    choose: Mapping[str, "Filter"] = field(default_factory=dict)
    others: bool = False


@dataclass(frozen=True)
class SameRow:
    """A field of another type that is read from the same row, such as the negotiation of an invoice."""

    target: str


@dataclass(frozen=True)
class Pages:
    """A connection with keyset pagination over the rows of another view; without `on`, over all rows in reach."""

    target: str
    on: Join | None = None


@dataclass(frozen=True)
class JsonList:
    """A list stored or computed as JSON in the row; the target's table names the keys of an element."""

    target: str
    source: "str | Read"

    def read(self, row: Row) -> Expression:
        """The JSON list as an expression."""
        found: Expression = getattr(row, self.source) if isinstance(self.source, str) else self.source(row)
        return found


@dataclass(frozen=True)
class ComputedList:
    """A list computed from the row: the first condition that holds selects the items, each with its fields."""

    target: str
    items: Callable[[Row], list[tuple[Expression, list[dict[str, Expression]]]]]


@dataclass(frozen=True)
class ComputedObject:
    """An object computed from the row: each of its fields with its expression."""

    target: str
    values: Callable[[Row], dict[str, Expression]]


@dataclass(frozen=True)
class FormField:
    """What of a form's field depends on the record: its bounds and default as the API spells them, its choices, and whether it is required.

    `without` are the values of an enum that it does not offer, `is_context` is whether the record itself gives it, and `is_complete`
    whether a record is always one of the choices.
    """

    label: str | None = None
    least: Expression | None = None
    most: Expression | None = None
    default: Expression | None = None
    required: Expression | None = None
    choices: "tuple[Expression, Expression, Select[Any]] | None" = None
    without: tuple[str, ...] = ()
    is_context: bool = False
    is_complete: bool = True

    @property
    def is_searched(self) -> bool:
        """Whether a record may be another one than the choices."""
        return not self.is_context and (self.choices is None or not self.is_complete)


@dataclass(frozen=True)
class Blocker:
    """A condition of an action: its code, that it holds, and the message where it does not; with the records that stand in the way."""

    code: str
    holds: Expression
    message: Expression
    records: Many | None = None


@dataclass(frozen=True)
class Action:
    """What somebody may do with a record: the mutation, when it is offered, what blocks it or warns, and the fields of its form by path."""

    name: str
    label: str
    offered: Expression
    blockers: tuple[Blocker, ...] = ()
    warnings: tuple[Blocker, ...] = ()
    fields: Mapping[str, FormField] = field(default_factory=dict)


@dataclass(frozen=True)
class ActionList:
    """The actions of a record, in their order; what their inputs are follows from the role's schema."""

    target: str
    actions: Callable[[Row], list[Action]]


@dataclass(frozen=True)
class ReportList:
    """A list that the field's report computes beside the row."""

    target: str


Relation = One | Many | SameRow | Pages | JsonList | ComputedList | ComputedObject | ActionList | ReportList
Field = Read | Relation


@dataclass(frozen=True)
class Filter:
    """One key of a filter as a predicate. `type_` is the type of the bound value; None passes the Python boolean."""

    narrow: Callable[[Row, Any], Expression]
    type_: Any = None
    convert: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Order:
    """A sort order for keyset pagination: a column that is never null, then the id. `turned`: the column sorts in reverse of the value.

    A cursor reveals the sort value of its row: where not every role that sees the list may see that field, `shows` names the
    field, and `otherwise` is the order for the other roles.
    """

    key: Read
    type_: Any
    is_reversed: bool = False
    descending: bool = False
    visible_field: str | None = None
    fallback: "Order | None" = None

    def among(self, fields: Collection[str]) -> "Order":
        """The first order that reveals only these fields; where there is none, rows are sorted by their ids."""
        if self.visible_field is None or self.visible_field in fields:
            return self
        return self.fallback.among(fields) if self.fallback else BY_ID


BY_ID = Order(lambda row: row.id, Uuid())


@dataclass(frozen=True)
class View:
    """The mapping of one GraphQL type to SQL: its fields, and the `filters` and `orders` of its connections.

    `listed_as` is the root field that lists the rows in reach, `found_as` the one that finds a row by its id. A short list is
    returned `whole` instead of in pages; for a tree, it contains the rows that match `top`.
    """

    table: Table
    fields: Mapping[str, Field]
    filters: Mapping[str, Filter] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    order: Order | None = None
    listed_as: str | None = None
    found_as: str | None = None
    whole: bool = False
    top: Read | None = None
    # The default predicates: each applies where the argument of its name is not given.
    fallback: Mapping[str, Read] = field(default_factory=dict)
    # What is summed up over a list, by the name in the type of the sums.
    sums: Mapping[str, Read] = field(default_factory=dict)
    # The name of the filter's type where it is not derived from the name of the view.
    filter_type: str | None = None


def same_clinic(a: Row, b: Row) -> Expression:
    """That two rows belong to one clinic."""
    # Both are compared with the bound clinic, so that the planner can look up the second row independently of the first.
    return b.clinic_id == a.scope.clinic_id


@dataclass(frozen=True)
class ById:
    """A join from a column of the first row to the id of the second, so that the id is known without the second row."""

    column: str

    def __call__(self, a: Row, b: Row) -> Expression:
        """The condition of the join."""
        found: Expression = same_clinic(a, b) & (b.id == a.followed(self.column))
        return found


def by_id(column: str) -> ById:
    """A join from a column of the first row to the id of the second."""
    return ById(column)


def owned(column: str) -> Join:
    """A join from the id of the first row to a column of the second."""
    return lambda a, b: same_clinic(a, b) & b.refers(column, a.id)


def text_of(column: str) -> Read:
    """An exact number as the decimal string that clients read."""
    return lambda row: cast(getattr(row, column), Text)


def name_of(column: str) -> Read:
    """A status or kind as the name of its GraphQL enum value."""
    return lambda row: func.upper(getattr(row, column))


def plain(*columns: str, **renamed: str) -> dict[str, Read]:
    """Fields that are plain columns: snake case in SQL, camel case in GraphQL; `field=column` where the names differ."""
    reads = {camel(column): _column(column) for column in columns}
    return reads | {name: _column(column) for name, column in renamed.items()}


def amounts(*columns: str) -> dict[str, Read]:
    """Fields that are exact numbers, published as decimal strings."""
    return {camel(column): text_of(column) for column in columns}


def _column(name: str) -> Read:
    return lambda row: getattr(row, name)


def there_is(row: Row, on: Expression) -> Expression:
    """That a row exists."""
    return exists(select(1).select_from(row.source).where(on))
