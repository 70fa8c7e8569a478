"""Reads the lines of a text file whose cells are separated by commas, semicolons, tabs or vertical bars, row by row."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from domain.formulas import unguard
from imports.files.csv_text import DELIMITERS, delimiters_of, encoding_of, first_lines, named_delimiter, text_of
from imports.sheets import FileShape, Line, Lines, ReadOptions, SheetError, SheetFile, refused

_LONGEST_ROW = 1024 * 1024
# The maximum number of columns of a spreadsheet.
_MOST_CELLS = 16_384
_TOO_LONG = "This row is longer than 1 MiB: look for a quotation mark that is not closed"
_CUT_OFF = "The file ends inside a quotation: it is cut off, or a quotation mark is not closed"


@dataclass(slots=True)
class _Row:
    """The row that is being read: its first line, and its length so far."""

    number: int = 1
    length: int = 0


def open_csv(file: IO[bytes], options: ReadOptions) -> SheetFile:
    """A text file; its encoding and its delimiter are found out, where they are not given. SheetError if it is not text."""
    encoding, codec = encoding_of(file, options.encoding)
    lines = first_lines(file, codec)
    if not lines:
        raise SheetError("The file is empty")
    named = named_delimiter(lines[0])
    chosen = options.delimiter or named
    found = [chosen] if chosen else delimiters_of(lines)
    if len(found) > 1:
        names = " or ".join(DELIMITERS[delimiter] for delimiter in found)
        reason = f"The columns may be separated by {names}: choose one of them, or save the file as XLSX"
        return SheetFile(FileShape(encoding), refused(reason))
    if found[0] not in DELIMITERS:
        raise SheetError(f"The delimiter must be one of {', '.join(DELIMITERS.values())}")
    return SheetFile(FileShape(encoding, found[0]), _csv_lines(file, codec, found[0], named is not None))


def _csv_lines(file: IO[bytes], codec: str, delimiter: str, is_named: bool) -> Lines:
    row = _Row()
    texts = _texts(file, codec, row)
    skipped = 1 if is_named and next(texts) else 0
    row.number, row.length = 1 + skipped, 0
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The standard library tells by its words alone that a quotation is not closed.
            reason = _CUT_OFF if str(error) == "unexpected end of data" else f"This is not CSV: {error}"
            raise SheetError(reason, row.number) from None
        if len(cells) > _MOST_CELLS:
            raise SheetError(f"A row has at most {_MOST_CELLS:,} cells", row.number)
        # Only a CSV file has this guard: in a workbook, an apostrophe is a part of its text.
        yield Line(row.number, [unguard(cell) if cell[:1] == "'" else cell for cell in cells])
        row.number, row.length = reader.line_num + 1 + skipped, 0


def _texts(file: IO[bytes], codec: str, row: _Row) -> Iterator[str]:
    """The lines of the file; at most a chunk and a row are held in memory."""
    text = text_of(file, codec)
    while line := text.readline(_LONGEST_ROW + 1):
        row.length += len(line)
        if row.length > _LONGEST_ROW:
            raise SheetError(_TOO_LONG, row.number)
        yield line
