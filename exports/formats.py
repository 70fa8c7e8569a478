"""The file formats of exports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from sqlalchemy.sql.elements import ColumnElement

from domain.exports import ExportFormat
from exports import csv_files, xlsx_files
from exports.columns import Column
from exports.quickbooks import zip_files
from exports.quickbooks.books import Books

Expression = ColumnElement[Any]


class Writer(Protocol):
    """A file that is being written."""

    def write(self, chunk: bytes) -> int:
        """Write the next output of COPY, which ends with a row; returns the approximate number of rows."""

    def end(self) -> None:
        """Write the end of the file."""


@dataclass(frozen=True, slots=True)
class Details:
    """What a file depends on besides its rows: whether CSV has a byte order mark, and the books of a set for QuickBooks."""

    byte_order_mark: bool = True
    books: Books | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: how values are rendered, what COPY writes of a row, with which options, and the writers of the file.

    There is a writer for each part of the export, which has columns of its own; the parts are written one after the other.
    """

    cell: Callable[[Column, Expression], Expression]
    row: Callable[[Sequence[Column], Sequence[Expression]], list[Expression]]
    copy: Mapping[str, Any]
    begin: Callable[[Sequence[Sequence[Column]], IO[bytes], Details], Sequence[Writer]]


def _csv(parts: Sequence[Sequence[Column]], file: IO[bytes], details: Details) -> Sequence[Writer]:
    return [csv_files.CsvFile(file, byte_order_mark=details.byte_order_mark) for _ in parts]


def _xlsx(parts: Sequence[Sequence[Column]], file: IO[bytes], details: Details) -> Sequence[Writer]:
    return [xlsx_files.XlsxFile(columns, file) for columns in parts]


def _zip(parts: Sequence[Sequence[Column]], file: IO[bytes], details: Details) -> Sequence[Writer]:
    assert details.books is not None
    return zip_files.writers(file, details.books)


FORMATS: dict[ExportFormat, Format] = {
    ExportFormat.CSV: Format(csv_files.cell, csv_files.row, csv_files.COPY, _csv),
    ExportFormat.XLSX: Format(xlsx_files.cell, xlsx_files.row, xlsx_files.COPY, _xlsx),
    ExportFormat.ZIP: Format(zip_files.cell, csv_files.row, zip_files.COPY, _zip),
}
