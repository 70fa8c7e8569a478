"""An import of a broken export is refused with file, line, column and reason, without patient data, and writes nothing."""

import csv
import shutil
from pathlib import Path
from traceback import format_exception

import pytest

from imports.synthea.csv_rows import BrokenRowError
from tests.imports.database import Database

SMALL = Path(__file__).parents[1] / "data" / "synthea"

# file, line, column, the wrong value, the reason of the refusal
BROKEN_CELLS = [
    ("patients.csv", 2, "Id", "", "is empty"),
    ("patients.csv", 3, "Id", "patient-a", "is there twice"),
    ("patients.csv", 2, "BIRTHDATE", "29.02.1980", "is not a calendar day"),
    ("patients.csv", 2, "BIRTHDATE", "1981-02-29", "is not a calendar day"),
    ("patients.csv", 4, "LAST", "x" * 201, "is longer than 200 characters"),
    ("organizations.csv", 3, "NAME", " ", "is empty"),
    ("providers.csv", 2, "ORGANIZATION", "organization-9", "names no row"),
    ("payers.csv", 3, "NAME", "", "is empty"),
    ("encounters.csv", 2, "PATIENT", "patient-9", "names no row"),
    ("encounters.csv", 3, "PROVIDER", "", "is empty"),
    ("encounters.csv", 3, "PAYER", "payer-9", "names no row"),
    ("encounters.csv", 4, "START", "2025-03-05T15:00:00", "is not a moment with offset"),
    ("encounters.csv", 4, "START", "2025-03-32T15:00:00Z", "is not a moment with offset"),
    ("encounters.csv", 4, "START", "0001-01-01T00:00:00Z", "is not a moment with offset"),
    ("encounters.csv", 5, "START", "2026-07-01T15:00:00Z", "is in the future"),
    ("encounters.csv", 5, "BASE_ENCOUNTER_COST", "NaN", "is not an amount"),
    ("claims.csv", 3, "Id", "claim-a1", "is there twice"),
    ("claims.csv", 2, "PATIENTID", "patient-9", "names no row"),
    ("claims.csv", 2, "APPOINTMENTID", "encounter-b1", "is an encounter of another patient"),
    ("claims.csv", 2, "PRIMARYPATIENTINSURANCEID", "payer-9", "names no row"),
    ("claims.csv", 2, "PROVIDERID", "provider-9", "names no row"),
    ("claims.csv", 4, "SERVICEDATE", "yesterday", "is not a moment with offset"),
    ("claims.csv", 4, "SERVICEDATE", "2099-01-01T00:00:00Z", "is in the future"),
    ("claims.csv", 4, "LASTBILLEDDATE1", "soon", "is not a moment with offset"),
    ("claims_transactions.csv", 2, "UNITAMOUNT", "100.105", "is not an amount with at most two places"),
    ("claims_transactions.csv", 2, "UNITAMOUNT", "1e2", "is not an amount"),
    ("claims_transactions.csv", 2, "UNITAMOUNT", "-100.10", "is negative"),
    ("claims_transactions.csv", 2, "UNITAMOUNT", "", "is empty"),
    ("claims_transactions.csv", 3, "UNITS", "0", "is not a whole number of at least 1"),
    ("claims_transactions.csv", 3, "UNITS", "1.5", "is not a whole number"),
    ("claims_transactions.csv", 3, "UNITAMOUNT", "9999999999.99", "larger than an amount of money can be"),
    ("claims_transactions.csv", 5, "PAYMENTS", "fifty", "is not an amount"),
    ("claims_transactions.csv", 5, "PAYMENTS", "-50.05", "is negative"),
    ("claims_transactions.csv", 5, "FROMDATE", "", "is empty"),
    ("claims_transactions.csv", 6, "TYPE", "REFUND", "is none of CHARGE"),
    ("claims_transactions.csv", 6, "CLAIMID", "claim-9", "names no row"),
    ("claims_transactions.csv", 6, "PATIENTID", "patient-b", "is not the patient of the claim"),
    ("claims_transactions.csv", 25, "ID", "row-01", "is there twice"),
    ("claims_transactions.csv", 15, "ADJUSTMENTS", "free", "is not an amount"),
]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A copy of the small export that a test may change."""
    return Path(shutil.copytree(SMALL, tmp_path / "export"))


def set_cell(folder: Path, file: str, line: int, column: str, value: str) -> None:
    """Write a value into one cell; no record of the small export spans several lines."""
    with (folder / file).open(newline="", encoding="utf-8") as opened:
        rows = list(csv.reader(opened))
    rows[line - 1][rows[0].index(column)] = value
    with (folder / file).open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows(rows)


@pytest.mark.parametrize(("file", "line", "column", "value", "reason"), BROKEN_CELLS)
def test_a_broken_cell_stops_the_import(
    database: Database, small: Path, file: str, line: int, column: str, value: str, reason: str
) -> None:
    set_cell(small, file, line, column, value)
    with pytest.raises(BrokenRowError) as refusal:
        database.import_synthea(small)
    error = refusal.value
    assert (error.file, error.line, error.column) == (file, line, column)
    assert reason in error.reason
    assert str(error) == f"{file}, line {line}, {column}: {error.reason}"
    assert database.is_empty()


SECRETS = [
    ("patients.csv", "BIRTHDATE", "1981-02-30"),
    ("patients.csv", "BIRTHDATE", "31st of May"),
    ("encounters.csv", "START", "2025-02-30T10:00:00Z"),
    ("encounters.csv", "PATIENT", "Somebody Else"),
    ("claims_transactions.csv", "UNITAMOUNT", "12.345"),
]


@pytest.mark.parametrize(("file", "column", "value"), SECRETS)
def test_the_error_does_not_contain_the_value(
    database: Database, small: Path, file: str, column: str, value: str
) -> None:
    set_cell(small, file, 2, column, value)
    with pytest.raises(BrokenRowError) as refusal:
        database.import_synthea(small)
    message = "".join(format_exception(refusal.value))
    assert column in message
    assert value not in message


@pytest.mark.parametrize("column", ["ENCOUNTER", "BASE_COST"])
def test_a_broken_procedure_stops_an_import_without_transactions(database: Database, small: Path, column: str) -> None:
    (small / "claims_transactions.csv").unlink()
    set_cell(small, "procedures.csv", 4, column, "unknown")
    with pytest.raises(BrokenRowError, match=f"procedures.csv, line 4, {column}: "):
        database.import_synthea(small)
    assert database.is_empty()


BROKEN_BYTES = [
    # file, replaced bytes, their replacement, the line in the error, the reason
    ("claims.csv", b"claim-a1,patient-a,", b"claim-a1,", 2, "has 7 cells, but the header names 8"),
    ("claims.csv", b"claim-a2,patient-a,", b'claim-a2,"patient-a"x,', 3, "is not CSV"),
    ("claims.csv", b"claim-b1,patient-b,", b'claim-b1,"patient-b,', 4, "is not CSV"),
    ("claims.csv", b"SERVICEDATE", b"SERVED", 1, "is not in the header"),
    ("claims.csv", b"SECONDARYPATIENTINSURANCEID", b"SERVICEDATE", 1, "is in the header twice"),
    ("patients.csv", b"Ada", b"Ad\xe4", 2, "is not UTF-8 text"),
    ("patients.csv", b"Ben", b"B\x00n", 3, "holds a NUL character"),
]


@pytest.mark.parametrize(("file", "before", "after", "line", "reason"), BROKEN_BYTES)
def test_a_malformed_file_stops_the_import(
    database: Database, small: Path, file: str, before: bytes, after: bytes, line: int, reason: str
) -> None:
    path = small / file
    content = path.read_bytes()
    assert content.count(before) == 1
    path.write_bytes(content.replace(before, after))
    with pytest.raises(BrokenRowError) as refusal:
        database.import_synthea(small)
    assert (refusal.value.file, refusal.value.line) == (file, line)
    assert reason in refusal.value.reason
    assert database.is_empty()


@pytest.mark.parametrize(
    "file", ["patients.csv", "organizations.csv", "providers.csv", "payers.csv", "encounters.csv", "claims.csv"]
)
def test_the_error_about_a_missing_file_names_it(database: Database, small: Path, file: str) -> None:
    (small / file).unlink()
    with pytest.raises(BrokenRowError, match=f"^{file}: there is no such file$"):
        database.import_synthea(small)
    assert database.is_empty()


def test_a_refused_import_keeps_all_existing_rows(database: Database, small: Path) -> None:
    database.import_synthea(SMALL)
    before = database.content()
    set_cell(small, "claims_transactions.csv", 25, "ADJUSTMENTS", "x")
    with pytest.raises(BrokenRowError):
        database.import_synthea(small, clinic="another")
    assert database.content() == before


def test_line_numbers_match_those_of_a_text_editor(database: Database, small: Path) -> None:
    path = small / "organizations.csv"
    path.write_text('Id,NAME\norganization-1,"Riverside\nClinic"\n\norganization-1,Again\n', encoding="utf-8")
    with pytest.raises(BrokenRowError) as refusal:
        database.import_synthea(small)
    assert (refusal.value.line, refusal.value.column) == (5, "Id")


def test_a_byte_order_mark_and_windows_line_ends_are_read(database: Database, small: Path) -> None:
    for path in small.glob("*.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert database.import_synthea(small).in_clinic.invoices == 11
    assert database.value("select label from invoice_lines where code = 'OWN-TAPE'") == "Tape, elastic"
