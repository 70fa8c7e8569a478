"""Decides in which formats files are written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from sqlalchemy.sql.elements import ColumnElement

from domain.exports import ExportFormat
from exports import csv_files, xlsx_files
from exports.columns import Column

Expression = ColumnElement[Any]


class Writer(Protocol):
    """A file while it is written."""

    def write(self, chunk: bytes) -> int:
        """Write what COPY says next, which ends with a row; about how many rows it has."""

    def end(self) -> None:
        """Write what comes last."""


@dataclass(frozen=True, slots=True)
class Format:
    """How rows become a file: what becomes of a value, what COPY writes of a row, with which options, and what makes a file of that."""

    cell: Callable[[Column, Expression], Expression]
    row: Callable[[Sequence[Column], Sequence[Expression]], list[Expression]]
    copy: Mapping[str, Any]
    begin: Callable[[Sequence[Column], IO[bytes]], Writer]


FORMATS: dict[ExportFormat, Format] = {
    ExportFormat.CSV: Format(csv_files.cell, csv_files.row, csv_files.COPY, csv_files.CsvFile),
    ExportFormat.XLSX: Format(xlsx_files.cell, xlsx_files.row, xlsx_files.COPY, xlsx_files.XlsxFile),
}
