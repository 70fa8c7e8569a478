"""Reads CSV files and reports cells that cannot be read: file, line, column and reason, never the value."""

import csv
import re
from _csv import Reader
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from domain.billing.money import parse_money
from domain.clinics import clinic_day

NAME_LENGTH = 200
TEXT_LENGTH = 1000
_LONGEST_LINE = 1024 * 1024
ZERO = Decimal("0.00")
_WHOLE = re.compile(r"[1-9][0-9]{0,8}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BrokenRowError(ValueError):
    """A file that cannot be imported. Its message repeats no value, because values are patient data."""

    def __init__(self, file: str, line: int, column: str | None, reason: str) -> None:
        self.file, self.line, self.column, self.reason = file, line, column, reason
        place = f"{file}, line {line}" if line else file
        super().__init__(f"{place}, {column}: {reason}" if column else f"{place}: {reason}")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One record of a file; only the requested columns can be read. Every method may raise BrokenRowError."""

    file: str
    line: int
    cells: Sequence[str]
    positions: Mapping[str, int]

    def broken(self, column: str | None, reason: str) -> BrokenRowError:
        """The error for a cell of this record, or for the whole record, with a reason."""
        return BrokenRowError(self.file, self.line, column, reason)

    def maybe(self, column: str, longest: int = NAME_LENGTH) -> str | None:
        """The stripped text of a cell; None if it is empty or the file has no such column."""
        position = self.positions.get(column)
        value = "" if position is None else self.cells[position].strip()
        if len(value) > longest:
            raise self.broken(column, f"is longer than {longest} characters")
        return value or None

    def text(self, column: str, longest: int = NAME_LENGTH) -> str:
        """The text of a cell that may not be empty."""
        value = self.maybe(column, longest)
        if value is None:
            raise self.broken(column, "is empty")
        return value

    def money(self, column: str, default: Decimal | None = None) -> Decimal:
        """A non-negative amount in US dollars; an empty cell is the default, if there is one."""
        if default is not None and self.maybe(column) is None:
            return default
        try:
            amount = parse_money(self.text(column))
        except BrokenRowError:
            raise
        except ValueError:
            raise self.broken(column, 'is not an amount with at most two places, such as "1234.50"') from None
        if amount < 0:
            raise self.broken(column, "is negative")
        return amount

    def whole(self, column: str) -> int:
        """A whole number of at least 1."""
        value = self.text(column)
        if not _WHOLE.fullmatch(value):
            raise self.broken(column, "is not a whole number of at least 1")
        return int(value)

    def calendar_day(self, column: str) -> date:
        """A calendar day, YYYY-MM-DD."""
        value = self.text(column)
        try:
            if _DAY.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise self.broken(column, "is not a calendar day such as 2026-01-31")

    def day_of_moment(self, column: str, time_zone: str) -> date:
        """The calendar day, in a time zone, of a timestamp with offset such as 2026-01-31T16:05:00Z."""
        value = self.text(column)
        try:
            return clinic_day(datetime.fromisoformat(value), time_zone)
        except (ValueError, OverflowError):
            raise self.broken(column, "is not a moment with offset such as 2026-01-31T16:05:00Z") from None


def read_rows(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[CsvRow]:
    """The records of a UTF-8 file with a header line; BrokenRowError for a missing column and for a malformed record."""
    if not path.is_file():
        raise BrokenRowError(path.name, 0, None, "there is no such file")
    with path.open("rb") as file:
        reader = csv.reader(_lines(file, path.name), strict=True)
        header, _ = _next(reader, path.name) or ([], 1)
        positions = _positions(path.name, header, columns, optional)
        while (record := _next(reader, path.name)) is not None:
            cells, line = record
            if cells and len(cells) != len(header):
                raise BrokenRowError(
                    path.name, line, None, f"has {len(cells)} cells, but the header names {len(header)}"
                )
            if cells:
                yield CsvRow(path.name, line, cells, positions)


def _lines(file: BinaryIO, name: str) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
        if len(line) == _LONGEST_LINE:
            raise BrokenRowError(name, number, None, "is longer than 1 MiB")
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise BrokenRowError(name, number, None, "is not UTF-8 text") from None
        if "\0" in text:
            raise BrokenRowError(name, number, None, "holds a NUL character")
        yield text


def _next(reader: Reader, name: str) -> tuple[list[str], int] | None:
    """The next record and its first line; None at the end of the file."""
    line = reader.line_num + 1
    try:
        return next(reader), line
    except StopIteration:
        return None
    except csv.Error as error:
        raise BrokenRowError(name, line, None, f"is not CSV: {error}") from None


def _positions(name: str, header: list[str], columns: Sequence[str], optional: Sequence[str]) -> dict[str, int]:
    for column in (*columns, *optional):
        if header.count(column) > 1:
            raise BrokenRowError(name, 1, column, "is in the header twice")
        if column in columns and column not in header:
            raise BrokenRowError(name, 1, column, "is not in the header")
    return {column: header.index(column) for column in (*columns, *optional) if column in header}
