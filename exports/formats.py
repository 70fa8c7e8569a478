"""The file formats of exports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from sqlalchemy.sql.elements import ColumnElement

from domain.exports import ExportFormat
from exports import csv_files, xlsx_files
from exports.columns import Column

Expression = ColumnElement[Any]


class Writer(Protocol):
    """A file that is being written."""

    def write(self, chunk: bytes) -> int:
        """Write the next output of COPY, which ends with a row; returns the approximate number of rows."""

    def end(self) -> None:
        """Write the end of the file."""


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: how values are rendered, what COPY writes of a row, with which options, and the writer of the file."""

    cell: Callable[[Column, Expression], Expression]
    row: Callable[[Sequence[Column], Sequence[Expression]], list[Expression]]
    copy: Mapping[str, Any]
    begin: Callable[[Sequence[Column], IO[bytes]], Writer]


FORMATS: dict[ExportFormat, Format] = {
    ExportFormat.CSV: Format(csv_files.cell, csv_files.row, csv_files.COPY, csv_files.CsvFile),
    ExportFormat.XLSX: Format(xlsx_files.cell, xlsx_files.row, xlsx_files.COPY, xlsx_files.XlsxFile),
}
