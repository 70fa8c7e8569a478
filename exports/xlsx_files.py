"""XLSX exports: PostgreSQL generates the cells, openpyxl the rest of the workbook."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import IO, TYPE_CHECKING, Any

from sqlalchemy import Text, case, cast, func, literal_column
from sqlalchemy.sql.elements import ColumnElement

from exports.columns import Cell, Column

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

Expression = ColumnElement[Any]
# One row of a sheet is its header.
ROWS_PER_SHEET = 1_048_575
_NUMBER_FORMATS = {
    Cell.TEXT: "@",
    Cell.WORD: "@",
    Cell.DATE: "yyyy-mm-dd",
    Cell.AMOUNT: "#,##0.00",
    Cell.NUMBER: "0",
}
# In the output of PostgreSQL, each tag of a sheet is one control character, which no stored text contains.
_ROW, _ROW_ENDS, _TEXT_ENDS, _NUMBER_ENDS = "\x01", "\x02", "\x03", "\x04"
_BEGINS = dict(zip(_NUMBER_FORMATS, "\x05\x06\x07\x0e\x0f", strict=True))
_EMPTY = dict(zip(_NUMBER_FORMATS, "\x10\x11\x12\x13\x14", strict=True))
# A row is one text: COPY's quoting and separators are removed.
_QUOTE, _DELIMITER = "\x1e", "\x1f"
COPY: Mapping[str, Any] = {"format": "csv", "delimiter": _DELIMITER, "quote": _QUOTE, "escape": _QUOTE}
# XML and workbooks do not allow these characters; text that looks like an escape sequence of workbooks has to be
# escaped.
_NO_CHARACTERS, _SPELT = r"[\x01-\x08\x0b-\x1f\ufffe\uffff]", "x[0-9A-Fa-f]{4}_"
_ESCAPED = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_LONGEST_TEXT: Expression = literal_column("32767")
_ROWS_END = b"</sheetData>"
_COMPRESSION = 1


def cell(column: Column, value: Expression) -> Expression:
    """The SQL of a value as a cell of a sheet."""
    begin = _sql(_BEGINS[column.cell]).op("||")
    if column.cell in (Cell.TEXT, Cell.WORD):
        return begin(_escaped(value) if column.cell is Cell.TEXT else value).op("||")(_sql(_TEXT_ENDS))
    return begin(_number(column, value)).op("||")(_sql(_NUMBER_ENDS))


def row(columns: Sequence[Column], cells: Sequence[Expression]) -> list[Expression]:
    """The SQL that COPY writes for a row: one text, which becomes the row of a sheet."""
    whole: Expression = _sql(_ROW)
    for column, value in zip(columns, cells, strict=True):
        whole = whole.op("||")(func.coalesce(value, _sql(_EMPTY[column.cell])))
    return [whole.op("||")(_sql(_ROW_ENDS))]


def _number(column: Column, value: Expression) -> Expression:
    """A number as digits; days are counted as Excel does."""
    if column.cell is Cell.DATE:
        return cast(value - literal_column("date '1899-12-30'"), Text)
    return cast(value, Text)


def _escaped(value: Expression) -> Expression:
    text: Expression = func.regexp_replace(value, _sql(_NO_CHARACTERS), _sql(""), _sql("g"))
    text = func.left(text, _LONGEST_TEXT)
    for sign, name in _ESCAPED:
        text = func.replace(text, _sql(sign), _sql(name))
    text = func.regexp_replace(text, _sql(f"_(?={_SPELT})"), _sql("_x005F_"), _sql("g"))
    # Most texts contain none of these, and one search is cheaper.
    needed = value.bool_op("~")(_sql(f"[&<>]|{_NO_CHARACTERS}|_{_SPELT}")) | (func.length(value) > _LONGEST_TEXT)
    return case((needed, text), else_=value)


def _sql(text: str) -> Expression:
    spelt = text.encode("unicode_escape").decode() if text.isascii() and not text.isprintable() else text
    return literal_column(f"E'{spelt}'::text" if spelt != text else f"'{text}'::text", Text())


class XlsxFile:
    """A workbook that is being written from the output of COPY: frozen header, column widths, a filter, and as many sheets as needed."""

    def __init__(self, columns: Sequence[Column], file: IO[bytes]) -> None:
        self._columns = columns
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION)
        self._counts: list[int] = []
        self._begin()

    def write(self, chunk: bytes) -> int:
        """Write the next output of COPY, which ends with a row; returns the number of rows."""
        found = count = chunk.count(_ROW.encode())
        while count > (room := ROWS_PER_SHEET - self._counts[-1]):
            end = _end_of(chunk, room)
            self._add(chunk[:end], room)
            self._finish()
            self._begin()
            chunk, count = chunk[end:], count - room
        self._add(chunk, count)
        return found

    def end(self) -> None:
        """Write the end of the file: the end of the last sheet, and the workbook around all sheets."""
        self._finish()
        with zipfile.ZipFile(_workbook(self._columns, self._counts)) as book:
            for name in book.namelist():
                if not _is_sheet(name):
                    self._zip.writestr(name, book.read(name))
        self._zip.close()

    def _add(self, rows: bytes, count: int) -> None:
        for character, tag in _tags().items():
            rows = rows.replace(character, tag)
        self._sheet.write(rows)
        self._counts[-1] += count

    def _begin(self) -> None:
        self._counts.append(0)
        name, before, _ = _last_sheet(self._columns, self._counts)
        self._sheet = self._zip.open(name, "w", force_zip64=True)
        self._sheet.write(before)

    def _finish(self) -> None:
        *_, after = _last_sheet(self._columns, self._counts)
        self._sheet.write(after)
        self._sheet.close()


def _end_of(rows: bytes, count: int) -> int:
    """The end of the row with a given number."""
    end = 0
    for _ in range(count):
        end = rows.index(_ROW_ENDS.encode(), end) + 1
    return end


@cache
def _tags() -> dict[bytes, bytes]:
    """Character → its replacement in a sheet."""
    styles, found = _add_styles(_new_book()), {_ROW: "<row>", _ROW_ENDS: "</row>"}
    found |= {_TEXT_ENDS: "</t></is></c>", _NUMBER_ENDS: "</v></c>", _QUOTE: "", _DELIMITER: ""}
    for kind, style in styles.items():
        is_text = kind in (Cell.TEXT, Cell.WORD)
        inside = ' t="inlineStr"><is><t xml:space="preserve">' if is_text else "><v>"
        found |= {_BEGINS[kind]: f'<c s="{style}"{inside}', _EMPTY[kind]: f'<c s="{style}"/>'}
    return {character.encode(): tag.encode() for character, tag in found.items()}


def _is_sheet(name: str) -> bool:
    return name.startswith("xl/worksheets/sheet")


def _last_sheet(columns: Sequence[Column], counts: Sequence[int]) -> tuple[str, bytes, bytes]:
    """The name of a workbook's last sheet, and its content before and after the rows; only its filter states its size."""
    with zipfile.ZipFile(_workbook(columns, counts)) as book:
        name = f"xl/worksheets/sheet{len(counts)}.xml"
        before, after = re.sub(rb"<dimension[^>]*>", b"", book.read(name)).split(_ROWS_END)
        return name, before, _ROWS_END + after


def _workbook(columns: Sequence[Column], counts: Sequence[int]) -> IO[bytes]:
    """A workbook whose sheets have only their headers, with the dimensions of so many rows."""
    book = _new_book()
    _add_styles(book)
    for number, count in enumerate(counts, start=1):
        _furnish(book.create_sheet("Export" if number == 1 else f"Export {number}"), columns, count)
    file = io.BytesIO()
    book.save(file)
    return file


def _new_book() -> "Workbook":
    # Imported only where a workbook is made: openpyxl and its imports take a sixth of the memory of a process.
    from openpyxl import Workbook  # noqa: PLC0415

    return Workbook()


def _furnish(sheet: "Worksheet", columns: Sequence[Column], row_count: int) -> None:
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    for place, column in enumerate(columns, start=1):
        header = sheet.cell(1, place, column.header)
        header.font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = column.width
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{row_count + 1}"


def _add_styles(book: "Workbook") -> dict[Cell, int]:
    """Register a style for each kind of cell in a new workbook, and remove its sheets; returns the number of each style."""
    sheet, found = book.worksheets[0], {}
    for place, (kind, number_format) in enumerate(_NUMBER_FORMATS.items(), start=1):
        styled = sheet.cell(1, place)
        styled.number_format = number_format
        found[kind] = styled.style_id
    book.remove(sheet)
    return found
