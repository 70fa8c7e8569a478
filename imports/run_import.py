"""Imports the valid rows of a file into a clinic: one import at a time, all of the rows or none."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg

from domain.days import check_day, not_later
from domain.errors import Conflict, InvalidInput
from domain.imports import ImportKind
from imports.checking import Checked
from imports.report import Report
from imports.shapes import Reference
from imports.target import Target
from imports.writing.exam_types import write_exam_types
from imports.writing.opening_balances import write_openings
from imports.writing.records import write_records
from imports.writing.witnesses import refuse_ambiguous_codes, warn_of_npis, warn_of_similar_patients

_MEANWHILE = "These records were changed concurrently: import the file again"
# Kind → the function that compares and writes its rows, for kinds that are more than records found by a key.
_WRITERS: dict[ImportKind, Callable[[Target, Checked], Awaitable[None]]] = {
    ImportKind.INVOICES: write_openings,
    ImportKind.EXAM_TYPES: write_exam_types,
}
# Kind → the function that adds warnings once the rows are written.
_WARNS: dict[ImportKind, Callable[[Target, Checked], Awaitable[None]]] = {
    ImportKind.PHYSICIANS: warn_of_npis,
    ImportKind.PATIENTS: warn_of_similar_patients,
}
# Imports into one clinic wait for each other; the clinic's other work goes on.
_IN_TURN = "select pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))"


async def bring_in(target: Target, checked: Checked) -> Report:
    """Compare the rows with existing records and write new and changed ones; nothing if a single row is bad.

    Conflict if another transaction writes the same records concurrently: the caller has to roll back the transaction.
    """
    try:
        return await _bring_in(target, checked)
    except asyncpg.ExclusionViolationError as error:
        words = f"{error.detail} would have two prices on the same day, through a code that is not in this file"
        raise Conflict(words, ("document_id",)) from error
    except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError) as error:
        raise Conflict(_MEANWHILE, ("document_id",)) from error


async def _bring_in(target: Target, checked: Checked) -> Report:
    await target.connection.execute(_IN_TURN, str(target.clinic_id))
    await asyncio.to_thread(_check_days, checked, target.today)
    if checked.kind.name in (ImportKind.CODES, ImportKind.FEE_SCHEDULES):
        await refuse_ambiguous_codes(target, checked)
    await _resolve(target, checked)
    await _WRITERS.get(checked.kind.name, write_records)(target, checked)
    if checked.kind.name in _WARNS and not checked.problems.lines:
        await _WARNS[checked.kind.name](target, checked)
    return checked.report(written=not checked.problems.lines)


def _check_days(checked: Checked, today: date) -> None:
    """Report implausible days, and future days in columns that hold days of past events only."""
    # By their values: a mapping has readers of its own.
    names = [column.into for column in checked.kind.columns if column.into in checked.present_columns]
    for row in checked.rows:
        for name in names:
            if not isinstance(row.values[name], date):
                continue
            try:
                if name in checked.kind.past:
                    not_later(row.values[name], today, name)
                check_day(row.values[name], today, name)
            except InvalidInput as refusal:
                checked.refuse(row, name, refusal.message, row.values[name])
    checked.rows = checked.without_bad()


async def _resolve(target: Target, checked: Checked) -> None:
    """Replace the names of other records by their ids; a name that matches none or several is an error."""
    for column in checked.kind.columns:
        if column.refers and column.into in checked.present_columns:
            names = {row.values[column.into] for row in checked.rows} - {None}
            found = await target.find_among(column.refers.find, {column.refers.key(name) for name in names})
            await asyncio.to_thread(_put_ids, checked, column.into, column.refers, found)


def _put_ids(checked: Checked, into: str, refers: Reference, found: Sequence[Mapping[str, Any]]) -> None:
    ids: dict[str, dict[Any, None]] = {}
    for record in found:
        ids.setdefault(refers.key(record["key"]), {})[record["id"]] = None
    for row in checked.rows:
        name = row.values[into]
        theirs = list(ids.get(refers.key(name), ())) if name is not None else [None]
        if len(theirs) == 1:
            row.values[into] = theirs[0]
        else:
            reason = f"{len(theirs)} records match" if theirs else f"There is no {refers.word}"
            checked.refuse(row, into, reason, name)
    checked.rows = checked.without_bad()
