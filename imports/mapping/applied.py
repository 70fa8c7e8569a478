"""Applies a mapping to the rows of one file: they become rows of the kind's template, whose columns bear the names of the file."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from domain.errors import InvalidInput
from domain.imports import OTHER_ORDER, CellFormat
from imports.cells import Reader, TextReader, Unreadable, is_blank
from imports.mapping.evidence import DayEvidence, OpenDay
from imports.mapping.formats import converter
from imports.mapping.headers import HeaderIndex, text_of
from imports.mapping.mappings import ColumnMapping, ImportMapping, Source
from imports.report import Problems
from imports.shapes import Column, Kind
from imports.sheets import FileShape, Line, width_problem

# How many rows a preview shows.
SHOWN_ROWS = 10
_TOTAL = re.compile(r"total\b")
_NOT_MAPPED = "This column is not in the mapping: map it, or say that other columns are ignored"
# Takes the cell of a column from the cells of a row of the file.
_Take = Callable[[Sequence[Any]], Any]


@dataclass(slots=True)
class Skipped:
    """The rows that a mapping leaves out: their number, and the first lines."""

    rows: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Count a row."""
        self.rows += 1
        if len(self.lines) < SHOWN_ROWS:
            self.lines.append(line)


class AppliedMapping:
    """A mapping and one file: the columns of the kind as the file has them, its rows, and what they tell about its days."""

    def __init__(self, kind: Kind, mapping: ImportMapping, header: Line) -> None:
        self.mapping, self._header, self._index = mapping, header, HeaderIndex(header)
        self.skipped, self.first_lines = Skipped(), list[Line]()
        self.row_problem: str | None = None
        self._evidence: dict[str, DayEvidence] = {}
        self._used, self._deciding = set[int](), set[int]()
        said = {column.column: column for column in mapping.columns}
        columns = [(column, said[column.name]) for column in kind.columns if column.name in said]
        self._takes = [self._take(column, mapped) for column, mapped in columns]
        self.columns = [self._column(column, mapped) for column, mapped in columns]
        self._skips = self._conditions()
        renamed = {column.into: column for column in self.columns}
        self.kind = replace(kind, columns=tuple(renamed.get(column.into, column) for column in kind.columns))

    def check_header(self, problems: Problems) -> None:
        """Report needed columns that are not mapped, and columns of the file that the mapping does not say to ignore."""
        if not self.mapping.ignores_other_columns:
            for name in self.other_columns():
                problems.add(self._header.number, name, None, _NOT_MAPPED)
        for column in self.missing():
            problems.add(self._header.number, column, None, "This column is missing in the mapping")

    def missing(self) -> list[str]:
        """The needed columns of the kind that the mapping does not name."""
        mapped = {column.into for column in self.columns}
        return [column.name for column in self.kind.columns if column.needed and column.into not in mapped]

    def other_columns(self) -> list[str]:
        """The headers of the columns that the mapping does not use."""
        return [text for place, text in enumerate(self._index.texts) if text and place not in self._used]

    def open_days(self) -> list[OpenDay]:
        """The columns whose format of days no value of the file has proved."""
        return [
            OpenDay(name, found.example or "", (found.form, OTHER_ORDER[found.form]))
            for name, found in self._evidence.items()
            if found.is_open
        ]

    def rows(self, lines: Iterator[Line], shape: FileShape) -> Iterator[Line]:
        """The rows below the header that are records: a cell for each mapped column, and then those that are in no column.

        While a row is handled, `row_problem` says why it cannot be read as a whole.
        """
        for line in lines:
            if any(skips(line.cells) for skips in self._skips):
                self.skipped.add(line.number)
                continue
            self.row_problem = width_problem(shape, self._header, line) or self._undecided(line.cells)
            row = Line(line.number, [*(take(line.cells) for take in self._takes), *self._stray(line.cells)])
            if len(self.first_lines) < SHOWN_ROWS:
                self.first_lines.append(row)
            yield row

    def _undecided(self, cells: Sequence[Any]) -> str | None:
        """Why nobody can say whether a row is left out: a cell that decides it cannot be read."""
        for place in sorted(self._deciding):
            cell = _cell(cells, place)
            if isinstance(cell, Unreadable):
                return f"“{self._index.texts[place] or f'column {place + 1}'}” decides whether this row is left out. {cell.reason}"
        return None

    def _stray(self, cells: Sequence[Any]) -> Sequence[Any]:
        """The cells beyond the header, and those in columns without a name where other columns are not ignored."""
        known = len(self._index.texts)
        beyond = cells[known:] if len(cells) > known else ()
        if self.mapping.ignores_other_columns:
            return beyond
        unnamed = [cell for place, cell in enumerate(cells[:known]) if place not in self._used]
        return [cell for cell in (*unnamed, *beyond) if not is_blank(cell)]

    def _place(self, source: Source) -> int:
        place = self._index.position(source)
        self._used.add(place)
        return place

    def _take(self, column: Column, mapped: ColumnMapping) -> _Take:
        if mapped.constant is not None:
            return lambda cells: mapped.constant
        places = [self._place(source) for source in mapped.sources]
        if len(places) == 1:
            [place] = places
            return lambda cells: cells[place] if place < len(cells) else None
        assert isinstance(column.read, TextReader)
        part = column.read.part
        return lambda cells: _joined([cells[place] for place in places if place < len(cells)], part)

    def _column(self, column: Column, mapped: ColumnMapping) -> Column:
        if mapped.constant is not None:
            return column
        if mapped.format in OTHER_ORDER:
            self._evidence[column.name] = DayEvidence(mapped.format)
        name = " + ".join(map(str, mapped.sources))
        return replace(column, name=name, read=_reader(column.read, mapped, self._evidence.get(column.name)))

    def _conditions(self) -> list[Callable[[Sequence[Any]], bool]]:
        """The conditions on which a row is left out."""
        mapping, skips = self.mapping, list[Callable[[Sequence[Any]], bool]]()
        for condition in mapping.only_where:
            place = self._place(condition.source)
            self._deciding.add(place)
            skips.append(_is_other(place, {text_of(value) for value in condition.values}))
        if mapping.skip_totals_in:
            place = self._place(mapping.skip_totals_in)
            self._deciding.add(place)
            skips.append(_is_total(place))
        if mapping.skip_where_blank:
            skips.append(_are_blank([self._place(source) for source in mapping.skip_where_blank]))
        return skips


def _cell(cells: Sequence[Any], place: int) -> Any:
    return cells[place] if place < len(cells) else None


def _is_other(place: int, wanted: set[str]) -> Callable[[Sequence[Any]], bool]:
    def skips(cells: Sequence[Any]) -> bool:
        cell = _cell(cells, place)
        return not isinstance(cell, Unreadable) and text_of(cell) not in wanted

    return skips


def _is_total(place: int) -> Callable[[Sequence[Any]], bool]:
    return lambda cells: bool(_TOTAL.match(text_of(_cell(cells, place))))


def _are_blank(places: list[int]) -> Callable[[Sequence[Any]], bool]:
    return lambda cells: all(is_blank(_cell(cells, place)) for place in places)


def _joined(cells: Sequence[Any], part: Callable[[Any], str]) -> Any:
    """The texts of several cells with a space between them; one that is no part of such a text makes the whole unreadable."""
    texts = list[str]()
    for cell in cells:
        if isinstance(cell, Unreadable):
            return cell
        try:
            texts += [] if is_blank(cell) else [part(cell)]
        except InvalidInput as refusal:
            return Unreadable(refusal.message)
    return " ".join(texts)


def _reader(read: Reader, mapped: ColumnMapping, evidence: DayEvidence | None) -> Reader:
    """The reader of a column's cells in the file: converted, looked up in the table of values, and then read as in a template."""
    if mapped.format is CellFormat.UNDECIDED:
        return _undecided
    if mapped.values:
        return _of_values(read, {text_of(pair.source): pair.value for pair in mapped.values})
    convert = converter(mapped.format, mapped.column)
    if convert is None:
        return read
    if evidence is None:
        return lambda cell: read(convert(cell))

    def read_day(cell: Any) -> Any:
        found = convert(cell)
        if isinstance(cell, str) and isinstance(found, date):
            evidence.see(cell.strip(), found)
        return read(found)

    return read_day


def _undecided(cell: Any) -> Any:
    raise InvalidInput("The format of this column is undecided: choose one in the mapping")


def _of_values(read: Reader, values: Mapping[str, str]) -> Reader:
    return lambda cell: read(values.get(text_of(cell), cell))
