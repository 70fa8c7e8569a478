"""A cell of a workbook is what its number format shows, or it is refused: in columns of texts, amounts and days."""

import io
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from domain.documents.uploads import XLSX
from domain.errors import InvalidInput
from domain.parties import MRN, PART_OF_NAME
from domain.texts import ADDRESS
from imports.cells import NO_DAY, NOTHING_SHOWN, NumberCell, Unreadable, amount, day, identifier, is_blank, name, text
from imports.files.child import read_in_process
from imports.sheets import SheetError
from tests.imports.files.mutants import SHEET, parts_of, zipped
from tests.imports.files.shown_values import DAYS, NO_DAYS, NOT_RENDERED, SHOWN

AS_TEXT, AS_AMOUNT = identifier(MRN), amount()
# A day of the year 2026, as a workbook keeps it.
DAY, SERIAL = date(2026, 1, 31), 46_053


def workbook(fill: Callable[[Worksheet], object]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    fill(sheet)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def formatted(values: list[tuple[str, Any]]) -> bytes:
    """A workbook with a column of values, each in a number format."""

    def fill(sheet: Worksheet) -> None:
        for row, (code, value) in enumerate(values, 1):
            cell = sheet.cell(row, 1, value)
            cell.number_format = code

    return workbook(fill)


def cells(data: bytes) -> list[Any]:
    """The cells of the first column."""
    return [line.cells[0] for line in read_in_process(data, XLSX)]


def read(reader: Callable[[Any], Any], cell: Any) -> Any:
    """The value of a cell in a column; None if it is refused."""
    if isinstance(cell, Unreadable):
        return None
    try:
        return reader(cell)
    except InvalidInput:
        return None


CASES = [(code, value, shown) for code, values in SHOWN.items() for value, shown in values.items()]


def test_each_format_shows_each_number_as_excel_does() -> None:
    assert len(SHOWN) >= 60
    found = cells(formatted([(code, Decimal(value)) for code, value, _ in CASES]))
    shown = ["" if cell is NOTHING_SHOWN else cell.shown for cell in found]
    assert [*zip(CASES, shown, strict=True)] == [*zip(CASES, (expected for *_, expected in CASES), strict=True)]


def test_a_cell_in_a_column_of_identifiers_is_the_shown_text_or_refused() -> None:
    found = cells(formatted([(code, Decimal(value)) for code, value, _ in CASES]))
    taken = {read(AS_TEXT, cell) for cell in found} - {None}
    assert all(read(AS_TEXT, cell) in (None, shown) for cell, (*_, shown) in zip(found, CASES, strict=True))
    assert {"001001", "MRN-001001", "02134", "001-23-4567", "(555) 123-4567", "1001", "5"} <= taken
    # Numbers that the cell rounds or writes with an exponent, and decimal places that nobody has typed.
    assert not taken & {"1.23457E+11", "13", "1001.0", "12.3", "6%", "1,275.00", "1,235"}


def read_by_a_person(shown: str) -> Decimal | None:
    """The amount that a text says to a person: an oracle of its own, made by replacing what is not a digit."""
    if shown in ("-", "$-"):
        return Decimal(0)
    is_negative = shown.startswith(("(", "-", "$("))
    digits = shown.lstrip("-").replace("USD", "").translate({ord(sign): None for sign in "$(), "})
    try:
        return -Decimal(digits) if is_negative else Decimal(digits)
    except ArithmeticError:
        return None


def test_an_amount_is_taken_exactly_where_the_shown_text_says_the_same_amount() -> None:
    found = cells(formatted([(code, Decimal(value)) for code, value, _ in CASES]))
    for cell, (code, value, shown) in zip(found, CASES, strict=True):
        number = Decimal(value)
        says_the_same = read_by_a_person(shown) == round(number, 12) and 0 <= number <= 9_999_999_999
        expected = round(number, 2) if says_the_same and round(number, 2) == round(number, 12) else None
        assert read(AS_AMOUNT, cell) == expected, (code, value, shown)


@pytest.mark.parametrize(
    ("code", "value"),
    [("0%", 0.5), ("#,##0,", 1_234_000), ("0", 12.34), ("# ?/?", 0.5), ("0.00E+00", 1200), ("[$€-407] #,##0.00", 5), ("0;0", -5), ('0","00', 1234)],
)  # fmt: skip
def test_an_amount_is_refused_where_the_cell_shows_another(code: str, value: float) -> None:
    [cell] = cells(formatted([(code, value)]))
    assert read(AS_AMOUNT, cell) is None


@pytest.mark.parametrize("code", NOT_RENDERED)
def test_a_format_that_is_not_rendered_exactly_is_refused(code: str) -> None:
    for cell in cells(formatted([(code, value) for value in (5, 1234.5, -3, 0)])):
        assert isinstance(cell, Unreadable)


@pytest.mark.parametrize("code", DAYS)
def test_a_format_that_shows_a_day_gives_the_day(code: str) -> None:
    assert [read(day, cell) for cell in cells(formatted([(code, SERIAL)]))] == [DAY]


@pytest.mark.parametrize("code", NO_DAYS)
def test_a_format_that_shows_no_whole_day_is_refused(code: str) -> None:
    assert cells(formatted([(code, SERIAL)])) == [NO_DAY]


def test_a_day_with_a_time_is_refused_where_the_time_is_shown() -> None:
    found = cells(formatted([("m/d/yyyy h:mm", SERIAL + 0.4), ("m/d/yyyy", SERIAL + 0.4), ("m/d/yyyy h:mm", SERIAL)]))
    assert [read(day, cell) for cell in found] == [None, DAY, DAY]


def test_the_section_of_a_conditional_format_decides_whether_a_day_is_shown() -> None:
    found = cells(formatted([("[<50000]m/d/yyyy;0", SERIAL), ("[<1]m/d/yyyy;0", SERIAL)]))
    assert found == [DAY, NumberCell(Decimal(SERIAL), str(SERIAL))]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("@", "M1"),
        ("General", "M1"),
        ("0.00", "M1"),
        ("000000", "M1"),
        ("_(@_)", "M1"),
        ('"MRN-"@', "MRN-M1"),
        ('0;-0;0;"no "@', "no M1"),
        (";;;", None),
        ("0;0;0;", None),
        ('0;0;0;"x"', "x"),
    ],
)
def test_a_text_is_what_the_text_section_of_its_format_shows(code: str, shown: str | None) -> None:
    [cell] = cells(formatted([(code, "M1")]))
    assert read(text(ADDRESS), cell) == shown


@pytest.mark.parametrize("value", ["1234567890123456", "12345678901234567"])
def test_a_number_of_more_than_fifteen_digits_is_no_identifier(value: str) -> None:
    [cell] = cells(formatted([("0", Decimal(value))]))
    assert read(AS_TEXT, cell) is None


def test_a_number_as_a_name_is_what_it_shows() -> None:
    assert [read(name(PART_OF_NAME), cell) for cell in cells(formatted([("General", 1199)]))] == ["1199"]


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    """A workbook with a change in its sheet."""
    parts = parts_of(data)
    assert old in parts[SHEET]
    return zipped([*(parts | {SHEET: parts[SHEET].replace(old, new, 1)}).items()])


# What a person does not see.


def three_rows(sheet: Worksheet) -> None:
    for row in (["code", "label"], ["A", "x"], ["B", "y"], ["C", "z"]):
        sheet.append(row)


def hide_row(sheet: Worksheet) -> None:
    three_rows(sheet)
    sheet.row_dimensions[3].hidden = True


def filter_rows(sheet: Worksheet) -> None:
    hide_row(sheet)
    sheet.auto_filter.ref = "A1:B4"


def hide_column(sheet: Worksheet) -> None:
    three_rows(sheet)
    sheet.column_dimensions["B"].hidden = True


ROW = "This row is hidden and has values: show all rows, also those that a filter hides, or delete them"
COLUMN = "Column B is hidden and has values: show the column, or delete it"


@pytest.mark.parametrize(
    ("fill", "line", "reason"),
    [(hide_row, 3, ROW), (filter_rows, 3, ROW), (hide_column, 1, COLUMN)],
)  # fmt: skip
def test_hidden_values_are_refused_at_the_first_hidden_row(
    fill: Callable[[Worksheet], object], line: int, reason: str
) -> None:
    with pytest.raises(SheetError) as refused:
        cells(workbook(fill))
    assert (refused.value.line, refused.value.reason) == (line, reason)


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        (b'<row r="3">', b'<row r="3" ht="0" customHeight="1">', 3, ROW),
        (b'<row r="3">', b'<row r="3" hidden="true">', 3, ROW),
        (b"<sheetData>", b'<cols><col min="2" max="2" width="0" customWidth="1"/></cols><sheetData>', 1, COLUMN),
        (b"<sheetData>", b'<cols><col min="2" max="16384" hidden="1"/></cols><sheetData>', 1, COLUMN),
    ],
)
def test_a_row_or_column_without_a_size_is_hidden(old: bytes, new: bytes, line: int, reason: str) -> None:
    with pytest.raises(SheetError) as refused:
        cells(changed(workbook(three_rows), old, new))
    assert (refused.value.line, refused.value.reason) == (line, reason)


def test_hidden_rows_and_columns_without_values_are_ignored() -> None:
    def fill(sheet: Worksheet) -> None:
        three_rows(sheet)
        sheet.row_dimensions[9].hidden = True
        sheet["A9"].number_format = "0"
        sheet.column_dimensions["H"].hidden = True

    assert cells(workbook(fill)) == ["code", "A", "B", "C"]


def test_a_zero_that_the_sheet_does_not_show_is_refused() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.append([0])
        sheet.append([1])
        sheet.sheet_view.showZeros = False

    assert cells(workbook(fill)) == [NOTHING_SHOWN, NumberCell(Decimal(1), "1")]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"<sheetView ", b'<sheetView showFormulas="1" ', "shows formulas"),
        (b"<sheetFormatPr ", b'<sheetFormatPr zeroHeight="1" ', "hides all rows"),
        (b"<sheetFormatPr ", b'<sheetFormatPr defaultColWidth="0" ', "hides all rows"),
        (b"</sheetData>", b'</sheetData><x><numFmt numFmtId="9" formatCode="0%"/></x>', "Conditional formatting"),
        (b"</sheetData>", b'</sheetData><cols><col min="1" max="1" hidden="1"/></cols>', "not a readable"),
    ],
)
def test_a_sheet_that_shows_something_else_than_its_values_is_refused(old: bytes, new: bytes, reason: str) -> None:
    with pytest.raises(SheetError, match=reason):
        cells(changed(workbook(three_rows), old, new))


def test_conditional_formatting_that_changes_number_formats_is_refused() -> None:
    parts = parts_of(workbook(three_rows))
    styles = parts["xl/styles.xml"]
    start, end = styles.index(b"</cellStyles>") + len(b"</cellStyles>"), styles.index(b"<tableStyles")
    formats = b'<dxfs count="2"><dxf><font><b/></font></dxf><dxf><numFmt numFmtId="164" formatCode="0,"/></dxf></dxfs>'
    parts["xl/styles.xml"] = styles[:start] + formats + styles[end:]
    for style, is_refused in ((0, False), (1, True)):
        rule = (
            b'<conditionalFormatting sqref="A1"><cfRule type="cellIs" dxfId="%d" priority="1"/></conditionalFormatting>'
        )
        sheet = parts[SHEET].replace(b"</sheetData>", b"</sheetData>" + rule % style)
        data = zipped([*(parts | {SHEET: sheet}).items()])
        if is_refused:
            with pytest.raises(SheetError, match="Conditional formatting"):
                cells(data)
        else:
            assert len(cells(data)) == 4


# A second opinion.


# Where LibreOffice shows something else than Excel: a file has no widths for General, and a point at the end is left out.
OTHERWISE = {
    ("General", "123456789012"),
    ("General", "1234567890123456"),
    ("General", "0.000012345678"),
    ("General", "1234.56789012"),
    ("#.##", "3"),
    ("0.##", "3"),
}


@pytest.mark.prove
def test_libreoffice_shows_the_same_texts(tmp_path: Path) -> None:
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed: apt-get install libreoffice-calc-nogui")
    (tmp_path / "shown.xlsx").write_bytes(formatted([(code, Decimal(value)) for code, value, _ in CASES]))
    # Separated by tabs, UTF-8, the cells as they are shown.
    to_csv = "csv:Text - txt - csv (StarCalc):9,34,76"
    command = [program, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", to_csv]
    subprocess.run(
        [*command, "--outdir", tmp_path, tmp_path / "shown.xlsx"], check=True, capture_output=True, timeout=180
    )
    lines = (tmp_path / "shown.csv").read_text().split("\n")
    differences = {
        (code, value): (shown, theirs)
        for (code, value, shown), theirs in zip(CASES, (line.strip().strip('"') for line in lines), strict=False)
        if theirs != shown and not (is_blank(theirs) and not shown)
    }
    assert {pair: found for pair, found in differences.items() if pair not in OTHERWISE} == {}
    assert len(lines) > len(CASES)
