"""CSV exports: RFC 4180, UTF-8, and no cell that a spreadsheet would take for a formula (CSV injection)."""

import codecs
from collections.abc import Mapping, Sequence
from typing import IO, Any

from sqlalchemy import case, func, literal_column, or_
from sqlalchemy.sql.elements import ColumnElement

from domain.formulas import RISKY
from exports.columns import Cell, Column

Expression = ColumnElement[Any]
COPY: Mapping[str, Any] = {"format": "csv", "header": True}
_RISKY: Expression = literal_column("'{}'".format(RISKY.replace("'", "''")))
# Most texts begin with an ASCII letter or digit, and this comparison is cheaper than a search.
_HARMLESS = (("0", "9"), ("A", "Z"), ("a", "z"))


def cell(column: Column, value: Expression) -> Expression:
    """The SQL of a value as it is written: a text that could be taken for a formula gets an apostrophe before it."""
    return guarded(value) if column.cell is Cell.TEXT else value


def guarded(value: Expression) -> Expression:
    """The SQL of `domain.formulas.guard`."""
    first = func.ascii(value)
    is_harmless = or_(*(first.between(_code(least), _code(most)) for least, most in _HARMLESS))
    # Cases in this order: of a condition with "and", PostgreSQL may look for the pattern first.
    return case(
        (is_harmless, value), (value.bool_op("~")(_RISKY), literal_column("chr(39)").op("||")(value)), else_=value
    )


def _code(letter: str) -> Expression:
    return literal_column(str(ord(letter)))


def row(columns: Sequence[Column], cells: Sequence[Expression]) -> list[Expression]:
    """The SQL expressions that COPY writes for a row, under its headers."""
    return [cell.label(column.header) for column, cell in zip(columns, cells, strict=True)]


class CsvFile:
    """A CSV file that is being written from the output of COPY; its lines end as RFC 4180 requires, its texts stay as they are.

    With a `byte_order_mark`, Excel and LibreOffice know that the file is UTF-8.
    """

    def __init__(self, file: IO[bytes], *, byte_order_mark: bool) -> None:
        self._file = file
        if byte_order_mark:
            file.write(codecs.BOM_UTF8)

    def write(self, chunk: bytes) -> int:
        """Write the next output of COPY; returns its number of lines, including the header and line breaks within cells."""
        # Of the parts between quotation marks, each second one is outside of a quoted cell: a doubled mark leaves an empty one.
        parts = chunk.split(b'"')
        parts[::2] = [part.replace(b"\n", b"\r\n") for part in parts[::2]]
        self._file.write(b'"'.join(parts))
        return chunk.count(b"\n")

    def end(self) -> None:
        """Write the end of the file."""
        self._file.flush()
