"""The common resolvers of the textbook: one row, a list of rows, a page."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.bench.textbook.models import Model
from tests.bench.textbook.pages import Connection, Sorting, connection
from tests.bench.textbook.records.records import Records

Args = Mapping[str, Any]
# The records, the object that the field belongs to, and the field's arguments.
Resolver = Callable[[Records, Any, Args], Awaitable[Any]]
Fields = dict[str, Resolver]


def one(model: type[Model], column: str) -> Resolver:
    """A field that is the row whose id is in a column."""

    async def resolve(records: Records, source: Any, args: Args) -> Any:
        return await records.one(model, getattr(source, column))

    return resolve


def many(model: type[Model], column: str, *order: str) -> Resolver:
    """A field that is the list of rows of which a column holds this object's id, sorted by columns."""

    async def resolve(records: Records, source: Any, args: Args) -> Any:
        rows = await records.many(model, column, source.id)
        return sorted(rows, key=lambda row: [getattr(row, name) for name in order])

    return resolve


def same() -> Resolver:
    """A field that is another type with the same row behind it."""

    async def resolve(records: Records, source: Any, args: Args) -> Any:
        return source

    return resolve


Fits = Callable[[Records, Any, Args], Awaitable[bool]]


async def filtered(records: Records, rows: list[Any], fits: Fits, wanted: Args | None) -> list[Any]:
    """The rows that match a filter; keys without a value are ignored."""
    criteria = {name: value for name, value in (wanted or {}).items() if value is not None}
    kept = await asyncio.gather(*(fits(records, row, criteria) for row in rows))
    return [row for row, is_kept in zip(rows, kept, strict=True) if is_kept]


def listing(model: type[Model], fits: Fits, sorting: Callable[[Records, Args], Sorting], parent: str = "") -> Resolver:
    """A field that is a page over the rows in reach, or over those of which column `parent` holds this object's id."""

    async def resolve(records: Records, source: Any, args: Args) -> Connection:
        rows = await (records.many(model, parent, source.id) if parent else records.all(model))
        narrow = {"search": args.get("search"), **(args.get("filter") or {})}
        return connection(await filtered(records, rows, fits, narrow), sorting(records, args), args)

    return resolve
