"""Parses the cells of a sheet as a stream of rows: the position and value of each, within the limits of a sheet."""

import re
from collections.abc import Callable, Sequence
from typing import IO, Any

from domain.imports import MOST_CELLS, MOST_COLUMNS, MOST_ROWS
from imports.cells import DAMAGED, ERROR, FORMULA, MERGED, is_blank
from imports.files.places import COLUMNS, LAST_ROW, LETTERS
from imports.files.xlsx_merges import Merges
from imports.files.xlsx_texts import LONGEST_TEXT
from imports.files.xlsx_values import Values
from imports.files.xml_parts import NO_WORKBOOK, Attributes, check_depth, parsed
from imports.sheets import Line, Lines, SheetError

_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
# Element → the only element that it may be in; those that hold the cells may be nowhere else.
_PARENTS = {
    "worksheet": "",
    "sheetViews": "worksheet",
    "sheetView": "sheetViews",
    "sheetFormatPr": "worksheet",
    "cols": "worksheet",
    "col": "cols",
    "sheetData": "worksheet",
    "row": "sheetData",
    "c": "row",
    "v": "c",
    "f": "c",
    "is": "c",
    "mergeCells": "worksheet",
    "mergeCell": "mergeCells",
}
_TAGS = {f"{namespace} {tag}": tag for namespace in _NAMESPACES for tag in (*_PARENTS, "r", "t", "cfRule", "numFmt")}
# Elements that contain only text.
_LEAVES = {"v", "t"}
_ROW = re.compile("[1-9][0-9]{0,6}")
_AGAIN = "save the workbook again in a spreadsheet program"
_NO_ROW = f"The sheet has a row in the wrong position: {_AGAIN}"
_NO_CELL = f"This row has a cell in the wrong position: {_AGAIN}"
_TOO_FAR = f"A sheet has at most {MOST_ROWS:,} rows, {MOST_COLUMNS} columns and {MOST_CELLS:,} cells"
_HIDDEN_ROW = "This row is hidden and has values: show all rows, also those that a filter hides, or delete them"
_HIDDEN_ROWS = "The sheet hides all rows or columns that have no size of their own: show them"
_SHOWS_FORMULAS = "The sheet shows formulas in place of values: show the values"
_CHANGES_FORMATS = "Conditional formatting changes how numbers are shown: remove it from this sheet"
# No height or width at which a person can read a cell.
_TOO_SMALL = re.compile(r"0*(\.[0-9]*)?")
_NUMBER = re.compile("[0-9]{1,8}")
# A text arrives in pieces of up to 8 KiB, of the cell itself or of its runs.
_MOST_PIECES = 10_000
_TOO_LONG = f"A cell has at most {LONGEST_TEXT:,} characters"


def sheet_lines(part: IO[bytes], values: Values, merges: Merges) -> Lines:
    """The rows that have a non-blank cell, each up to its last one."""
    handler = SheetHandler(values, merges)
    for _ in parsed(part, handler):
        yield from handler.taken()


def read_merges(part: IO[bytes]) -> Merges:
    """The merged ranges within the filled columns. They come after the rows, so that the sheet is parsed once for them alone."""
    handler = SheetHandler(_Filled(), Merges(), only_merges=True)
    for _ in parsed(part, handler):
        handler.taken()
    return handler.merges.within(handler.width)


class _Filled(Values):
    """Replaces values when only the positions of cells are needed."""

    def value(self, kind: str, style: str | None, pieces: list[str]) -> Any:
        return FORMULA


class SheetHandler:
    """Builds lines from the elements of a sheet; SheetError for elements in the wrong position, and beyond the limits."""

    def __init__(self, values: Values, merges: Merges, *, only_merges: bool = False) -> None:
        self.merges, self.width = merges, 0
        self._values, self._only_merges = values, only_merges
        self._path, self._lines, self._cells = [""], list[Line](), list[Any]()
        self._row = self._column = self._count = 0
        self._row_end, self._row_text, self._kind, self._seen = -1, "0", "", ""
        self._style: str | None = None
        self._is_row_hidden = self._hides_rows = self._may_be_hidden = False
        self._hidden_columns = set[int]()
        self._pieces, self._takes_text, self._has_data = list[str](), False, False
        self._begins: dict[str, Callable[[Attributes], None]] = {
            "sheetView": self._begin_view,
            "sheetFormatPr": self._begin_defaults,
            "col": self._begin_column,
            "cfRule": self._begin_rule,
            "numFmt": self._begin_format,
            "sheetData": self._begin_data,
            "row": self._begin_row,
            "f": self._begin_formula,
            "is": self._begin_inline,
            "mergeCell": self._begin_merge,
        }

    def taken(self) -> list[Line]:
        """The complete lines that were not returned before."""
        lines, self._lines = self._lines, []
        return lines

    def start(self, name: str, attributes: Attributes) -> None:
        """An element starts; the four that occur in every cell of every row come first."""
        path = self._path
        parent, tag = path[-1], _TAGS.get(name, "other")
        path.append(tag)
        if tag == "c" and parent == "row":
            reference = attributes.get("r")
            # A cell without a reference follows the one before, as the standard says; a wrong reference is an error.
            column = self._column + 1
            if reference is not None:
                column = COLUMNS.get(reference[: self._row_end], 0) if reference.endswith(self._row_text) else 0
            if column <= self._column:
                raise self._misplaced()
            self._column, self._kind, self._style = column, attributes.get("t", "n"), attributes.get("s")
            self._seen, self._pieces = "", []
        elif tag == "v" and parent == "c":
            self._takes_text = True
            if self._seen:
                self._see("v")
            else:
                self._seen = "v"
        elif tag == "is" and parent == "c" and not self._seen:
            self._takes_text, self._seen = False, "i"
        elif tag == "t" and parent not in _LEAVES:
            # Texts of a cell and of its runs; phonetic text (rPh) is left out.
            self._takes_text = parent == "is" or (parent == "r" and path[-3] == "is")
        else:
            self._begin(tag, parent, attributes)

    def end(self, name: str) -> None:
        """An element ends."""
        tag = self._path.pop()
        self._takes_text = False
        if tag == "c":
            if self._seen:
                self._end_cell()
        elif tag == "row":
            self._end_row()

    def text(self, text: str) -> None:
        """Text of the element that started last, or of an enclosing one that continues."""
        if self._takes_text:
            self._pieces.append(text)
            if len(self._pieces) > _MOST_PIECES:
                raise SheetError(_TOO_LONG, self._row)

    def _begin(self, tag: str, parent: str, attributes: Attributes) -> None:
        if _PARENTS.get(tag, parent) != parent or parent in _LEAVES:
            raise self._misplaced()
        check_depth(len(self._path))
        self._takes_text = False
        begin = self._begins.get(tag)
        if begin:
            begin(attributes)

    def _begin_view(self, attributes: Attributes) -> None:
        self._require_before_rows()
        if _is_true(attributes.get("showFormulas")):
            raise SheetError(_SHOWS_FORMULAS)
        if not _is_true(attributes.get("showZeros", "1")):
            self._values.hides_zeros = True

    def _begin_defaults(self, attributes: Attributes) -> None:
        self._require_before_rows()
        self._hides_rows = _is_true(attributes.get("zeroHeight")) or _is_too_small(attributes.get("defaultColWidth"))

    def _begin_column(self, attributes: Attributes) -> None:
        self._require_before_rows()
        if _is_true(attributes.get("hidden")) or _is_too_small(attributes.get("width")):
            first, last = attributes.get("min", ""), attributes.get("max", "")
            if not _NUMBER.fullmatch(first) or not _NUMBER.fullmatch(last):
                raise self._misplaced()
            self._hidden_columns.update(range(int(first), min(int(last), MOST_COLUMNS) + 1))

    def _begin_rule(self, attributes: Attributes) -> None:
        style = attributes.get("dxfId", "")
        if style in self._values.changing_styles:
            raise SheetError(_CHANGES_FORMATS)

    def _begin_format(self, attributes: Attributes) -> None:
        # The styles of newer kinds of conditional formatting stand in the sheet itself.
        raise SheetError(_CHANGES_FORMATS)

    def _require_before_rows(self) -> None:
        """What decides how rows are shown comes before them."""
        if self._has_data:
            raise SheetError(NO_WORKBOOK)

    def _begin_data(self, attributes: Attributes) -> None:
        if self._has_data:
            raise SheetError(NO_WORKBOOK)
        self._has_data = True

    def _begin_row(self, attributes: Attributes) -> None:
        text = attributes.get("r", str(self._row + 1))
        if not _ROW.fullmatch(text) or not self._row < int(text) <= LAST_ROW:
            raise SheetError(_NO_ROW, self._row + 1)
        self._row, self._row_text, self._row_end, self._column = int(text), text, -len(text), 0
        self._is_row_hidden = _is_true(attributes.get("hidden")) or _is_too_small(attributes.get("ht"))
        self._may_be_hidden = self._is_row_hidden or self._hides_rows or bool(self._hidden_columns)

    def _begin_formula(self, attributes: Attributes) -> None:
        self._see("f")

    def _begin_inline(self, attributes: Attributes) -> None:
        self._see("i")

    def _see(self, what: str) -> None:
        if what in self._seen:
            raise self._misplaced()
        self._seen += what

    def _begin_merge(self, attributes: Attributes) -> None:
        if self._only_merges:
            self.merges.add(attributes.get("ref", ""))

    def _end_cell(self) -> None:
        seen, kind = self._seen, self._kind
        if seen == ("i" if kind == "inlineStr" else "v"):
            value = self._values.value(kind, self._style, self._pieces)
            if value is None:
                return
        else:
            value = FORMULA if "f" in seen else DAMAGED
        column, cells = self._column, self._cells
        if column > MOST_COLUMNS or self._row > MOST_ROWS + 1:
            raise SheetError(_TOO_FAR)
        if self._may_be_hidden:
            self._check_hidden(value)
        if len(cells) < column - 1:
            cells.extend([None] * (column - 1 - len(cells)))
        cells.append(value)

    def _check_hidden(self, value: Any) -> None:
        """SheetError for a value in a hidden row or column: a person has not seen it."""
        if is_blank(value) or self._only_merges:
            return
        if self._is_row_hidden:
            raise SheetError(_HIDDEN_ROW, self._row)
        if self._column in self._hidden_columns:
            name = LETTERS[self._column]
            raise SheetError(f"Column {name} is hidden and has values: show the column, or delete it", self._row)
        if self._hides_rows:
            raise SheetError(_HIDDEN_ROWS)

    def _end_row(self) -> None:
        cells, self._cells = self._cells, []
        if not cells:
            return
        self.width = max(self.width, len(cells))
        if not self._only_merges:
            _mark(cells, self.merges.columns(self._row))
            self._lines.append(Line(self._row, cells))
        self._count += len(cells)
        if self._count > MOST_CELLS:
            raise SheetError(_TOO_FAR)

    def _misplaced(self) -> SheetError:
        return SheetError(_NO_CELL, self._row) if self._row else SheetError(NO_WORKBOOK)


def _is_true(value: str | None) -> bool:
    """Whether an attribute is true; any value but a spelling of false counts as true."""
    return value is not None and value.strip() not in ("", "0", "false", "off")


def _is_too_small(size: str | None) -> bool:
    return size is not None and _TOO_SMALL.fullmatch(size) is not None


def _mark(cells: list[Any], merged: Sequence[int]) -> None:
    """Mark merged cells; a formula or an error takes precedence."""
    for column in merged:
        if column > len(cells):
            cells.extend([None] * (column - len(cells)))
        if cells[column - 1] not in (FORMULA, ERROR):
            cells[column - 1] = MERGED
