"""Patients and cases that a clinic brings along are imported as lists are: found by their numbers, whole or not at all."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import imports
from domain.imports import ImportKind
from domain.people import name_fragments
from server.addresses import Address
from tests.databases import rows
from tests.imports.files import CLINIC, counts, imported, told
from tests.other_clinic import add_other_clinic

TEMPLATES = Path(imports.__path__[0]) / "templates"
TABLES = ("patients", "patient_names", "cases", "representations", "payers", "invoices", "invoice_states")
PATIENTS, CASES = "mrn,first_name,last_name", "number,patient_mrn,attorney,date_of_injury,opened_on"
# A day that has not come yet.
FAR_DAY = "2126-01-01"
DAYS = "2026-01-05,2026-01-09"


def content(address: Address) -> dict[str, list[str]]:
    """Everything of every clinic that these files touch, as text."""
    return {table: sorted(row[0] for row in rows(address, f"select t::text from {table} t")) for table in TABLES}


def names(address: Address, mrn: str) -> list[str]:
    """By which beginnings of a name a patient is found."""
    query = "select fragment from patient_names n join patients p on p.id = n.patient_id where p.mrn = $1 order by 1"
    return [row[0] for row in rows(address, query, mrn)]


@pytest.fixture
def known(own_address: Address) -> Address:
    """The demo clinic with two patients and two attorneys of a file."""
    people = f"{PATIENTS}\nP-1,Lena,Vega\nP-2,Omar,Sample\n"
    assert counts(imported(own_address, ImportKind.PATIENTS, people)) == (2, 0, 0, 0)
    firms = "name,firm\nRosa Example,Example & Partners\nIvo Sample,Sample Law\n"
    assert counts(imported(own_address, ImportKind.ATTORNEYS, firms)) == (2, 0, 0, 0)
    return own_address


def represented(address: Address, number: str) -> list[tuple[Any, ...]]:
    """Who represents a case from which day until which."""
    query = """select a.name, r.from_on, r.until_on from representations r join attorneys a on a.id = r.attorney_id
        join cases c on c.id = r.case_id where c.number = $1 order by r.from_on, r.until_on nulls last"""
    return [tuple(row) for row in rows(address, query, number)]


def test_the_templates_are_imported_one_after_the_other_and_again_change_nothing(own_address: Address) -> None:
    for kind in (ImportKind.ATTORNEYS, ImportKind.PATIENTS, ImportKind.CASES):
        file = (TEMPLATES / f"{kind}.csv").read_text()
        assert counts(imported(own_address, kind, file)) == (2, 0, 0, 0)
        before = content(own_address)
        assert (counts(imported(own_address, kind, file)), content(own_address)) == ((0, 0, 2, 0), before)


# Patients.


def test_a_new_patient_is_sorted_and_found_as_one_who_was_recorded_by_hand(known: Address) -> None:
    imported(known, ImportKind.PATIENTS, f"{PATIENTS}\nP-3,Mary Ann,Smith\n")
    assert [row[0] for row in rows(known, "select sort_name from patients where mrn = 'P-3'")] == ["smith mary ann"]
    assert names(known, "P-3") == sorted(name_fragments("Mary Ann", "Smith"))


def test_a_patient_with_another_name_is_found_by_that_alone_and_pays_under_it(known: Address) -> None:
    payers = "name,kind,patient_mrn\nLena Vega,PATIENT,P-1\nVega Savings,PATIENT,P-1\n"
    imported(known, ImportKind.PAYERS, payers)
    assert counts(imported(known, ImportKind.PATIENTS, f"{PATIENTS}\nP-1,Lena,Moreno\nP-2,Omar,Sample\n")) == (
        0,
        1,
        1,
        0,
    )
    assert names(known, "P-1") == sorted(name_fragments("Lena", "Moreno"))
    assert [row[0] for row in rows(known, "select sort_name from patients where mrn = 'P-1'")] == ["moreno lena"]
    query = "select p.name, name_fragments from payers p join patients on patients.id = patient_id where mrn = 'P-1' order by 1"
    assert [tuple(row) for row in rows(known, query)] == [
        ("Lena Moreno", name_fragments("Lena Moreno")),
        ("Vega Savings", name_fragments("Vega Savings")),
    ]


def test_a_column_that_the_file_does_not_have_leaves_what_is_known_of_a_patient(known: Address) -> None:
    full = f"{PATIENTS},birth_date,phone,address\nP-1,Lena,Vega,1984-03-12,555-0110,2 Example Street\n"
    assert counts(imported(known, ImportKind.PATIENTS, full)) == (0, 1, 0, 0)
    assert counts(imported(known, ImportKind.PATIENTS, f"{PATIENTS},phone\nP-1,Lena,Vega,555-0111\n")) == (0, 1, 0, 0)
    query = "select birth_date, phone, address from patients where mrn = 'P-1'"
    assert [tuple(row) for row in rows(known, query)] == [(date(1984, 3, 12), "555-0111", "2 Example Street")]
    assert names(known, "P-1") == sorted(name_fragments("Lena", "Vega"))


def test_every_bad_patient_is_told_and_nothing_is_written(known: Address) -> None:
    before, tomorrow = content(known), FAR_DAY
    report = imported(
        known,
        ImportKind.PATIENTS,
        f"{PATIENTS},birth_date,email\n"
        "P-3,Good,Patient,1990-01-01,\n"
        f"P-4,Not,Born,{tomorrow},\n"
        "P-5,,Nameless,,\n"
        "P-6,No,Mail,,nowhere\n"
        "P-7,No,Day,1990-02-30,\n"
        "P-3,There,Twice,,\n",
    )
    assert (counts(report), content(known)) == ((0, 0, 0, 5), before)
    assert told(report) == [
        (3, "birth_date", tomorrow, "This day has not come yet"),
        (4, "first_name", "", "This cannot be left blank"),
        (5, "email", "nowhere", "An e-mail address looks like name@example.com"),
        (6, "birth_date", "1990-02-30", "There is no such day in the calendar"),
        (7, None, None, "This row is there already, on line 2"),
    ]


# Cases.


def test_a_new_case_is_represented_from_the_day_on_which_it_was_opened(known: Address) -> None:
    file = f"{CASES}\nC-1,P-1,Rosa Example,{DAYS}\nC-2,P-2,,{DAYS}\n"
    assert counts(imported(known, ImportKind.CASES, file)) == (2, 0, 0, 0)
    assert represented(known, "C-1") == [("Rosa Example", date(2026, 1, 9), None)]
    assert represented(known, "C-2") == []
    query = """select c.number_key, p.mrn, c.status, c.date_of_injury, c.version from cases c
        join patients p on p.id = c.patient_id where c.number = 'C-1'"""
    assert [tuple(row) for row in rows(known, query)] == [("c-1", "P-1", "open", date(2026, 1, 5), 1)]


def test_a_case_that_names_somebody_else_moves_with_its_invoices_and_one_that_says_nobody_is_left(
    known: Address,
) -> None:
    [[number, mrn, injured, opened]] = rows(
        known,
        f"""select c.number, p.mrn, date_of_injury, opened_on from cases c join patients p on p.id = c.patient_id
        where c.clinic_id = {CLINIC} and c.attorney_id is not null and p.retired_at is null
        and exists (select from invoices where case_id = c.id) order by c.id limit 1""",
    )
    line = f"{number},{mrn},{{}},{injured},{opened}"
    for attorney in ("Ivo Sample", ""):
        file = f"{CASES}\n{line.format(attorney)}\n"
        assert counts(imported(known, ImportKind.CASES, file)) == (0, 1, 0, 0)
        assert counts(imported(known, ImportKind.CASES, file)) == (0, 0, 1, 0)
        query = """select distinct c.attorney_id is not distinct from i.attorney_id, a.name from cases c
            join invoices i on i.case_id = c.id left join attorneys a on a.id = c.attorney_id where c.number = $1"""
        assert [tuple(row) for row in rows(known, query, number)] == [(True, attorney or None)]
    assert [row[1:] for row in represented(known, number) if row[0] == "Ivo Sample"] != []
    assert [row for row in represented(known, number) if row[2] is None] == []
    assert rows(known, "select version from cases where number = $1", number)[0][0] == 3


def test_every_bad_case_is_told_and_nothing_is_written(known: Address) -> None:
    imported(known, ImportKind.CASES, f"{CASES}\nC-1,P-1,,{DAYS}\n")
    before, later = content(known), FAR_DAY
    report = imported(
        known,
        ImportKind.CASES,
        f"{CASES}\n"
        f"C-2,P-9,,{DAYS}\n"
        f"C-3,P-1,Nobody At All,{DAYS}\n"
        "C-4,P-1,,2026-01-05,2026-01-04\n"
        f"C-5,P-1,,2026-01-05,{later}\n"
        f"C-1,P-2,,{DAYS}\n"
        f"C-6,P-2,,{DAYS}\n",
    )
    assert (counts(report), content(known)) == ((0, 0, 0, 5), before)
    assert [(line, column, reason) for line, column, _, reason in told(report)] == [
        (2, "patient_mrn", "There is no patient in use with this record number"),
        (3, "attorney", "There is no attorney in use of this name"),
        (4, "date_of_injury", "A case is opened after the injury"),
        (5, "opened_on", "This day has not come yet"),
        (6, "patient_mrn", "The one of this number is known by another"),
    ]


def test_another_clinics_patients_and_cases_are_neither_changed_nor_joined(known: Address) -> None:
    add_other_clinic(known)
    [[mrn]] = rows(known, f"select mrn from patients where clinic_id <> {CLINIC} order by mrn limit 1")
    rows(known, f"update patients set mrn = 'THEIRS' where clinic_id <> {CLINIC} and mrn = $1 returning id", mrn)
    before = rows(known, f"select t::text from patients t where clinic_id <> {CLINIC} order by id")
    report = imported(known, ImportKind.CASES, f"{CASES}\nC-1,THEIRS,,{DAYS}\n")
    assert [cell[1] for cell in told(report)] == ["patient_mrn"]
    assert counts(imported(known, ImportKind.PATIENTS, f"{PATIENTS}\nTHEIRS,Our,Own\n")) == (1, 0, 0, 0)
    assert rows(known, f"select t::text from patients t where clinic_id <> {CLINIC} order by id") == before
