"""Decides how an XLSX workbook becomes lines: one sheet, of a bounded size, whose formulas, errors and merged cells are not believed."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from xml.parsers import expat

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from domain.imports import LARGEST_UNPACKED, MOST_CELLS, MOST_COLUMNS, MOST_ROWS
from imports.cells import ERROR, FORMULA, MERGED, Unreadable
from imports.sheets import Line, Lines, SheetError

_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_CHUNK = 1024 * 1024
_IN_MEMORY = 32 * 1024 * 1024
_MOST_PARTS = 1_000
_NO_WORKBOOK = "This is not a readable XLSX workbook"
_FILLED = {"v", "is", "f"}

Place = tuple[int, int]


def workbook_lines(data: bytes) -> Lines:
    """The lines of the only sheet, from its first row on; SheetError for what is no such workbook."""
    with SpooledTemporaryFile(_IN_MEMORY) as copy:
        seen = _looked_over(data, copy)
        copy.seek(0)
        try:
            with CalamineWorkbook.from_filelike(copy) as workbook:
                sheet = workbook.get_sheet_by_index(_only_sheet(workbook))
        except CalamineError as error:
            raise SheetError(_NO_WORKBOOK) from error
    odd = {**_merged(sheet), **seen.odd}
    rows = sheet.iter_rows()
    if not odd:
        return (Line(number, cells) for number, cells in enumerate(rows, 1))
    return _marked(rows, odd)


def _only_sheet(workbook: CalamineWorkbook) -> int:
    sheets = [n for n, sheet in enumerate(workbook.sheets_metadata) if sheet.typ is SheetTypeEnum.WorkSheet]
    if len(sheets) != 1:
        raise SheetError(f"The workbook has {len(sheets)} sheets: keep the one that is to be imported")
    return sheets[0]


def _marked(rows: Iterator[list[Any]], odd: dict[Place, Unreadable]) -> Lines:
    by_row: dict[int, dict[int, Unreadable]] = {}
    for (row, column), what in odd.items():
        by_row.setdefault(row, {})[column] = what
    for number, cells in enumerate(rows, 1):
        marked = by_row.get(number - 1)
        yield Line(number, [marked.get(n, cell) for n, cell in enumerate(cells)] if marked else cells)


def _merged(sheet: CalamineSheet) -> dict[Place, Unreadable]:
    """The merged cells within what is filled."""
    last_row, last_column = sheet.end or (-1, -1)
    return {
        (row, column): MERGED
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
        for row in range(top, min(bottom, last_row) + 1)
        for column in range(left, min(right, last_column) + 1)
    }


@dataclass(slots=True)
class _Look:
    """What stands in the cells of a workbook that its values do not tell, and how far they go."""

    odd: dict[Place, Unreadable] = field(default_factory=dict)
    place: Place | None = None
    is_error: bool = False
    rows: int = 0
    columns: int = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element of some part begins."""
        tag = name.rpartition(":")[2]
        if tag == "c":
            self.place, self.is_error = _place(attributes.get("r", "")), attributes.get("t") == "e"
        elif self.place and tag in _FILLED:
            self._fill(self.place)
            if tag == "f":
                self.odd[self.place] = FORMULA
            elif self.is_error:
                self.odd.setdefault(self.place, ERROR)

    def _fill(self, place: Place) -> None:
        self.rows, self.columns = max(self.rows, place[0] + 1), max(self.columns, place[1] + 1)
        if self.rows > MOST_ROWS + 1 or self.columns > MOST_COLUMNS or self.rows * self.columns > MOST_CELLS:
            raise SheetError(f"A sheet has at most {MOST_ROWS:,} rows, {MOST_COLUMNS} columns and {MOST_CELLS:,} cells")

    def doctype(self, *_: object) -> None:
        """No part of a workbook declares entities."""
        raise SheetError(_NO_WORKBOOK)


def _place(reference: str) -> Place | None:
    found = _PLACE.fullmatch(reference)
    if not found:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]) - 1, column - 1


def _looked_over(data: bytes, copy: IO[bytes]) -> _Look:
    """Look at every part that is XML, because any of them may be called a sheet, and copy what was seen: nothing else is read."""
    look = _Look()
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive, zipfile.ZipFile(copy, "w") as seen:
            parts = archive.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
                raise SheetError(f"The workbook is larger than {LARGEST_UNPACKED // 1024**2} MiB when it is unpacked")
            if len({part.filename for part in parts}) < len(parts):
                raise SheetError(_NO_WORKBOOK)
            for part in parts:
                with archive.open(part) as file:
                    _look_over(file, part.filename, look, seen)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, expat.ExpatError) as error:
        raise SheetError(_NO_WORKBOOK) from error
    except (NotImplementedError, RuntimeError) as error:
        raise SheetError(f"{_NO_WORKBOOK}: save it without a password") from error
    return look


def _look_over(file: IO[bytes], name: str, look: _Look, seen: zipfile.ZipFile) -> None:
    beginning = file.read(_CHUNK)
    if not _is_xml(beginning):
        return
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = look.begin, look.doctype
    with seen.open(name, "w", force_zip64=True) as kept:
        chunk = beginning
        while chunk:
            parser.Parse(chunk)
            kept.write(chunk)
            chunk = file.read(_CHUNK)
    parser.Parse(b"", True)
    look.place = None


def _is_xml(beginning: bytes) -> bool:
    return beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe", b"\xfe\xff"))
