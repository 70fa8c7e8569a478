"""CSV exports: RFC 4180, UTF-8, and no cell that a spreadsheet would take for a formula (CSV injection)."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

from sqlalchemy import case, func, literal_column
from sqlalchemy.sql.elements import ColumnElement

from domain.texts import FORMULAS
from exports.columns import Cell, Column

Expression = ColumnElement[Any]
COPY: Mapping[str, Any] = {"format": "csv", "header": True}


def cell(column: Column, value: Expression) -> Expression:
    """The SQL of a value as it is written: a text that would begin a formula gets an apostrophe before it."""
    if column.cell is not Cell.TEXT or column.constant is not None:
        return value
    begins_formula = func.ascii(value).in_([literal_column(str(ord(sign))) for sign in FORMULAS])
    return case((begins_formula, literal_column("chr(39)").op("||")(value)), else_=value)


def row(columns: Sequence[Column], cells: Sequence[Expression]) -> list[Expression]:
    """The SQL expressions that COPY writes for a row, under its headers."""
    return [cell.label(column.header) for column, cell in zip(columns, cells, strict=True)]


class CsvFile:
    """A CSV file that is being written from the output of COPY; lines end as RFC 4180 requires."""

    def __init__(self, columns: Sequence[Column], file: IO[bytes]) -> None:
        self._file = file

    def write(self, chunk: bytes) -> int:
        """Write the next output of COPY; returns its number of lines, including the header and line breaks within cells."""
        self._file.write(chunk.translate(None, b"\r").replace(b"\n", b"\r\n"))
        return chunk.count(b"\n")

    def end(self) -> None:
        """Write the end of the file."""
        self._file.flush()
