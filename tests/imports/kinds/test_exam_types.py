"""A file of exams becomes the clinic's tree, in whatever order its rows stand; rows that make no tree are reported one by one."""

from typing import Any

import pytest

from domain.imports import ImportKind
from imports.report import Report
from server.database_urls import DatabaseUrls
from tests.imports import imported_files
from tests.imports.imported_files import CLINIC, bad_cells, counts
from tests.support.databases import rows

HEADER = "name,parent,code,selection_rule,position"
CODES = "code,label,base_price,valid_from\nT1,One,1.00,2026-01-01\nT2,Two,2.00,2026-01-01\n"
TREE = ("Left side,Odd exam,t1,,", "Odd exam,,,EXACTLY_ONE,90", "Right side,Odd exam,T2,,", "Alone,,T1,,")


def imported(address: DatabaseUrls, *lines: str, header: str = HEADER, dry_run: bool = False) -> Report:
    return imported_files.imported(address, ImportKind.EXAM_TYPES, "\n".join((header, *lines)), dry_run=dry_run)


@pytest.fixture
def coded(own_address: DatabaseUrls) -> DatabaseUrls:
    """A clinic with the codes of these files."""
    imported_files.imported(own_address, ImportKind.CODES, CODES)
    return own_address


def tree(address: DatabaseUrls) -> list[tuple[Any, ...]]:
    """Main exam, exam, code, rule and position of the exams that are in no demo clinic."""
    query = f"""select main.name, e.name, e.code, e.selection_rule, e.position from exam_types e
        left join exam_types main on main.id = e.parent_id where e.clinic_id = {CLINIC}
        and (e.code is null or e.code like 'T_') and coalesce(main.name, e.name) in ('Odd exam', 'Alone')
        order by main.name nulls first, e.position"""
    return [tuple(row) for row in rows(address, query)]


def test_a_tree_is_imported_in_any_order_of_rows_and_a_second_time_changes_nothing(coded: DatabaseUrls) -> None:
    assert counts(imported(coded, *TREE, dry_run=True)) == (4, 0, 0, 0)
    assert tree(coded) == []
    assert counts(imported(coded, *TREE)) == (4, 0, 0, 0)
    assert tree(coded) == [
        (None, "Odd exam", None, "exactly_one", 90),
        (None, "Alone", "T1", "any", 91),
        ("Odd exam", "Left side", "T1", "any", 0),
        ("Odd exam", "Right side", "T2", "any", 1),
    ]
    assert counts(imported(coded, *TREE)) == (0, 0, 4, 0)


def test_changed_values_are_written_and_missing_columns_and_retired_exams_stay(coded: DatabaseUrls) -> None:
    imported(coded, *TREE)
    rows(coded, f"update exam_types set active = false where name = 'Alone' and clinic_id = {CLINIC}")
    report = imported(coded, "right  SIDE,odd exam,T1", "Alone,,T1", "Third,Odd exam,T2", header="name,parent,code")
    assert counts(report) == (1, 1, 1, 0)
    assert tree(coded)[-2:] == [("Odd exam", "Right side", "T1", "any", 1), ("Odd exam", "Third", "T2", "any", 2)]
    assert counts(imported(coded, "Odd exam,", header="name,parent")) == (0, 0, 1, 0)
    [[active]] = rows(coded, f"select active from exam_types where name = 'Alone' and clinic_id = {CLINIC}")
    assert not active
    [cell] = bad_cells(imported(coded, "Below,Alone,T1,,"))
    assert cell == (2, "parent", "Alone", "The main exam of this name is retired")


UNKNOWN = "There is no main exam of this name, neither in this file nor in the clinic"
TOO_DEEP = "This is a sub-exam: a sub-exam cannot have sub-exams of its own"
LEADS_BACK = "The main exams of this row lead back to it: "


@pytest.mark.parametrize(
    ("lines", "bad"),
    [
        (("A,Nowhere,T1,,",), [(2, "parent", "Nowhere", UNKNOWN)]),
        (("A,A,T1,,",), [(2, "parent", "A", f"{LEADS_BACK}A → A")]),
        (
            ("A,B,T1,,", "B,C,T1,,", "C,A,T1,,"),
            [
                (2, "parent", "B", f"{LEADS_BACK}A → B → C → A"),
                (3, "parent", "C", f"{LEADS_BACK}B → C → A → B"),
                (4, "parent", "A", f"{LEADS_BACK}C → A → B → C"),
            ],
        ),
        (("A,,,,", "B,A,T1,,", "C,B,T1,,"), [(4, "parent", "B", TOO_DEEP)]),
        (("A,,,,", "a ,,,,"), [(3, None, None, "This row duplicates line 3")]),
        (("A,,,,", "B,A,,,"), [(3, "code", None, "A sub-exam needs a code, under which it is billed")]),
        (("A,,T9,,",), [(2, "code", "T9", "There is no code in the master list")]),
        (("A,,,SOME,",), [(2, "selection_rule", "SOME", "This must be one of ANY, EXACTLY_ONE, AT_LEAST_ONE")]),
        (("A,,,,-1",), [(2, "position", "-1", "A position is a whole number such as 3")]),
        (("A,,,,9000000",), [(2, "position", "9000000", "A position must be 0 to 1,000,000")]),
    ],
)  # fmt: skip
def test_rows_that_make_no_tree_are_reported_and_nothing_is_written(
    house: DatabaseUrls, lines: tuple[str, ...], bad: list[Any]
) -> None:
    before = rows(house, "select count(*) from exam_types")
    assert bad_cells(imported(house, "Fine,,,,", *lines)) == [(line + 1, *more) for line, *more in bad]
    assert rows(house, "select count(*) from exam_types") == before


@pytest.fixture(scope="module")
def house(address: DatabaseUrls) -> DatabaseUrls:
    """A clinic with the codes of these files, which no test of a refusal changes."""
    imported_files.imported(address, ImportKind.CODES, CODES)
    return address
