"""Files to import are read as people make them, and whatever cannot be believed is named by line, column, value and reason."""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

import imports
from domain.documents import CSV, XLSX
from domain.imports import MOST_TOLD, ImportKind
from imports.checking import Checked, check_file
from imports.kinds import KINDS

CODES, SCHEDULES = KINDS[ImportKind.CODES], KINDS[ImportKind.FEE_SCHEDULES]
TEMPLATES = Path(imports.__path__[0]) / "templates"
HEADER = "code,label,base_price,bilateral_policy,valid_from,valid_to"
GOOD = "L9001,Collar,42.75,DOUBLE,2026-01-01,"
READ = {
    "code": "L9001",
    "label": "Collar",
    "base_price": Decimal("42.75"),
    "bilateral_policy": "double",
    "valid_from": date(2026, 1, 1),
    "valid_to": None,
}


def read(text: str | bytes) -> Checked:
    return check_file(CODES, text.encode() if isinstance(text, str) else text, CSV)


def told(checked: Checked) -> list[tuple[int, str | None, str | None, str]]:
    return [(cell.line, cell.column, cell.value, cell.reason) for cell in checked.report().bad_cells]


def workbook(fill: Callable[[Worksheet], object], book: Workbook | None = None) -> bytes:
    """An XLSX file with the header of a code list and one good row on line 2, and what `fill` makes of it."""
    book = book or Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(HEADER.split(","))
    sheet.append(["L9001", "Collar", 42.75, "DOUBLE", date(2026, 1, 1), None])
    fill(sheet)
    return saved(book)


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


# What is read.


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n{GOOD}\n",
        f"\ufeff{HEADER}\r\n{GOOD}\r\n",
        f"{HEADER}\n{GOOD}".replace(",", ";"),
        f"{HEADER}\n{GOOD}".replace(",", "\t"),
        f"Code,Label,Base price,Bilateral-Policy, VALID FROM ,valid_to\n{GOOD}\n\n,,,,,\n",
        f"{HEADER}\nL9001, Collar ,42.75,double,2026-01-01\n",
        "valid_from,base_price,label,code\n2026-01-01,42.75,Collar,L9001\n",
        f'{HEADER}\n"L9001","Collar","42.75","","2026-01-01",""\n',
    ],
    ids=["plain", "mark and CRLF", "semicolons", "tabs", "other header", "short line", "other order", "quoted"],
)
def test_a_csv_file_is_read_however_it_was_written(text: str) -> None:
    checked = read(text)
    assert (told(checked), [row.values for row in checked.rows]) == ([], [READ])


def test_a_workbook_is_read_with_real_numbers_and_dates() -> None:
    checked = check_file(CODES, workbook(lambda sheet: None), XLSX)
    assert (told(checked), [row.values for row in checked.rows]) == ([], [READ])


def test_a_workbook_that_counts_days_from_1904_says_the_same_days() -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    checked = check_file(CODES, workbook(lambda sheet: None, book), XLSX)
    assert [row.values for row in checked.rows] == [READ]


def test_a_workbook_that_begins_further_down_and_to_the_right_is_read_by_its_own_line_numbers() -> None:
    def move(sheet: Worksheet) -> None:
        sheet["C2"] = "dear"
        sheet.move_range("A1:F2", rows=3, cols=2)

    assert told(check_file(CODES, workbook(move), XLSX))[0][:3] == (5, "base_price", "dear")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\n", "\r", "\uff1d", "\uff20"])
def test_an_apostrophe_that_keeps_a_text_from_becoming_a_formula_is_taken_off(first: str) -> None:
    texts = [f"'{first}Collar", "'Collar", "'"]
    lines = "".join(f'L900{place},"{label}",42.75,,2026-01-01,\n' for place, label in enumerate(texts))
    checked = read(f"{HEADER}\n{lines}")
    assert (told(checked), [row.values["label"] for row in checked.rows]) == (
        [],
        [f"{first}Collar".strip(), "'Collar", "'"],
    )


def test_in_a_workbook_that_apostrophe_is_taken_off_too() -> None:
    checked = check_file(CODES, workbook(lambda sheet: sheet.__setitem__("B2", "'=Collar")), XLSX)
    assert [row.values["label"] for row in checked.rows] == ["=Collar"]


@pytest.mark.parametrize("price", [33.35, 0.1, 1.005e3, 1450, "33.35", 0])
def test_an_amount_is_exactly_what_the_spreadsheet_shows(price: Any) -> None:
    checked = check_file(CODES, workbook(lambda sheet: sheet.__setitem__("C2", price)), XLSX)
    assert [row.values["base_price"] for row in checked.rows] == [Decimal(str(price))]


@pytest.mark.parametrize("name", [kind.value.replace("_", "-") for kind in ImportKind])
def test_the_templates_are_good_and_say_the_same_in_both_formats(name: str) -> None:
    kind = KINDS[ImportKind(name.replace("-", "_"))]
    by_csv, by_xlsx = (
        check_file(kind, (TEMPLATES / f"{name}.{ending}").read_bytes(), content_type)
        for ending, content_type in (("csv", CSV), ("xlsx", XLSX))
    )
    assert told(by_csv) == told(by_xlsx) == []
    assert [row.values for row in by_csv.rows] == [row.values for row in by_xlsx.rows] != []
    columns = [column.name for column in kind.columns]
    assert (TEMPLATES / f"{name}.csv").read_text().splitlines()[0].split(",") == columns


# What is refused.

AMOUNT = 'This is not an amount such as "1234.50", without currency, thousands separator or decimal comma, and with two places'
BAD_CELLS = [
    ("base_price", "-1.00", "A price is not below 0"),
    ("base_price", "1.005", AMOUNT),
    ("base_price", "$5", AMOUNT),
    ("base_price", '"1,234.50"', AMOUNT),
    ("base_price", '"33,35"', AMOUNT),
    ("base_price", "NaN", AMOUNT),
    ("base_price", "1e3", AMOUNT),
    ("base_price", "", "This cannot be left blank"),
    ("code", "", "This cannot be left blank"),
    ("code", "L 9001", "A code has no blanks"),
    ("code", "L" * 51, "This has at most 50 characters"),
    ("label", '"two\nlines"', "This is one line of text"),
    ("bilateral_policy", "TRIPLE", "This is one of DOUBLE, ONE_AND_A_HALF, NOT_ALLOWED"),
    ("valid_from", "2026-02-30", "There is no such day in the calendar"),
    ("valid_from", "01/02/2026", "This is not a day such as 2026-01-31"),
    ("valid_to", "2026-01-01", "This ends after it begins: the first day on which it is not valid any more"),
]


@pytest.mark.parametrize(("column", "value", "reason"), BAD_CELLS)
def test_a_cell_of_a_csv_file_that_cannot_be_read_is_named(column: str, value: str, reason: str) -> None:
    cells = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | {column: value}
    [(line, where, what, why)] = told(read(f"{HEADER}\nL9000,Other,1.00,,2026-01-01,\n{','.join(cells.values())}\n"))
    assert (line, where, what or "", why) == (3, column, value.strip('"'), reason)


ODD_CELLS = [
    ("C2", "=40+2.75", "This is a formula: paste its value instead"),
    ("A2", '="L9001"', "This is a formula: paste its value instead"),
    ("C2", "#N/A", "This is an error of the spreadsheet, such as #N/A"),
    ("C2", 42.755, "This has more than two places: round it in the spreadsheet"),
    ("C2", True, AMOUNT),
    ("C2", date(2026, 1, 1), AMOUNT),
    ("A2", 123, "This is a number, of which zeros in front may be lost: format the column as text"),
    ("A2", date(2026, 1, 1), "This is not a text: format the column as text"),
    ("E2", datetime(2026, 1, 1, 9, 30), "This is a day with a time: leave the time out"),  # noqa: DTZ001 (cells have no zone)
    ("H2", "a remark", "This stands in a column without a name"),
]


@pytest.mark.parametrize(("place", "value", "reason"), ODD_CELLS)
def test_a_cell_of_a_workbook_that_cannot_be_believed_is_named(place: str, value: Any, reason: str) -> None:
    [(line, _, _, why)] = told(check_file(CODES, workbook(lambda sheet: sheet.__setitem__(place, value)), XLSX))
    assert (line, why) == (2, reason)


def test_a_number_is_no_day_because_nobody_knows_from_which_year_it_counts() -> None:
    data = workbook(lambda sheet: sheet.append(["L9002", "Brace", 1, "DOUBLE", 46023]))
    why = "This is a number and not a day: format the cell as a date, or write it as text: 2026-01-31"
    assert told(check_file(CODES, data, XLSX)) == [(3, "valid_from", "46023", why)]


@pytest.mark.parametrize(("merged", "line"), [("A1:B1", 1), ("A2:B2", 2), ("A2:A3", 2)])
def test_merged_cells_are_not_believed(merged: str, line: int) -> None:
    found = told(check_file(CODES, workbook(lambda sheet: sheet.merge_cells(merged)), XLSX))
    assert found[0][0] == line
    assert "This cell is merged with others: give each row its own" in {reason for *_, reason in found}


def _sheets(sheet: Worksheet) -> None:
    assert sheet.parent
    sheet.parent.create_sheet("more")


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return file.getvalue()


def declared(data: bytes) -> bytes:
    """The workbook with a sheet that declares entities."""
    parts = {
        part.filename: zipfile.ZipFile(io.BytesIO(data)).read(part)
        for part in zipfile.ZipFile(io.BytesIO(data)).filelist
    }
    sheet = "xl/worksheets/sheet1.xml"
    return zipped(**parts | {sheet: b'<!DOCTYPE x [<!ENTITY a "b">]>' + parts[sheet]})


NO_WORKBOOK = "This is not a readable XLSX workbook"
TOO_FAR = "A sheet has at most 1,000,000 rows, 100 columns and 10,000,000 cells"
BAD_WORKBOOKS: list[tuple[bytes, str]] = [
    (b"", NO_WORKBOOK),
    (b"PK\x03\x04 and then nothing", NO_WORKBOOK),
    (zipped(a=b"<a/>"), NO_WORKBOOK),
    (declared(workbook(lambda sheet: None)), NO_WORKBOOK),
    (workbook(_sheets), "The workbook has 2 sheets: keep the one that is to be imported"),
    (workbook(lambda sheet: sheet.__setitem__("XFD1", "x")), TOO_FAR),
    (workbook(lambda sheet: sheet.__setitem__("A1048576", "x")), TOO_FAR),
    (zipped(a=b" " * (301 * 1024 * 1024)), "The workbook is larger than 300 MiB when it is unpacked"),
    (saved(Workbook()), "The file is empty"),
]


@pytest.mark.parametrize(("data", "reason"), BAD_WORKBOOKS, ids=[f"{n}" for n in range(len(BAD_WORKBOOKS))])
def test_what_is_no_bounded_workbook_of_one_sheet_is_refused_as_a_whole(data: bytes, reason: str) -> None:
    assert told(check_file(CODES, data, XLSX)) == [(1, None, None, reason)]


BAD_FILES = [
    (b"", 1, "The file is empty"),
    (f"{HEADER}\n{GOOD}".encode("utf-16"), 1, 'The file is UTF-16: save it as "CSV UTF-8"'),
    (f"{HEADER}\n{GOOD}\n".encode() + b"L9002,Caf\xe9,1.00,,2026-01-01,\n", 3, 'This line is not UTF-8: save it as "CSV UTF-8"'),
    (f'{HEADER}\n"L9001"x,Collar\n'.encode(), 2, "This is not CSV: ',' expected after '\"'"),
    (f"{HEADER}\nL9001\0,Collar\n".encode(), 2, 'This line is not text: save it as "CSV UTF-8"'),
]  # fmt: skip


@pytest.mark.parametrize(("data", "line", "reason"), BAD_FILES)
def test_what_is_no_csv_file_is_refused_where_it_stops_to_be_one(data: bytes, line: int, reason: str) -> None:
    assert told(read(data)) == [(line, None, None, reason)]


def test_a_header_with_unknown_missing_and_repeated_columns_says_all_of_it() -> None:
    found = {
        (column, reason.partition(";")[0]) for _, column, _, reason in told(read("code,colour,code\nL9001,red,L9001\n"))
    }
    missing = {(name, "This column is missing") for name in ("label", "base_price", "valid_from")}
    assert found == missing | {("colour", "This column is not known"), ("code", "This column is there twice")}


def test_a_row_that_is_there_twice_is_refused_and_names_the_first() -> None:
    assert told(read(f"{HEADER}\n{GOOD}\n{GOOD}\n")) == [(3, None, None, "This row is there already, on line 2")]


def test_rows_of_one_schedule_agree_about_its_end() -> None:
    text = "schedule,valid_from,valid_to,code,rate\nOwn,2026-01-01,2027-01-01,A,1.00\nOwn,2026-01-01,,B,1.00\n"
    found = told(check_file(SCHEDULES, text.encode(), CSV))
    assert found == [(3, "valid_to", None, "Line 2 says otherwise of the same schedule")]


def test_the_first_thousand_bad_rows_are_told_and_all_are_counted() -> None:
    rows = "".join(f"L{n},Collar,dear,,yesterday,\n" for n in range(MOST_TOLD + 7))
    report = read(f"{HEADER}\n{rows}").report()
    assert (report.rows, report.bad_rows, len(report.bad_cells)) == (MOST_TOLD + 7, MOST_TOLD + 7, 2 * MOST_TOLD)
    assert "… and 7 more bad rows" in report.as_text()


def test_a_long_value_is_told_shortened() -> None:
    [(_, _, value, _)] = told(read(f"{HEADER}\n{GOOD.replace('42.75', 'x' * 5_000)}\n"))
    assert value == "x" * 100 + "…"


def test_the_templates_have_columns_of_text_where_codes_stand() -> None:
    sheet = load_workbook(TEMPLATES / "codes.xlsx").active
    assert isinstance(sheet, Worksheet)
    assert sheet["A150"].number_format == "@"
