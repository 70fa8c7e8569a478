"""Decides how the good rows of a file come into a clinic: one import after the other, all of the rows or none."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any

import asyncpg

from domain.days import not_later
from domain.errors import Conflict, InvalidInput
from domain.imports import ImportKind
from imports.checking import Checked
from imports.openings import write_openings
from imports.records import write_records
from imports.report import Report
from imports.shapes import Reference
from imports.target import Target

_MEANWHILE = "These records were changed by somebody else at the same time: import the file again"
# Kind → who compares its rows with what is there and writes them, where they are more than records by their key.
_WRITERS: dict[ImportKind, Callable[[Target, Checked], Awaitable[None]]] = {ImportKind.INVOICES: write_openings}
# Two imports into one clinic take turns; the clinic's other work goes on.
_IN_TURN = "select pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))"


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
    await asyncio.to_thread(_check_past, checked, target.today)
    await _resolve(target, checked)
    await _WRITERS.get(checked.kind.name, write_records)(target, checked)
    return checked.report(written=not checked.problems.lines)


def _check_past(checked: Checked, today: date) -> None:
    """Refuse a day that has not come yet, where only days are told on which something happened."""
    for row in checked.rows:
        for name in checked.kind.past:
            try:
                not_later(row.values[name] or today, today, name)
            except InvalidInput as refusal:
                checked.refuse(row, name, refusal.message, row.values[name])
    checked.rows = checked.without_bad()


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
