"""The file formats that can be imported, and the reader of each."""

from collections.abc import Callable
from typing import IO

from domain.documents import CSV, XLSX
from imports.files.csv_sheets import csv_lines
from imports.files.workbooks import workbook_lines
from imports.sheets import Lines

_READERS: dict[str, Callable[[IO[bytes]], Lines]] = {CSV: csv_lines, XLSX: workbook_lines}


def lines_of(file: IO[bytes], content_type: str) -> Lines:
    """The rows of a file; SheetError if it cannot be read."""
    return _READERS[content_type](file)
