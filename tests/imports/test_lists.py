"""A list is imported whole or not at all: what is new is added, what is known changes, and the same file changes nothing."""

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
from server.addresses import Address
from tests.databases import rows
from tests.imports import files
from tests.imports.files import CLINIC, counts, told
from tests.other_clinic import add_other_clinic

CODES, SCHEDULES = "code,label,base_price,valid_from,valid_to", "schedule,payer,facility,valid_from,valid_to,code,rate"
TEMPLATES = Path(imports.__path__[0]) / "templates"
TABLES = ("cpt_codes", "fee_schedules", "fee_schedule_rates")


def imported(address: Address, header: str, *lines: str, undone: bool = False) -> Report:
    """What came of a file for the demo clinic, whose header says of which kind it is."""
    kind = ImportKind.FEE_SCHEDULES if header.startswith("schedule") else ImportKind.CODES
    return files.imported(address, kind, "\n".join((header, *lines)), undone=undone)


def content(address: Address) -> dict[str, list[str]]:
    """Every price of every clinic as text."""
    return {table: sorted(row[0] for row in rows(address, f"select t::text from {table} t")) for table in TABLES}


def code(address: Address, name: str) -> list[tuple[Any, ...]]:
    query = "select label, base_price, bilateral_policy, valid_from, valid_to from cpt_codes where code = $1 order by valid_from"
    return [tuple(row) for row in rows(address, query, name)]


def rates(address: Address, schedule: str) -> list[tuple[Any, ...]]:
    query = """select s.valid_from, s.valid_to, p.name, f.name, r.code, r.rate from fee_schedules s
        join fee_schedule_rates r on r.fee_schedule_id = s.id left join payers p on p.id = s.payer_id
        left join facilities f on f.id = s.facility_id where s.name = $1 order by s.valid_from, r.code"""
    return [tuple(row) for row in rows(address, query, schedule)]


def test_what_is_new_is_added_and_the_same_file_changes_nothing(own_address: Address) -> None:
    lines = ("L9001,Collar,42.75,2026-01-01,", "L9002,Brace,12.00,2026-01-01,2027-01-01")
    assert counts(imported(own_address, CODES, *lines)) == (2, 0, 0, 0)
    assert code(own_address, "L9001") == [("Collar", Decimal("42.75"), "double", date(2026, 1, 1), None)]
    before = content(own_address)
    again = imported(own_address, CODES, *lines)
    assert (counts(again), content(own_address)) == ((0, 0, 2, 0), before)


def test_a_code_that_is_known_from_the_same_day_is_changed(own_address: Address) -> None:
    imported(own_address, CODES, "L9001,Collar,42.75,2026-01-01,", "L9002,Brace,12.00,2026-01-01,")
    report = imported(
        own_address, CODES, "L9001,Firm collar,45.00,2026-01-01,2027-01-01", "L9002,Brace,12.00,2026-01-01,"
    )
    assert counts(report) == (0, 1, 1, 0)
    changed = ("Firm collar", Decimal("45.00"), "double", date(2026, 1, 1), date(2027, 1, 1))
    assert code(own_address, "L9001") == [changed]


def test_a_column_that_the_file_does_not_have_leaves_what_is_known(own_address: Address) -> None:
    full = "code,label,base_price,bilateral_policy,valid_from,valid_to"
    imported(own_address, full, "L9001,Collar,42.75,NOT_ALLOWED,2026-01-01,2027-01-01")
    assert counts(imported(own_address, CODES[: -len(",valid_to")], "L9001,Collar,45.00,2026-01-01")) == (0, 1, 0, 0)
    kept = ("Collar", Decimal("45.00"), "not_allowed", date(2026, 1, 1), date(2027, 1, 1))
    assert code(own_address, "L9001") == [kept]


def test_what_was_retired_stays_retired(own_address: Address) -> None:
    line = "L9001,Collar,42.75,2026-01-01,"
    imported(own_address, CODES, line)
    rows(own_address, "update cpt_codes set active = false where code = 'L9001'")
    assert counts(imported(own_address, CODES, line)) == (0, 0, 1, 0)
    [[active]] = rows(own_address, "select active from cpt_codes where code = 'L9001'")
    assert not active


def test_a_new_price_from_a_day_on_needs_the_old_one_to_end_and_may_end_it_itself(own_address: Address) -> None:
    imported(own_address, CODES, "L9001,Collar,42.75,2026-01-01,")
    before, later = content(own_address), "L9001,Collar,45.00,2027-01-01,"
    refused = imported(own_address, CODES, later)
    reason = "The same is valid already, from 2026-01-01 without end: let that one end first"
    assert told(refused) == [(2, "valid_from", "2027-01-01", reason)]
    assert content(own_address) == before
    assert counts(imported(own_address, CODES, later, "L9001,Collar,42.75,2026-01-01,2027-01-01")) == (1, 1, 0, 0)
    assert [(row[1], row[4]) for row in code(own_address, "L9001")] == [
        (Decimal("42.75"), date(2027, 1, 1)),
        (Decimal("45.00"), None),
    ]


def test_rows_of_one_file_that_overlap_are_refused(own_address: Address) -> None:
    lines = ("L9001,Collar,1.00,2026-01-01,2026-07-01", "L9001,Collar,2.00,2026-06-01,", "L9002,Brace,1.00,2026-01-01,")
    [(line, column, value, reason)] = told(imported(own_address, CODES, *lines))
    assert (line, column, value) == (3, "valid_from", "2026-06-01")
    assert reason == "The same is valid already, from 2026-01-01 until 2026-07-01 (line 2): let that one end first"
    assert code(own_address, "L9002") == []


def test_an_end_that_would_reach_into_a_later_validity_is_refused(own_address: Address) -> None:
    imported(own_address, CODES, "L9001,Collar,1.00,2026-01-01,2027-01-01", "L9001,Collar,2.00,2027-01-01,")
    [cell] = told(imported(own_address, CODES, "L9001,Collar,1.00,2026-01-01,"))
    assert cell == (2, "valid_to", None, "The same is valid again, from 2027-01-01 without end")


def test_every_bad_row_is_told_whichever_way_it_is_bad_and_nothing_is_written(own_address: Address) -> None:
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
    assert [(line, column) for line, column, *_ in told(report)] == [(3, "base_price"), (4, "valid_from"), (6, None)]
    assert (report.rows, report.bad_rows, report.written) == (5, 3, False)
    assert content(own_address) == before


def test_a_run_that_is_undone_reports_what_the_real_one_does(own_address: Address) -> None:
    imported(own_address, CODES, "L9001,Collar,42.75,2026-01-01,")
    lines, before = ("L9001,Collar,45.00,2026-01-01,", "L9002,Brace,12.00,2026-01-01,"), content(own_address)
    tried = imported(own_address, CODES, *lines, undone=True)
    assert content(own_address) == before
    assert imported(own_address, CODES, *lines) == tried
    assert counts(tried) == (1, 1, 0, 0)


def test_other_clinics_are_left_alone(own_address: Address) -> None:
    other = add_other_clinic(own_address)
    query = "select t::text from cpt_codes t where clinic_id = $1 order by id"
    before = rows(own_address, query, other)
    known = rows(
        own_address, f"select code, valid_from from cpt_codes where clinic_id = {CLINIC} order by code limit 1"
    )[0]
    assert counts(imported(own_address, CODES, f"{known[0]},Another name,1.00,{known[1]},")) == (0, 1, 0, 0)
    assert rows(own_address, query, other) == before != []


# Fee schedules.


@pytest.fixture
def parties(own_address: Address) -> tuple[str, str]:
    """A payer and a facility of the demo clinic, by their names."""
    imported(own_address, CODES, "L9001,Collar,42.75,2026-01-01,", "L9002,Brace,12.00,2026-01-01,")
    query = f"select name from {{}} where clinic_id = {CLINIC} group by name having count(*) = 1 order by name limit 1"
    [[payer]], [[facility]] = (rows(own_address, query.format(table)) for table in ("payers", "facilities"))
    return f'"{payer}"', f'"{facility}"'


def test_a_file_holds_many_schedules_for_payers_and_facilities_by_their_names(
    own_address: Address, parties: tuple[str, str]
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
    own_address: Address, parties: tuple[str, str]
) -> None:
    imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,40.00")
    report = imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9002,11.00")
    assert counts(report) == (1, 0, 0, 0)
    assert counts(imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,39.00")) == (0, 1, 0, 0)
    assert [row[4:] for row in rates(own_address, "List")] == [("L9001", Decimal("39.00")), ("L9002", Decimal("11.00"))]


def test_a_schedule_that_ends_sooner_counts_its_rows_as_changed(own_address: Address, parties: tuple[str, str]) -> None:
    imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,40.00")
    assert counts(imported(own_address, SCHEDULES, "List,,,2026-01-01,2026-07-01,L9001,40.00")) == (0, 1, 0, 0)
    assert [row[1] for row in rates(own_address, "List")] == [date(2026, 7, 1)]


def test_what_a_schedule_names_and_is_not_there_is_told(own_address: Address, parties: tuple[str, str]) -> None:
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
    assert told(report) == [
        (2, "code", "L9999", "There is no code in the master list"),
        (3, "payer", "Nobody", "There is no payer in use of this name"),
        (4, "payer", "Theirs alone", "There is no payer in use of this name"),
        (5, "facility", "Nowhere", "There is no facility in use of this name"),
        (6, "rate", "-40.00", "A price is not below 0"),
    ]
    assert content(own_address) == before


def test_a_name_that_several_payers_have_is_told(own_address: Address, parties: tuple[str, str]) -> None:
    rows(own_address, f"update payers set name = 'Same', retired_at = null where clinic_id = {CLINIC}")
    [(line, column, value, reason)] = told(imported(own_address, SCHEDULES, "Agreed,Same,,2026-01-01,,L9001,1.00"))
    assert (line, column, value) == (2, "payer", "Same")
    assert reason.startswith("There are ")


def test_two_schedules_do_not_price_a_code_on_the_same_day(own_address: Address, parties: tuple[str, str]) -> None:
    imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,40.00")
    before = content(own_address)
    report = imported(own_address, SCHEDULES, "Next,,,2026-06-01,,L9002,1.00", "Next,,,2026-06-01,,L9001,41.00")
    reason = "The same is valid already, from 2026-01-01 without end: let that one end first"
    assert told(report) == [(3, "valid_from", "2026-06-01", reason)]
    assert content(own_address) == before


def test_a_longer_schedule_whose_other_codes_would_have_two_prices_is_refused_by_their_name(
    own_address: Address, parties: tuple[str, str]
) -> None:
    years = ("2026-01-01,2027-01-01", "2027-01-01,")
    lines = [f"List,,,{years[0]},{code},1.00" for code in ("L9001", "L9002")]
    imported(own_address, SCHEDULES, *lines, f"Next,,,{years[1]},L9002,2.00")
    before = content(own_address)
    with pytest.raises(Conflict, match="L9002 would have two prices on the same day"):
        imported(own_address, SCHEDULES, "List,,,2026-01-01,,L9001,1.00")
    assert content(own_address) == before


def test_the_templates_can_be_imported_one_after_the_other(own_address: Address) -> None:
    for name in ("codes", "fee-schedules"):
        header, *lines = (TEMPLATES / f"{name}.csv").read_text().splitlines()
        report = imported(own_address, header, *lines)
        assert counts(report) == (len(lines), 0, 0, 0)


def test_two_imports_of_one_file_at_once_are_one_import(own_address: Address) -> None:
    lines = [f"X{n},Collar,1.00,2026-01-01," for n in range(2_000)]

    async def both() -> list[Report]:
        return list(await asyncio.gather(*(asyncio.to_thread(imported, own_address, CODES, *lines) for _ in range(2))))

    found = sorted(counts(report) for report in asyncio.run(both()))
    assert found == [(0, 0, 2_000, 0), (2_000, 0, 0, 0)]
