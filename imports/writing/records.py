"""The effect of a file's valid rows on a clinic's records: added, changed or unchanged."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from db.merged_records import surviving
from db.write_batch import is_computed, type_of
from domain.ids import new_id
from imports.checking import Checked, Row
from imports.rows import insert, remove, update
from imports.shapes import Records
from imports.target import Changes, Target
from imports.writing.firms import give_attorneys_firms, give_payers_firms, refuse_retired_firms
from imports.writing.patient_names import keep_names
from imports.writing.representations import keep_representations
from imports.writing.validity import check_validity

# Table → the function that completes its rows before they are written.
_BEFORE: dict[str, Callable[[Target, Changes], Awaitable[None]]] = {
    "attorneys": give_attorneys_firms,
    "payers": give_payers_firms,
}
# The tables whose records can be merged.
_MERGED = frozenset({"patients", "payers"})
# Table → the function that refuses rows for what their records refer to.
_REFUSED: dict[str, Callable[[Target, Checked, Changes], Awaitable[None]]] = {"attorneys": refuse_retired_firms}
# Table → the function that writes dependent rows after its rows are written.
_BESIDES: dict[str, Callable[[Target, Changes], Awaitable[None]]] = {
    "patients": keep_names,
    "cases": keep_representations,
}


async def write_records(target: Target, checked: Checked) -> None:
    """Compare the rows with existing records and write new and changed ones; nothing if a single row is bad."""
    changes = [await _compare(target, checked, records) for records in checked.kind.records]
    apart = checked.kind.apart
    if apart:
        valid = await target.find_among(apart.find, {row.values["code"] for row in checked.rows})
        await asyncio.to_thread(check_validity, checked, apart, valid)
    for change in changes:
        if change.records.table in _REFUSED:
            await _REFUSED[change.records.table](target, checked, change)
    if not checked.problems.lines:
        for change in changes:
            await _write(target, change)


async def _compare(target: Target, checked: Checked, records: Records) -> Changes:
    # Rows that are only added and deleted are not locked: all writers lock the parent record first.
    lock = "" if records.replaced else " order by s.id for no key update of s"
    row = "t" if records.table in _MERGED else "s"
    # A join, because a plan that suits every array would scan the whole array for each row.
    among = f"(select unnest($2::{type_of(records.table, records.key[0])}[]))"
    query = f"{_selected(records)} where {row}.clinic_id = $1 and {row}.{records.key[0]} in {among}{lock}"
    found = await target.find_among(query, {row.values[records.key[0]] for row in checked.rows})
    return await asyncio.to_thread(_changes, target.moment, checked, records, found)


def _selected(records: Records) -> str:
    """The SELECT and FROM of the records `t` that have a key: of a merged one, what is compared is that of the one that stays, `s`."""
    table, others = records.table, ("id", *records.named, *records.values)
    columns = [f"{_followed(name)} as {name}" for name in others if name not in records.key]
    if table in _MERGED:
        columns += [*(f"t.{name}" for name in records.key), *(f"t.{name} as own_{name}" for name in records.values)]
        stays = "s.clinic_id = t.clinic_id and s.id = coalesce(t.merged_into_id, t.id)"
        return f"select {', '.join(columns)} from {table} t join {table} s on {stays}"
    columns += [f"{_followed(name)} as {name}" for name in records.key]
    return f"select {', '.join(columns)} from {table} s"


def _followed(name: str) -> str:
    return surviving(name.removesuffix("_id"), f"s.{name}") if name in ("patient_id", "payer_id") else f"s.{name}"


def _changes(moment: datetime, checked: Checked, records: Records, found: Sequence[Mapping[str, Any]]) -> Changes:
    known: dict[Any, Mapping[str, Any]] = {}
    several = set[Any]()
    for record in found:
        key = tuple(record[name] for name in records.key)
        if known.setdefault(key, record)["id"] != record["id"]:
            several.add(key)
    changes, ids, first = Changes(records, moment), dict[Any, UUID](), dict[UUID, tuple[Any, Row]]()
    names = [name for name in records.values if name in checked.present_columns]
    for row in checked.rows:
        key = tuple(row.values[name] for name in records.key)
        before = known.get(key)
        # The first of several rows determines how a shared record is written.
        is_first = key not in ids
        identity = ids.setdefault(key, before["id"] if before else new_id(moment))
        row.is_new = before is None
        if key in several:
            checked.refuse(row, records.key[0], "Several existing records match", row.values[_spelled(records)])
        if before is None and is_first:
            changes.added.append(_new(changes, row, identity))
        elif before is not None:
            _check_same(checked, records, row, before)
            other_key, other = first.setdefault(identity, (key, row))
            if other_key != key:
                _check_merged(checked, records, row, other)
                is_first = False
            _change(changes, row, before, names, is_first=is_first)
        _name_below(checked, records, row, identity, before)
    return changes


def _check_merged(checked: Checked, records: Records, row: Row, other: Row) -> None:
    """Of two rows whose records are merged, the second must say the same."""
    for name in records.values:
        if name in checked.present_columns and row.values[name] != other.values[name]:
            reason = f"Line {other.line} is about the same record, which was merged, and has another value"
            checked.refuse(row, name, reason, row.values[name])


def _check_same(checked: Checked, records: Records, row: Row, before: Mapping[str, Any]) -> None:
    """Refuse a row that has the key of an existing record, and is of another one by its other values."""
    present = {name: row.values[name] for name in records.values if name in checked.present_columns}
    reason = records.differs(before, present) if records.differs else None
    if reason and records.table in _MERGED and records.differs:
        # A row with the key of a merged record may be of what that one was.
        reason = records.differs({name: before[f"own_{name}"] for name in records.values}, present)
    if reason:
        checked.refuse(row, records.key[0], reason, row.values[_spelled(records)])
    for name in records.fixed:
        if name in checked.present_columns and before[name] not in (None, row.values[name]):
            by = checked.kind.column_of(records.key[0])
            checked.refuse(row, name, f"The record with this {by} has another value", row.values[name])


def _change(changes: Changes, row: Row, before: Mapping[str, Any], names: Sequence[str], *, is_first: bool) -> None:
    others = [name for name in names if before[name] != row.values[name]]
    if not others:
        return
    row.is_changed = True
    records, identity = changes.records, before["id"]
    if not is_first:
        return
    if records.replaced:
        changes.removed.append(identity)
        changes.added.append(_new(changes, row, new_id(changes.moment)))
    else:
        changes.known[identity] = before
        derived = records.derived(row.values) if records.derived else {}
        # The key stays: of a merged record, that of the file is another one than that of the record which stays.
        derived = {name: value for name, value in derived.items() if name not in records.key}
        changes.changed.append({"id": identity, **_of(row, others), **derived})


def _name_below(checked: Checked, records: Records, row: Row, identity: UUID, before: Mapping[str, Any] | None) -> None:
    """Give the row its record, for the child records; values that the file does not have are taken from it."""
    for name in records.values:
        if name not in checked.present_columns and before is not None:
            row.values[name] = before[name]
    last = checked.kind.records[-1]
    if last.below and records is not last:
        row.values[last.below] = identity


def _new(changes: Changes, row: Row, identity: UUID) -> dict[str, Any]:
    records = changes.records
    more = [told for also in (records.follows, records.derived) if also for told in also(row.values).items()]
    named = {"id": identity, "recorded_at": changes.moment}
    written = (*records.named, *(name for name in records.key if not is_computed(records.table, name)), *records.values)
    return {**dict(more), **_of(row, written), **named}


def _spelled(records: Records) -> str:
    """The column with the first part of the key as the file spells it."""
    return records.named[0] if records.named else records.key[0]


def _of(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: row.values[name] for name in names}


async def _write(target: Target, changes: Changes) -> None:
    table = changes.records.table
    if table in _BEFORE:
        await _BEFORE[table](target, changes)
    await remove(target, table, changes.removed)
    # Rows that end are written before rows that begin, so that their validity does not overlap.
    await update(target, table, changes.changed)
    await insert(target, table, changes.added)
    if table in _BESIDES:
        await _BESIDES[table](target, changes)
