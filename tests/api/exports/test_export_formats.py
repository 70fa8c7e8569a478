"""Export files in other programs: dates are dates, numbers are numbers, and no text becomes a formula."""

import csv
import io
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.storage.stores import Folder
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, bureau_over, wait_for_lapses

HEADERS = """Invoice number,Case number,Patient name,Billed amount,Status,Payer,Physician,Facility,Created on,Service date,Submitted on,
Contractual adjustments,Agreed amount,Received amount,Written off,Balance,Aging bucket,Paid on""".replace("\n", "")
# Texts that a spreadsheet would read as a formula, the last two of which already have apostrophes before it.
FORMULAS = (
    '=HYPERLINK("http://evil.example/","Click")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\uff1d1",
    " =1",
    "\xa0\u200b=1",
    "|cmd",
    "'=1",
    "''=1",
)
# And those that it would read as an error, or as something else.
HOSTILE_NAMES = (
    *FORMULAS,
    "0042",
    "'t Hooft",
    'She said "so", twice',
    "<b>&amp;</b>]]>",
    "two\nlines",
    "\x0bcontrol\x1f",
    "_x0041_",
    " spaced ",
    "Zoë 🦷 名",
)


@pytest.fixture(scope="module")
def bureau(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bureau]:
    with copied(postgres_server, template_database) as address:
        _rename(address)
        with bureau_over(address, Folder(tmp_path_factory.mktemp("home"))) as found:
            wait_for_lapses(address)
            yield found


def _rename(address: DatabaseUrls) -> None:
    """Give some patients names that look like formulas, numbers or errors."""
    for place, name in enumerate(HOSTILE_NAMES):
        rows(
            address,
            """update patients set first_name = $1, last_name = 'Doe' where id =
            (select patient_id from (select distinct patient_id from invoices) i order by 1 offset $2 limit 1)""",
            name,
            place,
        )


def total(bureau: Bureau, what: str) -> Any:
    return rows(bureau.address, f"select {what} from invoices")[0][0]


def test_a_csv_file_follows_rfc_4180_and_has_no_cell_that_begins_a_formula(bureau: Bureau) -> None:
    body = bureau.fetched(Role.BILLING)
    # Line breaks within a text stay as they are.
    assert body.count(b"\r\n") == total(bureau, "count(*)") + 1
    names = {row["Patient name"] for row in bureau.rows(Role.BILLING)}
    for name in HOSTILE_NAMES:
        assert (f"'{name} Doe" if name in FORMULAS else f"{name} Doe") in names, name
    for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")):
        for cell in row:
            # A blank before a sign is left out by some spreadsheets.
            assert cell.strip("\u200b \n\t\r\xa0")[:1] not in ("=", "+", "@", "|"), cell
            assert not cell.startswith("-") or Decimal(cell) < 0


def test_a_csv_file_begins_with_a_byte_order_mark_unless_that_is_refused(bureau: Bureau) -> None:
    for name in ("exportInvoices", "exportPayments", "exportAdjustments"):
        marked = bureau.fetched(Role.BILLING, name)
        assert marked == b"\xef\xbb\xbf" + bureau.fetched(Role.BILLING, name, byteOrderMark=False)
        assert marked == bureau.fetched(Role.BILLING, name, byteOrderMark=True)


def test_a_workbook_has_dates_numbers_and_texts_and_no_formula(bureau: Bureau, tmp_path: Path) -> None:
    export = bureau.ready(Role.BILLING, format="XLSX")
    path = tmp_path / export["fileName"]
    path.write_bytes(httpx.get(export["downloadUrl"]).content)
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    header, *found = sheet
    assert ",".join(map(str, header)) == HEADERS
    place = {name: number for number, name in enumerate(header)}
    assert len(found) == export["rowCount"]
    assert sum(Decimal(str(row[place["Billed amount"]])) for row in found) == Decimal(export["billedTotal"])
    assert sum(Decimal(str(row[place["Received amount"]])) for row in found) == total(bureau, "sum(received_amount)")
    kinds = {name: {type(row[place[name]]) for row in found if row[place[name]] != ""} for name in header}
    assert kinds["Created on"] == kinds["Paid on"] == {date}
    assert kinds["Billed amount"] == kinds["Balance"] == {float}
    assert kinds["Invoice number"] == kinds["Patient name"] == kinds["Status"] == {str}
    days = {row[place["Invoice number"]]: row[place["Service date"]] for row in found}
    assert days == {
        r["number"]: r["service_date"] for r in rows(bureau.address, "select number, service_date from invoices")
    }
    names = {row[place["Patient name"]] for row in found}
    for name in HOSTILE_NAMES:
        kept = "".join(character for character in name if character >= " " or character in "\t\n")
        assert f"{kept} Doe" in names, name


@pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice is not on this machine (Debian: libreoffice-calc)"
)
@pytest.mark.parametrize("form", ["CSV", "XLSX"])
def test_libreoffice_reads_every_name_as_a_text_and_no_name_as_a_formula(
    bureau: Bureau, tmp_path: Path, form: str
) -> None:
    export = bureau.ready(Role.BILLING, format=form)
    path = tmp_path / export["fileName"]
    path.write_bytes(httpx.get(export["downloadUrl"]).content)
    (tmp_path / "read").mkdir()
    # Values as they are shown, of which a formula would be what it comes to; in UTF-8, and read as such.
    written = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
    # The dialog of LibreOffice takes the character set from the byte order mark; without a dialog it is named.
    options = ["--infilter=CSV:44,34,76,1,,0,false,false"] if form == "CSV" else []
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", *options]
    command += ["--convert-to", written, "--outdir", str(tmp_path / "read"), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    text = (tmp_path / "read" / path.with_suffix(".csv").name).read_text(encoding="utf-8")
    names = {row["Patient name"] for row in csv.DictReader(io.StringIO(text, newline=""))}
    for name in HOSTILE_NAMES:
        # To LibreOffice each line break is the same one; a workbook has no carriage return.
        breaks = name.replace("\r", "\n") if form == "CSV" else name
        kept = "".join(character for character in breaks if character >= " " or character in "\t\n")
        expected = f"'{kept} Doe" if form == "CSV" and name in FORMULAS else f"{kept} Doe"
        assert expected in {other.replace("\r", "") for other in names} or name[0] in "\t\x0b ", (name, names)


def test_a_workbook_has_widths_filters_and_a_frozen_header(bureau: Bureau) -> None:
    book = openpyxl.load_workbook(io.BytesIO(bureau.fetched(Role.BILLING, format="XLSX")))
    [sheet] = book.worksheets
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", f"A1:Q{total(bureau, 'count(*)') + 1}")
    assert sheet.column_dimensions["C"].width == 28
    assert sheet["A1"].font.bold
    assert (sheet["A2"].number_format, sheet["D2"].number_format, sheet["I2"].number_format) == (
        "@",
        "#,##0.00",
        "yyyy-mm-dd",
    )
    assert isinstance(sheet["I2"].value, datetime)
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row} <= {"s", "n", "d", "inlineStr"}
