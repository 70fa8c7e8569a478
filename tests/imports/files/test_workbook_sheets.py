"""Which sheet of a workbook is read: the only visible one that has values, or the one that is chosen."""

import io
from collections.abc import Sequence

import pytest
from openpyxl import Workbook

from domain.documents.uploads import XLSX
from imports.files.child import read_in_child, read_in_process
from imports.sheets import FileShape, ReadOptions, SheetError


def workbook(**sheets: Sequence[Sequence[object]]) -> bytes:
    """A workbook with these sheets; one whose name begins with `hidden` is hidden."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name.startswith("hidden"):
            sheet.sheet_state = "veryHidden" if name.endswith("Very") else "hidden"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def first_cells(data: bytes, sheet: str | None = None) -> list[object]:
    return [line.cells[0] for line in read_in_process(data, XLSX, ReadOptions(sheet=sheet))]


@pytest.mark.parametrize("other", [[], [[None]], [["", "  "]]])
@pytest.mark.parametrize("place", ["first", "last"])
def test_an_empty_sheet_is_ignored(other: list[list[object]], place: str) -> None:
    sheets: dict[str, Sequence[Sequence[object]]] = {"Data": [["a"], ["b"]], "Sheet2": other}
    data = workbook(**(sheets if place == "last" else dict(reversed(sheets.items()))))
    assert read_in_process(data, XLSX).shape == FileShape(sheets=("Data",), sheet="Data")
    assert first_cells(data) == ["a", "b"]


@pytest.mark.parametrize("name", ["hidden", "hiddenVery"])
def test_a_hidden_sheet_is_neither_read_nor_chosen(name: str) -> None:
    data = workbook(**{"Data": [["a"]], name: [["secret"]]})
    assert first_cells(data) == ["a"]
    with pytest.raises(SheetError, match="There is no sheet"):
        first_cells(data, name)


def test_of_several_sheets_with_values_one_has_to_be_chosen_by_its_name() -> None:
    data = workbook(May=[["a"]], June=[["b"]], Empty=[])
    assert read_in_process(data, XLSX).shape == FileShape(sheets=("May", "June"))
    with pytest.raises(SheetError, match="2 sheets with values, “May”, “June”: choose one"):
        first_cells(data)
    assert [first_cells(data, name) for name in ("May", "June")] == [["a"], ["b"]]
    assert read_in_process(data, XLSX, ReadOptions(sheet="June")).shape.sheet == "June"


def test_the_child_process_is_given_the_name_of_the_sheet() -> None:
    data = workbook(May=[["a"]], **{"Juni 'é": [["b"]]})
    opened = read_in_child(data, XLSX, ReadOptions(sheet="Juni 'é"))
    assert opened.shape == FileShape(sheets=("May", "Juni 'é"), sheet="Juni 'é")
    assert [line.cells for line in opened] == [["b"]]


def test_a_sheet_with_hidden_values_counts_as_one_with_values() -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["a"])
    sheet.row_dimensions[1].hidden = True
    book.create_sheet("Data").append(["b"])
    file = io.BytesIO()
    book.save(file)
    with pytest.raises(SheetError, match="choose one"):
        first_cells(file.getvalue())
    assert first_cells(file.getvalue(), "Data") == ["b"]
    with pytest.raises(SheetError, match="This row is hidden"):
        first_cells(file.getvalue(), "Sheet")
