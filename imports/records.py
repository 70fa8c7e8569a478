"""Decides what the good rows of a file do to a clinic's records: added, changed or as they were, all of them or none."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg

from db.writing import type_of
from domain.errors import Conflict
from domain.ids import new_id
from imports.checking import Checked, Progress, Row, quietly
from imports.kinds import Records, Reference
from imports.report import Report
from imports.validity import check_validity

_AT_ONCE = 5_000
_NAMES_AT_ONCE = 20_000
# Stands in no text of one line.
_BETWEEN = "\n"
_MEANWHILE = "These records were changed by somebody else at the same time: import the file again"


@dataclass(slots=True)
class _Changes:
    """What is written to one table: new rows, other values by id, and ids that go."""

    records: Records
    added: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    removed: list[UUID] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """The clinic that is written to, in a transaction that the caller ends, as whoever the connection is."""

    connection: asyncpg.Connection
    clinic_id: UUID
    moment: datetime
    progress: Progress = quietly

    async def find(self, query: str, *values: Any) -> list[Mapping[str, Any]]:
        """Rows of the clinic, its id bound as $1."""
        return cast(list[Mapping[str, Any]], await self.connection.fetch(query, self.clinic_id, *values))

    async def find_among(self, query: str, names: Iterable[Any]) -> list[Mapping[str, Any]]:
        """The same among many names, bound as $2: a part at a time, so that no statement takes long."""
        every, found = list(names), list[Mapping[str, Any]]()
        for at in range(0, len(every), _NAMES_AT_ONCE):
            found += await self.find(query, every[at : at + _NAMES_AT_ONCE])
        return found


async def bring_in(target: Target, checked: Checked) -> Report:
    """Compare the rows with what is there and write what is new or other; nothing when a single row is bad.

    Conflict when somebody else writes the same at the same time: then the transaction has to be rolled back.
    """
    try:
        return await _bring_in(target, checked)
    except asyncpg.ExclusionViolationError as error:
        words = f"{error.detail} would have two prices on the same day, by a code that is not in this file"
        raise Conflict(words, ("document_id",)) from error
    except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError) as error:
        raise Conflict(_MEANWHILE, ("document_id",)) from error


async def _bring_in(target: Target, checked: Checked) -> Report:
    await target.connection.execute(_IN_TURN, str(target.clinic_id))
    await _resolve(target, checked)
    changes = [await _compare(target, checked, records) for records in checked.kind.records]
    apart = checked.kind.apart
    if apart:
        valid = await target.find_among(apart.find, {row.values["code"] for row in checked.rows})
        await asyncio.to_thread(check_validity, checked, apart, valid)
    if checked.problems.lines:
        return checked.report()
    for change in changes:
        await _write(target, change)
    return checked.report(written=True)


# Two imports into one clinic take turns; the clinic's other work goes on.
_IN_TURN = "select pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))"


async def _resolve(target: Target, checked: Checked) -> None:
    """Put the ids of other records in the place of their names; a name that is nobody's, or several's, is a problem."""
    for column in checked.kind.columns:
        if column.refers and column.into in checked.said:
            names = {row.values[column.into] for row in checked.rows} - {None}
            found = await target.find_among(column.refers.find, names)
            await asyncio.to_thread(_put_ids, checked, column.into, column.refers, found)


def _put_ids(checked: Checked, into: str, refers: Reference, found: Sequence[Mapping[str, Any]]) -> None:
    ids: dict[str, list[Any]] = {}
    for record in found:
        ids.setdefault(record["name"], []).append(record["id"])
    for row in checked.rows:
        name = row.values[into]
        theirs = ids.get(name, []) if name is not None else [None]
        if len(theirs) == 1:
            row.values[into] = theirs[0]
        else:
            reason = f"There are {len(theirs)} of them" if theirs else f"There is no {refers.word}"
            checked.refuse(row, into, reason, name)
    checked.rows = checked.without_bad()


async def _compare(target: Target, checked: Checked, records: Records) -> _Changes:
    columns = ", ".join(("id", *records.key, *records.values))
    # Rows that only come and go are not locked: whoever touches them locks the record above first.
    lock = "" if records.replaced else " order by id for no key update"
    # A join, because a plan that is good for every array looks through the whole of it for each row.
    among = f"(select unnest($2::{type_of(records.table, records.key[0])}[]))"
    query = f"select {columns} from {records.table} where clinic_id = $1 and {records.key[0]} in {among}{lock}"
    found = await target.find_among(query, {row.values[records.key[0]] for row in checked.rows})
    return await asyncio.to_thread(_changes, target.moment, checked, records, found)


def _changes(moment: datetime, checked: Checked, records: Records, found: Sequence[Mapping[str, Any]]) -> _Changes:
    known: dict[Any, Mapping[str, Any]] = {}
    several = set[Any]()
    for record in found:
        key = tuple(record[name] for name in records.key)
        if known.setdefault(key, record) is not record:
            several.add(key)
    changes, ids = _Changes(records), dict[Any, UUID]()
    said = [name for name in records.values if name in checked.said]
    for row in checked.rows:
        key = tuple(row.values[name] for name in records.key)
        before = known.get(key)
        # How a record is written that several rows share, the first of them says.
        is_first = key not in ids
        identity = ids.setdefault(key, before["id"] if before else new_id(moment))
        row.is_new = before is None
        if key in several:
            checked.refuse(row, records.key[0], "There are several of them already", key[0])
        if before is None and is_first:
            changes.added.append({"id": identity, **_new(row, records)})
        elif before is not None:
            _check_fixed(checked, records, row, before)
            _change(changes, row, before, said, is_first=is_first)
        _name_below(checked, records, row, identity, before)
    return changes


def _check_fixed(checked: Checked, records: Records, row: Row, before: Mapping[str, Any]) -> None:
    for name in records.fixed:
        if name in checked.said and before[name] not in (None, row.values[name]):
            checked.refuse(row, name, "The one of this name is known by another", row.values[name])


def _change(changes: _Changes, row: Row, before: Mapping[str, Any], said: Sequence[str], *, is_first: bool) -> None:
    if all(before[name] == row.values[name] for name in said):
        return
    row.is_changed = True
    records, identity = changes.records, before["id"]
    if not is_first:
        return
    if records.replaced:
        changes.removed.append(identity)
        changes.added.append({"id": new_id(), **_of(row, (*records.key, *records.values))})
    else:
        changes.changed.append({"id": identity, **_of(row, said)})


def _name_below(checked: Checked, records: Records, row: Row, identity: UUID, before: Mapping[str, Any] | None) -> None:
    """Tell the row its record, for the records below; where the file does not say what is known, the row knows it too."""
    for name in records.values:
        if name not in checked.said and before is not None:
            row.values[name] = before[name]
    last = checked.kind.records[-1]
    if last.below and records is not last:
        row.values[last.below] = identity


def _new(row: Row, records: Records) -> dict[str, Any]:
    follows = records.follows(row.values) if records.follows else {}
    return {**follows, **_of(row, (*records.key, *records.values))}


def _of(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: row.values[name] for name in names}


async def _write(target: Target, changes: _Changes) -> None:
    table = changes.records.table
    if changes.removed:
        await target.find(
            f"delete from {table} where clinic_id = $1 and id in (select unnest($2::uuid[]))", changes.removed
        )
    # What ends makes room for what begins.
    for done, some in _parts(changes.changed):
        await _update(target, table, some)
        target.progress(f"changing {table}", done, len(changes.changed))
    for done, some in _parts(changes.added):
        await _insert(target, table, some)
        target.progress(f"adding {table}", done, len(changes.added))


def _parts(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, Sequence[dict[str, Any]]]]:
    return ((min(at + _AT_ONCE, len(rows)), rows[at : at + _AT_ONCE]) for at in range(0, len(rows), _AT_ONCE))


async def _insert(target: Target, table: str, rows: Sequence[dict[str, Any]]) -> None:
    names = list(rows[0])
    # unnest takes lists of lists apart to their elements: each list goes as one text.
    lists = {name for name in names if type_of(table, name).endswith("[]")}
    types = ["text" if name in lists else type_of(table, name) for name in names]
    arrays = ", ".join(f"${place}::{of}[]" for place, of in enumerate(types, 3))
    values = ", ".join(f"string_to_array({name}, E'\\n')" if name in lists else name for name in names)
    query = f"""insert into {table} (clinic_id, recorded_at, {", ".join(names)})
        select $1, $2, {values} from unnest({arrays}) as new_row ({", ".join(names)})"""
    told = [{**row, **{name: _BETWEEN.join(row[name]) for name in lists}} for row in rows] if lists else rows
    await target.find(query, target.moment, *_arrays(told, names))


async def _update(target: Target, table: str, rows: Sequence[dict[str, Any]]) -> None:
    names = list(rows[0])
    arrays = ", ".join(f"${place}::{type_of(table, name)}[]" for place, name in enumerate(names, 2))
    sets = ", ".join(f"{name} = new_row.{name}" for name in names[1:])
    query = f"""update {table} old_row set {sets} from unnest({arrays}) as new_row ({", ".join(names)})
        where old_row.clinic_id = $1 and old_row.id = new_row.id"""
    await target.find(query, *_arrays(rows, names))


def _arrays(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> list[list[Any]]:
    return [[row[name] for row in rows] for name in names]
