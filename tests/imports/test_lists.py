"""A list is imported as a whole or not at all: new rows are added, existing ones changed, and the same file again changes nothing."""

import asyncio
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import imports
from domain.errors import Conflict
from domain.imports import ImportKind
from imports.report import Report
from server.database_urls import DatabaseUrls
from tests.imports import imported_files
from tests.imports.imported_files import CLINIC, bad_cells, counts
from tests.support.databases import rows
from tests.support.other_clinic import add_other_clinic

CODES, SCHEDULES = "code,label,base_price,valid_from,valid_to", "schedule,payer,facility,valid_from,valid_to,code,rate"
TEMPLATES = Path(imports.__path__[0]) / "templates"
TABLES = ("cpt_codes", "fee_schedules", "fee_schedule_rates")


def imported(address: DatabaseUrls, header: str, *lines: str, dry_run: bool = False) -> Report:
    """Import a file into the demo clinic, its kind taken from its header, and return the report."""
    kind = ImportKind.FEE_SCHEDULES if header.startswith("schedule") else ImportKind.CODES
    return imported_files.imported(address, kind, "\n".join((header, *lines)), dry_run=dry_run)


def content(address: DatabaseUrls) -> dict[str, list[str]]:
    """Every price of every clinic as text."""
    return {table: sorted(row[0] for row in rows(address, f"select t::text from {table} t")) for table in TABLES}


def code(address: DatabaseUrls, name: str) -> list[tuple[Any, ...]]:
    query = "select label, base_price, bilateral_policy, valid_from, valid_to from cpt_codes where code = $1 order by valid_from"
    return [tuple(row) for row in rows(address, query, name)]


def rates(address: DatabaseUrls, schedule: str) -> list[tuple[Any, ...]]:
    query = """select s.valid_from, s.valid_to, p.name, f.name, r.code, r.rate from fee_schedules s
        join fee_schedule_rates r on r.fee_schedule_id = s.id left join payers p on p.id = s.payer_id
        left join facilities f on f.id = s.facility_id where s.name = $1 order by s.valid_from, r.code"""
    return [tuple(row) for row in rows(address, query, schedule)]


def test_new_codes_are_added_and_the_same_file_changes_nothing(own_address: DatabaseUrls) -> None:
    lines = ("L9001,Collar,42.75,2026-01-01,", "L9002,Brace,12.00,2026-01-01,2027-01-01")
    assert counts(imported(own_address, CODES, *lines)) == (2, 0, 0, 0)
    assert code(own_address, "L9001") == [("Collar", Decimal("42.75"), "double", date(2026, 1, 1), None)]
    before = content(own_address)
    again = imported(own_address, CODES, *lines)
    assert (counts(again), content(own_address)) == ((0, 0, 2, 0), before)


def test_an_existing_code_valid_from_the_same_day_is_changed(own_address: DatabaseUrls) -> None:
    imported(own_address, CODES, "L9001,Collar,42.75,2026-01-01,", "L9002,Brace,12.00,2026-01-01,")
    report = imported(
        own_address, CODES, "L9001,Firm collar,45.00,2026-01-01,2027-01-01", "L9002,Brace,12.00,2026-01-01,"
    )
    assert counts(report) == (0, 1, 1, 0)
    changed = ("Firm collar", Decimal("45.00"), "double", date(2026, 1, 1), date(2027, 1, 1))
    assert code(own_address, "L9001") == [changed]


def test_a_column_that_is_missing_in_the_file_keeps_its_values(own_address: DatabaseUrls) -> None:
    full = "code,label,base_price,bilateral_policy,valid_from,valid_to"
    imported(own_address, full, "L9001,Collar,42.75,NOT_ALLOWED,2026-01-01,2027-01-01")
    assert counts(imported(own_address, CODES[: -len(",valid_to")], "L9001,Collar,45.00,2026-01-01")) == (0, 1, 0, 0)
    kept = ("Collar", Decimal("45.00"), "not_allowed", date(2026, 1, 1), date(2027, 1, 1))
    assert code(own_address, "L9001") == [kept]


def test_a_retired_code_stays_retired(own_address: DatabaseUrls) -> None:
    line = "L9001,Collar,42.75,2026-01-01,"
    imported(own_address, CODES, line)
    rows(own_address, "update cpt_codes set active = false where code = 'L9001'")
    assert counts(imported(own_address, CODES, line)) == (0, 0, 1, 0)
    [[active]] = rows(own_address, "select active from cpt_codes where code = 'L9001'")
    assert not active


def test_a_new_price_needs_the_old_one_to_end_and_the_same_file_may_end_it(own_address: DatabaseUrls) -> None:
    imported(own_address, CODES, "L9001,Collar,42.75,2026-01-01,")
    before, later = content(own_address), "L9001,Collar,45.00,2027-01-01,"
    refused = imported(own_address, CODES, later)
    reason = "This overlaps an existing validity period, from 2026-01-01 without end: end that one first"
    assert bad_cells(refused) == [(2, "valid_from", "2027-01-01", reason)]
    assert content(own_address) == before
    assert counts(imported(own_address, CODES, later, "L9001,Collar,42.75,2026-01-01,2027-01-01")) == (1, 1, 0, 0)
    assert [(row[1], row[4]) for row in code(own_address, "L9001")] == [
        (Decimal("42.75"), date(2027, 1, 1)),
        (Decimal("45.00"), None),
    ]


def test_rows_of_one_file_that_overlap_are_refused(own_address: DatabaseUrls) -> None:
    lines = ("L9001,Collar,1.00,2026-01-01,2026-07-01", "L9001,Collar,2.00,2026-06-01,", "L9002,Brace,1.00,2026-01-01,")
    [(line, column, value, reason)] = bad_cells(imported(own_address, CODES, *lines))
    assert (line, column, value) == (3, "valid_from", "2026-06-01")
    assert (
        reason
        == "This overlaps an existing validity period, from 2026-01-01 until 2026-07-01 (line 2): end that one first"
    )
    assert code(own_address, "L9002") == []


def test_an_end_that_overlaps_a_later_validity_is_refused(own_address: DatabaseUrls) -> None:
    imported(own_address, CODES, "L9001,Collar,1.00,2026-01-01,2027-01-01", "L9001,Collar,2.00,2027-01-01,")
    [cell] = bad_cells(imported(own_address, CODES, "L9001,Collar,1.00,2026-01-01,"))
    assert cell == (2, "valid_to", None, "This overlaps another validity period, from 2027-01-01 without end")


def test_every_bad_row_is_reported_for_every_kind_of_fault_and_nothing_is_written(own_address: DatabaseUrls) -> None:
    imported(own_address, CODES, "L9001,Collar,42.75,2026-01-01,")
    before = content(own_address)
    report = imported(
        own_address,
        CODES,
        "L9003,New,1.00,2026-01-01,",
        "L9004,Dear,dear,2026-01-01,",
        "L9001,Collar,45.00,2026-06-01,",
        "L9005,Twice,1.00,2026-01-01,",
        "L9005,Twice,2.00,2026-01-01,",
    )
    assert [(line, column) for line, column, *_ in bad_cells(report)] == [
        (3, "base_price"),
        (4, "valid_from"),
        (6, None),
    ]
    assert (report.rows, report.bad_rows, report.written) == (5, 3, False)
    assert content(own_address) == before


def test_a_dry_run_reports_the_same_as_the_real_import(own_address: DatabaseUrls) -> None:
    imported(own_address, CODES, "L9001,Collar,42.75,2026-01-01,")
    lines, before = ("L9001,Collar,45.00,2026-01-01,", "L9002,Brace,12.00,2026-01-01,"), content(own_address)
    dry_run_report = imported(own_address, CODES, *lines, dry_run=True)
    assert content(own_address) == before
    assert imported(own_address, CODES, *lines) == dry_run_report
    assert counts(dry_run_report) == (1, 1, 0, 0)


def test_other_clinics_are_not_changed(own_address: DatabaseUrls) -> None:
    other = add_other_clinic(own_address)
    query = "select t::text from cpt_codes t where clinic_id = $1 order by id"
    before = rows(own_address, query, other)
    existing = rows(
        own_address, f"select code, valid_from from cpt_codes where clinic_id = {CLINIC} order by code limit 1"
    )[0]
    assert counts(imported(own_address, CODES, f"{existing[0]},Another name,1.00,{existing[1]},")) == (0, 1, 0, 0)
    assert rows(own_address, query, other) == before != []


# Fee schedules.


@pytest.fixture
def parties(own_address: DatabaseUrls) -> tuple[str, str]:
    """A payer and a facility of the demo clinic, by their names."""
    imported(own_address, CODES, "L9001,Collar,42.75,2026-01-01,", "L9002,Brace,12.00,2026-01-01,")
    query = f"select name from {{}} where clinic_id = {CLINIC} group by name having count(*) = 1 order by name limit 1"
    [[payer]], [[facility]] = (rows(own_address, query.format(table)) for table in ("payers", "facilities"))
    return f'"{payer}"', f'"{facility}"'


def test_a_file_may_hold_many_schedules_for_payers_and_facilities_by_their_names(
    own_address: DatabaseUrls, parties: tuple[str, str]
) -> None:
    payer, facility = parties
    lines = (
        "List 26,,,2026-01-01,2027-01-01,L9001,40.00",
        "List 26,,,2026-01-01,2027-01-01,L9002,11.00",
        "List 27,,,2027-01-01,,L9001,41.00",
        f"Agreed,{payer},,2026-01-01,,L9001,30.00",
        f"Agreed,{payer},{facility},2026-01-01,,L9001,31.00",
    )
    assert counts(imported(own_address, SCHEDULES, *lines)) == (5, 0, 0, 0)
    day, end = date(2026, 1, 1), date(2027, 1, 1)
    assert rates(own_address, "List 26") == [
        (day, end, None, None, "L9001", Decimal("40.00")),
        (day, end, None, None, "L9002", Decimal("11.00")),
    ]
    assert {(row[2], row[3], row[5]) for row in rates(own_address, "Agreed")} == {
        (payer.strip('"'), None, Decimal("30.00")),
        (payer.strip('"'), facility.strip('"'), Decimal("31.00")),
    }
    before = content(own_address)
    assert (counts(imported(own_address, SCHEDULES, *lines)), content(own_address)) == ((0, 0, 5, 0), before)


def test_rates_are_added_to_a_schedule_and_changed_and_none_is_removed(
    own_address: DatabaseUrls, parties: tuple[str, str]
) -> None:
    imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,40.00")
    report = imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9002,11.00")
    assert counts(report) == (1, 0, 0, 0)
    assert counts(imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,39.00")) == (0, 1, 0, 0)
    assert [row[4:] for row in rates(own_address, "List")] == [("L9001", Decimal("39.00")), ("L9002", Decimal("11.00"))]


def test_a_schedule_that_ends_sooner_counts_its_rows_as_changed(
    own_address: DatabaseUrls, parties: tuple[str, str]
) -> None:
    imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,40.00")
    assert counts(imported(own_address, SCHEDULES, "List,,,2026-01-01,2026-07-01,L9001,40.00")) == (0, 1, 0, 0)
    assert [row[1] for row in rates(own_address, "List")] == [date(2026, 7, 1)]


def test_a_schedule_with_an_unknown_payer_or_facility_is_reported(
    own_address: DatabaseUrls, parties: tuple[str, str]
) -> None:
    other = add_other_clinic(own_address)
    [[theirs]] = rows(own_address, "select id from payers where clinic_id = $1 order by id limit 1", other)
    rows(own_address, "update payers set name = 'Theirs alone' where id = $1", theirs)
    before = content(own_address)
    report = imported(
        own_address,
        SCHEDULES,
        "List,,,2026-01-01,,L9999,40.00",
        "Agreed,Nobody,,2026-01-01,,L9001,40.00",
        "Agreed,Theirs alone,,2026-01-01,,L9001,40.00",
        "Here,,Nowhere,2026-01-01,,L9001,40.00",
        "List,,,2026-01-01,,L9001,-40.00",
    )
    assert bad_cells(report) == [
        (2, "code", "L9999", "There is no code in the master list"),
        (3, "payer", "Nobody", "There is no payer in use of this name"),
        (4, "payer", "Theirs alone", "There is no payer in use of this name"),
        (5, "facility", "Nowhere", "There is no facility in use of this name"),
        (6, "rate", "-40.00", "A price must not be negative"),
    ]
    assert content(own_address) == before


def test_a_name_that_several_payers_have_is_reported(own_address: DatabaseUrls, parties: tuple[str, str]) -> None:
    rows(
        own_address,
        f"update payers set name = 'Same', name_fragments = '{{same}}', retired_at = null where clinic_id = {CLINIC}",
    )
    [(line, column, value, reason)] = bad_cells(imported(own_address, SCHEDULES, "Agreed,Same,,2026-01-01,,L9001,1.00"))
    assert (line, column, value) == (2, "payer", "Same")
    assert reason.endswith(" records match")


def test_two_schedules_that_price_a_code_on_the_same_day_are_refused(
    own_address: DatabaseUrls, parties: tuple[str, str]
) -> None:
    imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,40.00")
    before = content(own_address)
    report = imported(own_address, SCHEDULES, "Next,,,2026-06-01,,L9002,1.00", "Next,,,2026-06-01,,L9001,41.00")
    reason = "This overlaps an existing validity period, from 2026-01-01 without end: end that one first"
    assert bad_cells(report) == [(3, "valid_from", "2026-06-01", reason)]
    assert content(own_address) == before


def test_a_longer_schedule_that_would_give_other_codes_two_prices_is_refused_and_the_codes_are_named(
    own_address: DatabaseUrls, parties: tuple[str, str]
) -> None:
    years = ("2026-01-01,2027-01-01", "2027-01-01,")
    lines = [f"List,,,{years[0]},{code},1.00" for code in ("L9001", "L9002")]
    imported(own_address, SCHEDULES, *lines, f"Next,,,{years[1]},L9002,2.00")
    before = content(own_address)
    with pytest.raises(Conflict, match="L9002 would have two prices on the same day"):
        imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,1.00")
    assert content(own_address) == before


def test_the_templates_can_be_imported_one_after_the_other(own_address: DatabaseUrls) -> None:
    for name in ("codes", "fee-schedules"):
        header, *lines = (TEMPLATES / f"{name}.csv").read_text().splitlines()
        report = imported(own_address, header, *lines)
        assert counts(report) == (len(lines), 0, 0, 0)


def test_two_concurrent_imports_of_one_file_write_it_once(own_address: DatabaseUrls) -> None:
    lines = [f"X{n},Collar,1.00,2026-01-01," for n in range(2_000)]

    async def both() -> list[Report]:
        return list(await asyncio.gather(*(asyncio.to_thread(imported, own_address, CODES, *lines) for _ in range(2))))

    found = sorted(counts(report) for report in asyncio.run(both()))
    assert found == [(0, 0, 2_000, 0), (2_000, 0, 0, 0)]
