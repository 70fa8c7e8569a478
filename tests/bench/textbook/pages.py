"""Keyset pagination in the textbook: a whole list, sorted in Python, cut by cursors and sizes as Relay specifies."""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

DEFAULT_SIZE = 50
READ: dict[type, Callable[[str], Any]] = {
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    Decimal: Decimal,
    str: str,
    UUID: UUID,
}


@dataclass(frozen=True)
class PageInfo:
    """The position of a page in its list, as Relay's PageInfo."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True)
class Edge:
    """A row of a page with its cursor."""

    cursor: str
    node: Any


@dataclass(frozen=True)
class Sums:
    """The sums over a list of invoices."""

    rows: list[Any]

    @property
    def billed(self) -> Decimal:
        """What they bill; void ones nothing."""
        return sum((row.billed_amount for row in self.rows if row.status != "void"), Decimal("0.00"))

    @property
    def received(self) -> Decimal:
        """What was received for them."""
        return sum((row.received_amount for row in self.rows), Decimal("0.00"))

    @property
    def balance(self) -> Decimal:
        """What is outstanding of them."""
        return sum((row.balance for row in self.rows), Decimal("0.00"))


@dataclass(frozen=True)
class Connection:
    """One page of a list."""

    edges: list[Edge]
    page_info: PageInfo
    total_count: int
    # The whole list.
    rows: list[Any]

    @property
    def sums(self) -> "Sums":
        """The sums over a list of invoices."""
        return Sums(self.rows)

    @property
    def nodes(self) -> list[Any]:
        """The rows of the page."""
        return [edge.node for edge in self.edges]


@dataclass(frozen=True)
class Sorting:
    """An order of a list: `key` is a value of type `of` and never None, the id breaks ties in the same direction."""

    name: str
    key: Callable[[Any], Any]
    of: type
    descending: bool = False

    def place(self, row: Any) -> tuple[Any, UUID]:
        """The sort key of a row."""
        return self.key(row), row.id

    def cursor(self, row: Any) -> str:
        """The sort key of a row as a text that names its order."""
        plain = f"{self._full_name}|{row.id}|{_written(self.key(row))}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    def read(self, cursor: str, argument: str) -> tuple[Any, UUID]:
        """The sort key in a cursor; ValueError for a cursor of another order."""
        name, identity, value = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("|", 2)
        if name != self._full_name:
            raise ValueError(f"Argument {argument}: is not a cursor of this list in this order")
        return READ[self.of](value), UUID(identity)

    @property
    def _full_name(self) -> str:
        return f"{self.name}.{'DESC' if self.descending else 'ASC'}"

    def is_later(self, row: Any, than: tuple[Any, UUID]) -> bool:
        """Whether a row comes after a sort key."""
        return self.place(row) < than if self.descending else self.place(row) > than

    def is_earlier(self, row: Any, than: tuple[Any, UUID]) -> bool:
        """Whether a row comes before a sort key."""
        return self.place(row) > than if self.descending else self.place(row) < than


def _written(key: Any) -> str:
    """A value as PostgreSQL writes it; a moment is in UTC, without trailing zeros."""
    if not isinstance(key, datetime):
        return str(key)
    digits = f".{key.microsecond:06d}".rstrip("0") if key.microsecond else ""
    return f"{key.astimezone(UTC):%Y-%m-%d %H:%M:%S}{digits}+00"


def connection(rows: Iterable[Any], sorting: Sorting, args: Mapping[str, Any]) -> Connection:
    """The page of a list that `first`, `after`, `last` and `before` ask for."""
    ordered = sorted(rows, key=sorting.place, reverse=sorting.descending)
    between = _between(ordered, sorting, args.get("after"), args.get("before"))
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        first = DEFAULT_SIZE
    page = between if first is None else between[:first]
    page = page if last is None else page[-last:]
    edges = [Edge(sorting.cursor(row), row) for row in page]
    info = PageInfo(
        has_next_page=args.get("before") is not None if first is None else len(between) > first,
        has_previous_page=args.get("after") is not None if last is None else len(between) > last,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges, info, len(ordered), ordered)


def _between(ordered: list[Any], sorting: Sorting, after: str | None, before: str | None) -> list[Any]:
    rows = ordered
    if after is not None:
        rows = [row for row in rows if sorting.is_later(row, sorting.read(after, "after"))]
    if before is not None:
        rows = [row for row in rows if sorting.is_earlier(row, sorting.read(before, "before"))]
    return rows
