"""The workbook parser: positions, values and limits of cells; ordinary workbooks are read as two other libraries read them."""

import io
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from time import process_time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from python_calamine import CalamineWorkbook

from domain.documents.uploads import XLSX
from imports.cells import DAMAGED, ERROR, FORMULA, MERGED, NO_DAY, NumberCell, is_blank
from imports.files.child import read_in_process
from imports.files.xlsx_dates import moment
from imports.sheets import Line, SheetError
from tests.imports.files.mutants import SHEET, parts_of, shared, zipped

MAIN = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'


def book(*rows: list[Any]) -> bytes:
    """A workbook as openpyxl writes it."""
    made = Workbook()
    assert made.active is not None
    for row in rows:
        made.active.append(row)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def with_sheet(rows: bytes, after: bytes = b"", texts: Sequence[str] = ("shared",)) -> bytes:
    """A workbook with the XML of its rows given; text `0` is a shared string, style 1 is a date format."""
    parts = parts_of(shared(book([*texts], [date(2026, 1, 1)])))
    parts[SHEET] = MAIN + b"<sheetData>" + rows + b"</sheetData>" + after + b"</worksheet>"
    return zipped(list(parts.items()))


def lines(data: bytes) -> list[Line]:
    return list(read_in_process(data, XLSX))


def cells(rows: bytes, after: bytes = b"") -> list[tuple[int, list[Any]]]:
    return [
        (line.number, [float(cell.value) if isinstance(cell, NumberCell) else cell for cell in line.cells])
        for line in lines(with_sheet(rows, after))
    ]


# Positions of cells.


NO_CELL = "This row has a cell in the wrong position: save the workbook again in a spreadsheet program"
NO_ROW = "The sheet has a row in the wrong position: save the workbook again in a spreadsheet program"
TOO_FAR = "A sheet has at most 1,000,000 rows, 100 columns and 10,000,000 cells"
OUT_OF_ORDER = [
    (b'<row r="1"><c r=""><v>1</v></c></row>', NO_CELL),
    (b'<row r="1"><c><v>1</v></c><c r="A1"><v>2</v></c></row>', NO_CELL),
    (b'<row r="1"><c r="CV1"><v>1</v></c><c><v>2</v></c></row>', TOO_FAR),
    (b'<row r="1"><c r="a1"><f>1+1</f><v>2</v></c></row>', NO_CELL),
    (b'<row r="1"><c r="A2"><v>1</v></c></row>', NO_CELL),
    (b'<row r="1"><c r="A01"><v>1</v></c></row>', NO_CELL),
    (b'<row r="1"><c r="$A$1"><v>1</v></c></row>', NO_CELL),
    (b'<row r="1"><c r="XFE1"><v>1</v></c></row>', NO_CELL),
    (b'<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>2</v></c></row>', NO_CELL),
    (b'<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>', NO_CELL),
    (b'<row r="1"><c r="A1"><v>1</v><v>2</v></c></row>', NO_CELL),
    (b'<row r="1"><c r="A1"><v>1<x/>2</v></c></row>', NO_CELL),
    (b'<row r="1"><x><c r="A1"><v>1</v></c></x></row>', NO_CELL),
    (b'<x><row r="1"><c r="A1"><v>1</v></c></row></x>', "This is not a readable XLSX workbook"),
    (b'<row r="1"><c r="A1"><x><v>1</v></x></c></row>', NO_CELL),
    (b'<row r="1"><y:c xmlns:y="urn:y" r="A1"><v>7</v></y:c></row>', NO_CELL),
    (b'<row r="2"/><row r="2"/>', NO_ROW),
    (b'<row r="2"/><row r="1"/>', NO_ROW),
    (b'<row r="0"/>', NO_ROW),
    (b'<row r="1.0"/>', NO_ROW),
    (b'<row r="4294967295"/><row/>', NO_ROW),
    (b'<row r="1048577"/>', NO_ROW),
    (b'<row r="1048576"/><row><c r="A1048577"><v>1</v></c></row>', NO_ROW),
    (b'<row r="1048576">' + b"".join(b'<c r="%s1048576"><v>1</v></c>' % c for c in (b"A", b"ALL")) + b"</row>", TOO_FAR),
    (b'<row r="1"><c r="CW1"><v>1</v></c></row>', TOO_FAR),
    (b'<row r="1000002"><c r="A1000002"><v>1</v></c></row>', TOO_FAR),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "reason"), OUT_OF_ORDER)
def test_a_cell_or_row_out_of_order_is_refused(rows: bytes, reason: str) -> None:
    with pytest.raises(SheetError) as refused:
        cells(rows)
    assert refused.value.reason == reason


def test_rows_and_cells_in_order_are_read_and_a_row_without_a_number_follows_the_previous_one() -> None:
    rows = b'<row><c r="A1"><v>1</v></c></row><row r="5"><c r="C5"><v>2</v></c></row><row><c r="A6"><v>3</v></c></row>'
    assert cells(rows) == [(1, [1.0]), (5, [None, None, 2.0]), (6, [3.0])]


def test_a_cell_without_a_reference_follows_the_previous_cell_and_its_formula_is_marked() -> None:
    rows = b'<row r="1"><c><v>1</v></c><c r="C1"><v>2</v></c><c><f>1+1</f><v>3</v></c></row>'
    assert cells(rows) == [(1, [1.0, None, 2.0, FORMULA])]


def test_the_last_allowed_cell_is_read_and_empty_cells_may_lie_beyond_it() -> None:
    rows = b'<row r="1000001"><c r="CV1000001"><v>1</v></c><c r="XFD1000001"/></row><row r="1048576"><c r="A1048576"/></row>'
    assert cells(rows) == [(1_000_001, [None] * 99 + [1.0])]


# Values of cells.

CELL_VALUES = [
    (b'<c r="A1"><v>NaN</v></c>', DAMAGED),
    (b'<c r="A1"><v>inf</v></c>', DAMAGED),
    (b'<c r="A1"><v>-INF</v></c>', DAMAGED),
    (b'<c r="A1"><v>1e400</v></c>', DAMAGED),
    (b'<c r="A1"><v>0x10</v></c>', DAMAGED),
    (b'<c r="A1"><v>1_000</v></c>', DAMAGED),
    ('<c r="A1"><v>\u0661</v></c>'.encode(), DAMAGED),
    (b'<c r="A1"><v>123456789012345678901</v></c>', DAMAGED),
    (b'<c r="A1"><v>0.30000000000000004</v></c>', 0.3),
    (b'<c r="A1"><v> -1.5E+3\n</v></c>', -1500.0),
    (b'<c r="A1" t="s"><v>0</v></c>', "shared"),
    (b'<c r="A1" t="s"><v>1</v></c>', DAMAGED),
    (b'<c r="A1" t="s"><v>-1</v></c>', DAMAGED),
    (b'<c r="A1" t="s"><v></v></c>', DAMAGED),
    (b'<c r="A1" t="b"><v>1</v></c>', True),
    (b'<c r="A1" t="b"><v>2</v></c>', DAMAGED),
    (b'<c r="A1" t="e"><v>#N/A</v></c>', ERROR),
    (b'<c r="A1" t="x"><v>1</v></c>', DAMAGED),
    (b'<c r="A1" t="str"><v> kept </v></c>', " kept "),
    (b'<c r="A1" t="str"><v>_x0041__x005F_x0041__x0000__xD800_</v></c>', "A_x0041__x0000__xD800_"),
    (b'<c r="A1" t="inlineStr"><is><r><t>ri</t></r><r><t>ch</t></r><rPh><t>no</t></rPh></is></c>', "rich"),
    (b'<c r="A1"><is><t>1</t></is></c>', DAMAGED),
    (b'<c r="A1" t="inlineStr"><v>1</v></c>', DAMAGED),
    (b'<c r="A1"><f>1+1</f><v>2</v></c>', FORMULA),
    (b'<c r="A1"><v>2</v><f>1+1</f></c>', FORMULA),
    (b'<c r="A1"><f t="shared" si="0"/></c>', FORMULA),
    (b'<c r="A1" t="d"><v>2026-01-31</v></c>', date(2026, 1, 31)),
    (b'<c r="A1" t="d"><v>2026-01-31T09:30:00Z</v></c>', datetime(2026, 1, 31, 9, 30)),  # noqa: DTZ001
    (b'<c r="A1" t="d"><v>2026-02-30</v></c>', DAMAGED),
    (b'<c r="A1" s="1"><v>46023</v></c>', date(2026, 1, 1)),
    (b'<c r="A1" s="1"><v>46023.395833333336</v></c>', date(2026, 1, 1)),
    (b'<c r="A1" s="1"><v>46023.99999999</v></c>', DAMAGED),
    (b'<c r="A1" s="1"><v>60</v></c>', NO_DAY),
    (b'<c r="A1" s="1"><v>-1</v></c>', NO_DAY),
    (b'<c r="A1" s="1"><v>2958466</v></c>', NO_DAY),
    (b'<c r="A1" s="7"><v>1</v></c>', DAMAGED),
    (b'<c r="A1" s="-1"><v>1</v></c>', DAMAGED),
    (b'<c r="A1" t="str" s="7"><v>x</v></c>', DAMAGED),
    (b'<c r="A1"><v>-0</v></c>', 0.0),
    (b'<c r="A1"><v>1<!-- x -->2</v></c>', 12.0),
    (b'<c r="A1" s="1"><v>1.7e308</v></c>', NO_DAY),
    (b'<c r="A1" s="1"><v>0.4</v></c>', NO_DAY),
    (b'<c r="A1" s="1" t="d"><v>2026-01-31</v></c>', date(2026, 1, 31)),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "value"), CELL_VALUES)
def test_a_cell_is_read_by_its_type_or_reported_as_damaged(cell: bytes, value: Any) -> None:
    assert cells(b'<row r="1">' + cell + b"</row>") == [(1, [value])]


def test_dates_before_march_1900_account_for_the_nonexistent_leap_day() -> None:
    found = [moment(Decimal(serial), from_1904=False) for serial in (1, 59, 60, 61)]
    assert found == [date(1900, 1, 1), date(1900, 2, 28), None, date(1900, 3, 1)]


# Merged cells.


def test_five_hundred_overlapping_merged_ranges_take_no_longer_than_one() -> None:
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c><c r="B%d"/></row>' % (n, n, n) for n in range(1, 20_001))
    took = []
    for count in (1, 500):
        merges = b"<mergeCells>" + b'<mergeCell ref="A1:CV1048576"/>' * count + b"</mergeCells>"
        began = process_time()
        found = cells(rows, merges)
        took.append(process_time() - began)
        assert found == [(n, [MERGED]) for n in range(1, 20_001)]
    # It took seconds when each range was compared with each; the rest is for busy machines.
    assert took[1] < 2 * took[0] + 1.5


def test_more_than_a_thousand_merged_ranges_are_refused() -> None:
    ranges = b'<mergeCell ref="A1:B1"/>' * 1_000
    assert cells(b'<row r="2"><c r="A2"><v>1</v></c></row>', b"<mergeCells>" + ranges + b"</mergeCells>")
    with pytest.raises(SheetError, match="at most 1,000 merged ranges"):
        cells(b"<row/>", b"<mergeCells>" + ranges + b'<mergeCell ref="A1:B1"/></mergeCells>')


def test_a_blank_cell_of_a_merged_range_is_marked_if_its_row_has_values() -> None:
    rows = b'<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row><row r="2"><c r="B2"><v>3</v></c></row>'
    merges = b'<mergeCells><mergeCell ref="A1:A9"/></mergeCells>'
    assert cells(rows, merges) == [(1, [MERGED, 2.0]), (2, [MERGED, 3.0])]


# The parts of a workbook.


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"?>", b' encoding="latin-1"?>'),
        (b"<sheetData>", b"<sheetData></sheetData><sheetData>"),
        (b"<sheetData>", b"<a>" * 100 + b"<sheetData>"),
        (b"<sheetData>", b"<!--" + b"x" * 400_000 + b"--><sheetData>"),
        (b"<sheetData>", b"<sheetData>&lol;"),
    ],
)
def test_a_part_that_is_not_plain_xml_is_refused(old: bytes, new: bytes) -> None:
    parts = parts_of(book(["x"]))
    sheet = (
        b'<?xml version="1.0"?>' + parts[SHEET].partition(b"?>\n")[2]
        if b"?>" in parts[SHEET]
        else b'<?xml version="1.0"?>' + parts[SHEET]
    )
    assert lines(zipped([*(parts | {SHEET: sheet}).items()])) == [Line(1, ["x"])]
    with pytest.raises(SheetError, match="not a readable XLSX workbook"):
        lines(zipped([*(parts | {SHEET: sheet.replace(old, new, 1)}).items()]))


def test_a_sheet_with_another_path_is_found_by_its_relationship_only() -> None:
    parts = parts_of(book(["x"]))
    moved = {("xl/other/one.xml" if name == SHEET else name): part for name, part in parts.items()}
    with pytest.raises(SheetError, match="not a readable XLSX workbook"):
        lines(zipped([*moved.items()]))
    relations = "xl/_rels/workbook.xml.rels"
    moved[relations] = moved[relations].replace(b"worksheets/sheet1.xml", b"other/one.xml")
    assert lines(zipped([*moved.items()])) == [Line(1, ["x"])]


def test_an_archive_of_an_unknown_zip_version_is_refused() -> None:
    data = book(["x"])
    place = data.index(b"PK\x01\x02") + 6
    with pytest.raises(SheetError, match="not a readable XLSX workbook"):
        lines(data[:place] + b"\xff" + data[place + 1 :])


def test_an_archive_whose_parts_start_before_the_file_is_refused() -> None:
    data = bytearray(book(["x"]))
    # A wrong offset of the central directory shifts the offsets of all parts by the same number of bytes.
    place = data.index(b"PK\x05\x06") + 16
    data[place : place + 4] = (int.from_bytes(data[place : place + 4], "little") + 100_000).to_bytes(4, "little")
    with pytest.raises(SheetError, match="not a readable XLSX workbook"):
        lines(bytes(data))


def test_an_encrypted_part_is_refused_and_the_message_asks_for_a_workbook_without_a_password() -> None:
    data = book(["x"])
    flagged, place = bytearray(data), data.find(b"PK\x01\x02")
    while place >= 0:
        flagged[place + 8] |= 1
        place = data.find(b"PK\x01\x02", place + 1)
    with pytest.raises(SheetError, match="save it without a password"):
        lines(bytes(flagged))


# Ordinary workbooks.

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20).filter(
    lambda text: not text.startswith("=") and "_x" not in text and "\ufffe" not in text and "\uffff" not in text
)
VALUES = (
    st.none()
    | TEXTS
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.floats(-1e9, 1e9).map(lambda number: float(f"{number:.10g}"))
    | st.dates(date(1900, 3, 1), date(2100, 1, 1))
    | st.datetimes(datetime(1900, 3, 1), datetime(2100, 1, 1)).map(lambda found: found.replace(microsecond=0))  # noqa: DTZ001
    | st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds))
)


def normalised(values: Sequence[Any]) -> list[Any]:
    """Values normalised for comparison: blanks are None, dates are datetimes, numbers are floats, trailing blanks are dropped."""
    found = list(values)
    for place, value in enumerate(found):
        if is_blank(value) and (value is None or not value):
            found[place] = None
        elif isinstance(value, NumberCell):
            found[place] = float(value.value)
        elif isinstance(value, time | timedelta):
            found[place] = NO_DAY
        elif isinstance(value, date) and not isinstance(value, datetime):
            found[place] = datetime.combine(value, datetime.min.time())
        elif isinstance(value, int) and not isinstance(value, bool):
            found[place] = float(value)
    while found and found[-1] is None:
        found.pop()
    return found


def without_blanks(values: Sequence[Any]) -> list[Any]:
    """The values, with texts of blanks alone as None: calamine reads some of them as empty cells."""
    return [None if isinstance(value, str) and not value.strip() else value for value in values]


@settings(max_examples=60, deadline=None)
@example([[" "]], False)
@given(st.lists(st.lists(VALUES, min_size=1, max_size=6), min_size=1, max_size=8), st.booleans())
def test_ordinary_workbooks_are_read_as_two_other_libraries_read_them(rows: list[list[Any]], is_shared: bool) -> None:
    data = shared(book(*rows)) if is_shared else book(*rows)
    ours = {line.number: normalised(line.cells) for line in lines(data)}
    sheet = load_workbook(io.BytesIO(data)).active
    assert sheet is not None
    theirs = [normalised(row) for row in sheet.iter_rows(values_only=True)]
    assert [ours.get(number, []) for number in range(1, len(theirs) + 1)] == theirs
    read = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
    if read.height:
        found = [normalised(without_blanks(row)) for row in read.to_python(skip_empty_area=False)]
        ours = {line.number: normalised(without_blanks(line.cells)) for line in lines(data)}
        assert [ours.get(number, []) for number in range(1, len(found) + 1)] == found
