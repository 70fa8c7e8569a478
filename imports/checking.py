"""Decides which rows of a file are good, as far as the file itself can tell, and says of every other row what is wrong with it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.documents import CSV, XLSX
from domain.errors import InvalidInput
from domain.imports import MOST_ROWS
from imports.cells import Unreadable, is_blank, shown, unguarded
from imports.csv_sheets import csv_lines
from imports.report import Problems, Report
from imports.shapes import Column, Kind
from imports.sheets import Line, Lines, SheetError, filled, match_header
from imports.workbooks import workbook_lines

# Told what is being done, how many are done, and how many there are, as far as that is known.
Progress = Callable[[str, int, int | None], None]
_TOLD_EVERY = 10_000
_READERS = {CSV: csv_lines, XLSX: workbook_lines}


@dataclass(slots=True)
class Row:
    """A good row: where it stands, what it says, and what it does to the records."""

    line: int
    values: dict[str, Any]
    is_new: bool = False
    is_changed: bool = False


@dataclass(slots=True)
class Checked:
    """A file of a kind: its good rows, how many there are in all, which columns it has, and what is wrong."""

    kind: Kind
    rows: list[Row] = field(default_factory=list)
    read: int = 0
    said: frozenset[str] = frozenset()
    problems: Problems = field(default_factory=Problems)

    def refuse(self, row: Row, into: str | None, reason: str, value: Any = None) -> None:
        """Say what is wrong with a row, in the column of the file that became `into`."""
        self.problems.add(row.line, self.kind.column_of(into) if into else None, shown(value), reason)

    def without_bad(self) -> list[Row]:
        """The rows with which nothing is wrong, as far as is known by now."""
        return [row for row in self.rows if row.line not in self.problems.lines]

    def report(self, *, written: bool = False) -> Report:
        """What came of the file."""
        added = sum(row.is_new for row in self.rows)
        changed = sum(row.is_changed and not row.is_new for row in self.rows)
        bad = len(self.problems.lines)
        told = tuple(sorted(self.problems.told, key=lambda cell: cell.line))
        if bad:
            return Report(self.kind.name, self.read, bad_rows=bad, bad_cells=told)
        return Report(self.kind.name, self.read, added, changed, len(self.rows) - added - changed, written=written)


def quietly(doing: str, done: int, of: int | None) -> None:
    """Nobody is told."""


def check_file(kind: Kind, data: bytes, content_type: str, progress: Progress = quietly) -> Checked:
    """Read a file whole. What is wrong is told, never raised."""
    checked = Checked(kind)
    try:
        _check(checked, filled(_READERS[content_type](data)), progress)
    except SheetError as error:
        checked.problems.add(error.line, None, None, error.reason)
    progress("reading", checked.read, checked.read)
    return checked


def _check(checked: Checked, lines: Lines, progress: Progress) -> None:
    kind, header = checked.kind, next(lines, None)
    if header is None:
        raise SheetError("The file is empty")
    names = [column.name for column in kind.columns]
    needed = [column.name for column in kind.columns if column.needed]
    found = match_header(header, names, needed, checked.problems)
    if checked.problems.lines:
        return
    present = [(column, found[column.name]) for column in kind.columns if column.name in found]
    checked.said = frozenset(column.into for column, _ in present)
    absent = {column.into: column.blank for column in kind.columns if column.name not in found}
    for line in lines:
        checked.read += 1
        if checked.read % _TOLD_EVERY == 0:
            progress("reading", checked.read, None)
        if checked.read > MOST_ROWS:
            raise SheetError(f"A file has at most {MOST_ROWS:,} rows", line.number)
        _check_line(checked, line, present, absent)
    _check_against_each_other(checked)


def _check_line(checked: Checked, line: Line, present: list[tuple[Column, int]], absent: Mapping[str, Any]) -> None:
    values, problems, width = dict(absent), checked.problems, len(line.cells)
    for column, position in present:
        cell = line.cells[position] if position < width else None
        try:
            values[column.into] = _read(column, cell)
        except InvalidInput as refusal:
            problems.add(line.number, column.name, shown(cell), refusal.message)
    for cell in _in_no_column(line, present):
        problems.add(line.number, None, shown(cell), "This stands in a column without a name")
    if line.number not in problems.lines:
        row = Row(line.number, values)
        try:
            checked.kind.check(values)
        except InvalidInput as refusal:
            checked.refuse(row, refusal.path[0], refusal.message, values[refusal.path[0]])
        else:
            checked.rows.append(row)


def _read(column: Column, cell: Any) -> Any:
    if isinstance(cell, Unreadable):
        raise InvalidInput(cell.reason)
    if not is_blank(cell):
        return column.read(unguarded(cell))
    if column.needed:
        raise InvalidInput("This cannot be left blank")
    return column.blank


def _in_no_column(line: Line, present: list[tuple[Column, int]]) -> Iterator[Any]:
    if len(line.cells) > len(present):
        named = {position for _, position in present}
        for position, cell in enumerate(line.cells):
            if position not in named and not is_blank(cell):
                yield cell


def _check_against_each_other(checked: Checked) -> None:
    """Refuse a row that is there twice, and one that says otherwise of a record that several rows share."""
    key, shared = checked.kind.key, checked.kind.records[:-1]
    lines: dict[Any, int] = {}
    first: dict[Any, Row] = {}
    for row in checked.rows:
        before = lines.setdefault(tuple(row.values[name] for name in key), row.line)
        if before != row.line:
            checked.refuse(row, None, f"This row is there already, on line {before}")
        for records in shared:
            known = first.setdefault((records.table, *(row.values[name] for name in records.key)), row)
            for name in records.values:
                if known.values[name] != row.values[name]:
                    reason = f"Line {known.line} says otherwise of the same {checked.kind.columns[0].name}"
                    checked.refuse(row, name, reason, row.values[name])
    checked.rows = checked.without_bad()
