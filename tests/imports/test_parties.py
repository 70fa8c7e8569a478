"""Payers, attorneys, physicians and facilities are imported as lists are: matched by name, as a whole or not at all."""

from decimal import Decimal
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
PEOPLE = {
    ImportKind.ATTORNEYS: "name,firm,email,phone",
    ImportKind.PAYERS: "name,kind,email,phone,address,attorney,patient_mrn",
    ImportKind.PHYSICIANS: "name,npi",
    ImportKind.FACILITIES: "name,geographic_factor",
}


def content(address: DatabaseUrls) -> dict[str, list[Any]]:
    """All parties of every clinic as text."""
    return {kind: sorted(row[0] for row in rows(address, f"select t::text from {kind} t")) for kind in PEOPLE}


@pytest.mark.parametrize("kind", PEOPLE)
def test_the_template_is_imported_and_the_same_file_again_changes_nothing(
    own_address: DatabaseUrls, kind: ImportKind
) -> None:
    if kind is ImportKind.PAYERS:
        imported(own_address, ImportKind.ATTORNEYS, (TEMPLATES / "attorneys.csv").read_text())
    file = (TEMPLATES / f"{kind}.csv").read_text()
    assert counts(imported(own_address, kind, file)) == (2, 0, 0, 0)
    before = content(own_address)
    assert (counts(imported(own_address, kind, file)), content(own_address)) == ((0, 0, 2, 0), before)


def test_a_new_party_is_found_by_every_part_of_the_name(own_address: DatabaseUrls) -> None:
    imported(own_address, ImportKind.ATTORNEYS, "name,firm\nRosa Maria Vega,Vega & Sons\n")
    [[fragments]] = rows(own_address, "select name_fragments from attorneys where name = 'Rosa Maria Vega'")
    assert fragments == name_fragments("Rosa Maria Vega", "Vega & Sons")
    imported(own_address, ImportKind.FACILITIES, "name,geographic_factor\nNorth Side,1.0432\n")
    found = rows(own_address, "select name_fragments, geographic_factor from facilities where name = 'North Side'")
    assert [tuple(row) for row in found] == [(["north side", "side", "side north"], Decimal("1.0432"))]


def test_columns_in_the_file_change_a_payer_and_missing_columns_keep_their_values(own_address: DatabaseUrls) -> None:
    kind = ImportKind.PAYERS
    imported(own_address, kind, "name,kind,email,phone\nSample Mutual,INSURANCE,old@example.com,555-0100\n")
    changed = imported(own_address, kind, "name,kind,email\nSample Mutual,insurance,new@example.com\n")
    assert counts(changed) == (0, 1, 0, 0)
    query = "select kind, email, phone, listed_name from payers where name = 'Sample Mutual'"
    assert [tuple(row) for row in rows(own_address, query)] == [
        ("insurance", "new@example.com", "555-0100", "Sample Mutual")
    ]


def test_a_payer_is_linked_to_the_attorney_or_the_patient_who_pays(own_address: DatabaseUrls) -> None:
    [[mrn, patient]] = rows(own_address, f"select mrn, id from patients where clinic_id = {CLINIC} order by id limit 1")
    imported(own_address, ImportKind.ATTORNEYS, "name,firm\nIvo Sample,Sample Law\n")
    [[attorney]] = rows(own_address, "select id from attorneys where name = 'Ivo Sample'")
    lines = f"name,kind,attorney,patient_mrn\nSample Law,ATTORNEY,Ivo Sample,\nOneself,PATIENT,,{mrn}\n"
    assert counts(imported(own_address, ImportKind.PAYERS, lines)) == (2, 0, 0, 0)
    query = "select attorney_id, patient_id from payers where name in ('Sample Law', 'Oneself') order by name desc"
    assert [tuple(row) for row in rows(own_address, query)] == [(attorney, None), (None, patient)]


def test_every_bad_row_is_reported_and_nothing_is_written(own_address: DatabaseUrls) -> None:
    before = content(own_address)
    report = imported(
        own_address,
        ImportKind.PAYERS,
        "name,kind,email,attorney,patient_mrn\n"
        "Good Mutual,INSURANCE,,,\n"
        "No Kind,BANK,,,\n"
        "No Mail,INSURANCE,nowhere,,\n"
        ",INSURANCE,,,\n"
        "Nobody's,ATTORNEY,,Nobody At All,\n"
        "Wrong,INSURANCE,,,1\n",
    )
    assert (counts(report), content(own_address)) == ((0, 0, 0, 5), before)
    assert bad_cells(report) == [
        (3, "kind", "BANK", "This must be one of ATTORNEY, INSURANCE, PATIENT"),
        (4, "email", "nowhere", "An e-mail address looks like name@example.com"),
        (5, "name", "", "This cannot be left blank"),
        (6, "attorney", "Nobody At All", "There is no attorney in use of this name"),
        (7, "patient_mrn", "1", "Only a payer of kind PATIENT can have this reference"),
    ]


def test_a_name_that_several_existing_records_have_is_refused(own_address: DatabaseUrls) -> None:
    for _ in range(2):
        rows(
            own_address,
            f"insert into physicians (clinic_id, id, name) values ({CLINIC}, gen_random_uuid(), 'Dr. Twin') returning id",
        )
    before = content(own_address)
    report = imported(own_address, ImportKind.PHYSICIANS, "name,npi\nDr. Twin,0000000014\n")
    assert bad_cells(report) == [(2, "name", "Dr. Twin", "Several existing records match")]
    assert content(own_address) == before


def test_a_physician_of_the_same_name_with_another_npi_is_refused(own_address: DatabaseUrls) -> None:
    kind, other = ImportKind.PHYSICIANS, "name,npi\nDr. J. Smith,0000000022\n"
    assert counts(imported(own_address, kind, "name,npi\nDr. J. Smith,\n")) == (1, 0, 0, 0)
    assert counts(imported(own_address, kind, "name,npi\nDr. J. Smith,0000000014\n")) == (0, 1, 0, 0)
    assert counts(imported(own_address, kind, "name\nDr. J. Smith\n")) == (0, 0, 1, 0)
    before = content(own_address)
    for text in (other, other.replace("0000000022", "")):
        [(line, column, _, reason)] = bad_cells(imported(own_address, kind, text))
        assert (line, column, reason) == (2, "npi", "The record with this name has another value")
    assert content(own_address) == before


@pytest.mark.parametrize("factor", ["0", "-1", "1.00001", "NaN", "1e3", "100"])
def test_an_invalid_geographic_factor_is_refused(own_address: DatabaseUrls, factor: str) -> None:
    before = content(own_address)
    report = imported(own_address, ImportKind.FACILITIES, f"name,geographic_factor\nNorth,{factor}\n")
    assert [cell[:3] for cell in bad_cells(report)] == [(2, "geographic_factor", factor)]
    assert content(own_address) == before


def test_parties_of_another_clinic_are_neither_changed_nor_referenced(own_address: DatabaseUrls) -> None:
    add_other_clinic(own_address)
    name = "Theirs Alone"
    theirs = f"select id from attorneys where clinic_id <> {CLINIC} limit 1"
    assert rows(own_address, f"update attorneys set name = $1 where id = ({theirs}) returning id", name)
    before = rows(own_address, f"select t::text from attorneys t where clinic_id <> {CLINIC} order by id")
    report = imported(own_address, ImportKind.PAYERS, f"name,kind,attorney\nTheirs,ATTORNEY,{name}\n")
    assert [cell[3] for cell in bad_cells(report)] == ["There is no attorney in use of this name"]
    assert counts(imported(own_address, ImportKind.ATTORNEYS, f"name,firm,phone\n{name},Firm,555\n")) == (1, 0, 0, 0)
    assert rows(own_address, f"select t::text from attorneys t where clinic_id <> {CLINIC} order by id") == before
