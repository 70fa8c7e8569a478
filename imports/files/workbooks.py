"""Reads an XLSX workbook as lines: its only sheet, with the texts and styles to which its cells refer."""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO

from imports.files.xlsx_merges import Merges
from imports.files.xlsx_package import Package, only
from imports.files.xlsx_sheet import read_merges, sheet_lines
from imports.files.xlsx_styles import read_styles
from imports.files.xlsx_texts import read_texts
from imports.files.xlsx_values import Values
from imports.files.xml_parts import NO_WORKBOOK, Attributes, visit_elements
from imports.sheets import FileShape, Lines, ReadOptions, SheetError, SheetFile, filled, refused

_CHUNK = 1024 * 1024
MOST_SHEETS = 100
# The exceptions of zipfile for an archive that is damaged or of an unknown version.
_DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, OSError, struct.error)
# There is only one spelling of an element's name, because parts are UTF-8.
_MERGED = b"mergeCell"


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A visible sheet of a workbook: its name, and the part that holds it."""

    name: str
    part: str


@dataclass(slots=True)
class _Book:
    """A workbook: its visible sheets, and what their cells refer to."""

    sheets: list[_Sheet] = field(default_factory=list)
    values: Values = field(default_factory=Values)

    def values_of_a_sheet(self) -> Values:
        """The same for one sheet, which may hide zeros."""
        return replace(self.values)


def open_workbook(file: IO[bytes], options: ReadOptions) -> SheetFile:
    """A workbook, and the sheet that is to be read; SheetError if it is not a valid one, also in the middle of its rows."""
    with _damage_refused():
        # The archive is read as long as the lines are; the file is closed by the caller.
        package = Package(zipfile.ZipFile(file))
        book = _described(package)
        sheets = _filled(package, book)
        chosen = [sheet for sheet in sheets if sheet.name == options.sheet] if options.sheet is not None else sheets
        sheet = chosen[0] if len(chosen) == 1 else None
        names = tuple(sheet.name for sheet in sheets)
        if sheet is None:
            return SheetFile(FileShape(sheets=names), refused(_why_unchosen(sheets, options.sheet)))
        return SheetFile(FileShape(sheets=names, sheet=sheet.name), _lines(package, sheet, book))


@contextmanager
def _damage_refused() -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise SheetError(NO_WORKBOOK) from error


def _lines(package: Package, sheet: _Sheet, book: _Book) -> Lines:
    with _damage_refused():
        merges = _merges(package, sheet.part)
        with package.open(sheet.part) as part:
            yield from sheet_lines(part, book.values_of_a_sheet(), merges)


def _why_unchosen(sheets: Sequence[_Sheet], chosen: str | None) -> str:
    names = ", ".join(f"“{sheet.name}”" for sheet in sheets)
    if not sheets:
        return "The file is empty"
    if chosen is not None:
        return f"There is no sheet “{chosen}”: the sheets with values are {names}"
    return f"The workbook has {len(sheets)} sheets with values, {names}: choose one, or keep only one of them"


def _filled(package: Package, book: _Book) -> list[_Sheet]:
    """The sheets that have values; a single sheet is not read for that."""
    if len(book.sheets) > MOST_SHEETS:
        raise SheetError(f"A workbook has at most {MOST_SHEETS} sheets")
    return (
        book.sheets if len(book.sheets) == 1 else [sheet for sheet in book.sheets if _has_values(package, sheet, book)]
    )


def _has_values(package: Package, sheet: _Sheet, book: _Book) -> bool:
    try:
        with package.open(sheet.part) as part:
            return any(filled(sheet_lines(part, book.values_of_a_sheet(), Merges())))
    except SheetError:
        # What is wrong with the sheet is said where it is chosen.
        return True


def _described(package: Package) -> _Book:
    """The visible sheets of the workbook, with the texts and styles to which their cells refer."""
    name = only(package.related(), "officeDocument")
    if name is None:
        raise SheetError(NO_WORKBOOK)
    related = package.related(name)
    book = _sheets(package, name, related)
    if styles := only(related, "styles"):
        with package.open(styles) as part:
            book.values.styles, book.values.changing_styles = read_styles(part)
    if texts := only(related, "sharedStrings"):
        with package.open(texts) as part:
            book.values.texts = read_texts(part)
    return book


def _sheets(package: Package, name: str, related: dict[str, tuple[str, str]]) -> _Book:
    """The sheets, and the year from which days are counted."""
    book = _Book()

    def visit(path: list[str], attributes: Attributes) -> None:
        if path == ["workbook", "workbookPr"]:
            book.values.from_1904 = attributes.get("date1904") in ("1", "true")
        elif path == ["workbook", "sheets", "sheet"]:
            kind, part = related.get(_relation(attributes), ("", ""))
            if not kind:
                raise SheetError(NO_WORKBOOK)
            if kind == "worksheet" and attributes.get("state", "visible") == "visible":
                book.sheets.append(_Sheet(attributes.get("name", ""), part))

    with package.open(name) as part:
        visit_elements(part, visit)
    if not book.sheets:
        raise SheetError("The workbook has no visible sheet")
    return book


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
