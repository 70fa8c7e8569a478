"""Texts that a program has damaged are refused where they stand for an identifier or a name, in text files and workbooks alike."""

import io
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import Workbook

from domain.documents.uploads import CSV, XLSX
from domain.imports import ImportKind
from imports.checking import check_file
from imports.files.child import read_in_process
from imports.kinds.known import KINDS

LOST, MISREAD, CONVERTED, MISSING, CAPITALS = (
    "Characters of this text were lost",
    "This text was saved or opened in another encoding",
    "This is how a program writes a number that it has converted",
    "This is how a program writes a missing value or an error",
    "This is how a program writes a missing value: leave the cell blank, or write a name",
)
# Text → why it is no identifier, and why it is no name; None where it is one.
TEXTS: dict[str, tuple[str | None, str | None]] = {
    "1.23457E+11": (CONVERTED, CONVERTED),
    "1.2e-5": (CONVERTED, CONVERTED),
    "1E5": (CONVERTED, CONVERTED),
    "1001.0": (CONVERTED, CONVERTED),
    "1,001.00": (CONVERTED, CONVERTED),
    "$1,001.00": (CONVERTED, CONVERTED),
    "NULL": (MISSING, CAPITALS),
    "null": (MISSING, CAPITALS),
    "nan": (MISSING, CAPITALS),
    "NaN": (MISSING, CAPITALS),
    "NaT": (MISSING, CAPITALS),
    "NONE": (MISSING, CAPITALS),
    "TRUE": (MISSING, CAPITALS),
    "NA": (MISSING, CAPITALS),
    "undefined": (MISSING, CAPITALS),
    "Null": (MISSING, None),
    "Nan": (MISSING, None),
    "None": (MISSING, None),
    "True": (MISSING, None),
    "Na": (MISSING, None),
    "#N/A": (MISSING, MISSING),
    "#REF!": (MISSING, MISSING),
    "#DIV/0!": (MISSING, MISSING),
    "########": (MISSING, MISSING),
    "Err:502": (MISSING, MISSING),
    "N/A": (MISSING, MISSING),
    "(null)": (MISSING, MISSING),
    "<NA>": (MISSING, MISSING),
    "\\N": (MISSING, MISSING),
    "--": (MISSING, MISSING),
    "?": (MISSING, MISSING),
    "Esm\ufffd": (LOST, LOST),
    "EsmÃ©": (MISREAD, MISREAD),
    "OâNeil": (None, None),
    "O\u00e2\u20ac\u2122Neil": (MISREAD, MISREAD),
    "Micha\u00c5\u201a": (MISREAD, MISREAD),
    "Esm√©": (MISREAD, MISREAD),
    "Esm├⌐": (MISREAD, MISREAD),
    "Esmé": (None, None),
    "René\u2019s": (None, None),
    "JOSÉ\u2019S": (None, None),
    "\u201cZoë\u201d": (None, None),
    "JOÃO": (None, None),
    "ÅSA": (None, None),
    "Łukasz Dvořák": (None, None),
    "Trần Thị": (None, None),
    "王": (None, None),
    "Nullmann": (None, None),
    "Nana": (None, None),
    "O'Neil-Smith": (None, None),
    "A-1": (None, None),
    "1001": (None, None),
    "001001": (None, None),
    "2024.12": (None, None),
    "1001.5": (None, None),
    "E1234": (None, None),
    "L1843": (None, None),
    "99213-25": (None, None),
}


def csv_file(mrn: str, last_name: str) -> tuple[bytes, str]:
    return f'mrn,first_name,last_name,phone\n"{mrn}",Ann,"{last_name}",\n'.encode(), CSV


def xlsx_file(mrn: str, last_name: str) -> tuple[bytes, str]:
    book = Workbook()
    assert book.active is not None
    for row, values in enumerate((["mrn", "first_name", "last_name"], [mrn, "Ann", last_name]), 1):
        for column, value in enumerate(values, 1):
            cell = book.active.cell(row, column, value)
            # openpyxl would take `#N/A` for an error.
            cell.data_type = "s"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue(), XLSX


def reasons(mrn: str, last_name: str, make: Any) -> list[str]:
    data, content_type = make(mrn, last_name)
    checked = check_file(KINDS[ImportKind.PATIENTS], data, content_type, read=read_in_process)
    return [cell.reason for cell in checked.report().bad_cells]


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
@pytest.mark.parametrize("text", sorted(TEXTS))
def test_a_damaged_text_is_no_identifier_and_no_name(text: str, make: Any) -> None:
    for expected, found in zip(TEXTS[text], (reasons(text, "Poe", make), reasons("1", text, make)), strict=True):
        assert len(found) == (expected is not None)
        assert all(reason.startswith(expected or "") for reason in found)


@pytest.mark.parametrize(
    ("shown", "taken"), [("000000", "001001"), ("General", "1001"), ("0.0", None), ("0.00E+00", None), ("0%", None)]
)
def test_a_record_number_that_is_a_number_is_what_the_cell_shows(shown: str, taken: str | None) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["mrn", "first_name", "last_name"])
    book.active.append([Decimal(1001), "Ann", "Poe"])
    book.active["A2"].number_format = shown
    file = io.BytesIO()
    book.save(file)
    checked = check_file(KINDS[ImportKind.PATIENTS], file.getvalue(), XLSX, read=read_in_process)
    assert [row.values["mrn"] for row in checked.rows] == ([taken] if taken else [])
