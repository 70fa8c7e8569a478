"""A file of rows in any format: how it is read, its rows, and the matching of its header with the columns of an import."""

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from imports.cells import Unreadable, is_blank, shown
from imports.report import Problems


class SheetError(Exception):
    """A file that cannot be read at all, or not from some line on."""

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.reason, self.line = reason, line


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sheet, with the line number that the user sees in a spreadsheet."""

    number: int
    cells: Sequence[Any]


# The lines of a sheet; reading them may raise SheetError.
Lines = Generator[Line, None, None]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is to be read; what is None is found out from the file. `sheet` is the name of a sheet of a workbook."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class FileShape:
    """How a file is read. A text file has no sheets, and a workbook no encoding and no delimiter.

    `sheets` are the visible sheets that have values. `delimiter` or `sheet` is None, too, where the file alone does not
    tell which one is meant: then there are no rows, but a SheetError that names the choices.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheets: tuple[str, ...] = ()
    sheet: str | None = None


class SheetFile:
    """A file that is being read: its shape, and its lines, which are read once, while they are iterated over."""

    def __init__(self, shape: FileShape, lines: Lines) -> None:
        self.shape, self._lines = shape, lines

    def __iter__(self) -> Iterator[Line]:
        return self._lines

    def close(self) -> None:
        """Stop reading, and end the process that reads the file."""
        self._lines.close()


def refused(reason: str, line: int = 1) -> Lines:
    """Lines that raise an error at the first one: the file has a known shape, but cannot be read as the options say."""
    yield from ()
    raise SheetError(reason, line)


def width_problem(shape: FileShape, header: Line, line: Line) -> str | None:
    """What is wrong with the number of cells of a row; None if nothing is.

    A row of a text file has as many cells as its header: one cut off, or with a delimiter too many, would give its
    columns the values of others. A sheet of a workbook does not keep blank cells at the end of a row.
    """
    if shape.delimiter is None:
        return None
    width, expected = len(line.cells), len(header.cells)
    if width == expected:
        return None
    if width < expected:
        return f"This row has {width} cells, and the header {expected}: it is cut off, or delimiters are missing"
    return f"This row has {width} cells, and the header {expected}: put a text that contains the delimiter in quotation marks"


def filled(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines that are not blank."""
    return (line for line in lines if not all(map(is_blank, line.cells)))


def match_header(header: Line, known: Sequence[str], needed: Sequence[str], problems: Problems) -> dict[str, int]:
    """The position of each column; unknown, missing and duplicate columns are reported."""
    found: dict[str, int] = {}
    for position, cell in enumerate(header.cells):
        if is_blank(cell):
            continue
        name = "" if isinstance(cell, Unreadable) else column_name(str(cell))
        reason = _refusal(cell, name, known, found)
        if reason:
            problems.add(header.number, shown(cell), None, reason)
        found[name] = position
    for name in needed:
        if name not in found:
            problems.add(header.number, name, None, "This column is missing")
    return found


def column_name(text: str) -> str:
    """The normalised name of a column: "Valid from" is `valid_from`."""
    return re.sub(r"[\s_-]+", "_", text.strip().lower())


def _refusal(cell: Any, name: str, known: Sequence[str], found: dict[str, int]) -> str | None:
    if isinstance(cell, Unreadable):
        return cell.reason
    if name not in known:
        return f"This column is not known; known columns are {', '.join(known)}"
    return "This column occurs twice" if name in found else None
