"""Validates the rows of a file, as far as the file itself allows, and reports the errors of every invalid row."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.errors import InvalidInput
from domain.imports import MOST_ROWS
from imports.cells import Unreadable, is_blank, shown
from imports.files.child import read_in_child
from imports.report import Problems, Report
from imports.shapes import Column, Kind
from imports.sheets import Line, Lines, SheetError, filled, match_header

# Called with the current phase, the number of finished items, and their total if it is known.
Progress = Callable[[str, int, int | None], None]
_TOLD_EVERY = 10_000
# The rows of a file, from its bytes and its content type.
Read = Callable[[bytes, str], Lines]


@dataclass(slots=True)
class Row:
    """A valid row: its line, its values, and its effect on the records."""

    line: int
    values: dict[str, Any]
    is_new: bool = False
    is_changed: bool = False


@dataclass(slots=True)
class Checked:
    """A validated file of a kind: its valid rows, their total number, its columns, and its errors."""

    kind: Kind
    rows: list[Row] = field(default_factory=list)
    read: int = 0
    present_columns: frozenset[str] = frozenset()
    problems: Problems = field(default_factory=Problems)

    def refuse(self, row: Row, into: str | None, reason: str, value: Any = None) -> None:
        """Report an error of a row, in the column of the file that became `into`."""
        self.problems.add(row.line, self.kind.column_of(into) if into else None, shown(value), reason)

    def without_bad(self) -> list[Row]:
        """The rows that have no errors so far."""
        return [row for row in self.rows if row.line not in self.problems.lines]

    def report(self, *, written: bool = False) -> Report:
        """The report of the file."""
        added = sum(row.is_new for row in self.rows)
        changed = sum(row.is_changed and not row.is_new for row in self.rows)
        bad = len(self.problems.lines)
        listed = tuple(sorted(self.problems.shown, key=lambda cell: cell.line))
        if bad:
            return Report(self.kind.name, self.read, bad_rows=bad, bad_cells=listed)
        return Report(self.kind.name, self.read, added, changed, len(self.rows) - added - changed, written=written)


def quietly(doing: str, done: int, of: int | None) -> None:
    """Reports no progress."""


def check_file(
    kind: Kind, data: bytes, content_type: str, progress: Progress = quietly, read: Read = read_in_child
) -> Checked:
    """Read a file completely. Errors are reported, never raised."""
    checked, lines = Checked(kind), read(data, content_type)
    try:
        _check(checked, filled(lines), progress)
    except SheetError as error:
        checked.problems.add(error.line, None, None, error.reason)
    finally:
        # The process may be reading a file whose request was cancelled.
        lines.close()
    progress("reading", checked.read, checked.read)
    return checked


def _check(checked: Checked, lines: Iterator[Line], progress: Progress) -> None:
    kind, header = checked.kind, next(lines, None)
    if header is None:
        raise SheetError("The file is empty")
    names = [column.name for column in kind.columns]
    needed = [column.name for column in kind.columns if column.needed]
    found = match_header(header, names, needed, checked.problems)
    if checked.problems.lines:
        return
    present = [(column, found[column.name]) for column in kind.columns if column.name in found]
    checked.present_columns = frozenset(column.into for column, _ in present)
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
        problems.add(line.number, None, shown(cell), "This cell is in a column without a name")
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
        return column.read(cell)
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
    """Report duplicate rows, and rows that contradict each other about a shared record."""
    key, shared = checked.kind.key, checked.kind.records[:-1]
    lines: dict[Any, int] = {}
    first: dict[Any, Row] = {}
    for row in checked.rows:
        before = lines.setdefault(tuple(row.values[name] for name in key), row.line)
        if before != row.line:
            checked.refuse(row, None, f"This row duplicates line {before}")
        for records in shared:
            known = first.setdefault((records.table, *(row.values[name] for name in records.key)), row)
            for name in records.values:
                if known.values[name] != row.values[name]:
                    reason = f"Line {known.line} contradicts this row about the same {checked.kind.columns[0].name}"
                    checked.refuse(row, name, reason, row.values[name])
    checked.rows = checked.without_bad()
