"""Decides what a view is: how each field of a GraphQL type is read from a row."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, Text, Uuid, cast, exists, func, select
from sqlalchemy.sql.elements import ColumnElement

from db.row import Row

Expression = ColumnElement[Any]
Read = Callable[[Row], Expression]
Join = Callable[[Row, Row], Expression]


@dataclass(frozen=True)
class One:
    """A field that is one row of another view; with an order, the first of several."""

    target: str
    on: Join
    order: Callable[[Row], list[Expression]] | None = None


@dataclass(frozen=True)
class Many:
    """A field that is a plain list of rows of another view, in a fixed order. `choose` reads the field's arguments.

    Who reaches a row reaches those below it, too, but where they are others': there, `others` are left out.
    """

    target: str
    on: Join
    order: Callable[[Row], list[Expression]]
    choose: Mapping[str, "Choice"] = field(default_factory=dict)
    others: bool = False


@dataclass(frozen=True)
class Same:
    """A field that is another type read from the same row, such as the negotiation of an invoice."""

    target: str


@dataclass(frozen=True)
class Pages:
    """A field that is a connection: pages over the rows of another view; without `on`, over all in reach."""

    target: str
    on: Join | None = None


@dataclass(frozen=True)
class Elements:
    """A field that is a list of the row as JSON, in a column or worked out; the target's table names what an element holds."""

    target: str
    source: "str | Read"

    def read(self, row: Row) -> Expression:
        """The list."""
        found: Expression = getattr(row, self.source) if isinstance(self.source, str) else self.source(row)
        return found


@dataclass(frozen=True)
class Listed:
    """A field that is a list worked out from the row: the first condition that holds says which items, each with its fields."""

    target: str
    items: Callable[[Row], list[tuple[Expression, list[dict[str, Expression]]]]]


@dataclass(frozen=True)
class Made:
    """A field that is an object worked out from the row: each of its fields with its value."""

    target: str
    values: Callable[[Row], dict[str, Expression]]


@dataclass(frozen=True)
class Worked:
    """A field that is a list worked out beside the row by the report that it belongs to."""

    target: str


Relation = One | Many | Same | Pages | Elements | Listed | Made | Worked
Field = Read | Relation


@dataclass(frozen=True)
class Choice:
    """How one key of a filter narrows rows. `type_` is the type of the bound value; None hands over the bare boolean."""

    narrow: Callable[[Row, Any], Expression]
    type_: Any = None
    convert: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Order:
    """What a page is sorted by: a column that is never null, the id breaks ties. `turned`: a higher value means a lower column.

    A cursor tells its reader the value by which its row is sorted: where that is a field that not everybody sees who sees the
    list, `shows` names it, and `otherwise` is the order for the rest.
    """

    key: Read
    type_: Any
    turned: bool = False
    descending: bool = False
    shows: str | None = None
    otherwise: "Order | None" = None

    def among(self, fields: Collection[str]) -> "Order":
        """The first order that shows none but these fields; where there is none, rows are sorted by their ids."""
        if self.shows is None or self.shows in fields:
            return self
        return self.otherwise.among(fields) if self.otherwise else BY_ID


BY_ID = Order(lambda row: row.id, Uuid())


@dataclass(frozen=True)
class View:
    """How the fields of one GraphQL type are read; `filters` and `orders` are what its connections understand.

    `listed_as` is the root field that lists the rows in reach, `found_as` the one that finds a row by its id. A list that is
    never long comes `whole` instead of in pages; of a tree, it holds the rows that `top` says.
    """

    table: Table
    fields: Mapping[str, Field]
    filters: Mapping[str, Choice] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    order: Order | None = None
    listed_as: str | None = None
    found_as: str | None = None
    whole: bool = False
    top: Read | None = None
    # What narrows the list where an argument of this name is not given.
    otherwise: Mapping[str, Read] = field(default_factory=dict)
    # The name of the filter's type where it does not follow from the name of the view.
    filter_type: str | None = None


def same_clinic(a: Row, b: Row) -> Expression:
    """That two rows belong to one clinic."""
    # Both are compared with the bound clinic: the planner then looks the second up without waiting for the first.
    return b.clinic_id == a.scope.clinic_id


def by_id(column: str) -> Join:
    """A join from a column of the first row to the id of the second."""
    return lambda a, b: same_clinic(a, b) & (b.id == getattr(a, column))


def owned(column: str) -> Join:
    """A join from the id of the first row to a column of the second."""
    return lambda a, b: same_clinic(a, b) & (getattr(b, column) == a.id)


def text_of(column: str) -> Read:
    """An exact number as the decimal string that clients read."""
    return lambda row: cast(getattr(row, column), Text)


def name_of(column: str) -> Read:
    """A state or kind, spelled as GraphQL spells it."""
    return lambda row: func.upper(getattr(row, column))


def plain(*columns: str, **renamed: str) -> dict[str, Read]:
    """Fields that are columns: given in snake case, published in camel case; `field=column` where the names differ."""
    reads = {camel(column): _column(column) for column in columns}
    return reads | {name: _column(column) for name, column in renamed.items()}


def amounts(*columns: str) -> dict[str, Read]:
    """Fields that are exact numbers, published as strings."""
    return {camel(column): text_of(column) for column in columns}


def _column(name: str) -> Read:
    return lambda row: getattr(row, name)


def camel(name: str) -> str:
    """GraphQL's spelling of a column."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def there_is(row: Row, on: Expression) -> Expression:
    """That a row exists."""
    return exists(select(1).select_from(row.source).where(on))
