"""Import files are read in the forms that spreadsheet programs write, and each bad cell is reported with line, column, value and reason."""

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
from domain.documents.uploads import CSV, XLSX
from domain.imports import MOST_TOLD, ImportKind
from imports.checking import Checked
from imports.checking import check_file as check_file_by
from imports.files.child import read_in_process
from imports.kinds.known import KINDS
from imports.shapes import Kind

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


def check_file(kind: Kind, data: bytes, content_type: str) -> Checked:
    """Check a file in this process; tests/imports/files/test_child.py shows that a child process reads the same."""
    return check_file_by(kind, data, content_type, read=read_in_process)


def read(text: str | bytes) -> Checked:
    return check_file(CODES, text.encode() if isinstance(text, str) else text, CSV)


def bad_cells(checked: Checked) -> list[tuple[int, str | None, str | None, str]]:
    return [(cell.line, cell.column, cell.value, cell.reason) for cell in checked.report().bad_cells]


def workbook(fill: Callable[[Worksheet], object], book: Workbook | None = None) -> bytes:
    """An XLSX file with the header of a code list and one good row on line 2, changed by `fill`."""
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


# Files that are read.


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n{GOOD}\n",
        f"\ufeff{HEADER}\r\n{GOOD}\r\n",
        f"{HEADER}\n{GOOD}".replace(",", ";"),
        f"{HEADER}\n{GOOD}".replace(",", "\t"),
        f"Code,Label,Base price,Bilateral-Policy, VALID FROM ,valid_to\n{GOOD}\n\n,,,,,\n",
        f"{HEADER}\nL9001, Collar ,42.75,double,2026-01-01,\n",
        "valid_from,base_price,label,code\n2026-01-01,42.75,Collar,L9001\n",
        f'{HEADER}\n"L9001","Collar","42.75","","2026-01-01",""\n',
    ],
    ids=["plain", "mark and CRLF", "semicolons", "tabs", "other header", "spaces", "other order", "quoted"],
)
def test_a_csv_file_is_read_in_every_form_that_spreadsheet_programs_write(text: str) -> None:
    checked = read(text)
    assert (bad_cells(checked), [row.values for row in checked.rows]) == ([], [READ])


def test_a_workbook_is_read_with_real_numbers_and_dates() -> None:
    checked = check_file(CODES, workbook(lambda sheet: None), XLSX)
    assert (bad_cells(checked), [row.values for row in checked.rows]) == ([], [READ])


def test_a_workbook_with_the_1904_date_system_has_the_same_dates() -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    checked = check_file(CODES, workbook(lambda sheet: None, book), XLSX)
    assert [row.values for row in checked.rows] == [READ]


def test_a_workbook_whose_table_is_not_in_the_first_cell_is_reported_with_its_own_line_numbers() -> None:
    def move(sheet: Worksheet) -> None:
        sheet["C2"] = "dear"
        sheet.move_range("A1:F2", rows=3, cols=2)

    assert bad_cells(check_file(CODES, workbook(move), XLSX))[0][:3] == (5, "base_price", "dear")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\n", "\r", "\uff1d", "\uff20"])
def test_an_apostrophe_that_escapes_a_formula_is_removed(first: str) -> None:
    texts = [f"'{first}Collar", "'Collar", "'"]
    lines = "".join(f'L900{place},"{label}",42.75,,2026-01-01,\n' for place, label in enumerate(texts))
    checked = read(f"{HEADER}\n{lines}")
    assert (bad_cells(checked), [row.values["label"] for row in checked.rows]) == (
        [],
        [f"{first}Collar".strip(), "'Collar", "'"],
    )


def test_an_apostrophe_in_a_workbook_is_a_part_of_its_text() -> None:
    checked = check_file(CODES, workbook(lambda sheet: sheet.__setitem__("B2", "'=Collar")), XLSX)
    assert [row.values["label"] for row in checked.rows] == ["'=Collar"]


@pytest.mark.parametrize("price", [33.35, 0.1, 1.005e3, 1450, "33.35", 0])
def test_an_amount_is_exactly_the_number_that_the_spreadsheet_shows(price: Any) -> None:
    checked = check_file(CODES, workbook(lambda sheet: sheet.__setitem__("C2", price)), XLSX)
    assert [row.values["base_price"] for row in checked.rows] == [Decimal(str(price))]


@pytest.mark.parametrize("name", [kind.value.replace("_", "-") for kind in ImportKind])
def test_the_templates_are_valid_and_equal_in_both_formats(name: str) -> None:
    kind = KINDS[ImportKind(name.replace("-", "_"))]
    by_csv, by_xlsx = (
        check_file(kind, (TEMPLATES / f"{name}.{ending}").read_bytes(), content_type)
        for ending, content_type in (("csv", CSV), ("xlsx", XLSX))
    )
    assert bad_cells(by_csv) == bad_cells(by_xlsx) == []
    assert [row.values for row in by_csv.rows] == [row.values for row in by_xlsx.rows] != []
    columns = [column.name for column in kind.columns]
    assert (TEMPLATES / f"{name}.csv").read_text().splitlines()[0].split(",") == columns


# Files that are refused.

AMOUNT = 'This is not an amount such as "1234.50", without currency, thousands separator or decimal comma, and with two places'
BAD_CELLS = [
    ("base_price", "-1.00", "A price must not be negative"),
    ("base_price", "1.005", AMOUNT),
    ("base_price", "5 $", AMOUNT),
    ("base_price", '"1,234"', AMOUNT),
    ("base_price", '"12,34.50"', AMOUNT),
    ("base_price", '"33,35"', AMOUNT),
    ("base_price", "NaN", AMOUNT),
    ("base_price", "1e3", AMOUNT),
    ("base_price", "", "This cannot be left blank"),
    ("code", "", "This cannot be left blank"),
    ("code", "L 9001", "A code must not contain spaces"),
    ("code", "L" * 51, "This has at most 50 characters"),
    ("label", '"two\nlines"', "The text must be a single line"),
    ("bilateral_policy", "TRIPLE", "This must be one of DOUBLE, ONE_AND_A_HALF, NOT_ALLOWED"),
    ("valid_from", "2026-02-30", "There is no such day in the calendar"),
    (
        "valid_from",
        "01/02/2026",
        "This can be read as month/day or as day/month, and no day of this file tells which: write 2026-01-31",
    ),
    (
        "valid_to",
        "2026-01-01",
        "The end date must be after the start date: it is the first day that is no longer valid",
    ),
]


@pytest.mark.parametrize(("column", "value", "reason"), BAD_CELLS)
def test_an_invalid_cell_of_a_csv_file_is_reported(column: str, value: str, reason: str) -> None:
    cells = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | {column: value}
    [(line, bad_column, bad_value, why)] = bad_cells(
        read(f"{HEADER}\nL9000,Other,1.00,,2026-01-01,\n{','.join(cells.values())}\n")
    )
    assert (line, bad_column, bad_value or "", why) == (3, column, value.strip('"'), reason)


INVALID_CELLS = [
    ("C2", "=40+2.75", "This is a formula: paste its value instead"),
    ("A2", '="L9001"', "This is a formula: paste its value instead"),
    ("C2", "#N/A", "This is an error of the spreadsheet, such as #N/A"),
    ("C2", 42.755, "This has more than two decimal places: round it in the spreadsheet"),
    ("C2", True, AMOUNT),
    ("C2", date(2026, 1, 1), AMOUNT),
    ("A2", 123, "This is a number, which may have lost leading zeros: format the column as text"),
    ("A2", date(2026, 1, 1), "This is not a text: format the column as text"),
    ("G2", datetime(2026, 1, 1, 9, 30), "This cell is in a column without a name"),  # noqa: DTZ001 (cells have no zone)
    ("H2", "a remark", "This cell is in a column without a name"),
]


@pytest.mark.parametrize(("place", "value", "reason"), INVALID_CELLS)
def test_an_invalid_cell_of_a_workbook_is_reported(place: str, value: Any, reason: str) -> None:
    [(line, _, _, why)] = bad_cells(check_file(CODES, workbook(lambda sheet: sheet.__setitem__(place, value)), XLSX))
    assert (line, why) == (2, reason)


def test_a_number_is_not_read_as_a_date_because_its_date_system_is_unknown() -> None:
    data = workbook(lambda sheet: sheet.append(["L9002", "Brace", 1, "DOUBLE", 46023]))
    why = "This is a number and not a date: format the cell as a date, or write it as text: 2026-01-31"
    assert bad_cells(check_file(CODES, data, XLSX)) == [(3, "valid_from", "46023", why)]


@pytest.mark.parametrize(("merged", "line"), [("A1:B1", 1), ("A2:B2", 2), ("A2:A3", 2)])
def test_merged_cells_are_refused(merged: str, line: int) -> None:
    found = bad_cells(check_file(CODES, workbook(lambda sheet: sheet.merge_cells(merged)), XLSX))
    assert found[0][0] == line
    assert "This cell is merged with others: give each row its own" in {reason for *_, reason in found}


def add_second_sheet(sheet: Worksheet) -> None:
    assert sheet.parent
    sheet.parent.create_sheet("more")["B7"] = 1


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
# Functions, so that each workbook is made only for its test: one of them is packed from 300 MiB.
BAD_WORKBOOKS: list[tuple[Callable[[], bytes], str]] = [
    (lambda: b"", NO_WORKBOOK),
    (lambda: b"PK\x03\x04 and then nothing", NO_WORKBOOK),
    (lambda: zipped(a=b"<a/>"), NO_WORKBOOK),
    (lambda: declared(workbook(lambda sheet: None)), NO_WORKBOOK),
    (
        lambda: workbook(add_second_sheet),
        "The workbook has 2 sheets with values, “Sheet”, “more”: choose one, or keep only one of them",
    ),
    (lambda: workbook(lambda sheet: sheet.__setitem__("XFD1", "x")), TOO_FAR),
    (lambda: workbook(lambda sheet: sheet.__setitem__("A1048576", "x")), TOO_FAR),
    (lambda: zipped(a=b" " * (301 * 1024 * 1024)), "The workbook is larger than 300 MiB when it is unpacked"),
    (lambda: saved(Workbook()), "The file is empty"),
]


@pytest.mark.parametrize(("make", "reason"), BAD_WORKBOOKS, ids=[f"{n}" for n in range(len(BAD_WORKBOOKS))])
def test_a_file_that_is_not_a_workbook_of_one_sheet_within_the_limits_is_refused_as_a_whole(
    make: Callable[[], bytes], reason: str
) -> None:
    assert bad_cells(check_file(CODES, make(), XLSX)) == [(1, None, None, reason)]


BAD_FILES = [
    (b"", 1, "The file is empty"),
    (f"{HEADER}\n{GOOD}\n".encode() + b"L9002,\x81\xff,1.00,,2026-01-01,\n", 3, 'This line is not Windows-1252: save it as "CSV UTF-8"'),
    (f"{HEADER}\n{GOOD}\nL9002,Caf\u00e9".encode()[:-1], 3, "The file ends in the middle of a character: it is cut off"),
    (f"{HEADER}\n{GOOD}\nL9002,Caf\u00e9".encode("utf-16")[:-1], 3, "The file ends in the middle of a character: it is cut off"),
    (f'{HEADER}\n{GOOD}\n"L9002","Coll'.encode(), 3, "The file ends inside a quotation: it is cut off, or a quotation mark is not closed"),
    (b"sep=^\ncode^label\n", 1, "The delimiter must be one of comma, semicolon, tab, vertical bar"),
    (b"a,b;c\n1,2;3\n", 1, "The columns may be separated by comma or semicolon: choose one of them, or save the file as XLSX"),
    (f'{HEADER}\n"L9001"x,Collar\n'.encode(), 2, "This is not CSV: ',' expected after '\"'"),
    (f"{HEADER}\nL9001\0,Collar\n".encode(), 2, 'This line is not text: save it as "CSV UTF-8"'),
    (f"{HEADER}\n".encode() + b"a," * 600_000, 2, "This row is longer than 1 MiB: look for a quotation mark that is not closed"),
    (f"{HEADER}\n".encode() + b'"a\n","b",' * 200_000, 2, "This row is longer than 1 MiB: look for a quotation mark that is not closed"),
    (f"{HEADER}\n".encode() + b"," * 16_384, 2, "A row has at most 16,384 cells"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "line", "reason"), BAD_FILES)
def test_a_malformed_csv_file_is_refused_at_the_first_malformed_line(data: bytes, line: int, reason: str) -> None:
    assert bad_cells(read(data)) == [(line, None, None, reason)]


def test_unknown_missing_and_repeated_columns_of_a_header_are_all_reported() -> None:
    found = {
        (column, reason.partition(";")[0])
        for _, column, _, reason in bad_cells(read("code,colour,code\nL9001,red,L9001\n"))
    }
    missing = {(name, "This column is missing") for name in ("label", "base_price", "valid_from")}
    assert found == missing | {("colour", "This column is not known"), ("code", "This column occurs twice")}


def test_a_duplicate_row_is_refused_and_the_error_names_the_first() -> None:
    assert bad_cells(read(f"{HEADER}\n{GOOD}\n{GOOD}\n")) == [(3, None, None, "This row duplicates line 2")]


def test_rows_of_one_schedule_with_different_ends_are_refused() -> None:
    text = "schedule,valid_from,valid_to,code,rate\nOwn,2026-01-01,2027-01-01,A,1.00\nOwn,2026-01-01,,B,1.00\n"
    found = bad_cells(check_file(SCHEDULES, text.encode(), CSV))
    assert found == [(3, "valid_to", None, "Line 2 contradicts this row about the same schedule")]


def test_the_first_thousand_bad_rows_are_reported_and_all_are_counted() -> None:
    rows = "".join(f"L{n},Collar,dear,,yesterday,\n" for n in range(MOST_TOLD + 7))
    report = read(f"{HEADER}\n{rows}").report()
    assert (report.rows, report.bad_rows, len(report.bad_cells)) == (MOST_TOLD + 7, MOST_TOLD + 7, 2 * MOST_TOLD)
    assert "… and 7 more bad rows" in report.as_text()


def test_a_long_value_is_shortened_in_the_report() -> None:
    [(_, _, value, _)] = bad_cells(read(f"{HEADER}\n{GOOD.replace('42.75', 'x' * 5_000)}\n"))
    assert value == "x" * 100 + "…"


def test_the_columns_of_codes_in_the_templates_are_formatted_as_text() -> None:
    sheet = load_workbook(TEMPLATES / "codes.xlsx").active
    assert isinstance(sheet, Worksheet)
    assert sheet["A150"].number_format == "@"
