"""The file formats that can be imported, and the reader of each."""

from collections.abc import Callable
from typing import IO

from domain.documents.uploads import CSV, XLSX
from imports.files.csv_sheets import open_csv
from imports.files.workbooks import open_workbook
from imports.sheets import ReadOptions, SheetFile

_READERS: dict[str, Callable[[IO[bytes], ReadOptions], SheetFile]] = {CSV: open_csv, XLSX: open_workbook}


def open_file(file: IO[bytes], content_type: str, options: ReadOptions) -> SheetFile:
    """A file that is read while its rows are taken; SheetError if it cannot be read."""
    return _READERS[content_type](file, options)
