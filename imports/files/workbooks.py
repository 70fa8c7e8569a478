"""Reads an XLSX workbook as lines: its only sheet, with the texts and styles to which its cells refer."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from imports.files.xlsx_dates import read_styles
from imports.files.xlsx_merges import Merges
from imports.files.xlsx_package import Package, only
from imports.files.xlsx_sheet import read_merges, sheet_lines
from imports.files.xlsx_texts import read_texts
from imports.files.xlsx_values import Values
from imports.files.xml_parts import NO_WORKBOOK, Attributes, visit_elements
from imports.sheets import FileShape, Lines, ReadOptions, SheetError, SheetFile

_CHUNK = 1024 * 1024
# The exceptions of zipfile for an archive that is damaged or of an unknown version.
_DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, OSError, struct.error)
# There is only one spelling of an element's name, because parts are UTF-8.
_MERGED = b"mergeCell"


@dataclass(slots=True)
class _Sheet:
    """A sheet of a workbook: its name, and the part that holds it."""

    name: str
    part: str


def open_workbook(file: IO[bytes], options: ReadOptions) -> SheetFile:
    """A workbook, and the sheet that is to be read; SheetError if it is not a valid one, also in the middle of its rows."""
    with _damage_refused():
        # The archive is read as long as the lines are; the file is closed by the caller.
        package = Package(zipfile.ZipFile(file))
        sheets, values = _described(package)
        if len(sheets) != 1:
            raise SheetError(f"The workbook has {len(sheets)} sheets: keep the one that is to be imported")
        shape = FileShape(sheets=tuple(sheet.name for sheet in sheets), sheet=sheets[0].name)
        return SheetFile(shape, _lines(package, sheets[0], values))


@contextmanager
def _damage_refused() -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise SheetError(NO_WORKBOOK) from error


def _lines(package: Package, sheet: _Sheet, values: Values) -> Lines:
    with _damage_refused():
        merges = _merges(package, sheet.part)
        with package.open(sheet.part) as part:
            yield from sheet_lines(part, values, merges)


def _described(package: Package) -> tuple[list[_Sheet], Values]:
    """The sheets of the workbook, with the texts and styles to which their cells refer."""
    book = only(package.related(), "officeDocument")
    if book is None:
        raise SheetError(NO_WORKBOOK)
    related = package.related(book)
    sheets, values = _sheets(package, book, related)
    if styles := only(related, "styles"):
        with package.open(styles) as part:
            values.styles = read_styles(part)
    if texts := only(related, "sharedStrings"):
        with package.open(texts) as part:
            values.texts = read_texts(part)
    return sheets, values


def _sheets(package: Package, book: str, related: dict[str, tuple[str, str]]) -> tuple[list[_Sheet], Values]:
    """The sheets, and the year from which days are counted."""
    sheets, values = list[_Sheet](), Values()

    def visit(path: list[str], attributes: Attributes) -> None:
        if path == ["workbook", "workbookPr"]:
            values.from_1904 = attributes.get("date1904") in ("1", "true")
        elif path == ["workbook", "sheets", "sheet"]:
            kind, name = related.get(_relation(attributes), ("", ""))
            if not kind:
                raise SheetError(NO_WORKBOOK)
            if kind == "worksheet":
                sheets.append(_Sheet(attributes.get("name", ""), name))

    with package.open(book) as part:
        visit_elements(part, visit)
    return sheets, values


def _relation(attributes: Attributes) -> str:
    """The id of a relationship, which is an attribute in a namespace of its own."""
    return next((value for name, value in attributes.items() if name.endswith("/relationships id")), "")


def _merges(package: Package, sheet: str) -> Merges:
    """The merged ranges; most sheets have none, which a search in their bytes shows."""
    with package.open(sheet) as part:
        if not any(_MERGED in chunk for chunk in _overlapping(part)):
            return Merges()
    with package.open(sheet) as part:
        return read_merges(part)


def _overlapping(part: IO[bytes]) -> Iterator[bytes]:
    """The chunks of a part, each with the end of the one before."""
    end = b""
    while chunk := part.read(_CHUNK):
        yield end + chunk
        end = chunk[-len(_MERGED) :]
