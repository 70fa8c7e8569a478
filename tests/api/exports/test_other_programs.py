"""Export files are read by other programs, and by this one: every value comes back as the API says it."""

import io
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape
from python_calamine import CalamineWorkbook

from domain.access.people import Role
from domain.exports import ExportKind
from domain.formulas import unguard
from domain.normal_forms import name_fragments
from exports.columns import COLUMNS, Cell, Column
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.storage.stores import Folder
from tests.support.client import Client
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, bureau_over, wait_for_lapses
from tests.support.files.import_files import CONTENT_TYPES, imported_invoices

EXPORTS = {
    "exportInvoices": ExportKind.INVOICES,
    "exportPayments": ExportKind.PAYMENTS,
    "exportAdjustments": ExportKind.ADJUSTMENTS,
}
# First names that only a careful reader gives back, and none that an import refuses for what it is.
NAMES = (
    "=1+1",
    "'=1",
    "''=1",
    "\uff1d1",
    "-2",
    "'t Hooft",
    "Ren\u00e9",
    "_x0041_",
    "Zo\u00eb, \u201cdie\u201d",
    "|cmd",
    "0042",
)
"""Texts come without guard, amounts as decimals, days as days; a blank cell is None."""
Values = list[list[Any]]


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
    """Give patients and payers odd names: of some invoices that an import takes."""
    for place, name in enumerate(NAMES):
        of_invoice = f"""(select %s from (select distinct %s from invoices where status = 'pending_invoice') i
            order by 1 offset {place} limit 1)"""
        patient, payer = (of_invoice % (column, column) for column in ("patient_id", "payer_id"))
        rows(address, f"update patients set first_name = $1 where id = {patient}", name)
        # An import finds a payer by the normal form of its name, which has to be another one for each.
        firm = f"{name} & Co {place}"
        renaming = f"update payers set name = $1, name_fragments = $2 where id = {payer} and patient_id is null"
        rows(address, renaming, firm, name_fragments(firm))


def typed(column: Column, value: Any) -> Any:
    """A value of a file as what its column holds; None where it is blank."""
    # A float that is not equal to itself is how pandas shows an empty cell.
    if value == "" or value is None or value != value:  # noqa: PLR0124
        return None
    if column.cell is Cell.DATE:
        return (
            value.date()
            if isinstance(value, datetime)
            else value
            if isinstance(value, date)
            else date.fromisoformat(value)
        )
    if column.cell in (Cell.AMOUNT, Cell.NUMBER):
        return Decimal(str(value))
    assert isinstance(value, str), (column.path, value)
    return value


def by_openpyxl(body: bytes, form: str) -> Values:
    sheet = openpyxl.load_workbook(io.BytesIO(body)).worksheets[0]
    # Of texts in cells, openpyxl leaves escaped characters escaped.
    return [
        [unescape(cell) if isinstance(cell, str) else cell for cell in row] for row in sheet.iter_rows(values_only=True)
    ]


def by_calamine(body: bytes, form: str) -> Values:
    return CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_index(0).to_python()


def by_pandas(body: bytes, form: str) -> Values:
    import pandas as pd  # noqa: PLC0415 (two seconds, in every process that collects tests)

    if form == "XLSX":
        frame = pd.read_excel(io.BytesIO(body), header=None, dtype=object, keep_default_na=False, engine="calamine")
        return frame.to_numpy().tolist()
    frame = pd.read_csv(io.BytesIO(body), header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    return [[unguard(cell) for cell in row] for row in frame.to_numpy().tolist()]


READERS: dict[tuple[str, str], Callable[[bytes, str], Values]] = {
    ("CSV", "pandas"): by_pandas,
    ("XLSX", "pandas"): by_pandas,
    ("XLSX", "openpyxl"): by_openpyxl,
    ("XLSX", "calamine"): by_calamine,
}


def told(bureau: Bureau, name: str, columns: list[Column]) -> Values:
    """What the API says of the rows of an export."""
    billing = bureau.people[Role.BILLING]
    if name != "exportInvoices":
        return _told_by_cheque(billing, name, columns)
    selection = _selected(columns, 0)
    nodes = billing.read(f"{{ invoices(first: 500) {{ nodes {{ {selection} }} }} }}")["invoices"]["nodes"]
    return [[_followed(node, column.path) for column in columns] for node in nodes]


def _told_by_cheque(billing: Client, name: str, columns: list[Column]) -> Values:
    assert name == "exportPayments"
    of_cheque, of_invoice = (
        _selected([column for column in columns if column.path.startswith(part)], len(part))
        for part in ("cheque.", "invoice.")
    )
    query = f"""{{ cheques(first: 500) {{ nodes {{ {of_cheque} whole: amount at: receivedOn back: returnedOn status unappliedAmount
        allocations {{ amount effectiveOn reversalKind of: invoice {{ id }} invoice {{ {of_invoice} }} }} refunds {{ amount refundedOn reversalKind }}
        providerAdjustments {{ amount effectiveOn code }} }} }} }}"""
    nodes = billing.read(query)["cheques"]["nodes"]
    return [[_followed(row, column.path) for column in columns] for node in nodes for row in _uses(node)]


def _uses(cheque: Any) -> Iterator[dict[str, Any]]:
    """What a payment was used for, as the API says it; of what was typed wrong or moved there is only what is right."""
    if cheque["status"] == "CORRECTED":
        return
    for part in _without_moved(cheque["allocations"]):
        kind = "REVERSAL" if Decimal(part["amount"]) < 0 else "ALLOCATION"
        if part["reversalKind"] == "TAKEN_BACK" or (kind == "ALLOCATION" and part["reversalKind"]):
            # What was taken back, or restored of it.
            kind = "TAKEN_BACK"
        yield {**part, "cheque": cheque, "kind": kind}
    others = [
        (f"REFUND_{one['reversalKind']}" if one["reversalKind"] else "REFUND", one["amount"], one["refundedOn"])
        for one in cheque["refunds"]
    ]
    for row in cheque["providerAdjustments"]:
        kind = "GIVEN_UP" if row["code"] == "LOSS" else "PROVIDER_ADJUSTMENT"
        others.append((kind, str(-Decimal(row["amount"])), row["effectiveOn"]))
    if Decimal(cheque["unappliedAmount"]):
        others.append(("UNAPPLIED", cheque["unappliedAmount"], cheque["back"] or cheque["at"]))
    if cheque["status"] == "RETURNED":
        others.append(("RETURNED", cheque["whole"], cheque["back"]))
    for kind, amount, on in others:
        yield {"kind": kind, "amount": amount, "effectiveOn": on, "cheque": cheque, "invoice": None, "refund": None}


def _without_moved(allocations: list[Any]) -> list[Any]:
    """The allocations without those that were moved, each with its reversal."""
    found = list(allocations)
    for back in [one for one in allocations if one["reversalKind"] == "MOVED"]:
        found.remove(back)
        found.remove(
            next(one for one in found if one["of"] == back["of"] and Decimal(one["amount"]) == -Decimal(back["amount"]))
        )
    return found


def _selected(columns: list[Column], skipped: int) -> str:
    paths = [column.path[skipped:] for column in columns]
    return " ".join(path.replace(".", " { ") + " }" * path.count(".") for path in paths)


def _followed(node: Any, path: str) -> Any:
    for step in path.split("."):
        node = node and node[step]
    return node


def in_order(values: Values) -> Values:
    return sorted(values, key=str)


@pytest.mark.parametrize(("form", "reader"), sorted(READERS))
@pytest.mark.parametrize("name", ["exportInvoices", "exportPayments"])
def test_other_programs_read_what_the_api_says(bureau: Bureau, name: str, form: str, reader: str) -> None:
    kind = EXPORTS[name]
    columns = [column for column in COLUMNS[kind] if column.default]
    header, *found = READERS[form, reader](bureau.fetched(Role.BILLING, name, format=form), form)
    assert header == [column.header for column in columns]
    read = [[typed(column, cell) for column, cell in zip(columns, row, strict=True)] for row in found]
    said = [
        [typed(column, cell) for column, cell in zip(columns, row, strict=True)] for row in told(bureau, name, columns)
    ]
    assert len(read) > 100
    assert in_order(read) == in_order(said)


@pytest.mark.parametrize(("form", "reader"), sorted(READERS))
@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_all_columns_are_read_alike_from_every_format(bureau: Bureau, name: str, form: str, reader: str) -> None:
    columns = list(COLUMNS[EXPORTS[name]])
    wanted = {"columns": [column.path for column in columns]}
    _, *found = READERS[form, reader](bureau.fetched(Role.BILLING, name, format=form, **wanted), form)
    _, *plain = by_pandas(bureau.fetched(Role.BILLING, name, byteOrderMark=False, **wanted), "CSV")
    read, expected = (
        [[typed(column, cell) for column, cell in zip(columns, row, strict=True)] for row in values]
        for values in (found, plain)
    )
    assert read == expected


# What an import takes back: open invoices that were never negotiated.
TAKEN = {"status": ["PENDING_INVOICE", "PENDING_REDUCTION"], "denied": False}


def resaved_by_openpyxl(body: bytes, tmp_path: Path) -> bytes:
    book, saved = openpyxl.load_workbook(io.BytesIO(body)), io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def resaved_by_libreoffice(body: bytes, tmp_path: Path, form: str = "XLSX") -> bytes:
    """The file as LibreOffice saves it; CSV as it saves CSV, every column of it as text."""
    ending = form.lower()
    path = tmp_path / f"invoices.{ending}"
    path.write_bytes(body)
    (tmp_path / "saved").mkdir()
    into = "xlsx" if form == "XLSX" else "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
    columns = "/".join(f"{number}/2" for number in range(1, 30))
    options = [f"--infilter=CSV:44,34,76,1,{columns},0,false,false"] if form == "CSV" else []
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", *options]
    command += ["--convert-to", into, "--outdir", str(tmp_path / "saved"), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return (tmp_path / "saved" / path.name).read_bytes()


def taken_back(bureau: Bureau, body: bytes, form: str) -> None:
    """Check that an import of a file finds nothing to change."""
    report = imported_invoices(bureau.people[Role.BILLING], body, form)["report"]
    assert (report["badRows"], report["badCells"]) == (0, [])
    assert (report["added"], report["changed"]) == (0, 0)
    assert report["unchanged"] == report["rows"] > 20


@pytest.mark.parametrize(("form", "values"), [("CSV", {}), ("CSV", {"byteOrderMark": False}), ("XLSX", {})])
def test_an_import_of_exported_invoices_finds_nothing_to_change(bureau: Bureau, form: str, values: Any) -> None:
    taken_back(bureau, bureau.fetched(Role.BILLING, format=form, filter=TAKEN, **values), form)


def test_so_does_an_import_of_a_workbook_that_openpyxl_saved_again(bureau: Bureau, tmp_path: Path) -> None:
    body = bureau.fetched(Role.BILLING, format="XLSX", filter=TAKEN)
    taken_back(bureau, resaved_by_openpyxl(body, tmp_path), "XLSX")


@pytest.mark.prove
@pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice is not on this machine (Debian: libreoffice-calc)"
)
@pytest.mark.parametrize("form", sorted(CONTENT_TYPES))
def test_so_does_an_import_of_a_file_that_libreoffice_saved_again(bureau: Bureau, tmp_path: Path, form: str) -> None:
    body = bureau.fetched(Role.BILLING, format=form, filter=TAKEN)
    taken_back(bureau, resaved_by_libreoffice(body, tmp_path, form), form)
