"""A row of a file finds its record in any spelling of the key, and is refused where nothing else agrees with the record."""

from typing import Any

import pytest

from domain.imports import ImportKind
from server.database_urls import DatabaseUrls
from tests.imports.imported_files import CLINIC, bad_cells, counts, imported
from tests.support.databases import rows

_PATIENTS = "mrn,first_name,last_name,birth_date,email"
_PAYERS = "name,kind,email,phone,address"
_SPELLINGS: dict[ImportKind, tuple[str, str, str]] = {
    ImportKind.PATIENTS: (_PATIENTS, "Ré-7,Ann,Lee,1980-01-02,", "re\u20117 ,Ann\u00a0 Lee\u200b,Lee,1980-01-02,"),
    ImportKind.PAYERS: (_PAYERS, "O'Neil Mutual,INSURANCE,,,", "O\u2019NEIL  Mutual ,INSURANCE,,,"),
    ImportKind.ATTORNEYS: ("name,firm", "José Vega,Vega & Sons", "jose vega,VEGA & SONS"),
    ImportKind.PHYSICIANS: ("name,npi", "Dr. Zoë,0000000014", "DR. ZOE ,0000000014"),
    ImportKind.FACILITIES: ("name,geographic_factor", "North-Side,1.0000", "north\u2013side,1.0000"),
    ImportKind.CODES: ("code,label,base_price,valid_from", "ZX101,A,1.00,2026-01-01", "zx101,A,1.00,2026-01-01"),
}


@pytest.mark.parametrize("kind", [kind for kind in _SPELLINGS if kind is not ImportKind.PATIENTS])
def test_another_spelling_of_the_key_is_the_same_record(own_address: DatabaseUrls, kind: ImportKind) -> None:
    header, first, again = _SPELLINGS[kind]
    assert counts(imported(own_address, kind, f"{header}\n{first}\n")) == (1, 0, 0, 0)
    before = sorted(map(str, rows(own_address, f"select t::text from {_table(kind)} t")))
    assert counts(imported(own_address, kind, f"{header}\n{again}\n")) == (0, 0, 1, 0)
    assert sorted(map(str, rows(own_address, f"select t::text from {_table(kind)} t"))) == before


def _table(kind: ImportKind) -> str:
    return "cpt_codes" if kind is ImportKind.CODES else kind.value


def test_two_spellings_in_one_file_are_one_record_twice(own_address: DatabaseUrls) -> None:
    header, first, again = _SPELLINGS[ImportKind.PATIENTS]
    report = imported(own_address, ImportKind.PATIENTS, f"{header}\n{first}\n{again}\n")
    assert bad_cells(report) == [(3, None, None, "This row duplicates line 2")]


def test_other_records_are_found_by_any_spelling_of_their_names(own_address: DatabaseUrls) -> None:
    imported(own_address, ImportKind.PATIENTS, f"{_PATIENTS}\nRé-7,Ann,Lee,1980-01-02,\n")
    imported(own_address, ImportKind.ATTORNEYS, "name,firm\nJosé Vega,Vega & Sons\n")
    cases = "number,patient_mrn,attorney,date_of_injury,opened_on\nC-é1,RE-7 ,jose  vega,2026-01-05,2026-01-09\n"
    assert counts(imported(own_address, ImportKind.CASES, cases)) == (1, 0, 0, 0)
    again = "number,patient_mrn,attorney,date_of_injury,opened_on\nc-E1,Ré-7,JOSÉ VEGA,2026-01-05,2026-01-09\n"
    assert counts(imported(own_address, ImportKind.CASES, again)) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("Z-7,Ann,Lee,1980-01-02,new@x.example", None),
        ("Z-7,Ann,Moreno,1980-01-02,", None),
        ("Z-7,Beth,Moreno,1980-01-02,", None),
        ("Z-7,Ann,Lee,1980-02-01,", None),
        ("Z-7,Ann,Moreno,1980-02-01,", "another name and date of birth"),
        ("Z-7,Beth,Moreno,1991-05-06,", "another name and date of birth"),
        ("Z-7,Ann,Moreno,,", None),
        ("Z-7,Beth,Moreno,,", "another name: add the date of birth"),
    ],
)
def test_a_patient_of_a_known_record_number_is_the_same_where_name_or_birth_date_agree(
    own_address: DatabaseUrls, row: str, reason: str | None
) -> None:
    imported(own_address, ImportKind.PATIENTS, f"{_PATIENTS}\nZ-7,Ann,Lee,1980-01-02,old@x.example\n")
    before = rows(own_address, "select t::text from patients t where mrn = 'Z-7'")
    report = imported(own_address, ImportKind.PATIENTS, f"{_PATIENTS}\n{row}\n")
    if reason is None:
        assert counts(report) == (0, 1, 0, 0)
    else:
        [(line, column, value, told)] = bad_cells(report)
        assert (line, column, value, reason in told) == (2, "mrn", "Z-7", True)
        assert rows(own_address, "select t::text from patients t where mrn = 'Z-7'") == before


@pytest.mark.parametrize(
    ("row", "is_same"),
    [
        ("new@x.example,555-0100,", True),
        ("old@x.example,555-0199,2 Other Road", True),
        ("new@x.example,(555) 0100,2 Other Road", True),
        ("new@x.example,,", True),
        ("new@x.example,555-0199,", False),
        ("new@x.example,,2 Other Road", False),
    ],
)
def test_a_payer_of_a_known_name_is_the_same_where_a_contact_agrees(
    own_address: DatabaseUrls, row: str, is_same: bool
) -> None:
    imported(own_address, ImportKind.PAYERS, f"{_PAYERS}\nJohn Same,PATIENT,old@x.example,555-0100,1 Some Road\n")
    report = imported(own_address, ImportKind.PAYERS, f"{_PAYERS}\nJohn Same,PATIENT,{row}\n")
    told = [reason for *_, reason in bad_cells(report)]
    assert is_same is (told == []), told
    assert all("The payer of this name has another" in reason for reason in told)


def test_a_record_of_earlier_releases_with_a_duplicate_is_named_and_mended(own_address: DatabaseUrls) -> None:
    for mrn, is_duplicate in (("Z-9", False), ("z-9 ", True)):
        columns = "clinic_id, id, mrn, mrn_key, first_name, last_name, sort_name, is_duplicate"
        values: tuple[Any, ...] = (mrn, is_duplicate)
        insert = f"insert into patients ({columns}) values ({CLINIC}, gen_random_uuid(), $1, 'z-9', 'A', 'B', 'b a', $2) returning id"
        rows(own_address, insert, *values)
    report = imported(own_address, ImportKind.PATIENTS, f"{_PATIENTS}\nZ-9,A,B,,\n")
    assert bad_cells(report) == [(2, "mrn", "Z-9", "Several existing records match")]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (ImportKind.CODES, "code,label,base_price,valid_from\nzq301,Lower,10.00,2026-01-01\n"),
        (ImportKind.FEE_SCHEDULES, "schedule,valid_from,code,rate\nS,2026-01-01,zq301,9.00\n"),
    ],
)
def test_a_code_that_earlier_releases_spelled_in_two_ways_is_refused(
    own_address: DatabaseUrls, kind: ImportKind, text: str
) -> None:
    """The row would change the price of the other code."""
    for code, price in (("zq301", "10.00"), ("ZQ301", "20.00")):
        columns = "clinic_id, id, code, label, base_price, valid_from"
        insert = f"insert into cpt_codes ({columns}) values ({CLINIC}, gen_random_uuid(), $1, 'A', $2::text::numeric, '2026-01-01')"
        rows(own_address, insert, code, price)
    [cell] = bad_cells(imported(own_address, kind, text))
    assert cell[:3] == (2, "code", "ZQ301")
    assert "in another spelling" in cell[3]


def test_the_npi_of_two_physicians_is_imported_with_a_warning(own_address: DatabaseUrls) -> None:
    imported(own_address, ImportKind.PHYSICIANS, "name,npi\nDr. First,0000000014\n")
    report = imported(own_address, ImportKind.PHYSICIANS, "name,npi\nDr. Other,0000000022\nDr. Second,0000000014\n")
    assert counts(report) == (2, 0, 0, 0)
    assert [(cell.line, cell.column, cell.value) for cell in report.warnings] == [(3, "npi", "0000000014")]
    assert report.as_text().startswith("Warning: line 3, npi: Another active physician has this NPI")
    rows(own_address, "update physicians set active = false where name = 'Dr. First'")
    again = imported(own_address, ImportKind.PHYSICIANS, "name,npi\nDr. Second,0000000014\n")
    assert again.warnings == ()


def test_a_new_patient_with_the_name_and_the_date_of_birth_of_another_one_is_imported_with_a_warning(
    own_address: DatabaseUrls,
) -> None:
    imported(own_address, ImportKind.PATIENTS, f"{_PATIENTS}\nZ-1,Zoë,O\u2019Quill,1980-01-02,\n")
    file = f"""{_PATIENTS}
Z-2,zoe,o'quill,1980-01-02,
Z-3,Zoe,O'Quill,1980-01-03,
Z-4,Ann Zoe,O'Quill,1980-01-02,
Z-5,Zoe,O'Quill,,
Z-1,Zoe,O'Quill,1980-01-02,new@x.example
"""
    for is_dry in (True, False):
        report = imported(own_address, ImportKind.PATIENTS, file, dry_run=is_dry)
        assert counts(report) == (4, 1, 0, 0)
        [warning] = report.warnings
        assert (warning.line, warning.column, warning.value) == (2, "last_name", "o'quill")
        assert "a patient with this name and date of birth: record number Z-1" in warning.reason
    assert imported(own_address, ImportKind.PATIENTS, file).warnings == ()


def test_two_rows_of_one_person_in_a_file_warn_each_other(own_address: DatabaseUrls) -> None:
    file = f"{_PATIENTS}\nZ-1,Zoe,Quill,1980-01-02,\nZ-2,Zoe,Quill,1980-01-02,\nZ-3,Quill,Zoe,1980-01-02,\n"
    report = imported(own_address, ImportKind.PATIENTS, file)
    assert [(cell.line, cell.reason.partition("birth: ")[2].partition(". If")[0]) for cell in report.warnings] == [
        (2, "record number Z-2, record number Z-3"),
        (3, "record number Z-1, record number Z-3"),
        (4, "record number Z-1, record number Z-2"),
    ]
