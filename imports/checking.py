"""Validates the rows of a file, as far as the file itself allows, and reports the errors of every invalid row."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import dropwhile, islice
from typing import Any

from domain.errors import InvalidInput
from domain.imports import MOST_ROWS
from imports.cells import Unreadable, is_blank, shown
from imports.files.child import read_in_child
from imports.mapping.applied import SHOWN_ROWS, AppliedMapping
from imports.mapping.mappings import ImportMapping, options_of
from imports.mapping.spreadsheet_texts import SpreadsheetTexts
from imports.report import BadCell, Problems, Report
from imports.shapes import Column, Kind
from imports.sheets import FileShape, Line, ReadOptions, SheetError, SheetFile, filled, match_header, width_problem

# Called with the current phase, the number of finished items, and their total if it is known.
Progress = Callable[[str, int, int | None], None]
_TOLD_EVERY = 10_000
# The rows of a file, from its bytes and its content type.
Read = Callable[[bytes, str, ReadOptions], SheetFile]


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
    # Warnings about rows that are imported anyway.
    warnings: list[BadCell] = field(default_factory=list)
    # The mapping of a foreign file; None for a file with the columns of the template.
    applied: AppliedMapping | None = None
    # How the file is read; None for a file that cannot be read at all.
    shape: FileShape | None = None

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
        unchanged = len(self.rows) - added - changed
        return Report(
            self.kind.name, self.read, added, changed, unchanged, written=written, warnings=tuple(self.warnings)
        )


def quietly(doing: str, done: int, of: int | None) -> None:
    """Reports no progress."""


def check_file(
    kind: Kind,
    data: bytes,
    content_type: str,
    progress: Progress = quietly,
    read: Read = read_in_child,
    mapping: ImportMapping | None = None,
) -> Checked:
    """Read a file completely, by a mapping or with the columns of the kind's template. Errors are reported, never raised."""
    checked = Checked(kind)
    try:
        # The process that reads the file ends also where the request was cancelled.
        with closing(read(data, content_type, options_of(mapping))) as file:
            checked.shape = file.shape
            _check(checked, file.shape, filled(file), progress, mapping)
    except SheetError as error:
        checked.problems.add(error.line, None, None, error.reason)
    progress("reading", checked.read, checked.read)
    return checked


def _check(
    checked: Checked, shape: FileShape, lines: Iterator[Line], progress: Progress, mapping: ImportMapping | None
) -> None:
    header = next(_from_header(lines, mapping.header_row if mapping else 0), None)
    if header is None:
        raise SheetError("The file is empty")
    if mapping:
        lines, present = _by_mapping(checked, shape, lines, header, mapping)
    else:
        present = _by_template(checked, header)
    if checked.problems.lines:
        # A preview shows the first rows all the same.
        deque(islice(lines, SHOWN_ROWS if mapping else 0), maxlen=0)
        return
    checked.present_columns = frozenset(column.into for column, _ in present)
    absent = {
        column.into: column.blank for column in checked.kind.columns if column.into not in checked.present_columns
    }
    spreadsheet = SpreadsheetTexts(checked.kind.name)
    for line in lines:
        checked.read += 1
        if checked.read % _TOLD_EVERY == 0:
            progress("reading", checked.read, None)
        if checked.read > MOST_ROWS:
            raise SheetError(f"A file has at most {MOST_ROWS:,} rows", line.number)
        applied = checked.applied
        if problem := applied.row_problem if applied else width_problem(shape, header, line):
            checked.problems.add(line.number, None, None, problem)
        else:
            _check_line(checked, line, present, absent, None if mapping else spreadsheet)
    spreadsheet.report_open_days(checked.problems)
    if checked.problems.lines:
        checked.rows = checked.without_bad()
    _check_against_each_other(checked)


def _from_header(lines: Iterator[Line], header_row: int) -> Iterator[Line]:
    """The lines from the header on."""
    return dropwhile(lambda line: line.number < header_row, lines)


def _by_template(checked: Checked, header: Line) -> list[tuple[Column, int]]:
    """The columns of the template, and their positions in the file."""
    kind = checked.kind
    names = [column.name for column in kind.columns]
    needed = [column.name for column in kind.columns if column.needed]
    found = match_header(header, names, needed, checked.problems)
    return [(column, found[column.name]) for column in kind.columns if column.name in found]


def _by_mapping(
    checked: Checked, shape: FileShape, lines: Iterator[Line], header: Line, mapping: ImportMapping
) -> tuple[Iterator[Line], list[tuple[Column, int]]]:
    """The rows of a foreign file as rows of the template."""
    if header.number != mapping.header_row:
        raise SheetError("The header row of the mapping is blank in this file", mapping.header_row)
    applied = AppliedMapping(checked.kind, mapping, header)
    checked.applied, checked.kind = applied, applied.kind
    applied.check_header(checked.problems)
    return applied.rows(lines, shape), [(column, place) for place, column in enumerate(applied.columns)]


def _check_line(
    checked: Checked,
    line: Line,
    present: list[tuple[Column, int]],
    absent: Mapping[str, Any],
    spreadsheet: SpreadsheetTexts | None,
) -> None:
    values, problems, width = dict(absent), checked.problems, len(line.cells)
    for column, position in present:
        cell = line.cells[position] if position < width else None
        try:
            values[column.into] = _read(column, cell)
        except InvalidInput as refusal:
            saved = spreadsheet.read(line.number, column, cell) if spreadsheet else None
            if saved is None:
                problems.add(line.number, column.name, shown(cell), refusal.message)
            else:
                values[column.into] = saved
    for cell in _in_no_column(line, present):
        problems.add(line.number, None, shown(cell), "This cell is in a column without a name")
    if line.number not in problems.lines:
        values |= checked.kind.keys_of(values)
        row = Row(line.number, values)
        try:
            checked.kind.check(values)
        except InvalidInput as refusal:
            checked.refuse(row, refusal.path[0], refusal.message, values[refusal.path[0]])
        else:
            checked.rows.append(row)


def _read(column: Column, cell: Any) -> Any:
    # Most cells are texts.
    if cell.__class__ is str and cell.strip():
        return column.read(cell)
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
