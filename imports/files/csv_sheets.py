"""Reads the lines of a CSV file: UTF-8 with or without a byte order mark, separated by commas, semicolons or tabs, in chunks."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import IO

from domain.formulas import unguard
from imports.sheets import Line, Lines, SheetError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE_AS = 'save it as "CSV UTF-8"'
_CHUNK = 64 * 1024
_LONGEST_ROW = 1024 * 1024
# The maximum number of columns of a spreadsheet.
_MOST_CELLS = 16_384
_TOO_LONG = "This row is longer than 1 MiB: look for a quotation mark that is not closed"


@dataclass(slots=True)
class _Row:
    """The row that is being read: its first line, and its length so far."""

    number: int = 1
    length: int = 0


def csv_lines(file: IO[bytes]) -> Lines:
    """The lines of a file, its header first; SheetError if it is not CSV."""
    row = _Row()
    texts = _texts(file, row)
    first = next(texts, None)
    if first is None:
        raise SheetError("The file is empty")
    reader = csv.reader(chain([first], texts), delimiter=_separator(first), strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SheetError(f"This is not CSV: {error}", row.number) from None
        if len(cells) > _MOST_CELLS:
            raise SheetError(f"A row has at most {_MOST_CELLS:,} cells", row.number)
        # Only a CSV file has this guard: in a workbook, an apostrophe is a part of its text.
        yield Line(row.number, [unguard(cell) if cell[:1] == "'" else cell for cell in cells])
        row.number, row.length = reader.line_num + 1, 0


def _texts(file: IO[bytes], row: _Row) -> Iterator[str]:
    for number, line in enumerate(_lines(file, row), 1):
        row.length += len(line)
        if row.length > _LONGEST_ROW:
            raise SheetError(_TOO_LONG, row.number)
        try:
            text = line.decode()
        except UnicodeDecodeError:
            raise SheetError(f"This line is not UTF-8: {_SAVE_AS}", number) from None
        if "\0" in text:
            raise SheetError(f"This line is not text: {_SAVE_AS}", number)
        yield text


def _lines(file: IO[bytes], row: _Row) -> Iterator[bytes]:
    """The lines of a file, ended by CR, LF or both; at most a chunk and a row are held in memory."""
    rest = file.read(_CHUNK)
    if rest.startswith(_UTF16):
        raise SheetError(f"The file is UTF-16: {_SAVE_AS}")
    rest = rest.removeprefix(codecs.BOM_UTF8)
    while chunk := file.read(_CHUNK):
        # The last line may be incomplete, and a CR at its end may be half a CRLF.
        *lines, rest = (rest + chunk).splitlines(keepends=True)
        yield from lines
        if len(rest) > _LONGEST_ROW:
            raise SheetError(_TOO_LONG, row.number)
    yield from rest.splitlines(keepends=True)


def _separator(header: str) -> str:
    """The separator of the header; no column name contains one of these characters."""
    return max(",;\t", key=header.count)
