"""Writes imported rows in batches by table, under row-level security."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from db.write_batch import type_of
from imports.target import Target

_AT_ONCE = 5_000
# A separator that does not occur in texts of one line.
_BETWEEN = "\n"
# Sent as text: lists, because unnest flattens lists of lists, and JSON, which each connection encodes in its own way.
_READ = {"TEXT[]": "string_to_array({}, E'\\n')", "JSON": "{}::json"}
_SENT = dict.fromkeys(_READ, "text")


def parts(rows: Sequence[Any]) -> Iterator[tuple[int, Sequence[Any]]]:
    """The rows in batches, none of which makes a statement run long, with the number of finished rows."""
    return ((min(at + _AT_ONCE, len(rows)), rows[at : at + _AT_ONCE]) for at in range(0, len(rows), _AT_ONCE))


async def insert(target: Target, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert new rows of the clinic, which all have the same columns."""
    for done, some in parts(rows):
        await _insert(target, table, some)
        target.progress(f"adding {table}", done, len(rows))


async def update(target: Target, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update the clinic's rows, found by the id that comes first in each."""
    done = 0
    for _, alike in groupby(sorted(rows, key=_columns), key=_columns):
        for _, some in parts(list(alike)):
            await _update(target, table, some)
            done += len(some)
            target.progress(f"changing {table}", done, len(rows))


async def remove(target: Target, table: str, ids: Sequence[UUID]) -> None:
    """Delete rows."""
    await target.find_among(f"delete from {table} where clinic_id = $1 and id in (select unnest($2::uuid[]))", ids)


def _columns(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row)


async def _insert(target: Target, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    types = {name: type_of(table, name) for name in rows[0] if name != "clinic_id"}
    names, lists = list(types), [name for name, of in types.items() if of.endswith("[]")]
    arrays = ", ".join(f"${place}::{_SENT.get(of, of)}[]" for place, of in enumerate(types.values(), 2))
    values = ", ".join(_READ.get(of, "{}").format(name) for name, of in types.items())
    query = f"""insert into {table} (clinic_id, {", ".join(names)})
        select $1, {values} from unnest({arrays}) as new_row ({", ".join(names)})"""
    records = [{**row, **{name: _BETWEEN.join(row[name]) for name in lists}} for row in rows] if lists else rows
    await target.find(query, *_arrays(records, names))


async def _update(target: Target, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(rows[0])
    arrays = ", ".join(f"${place}::{type_of(table, name)}[]" for place, name in enumerate(names, 2))
    sets = ", ".join(f"{name} = new_row.{name}" for name in names[1:])
    query = f"""update {table} old_row set {sets} from unnest({arrays}) as new_row ({", ".join(names)})
        where old_row.clinic_id = $1 and old_row.id = new_row.id"""
    await target.find(query, *_arrays(rows, names))


def _arrays(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in names]
