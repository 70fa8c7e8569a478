"""Patients and cases are imported as lists are: matched by their numbers, as a whole or not at all."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import imports
from domain.imports import ImportKind
from domain.normal_forms import name_fragments
from server.database_urls import DatabaseUrls
from tests.imports.imported_files import CLINIC, bad_cells, counts, imported
from tests.support.databases import rows
from tests.support.other_clinic import add_other_clinic

TEMPLATES = Path(imports.__path__[0]) / "templates"
TABLES = ("patients", "patient_names", "cases", "representations", "payers", "invoices", "invoice_states")
PATIENTS, CASES = "mrn,first_name,last_name", "number,patient_mrn,attorney,date_of_injury,opened_on"
# A day in the future.
FAR_DAY = "2126-01-01"
DAYS = "2026-01-05,2026-01-09"


def content(address: DatabaseUrls) -> dict[str, list[str]]:
    """All rows of every clinic in the tables that these files write, as text."""
    return {table: sorted(row[0] for row in rows(address, f"select t::text from {table} t")) for table in TABLES}


def names(address: DatabaseUrls, mrn: str) -> list[str]:
    """The search fragments by which a patient is found."""
    query = "select fragment from patient_names n join patients p on p.id = n.patient_id where p.mrn = $1 order by 1"
    return [row[0] for row in rows(address, query, mrn)]


@pytest.fixture
def prepared(own_address: DatabaseUrls) -> DatabaseUrls:
    """The demo clinic with two imported patients and two imported attorneys."""
    people = f"{PATIENTS}\nP-1,Lena,Vega\nP-2,Omar,Sample\n"
    assert counts(imported(own_address, ImportKind.PATIENTS, people)) == (2, 0, 0, 0)
    firms = "name,firm\nRosa Example,Example & Partners\nIvo Sample,Sample Law\n"
    assert counts(imported(own_address, ImportKind.ATTORNEYS, firms)) == (2, 0, 0, 0)
    return own_address


def representations_of(address: DatabaseUrls, number: str) -> list[tuple[Any, ...]]:
    """The attorneys of a case, each with the first and the last day of the representation."""
    query = """select a.name, r.from_on, r.until_on from representations r join attorneys a on a.id = r.attorney_id
        join cases c on c.id = r.case_id where c.number = $1 order by r.from_on, r.until_on nulls last"""
    return [tuple(row) for row in rows(address, query, number)]


def test_the_templates_can_be_imported_in_order_and_a_second_time_change_nothing(own_address: DatabaseUrls) -> None:
    for kind in (ImportKind.ATTORNEYS, ImportKind.PATIENTS, ImportKind.CASES):
        file = (TEMPLATES / f"{kind}.csv").read_text()
        assert counts(imported(own_address, kind, file)) == (2, 0, 0, 0)
        before = content(own_address)
        assert (counts(imported(own_address, kind, file)), content(own_address)) == ((0, 0, 2, 0), before)


# Patients.


def test_an_imported_patient_is_sorted_and_found_as_one_who_was_created_by_hand(prepared: DatabaseUrls) -> None:
    imported(prepared, ImportKind.PATIENTS, f"{PATIENTS}\nP-3,Mary Ann,Smith\n")
    assert [row[0] for row in rows(prepared, "select sort_name from patients where mrn = 'P-3'")] == ["smith mary ann"]
    assert names(prepared, "P-3") == sorted(name_fragments("Mary Ann", "Smith"))


def test_a_renamed_patient_is_found_by_the_new_name_only_and_so_is_the_patient_as_payer(prepared: DatabaseUrls) -> None:
    payers = "name,kind,patient_mrn\nLena Vega,PATIENT,P-1\nVega Savings,PATIENT,P-1\n"
    imported(prepared, ImportKind.PAYERS, payers)
    assert counts(imported(prepared, ImportKind.PATIENTS, f"{PATIENTS}\nP-1,Lena,Moreno\nP-2,Omar,Sample\n")) == (
        0,
        1,
        1,
        0,
    )
    assert names(prepared, "P-1") == sorted(name_fragments("Lena", "Moreno"))
    assert [row[0] for row in rows(prepared, "select sort_name from patients where mrn = 'P-1'")] == ["moreno lena"]
    query = "select p.name, name_fragments from payers p join patients on patients.id = patient_id where mrn = 'P-1' order by 1"
    assert [tuple(row) for row in rows(prepared, query)] == [
        ("Lena Moreno", name_fragments("Lena Moreno")),
        ("Vega Savings", name_fragments("Vega Savings")),
    ]


def test_a_column_that_is_missing_in_the_file_keeps_its_values_of_a_patient(prepared: DatabaseUrls) -> None:
    full = f"{PATIENTS},birth_date,phone,address\nP-1,Lena,Vega,1984-03-12,555-0110,2 Example Street\n"
    assert counts(imported(prepared, ImportKind.PATIENTS, full)) == (0, 1, 0, 0)
    assert counts(imported(prepared, ImportKind.PATIENTS, f"{PATIENTS},phone\nP-1,Lena,Vega,555-0111\n")) == (
        0,
        1,
        0,
        0,
    )
    query = "select birth_date, phone, address from patients where mrn = 'P-1'"
    assert [tuple(row) for row in rows(prepared, query)] == [(date(1984, 3, 12), "555-0111", "2 Example Street")]
    assert names(prepared, "P-1") == sorted(name_fragments("Lena", "Vega"))


def test_every_bad_patient_is_reported_and_nothing_is_written(prepared: DatabaseUrls) -> None:
    before, tomorrow = content(prepared), FAR_DAY
    report = imported(
        prepared,
        ImportKind.PATIENTS,
        f"{PATIENTS},birth_date,email\n"
        "P-3,Good,Patient,1990-01-01,\n"
        f"P-4,Not,Born,{tomorrow},\n"
        "P-5,,Nameless,,\n"
        "P-6,No,Mail,,nowhere\n"
        "P-7,No,Day,1990-02-30,\n"
        "P-3,There,Twice,,\n",
    )
    assert (counts(report), content(prepared)) == ((0, 0, 0, 5), before)
    assert bad_cells(report) == [
        (3, "birth_date", tomorrow, "The date is in the future"),
        (4, "first_name", "", "This cannot be left blank"),
        (5, "email", "nowhere", "An e-mail address looks like name@example.com"),
        (6, "birth_date", "1990-02-30", "There is no such day in the calendar"),
        (7, None, None, "This row duplicates line 2"),
    ]


# Cases.


def test_a_new_case_is_represented_from_the_day_on_which_it_was_opened(prepared: DatabaseUrls) -> None:
    file = f"{CASES}\nC-1,P-1,Rosa Example,{DAYS}\nC-2,P-2,,{DAYS}\n"
    assert counts(imported(prepared, ImportKind.CASES, file)) == (2, 0, 0, 0)
    assert representations_of(prepared, "C-1") == [("Rosa Example", date(2026, 1, 9), None)]
    assert representations_of(prepared, "C-2") == []
    query = """select c.number_key, p.mrn, c.status, c.date_of_injury, c.version from cases c
        join patients p on p.id = c.patient_id where c.number = 'C-1'"""
    assert [tuple(row) for row in rows(prepared, query)] == [("c-1", "P-1", "open", date(2026, 1, 5), 1)]


def test_a_case_with_another_attorney_moves_with_its_invoices_and_a_case_without_one_loses_its_attorney(
    prepared: DatabaseUrls,
) -> None:
    [[number, mrn, injured, opened]] = rows(
        prepared,
        f"""select c.number, p.mrn, date_of_injury, opened_on from cases c join patients p on p.id = c.patient_id
        where c.clinic_id = {CLINIC} and c.attorney_id is not null and p.retired_at is null
        and exists (select from invoices where case_id = c.id) order by c.id limit 1""",
    )
    line = f"{number},{mrn},{{}},{injured},{opened}"
    for attorney in ("Ivo Sample", ""):
        file = f"{CASES}\n{line.format(attorney)}\n"
        assert counts(imported(prepared, ImportKind.CASES, file)) == (0, 1, 0, 0)
        assert counts(imported(prepared, ImportKind.CASES, file)) == (0, 0, 1, 0)
        query = """select distinct c.attorney_id is not distinct from i.attorney_id, a.name from cases c
            join invoices i on i.case_id = c.id left join attorneys a on a.id = c.attorney_id where c.number = $1"""
        assert [tuple(row) for row in rows(prepared, query, number)] == [(True, attorney or None)]
    assert [row[1:] for row in representations_of(prepared, number) if row[0] == "Ivo Sample"] != []
    assert [row for row in representations_of(prepared, number) if row[2] is None] == []
    assert rows(prepared, "select version from cases where number = $1", number)[0][0] == 3
    told = """select e.action, e.changes::jsonb -> 0 ->> 'after' from case_events e join cases c on c.id = e.case_id
        where c.number = $1 order by e.id"""
    assert [tuple(row) for row in rows(prepared, told, number)] == [
        ("import_records", "Ivo Sample"),
        ("import_records", None),
    ]


def test_every_bad_case_is_reported_and_nothing_is_written(prepared: DatabaseUrls) -> None:
    imported(prepared, ImportKind.CASES, f"{CASES}\nC-1,P-1,,{DAYS}\n")
    before, future = content(prepared), FAR_DAY
    report = imported(
        prepared,
        ImportKind.CASES,
        f"{CASES}\n"
        f"C-2,P-9,,{DAYS}\n"
        f"C-3,P-1,Nobody At All,{DAYS}\n"
        "C-4,P-1,,2026-01-05,2026-01-04\n"
        f"C-5,P-1,,2026-01-05,{future}\n"
        f"C-1,P-2,,{DAYS}\n"
        f"C-6,P-2,,{DAYS}\n",
    )
    assert (counts(report), content(prepared)) == ((0, 0, 0, 5), before)
    assert [(line, column, reason) for line, column, _, reason in bad_cells(report)] == [
        (2, "patient_mrn", "There is no patient in use with this record number"),
        (3, "attorney", "There is no attorney in use of this name"),
        (4, "date_of_injury", "The date of injury must not be after the opening date"),
        (5, "opened_on", "The date is in the future"),
        (6, "patient_mrn", "The record with this number has another value"),
    ]


def test_patients_and_cases_of_another_clinic_are_neither_changed_nor_referenced(prepared: DatabaseUrls) -> None:
    add_other_clinic(prepared)
    [[mrn]] = rows(prepared, f"select mrn from patients where clinic_id <> {CLINIC} order by mrn limit 1")
    rows(prepared, f"update patients set mrn = 'THEIRS' where clinic_id <> {CLINIC} and mrn = $1 returning id", mrn)
    before = rows(prepared, f"select t::text from patients t where clinic_id <> {CLINIC} order by id")
    report = imported(prepared, ImportKind.CASES, f"{CASES}\nC-1,THEIRS,,{DAYS}\n")
    assert [cell[1] for cell in bad_cells(report)] == ["patient_mrn"]
    assert counts(imported(prepared, ImportKind.PATIENTS, f"{PATIENTS}\nTHEIRS,Our,Own\n")) == (1, 0, 0, 0)
    assert rows(prepared, f"select t::text from patients t where clinic_id <> {CLINIC} order by id") == before
