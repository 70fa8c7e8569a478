"""The files of other systems on the page docs/imports.md are imported by the mappings beside them, and what the page says of them is true."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.documents.uploads import CSV
from domain.imports import ImportKind
from imports.cells import ERROR
from imports.checking import check_file
from imports.files.child import read_in_process
from imports.kinds.known import KINDS
from imports.mapping.mappings import ChosenMapping, as_json, mapping_of
from imports.previews.previews import Preview, PreviewRequest, preview_file
from imports.sheets import FileShape, Line, ReadOptions, SheetFile
from server.database_urls import DatabaseUrls
from tests.house.source import PROJECT
from tests.imports.imported_files import bad_cells, broken, counts, imported
from tests.support.databases import rows

_SECTION = re.compile(
    r"^## [^\n]*`(?P<kind>[a-z-]+)`\n```csv\n(?P<text>.*?)```\n```json\n(?P<mapping>.*?)```\nResult: (?P<new>\d+) new",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Shape:
    """A file on the page, its mapping, and how many records it adds."""

    kind: ImportKind
    text: str
    mapping: Any
    new: int


PAGE = (PROJECT / "docs" / "imports.md").read_text(encoding="utf-8")
SHAPES = [
    Shape(ImportKind(found["kind"].replace("-", "_")), found["text"], orjson.loads(found["mapping"]), int(found["new"]))
    for found in _SECTION.finditer(PAGE)
]
CODES, SCHEDULE, HOSPITAL, PHYSICIANS, CUSTOMERS, AGING = SHAPES


def brought(address: DatabaseUrls, shape: Shape, text: str = "") -> Any:
    mapping = mapping_of(shape.kind, shape.mapping)
    return imported(address, shape.kind, text or shape.text, mapping=mapping)


def proposed(shape: Shape) -> Preview:
    return preview_file(KINDS[shape.kind], shape.text.encode(), CSV, PreviewRequest(), read=read_in_process)


@pytest.fixture
def clinic(own_address: DatabaseUrls) -> DatabaseUrls:
    """The demo clinic without prices, into which all files but the aging are imported, and with a case."""
    rows(own_address, "delete from fee_schedule_rates where code in ('E0114', 'E0100', 'L0120', 'A4565')")
    rows(own_address, "delete from cpt_codes where code in ('E0114', 'E0100', 'L0120', 'A4565')")
    for shape in SHAPES[:-1]:
        report = brought(own_address, shape)
        assert counts(report) == (shape.new, 0, 0, 0), bad_cells(report)
    imported(own_address, ImportKind.PATIENTS, "mrn,first_name,last_name\nSHAPE-1,Lena,Vega\n")
    imported(
        own_address,
        ImportKind.CASES,
        "number,patient_mrn,date_of_injury,opened_on\nSHAPE-1,SHAPE-1,2026-01-05,2026-01-06\n",
    )
    return own_address


def test_the_page_has_every_shape() -> None:
    assert len(SHAPES) == PAGE.count("\n## ")


def test_each_file_is_imported_by_its_mapping_alone_and_a_second_time_changes_nothing(clinic: DatabaseUrls) -> None:
    assert counts(brought(clinic, AGING)) == (AGING.new, 0, 0, 0)
    for shape in SHAPES:
        assert counts(brought(clinic, shape)) == (0, 0, shape.new, 0)
    assert broken(clinic) == ()


def test_the_values_of_the_files_are_those_that_are_stored(clinic: DatabaseUrls) -> None:
    brought(clinic, AGING)
    codes = "select code, label, base_price, valid_from::text, valid_to::text from cpt_codes where code in ('E0114', 'E0100', 'L0120') order by 1"
    assert [tuple(row) for row in rows(clinic, codes)] == [
        ("E0100", "Cane", Decimal("0.00"), "2024-01-01", "2026-12-31"),
        ("E0114", "Pair of crutches", Decimal("0.00"), "2025-01-01", None),
        ("L0120", "Collar for the neck", Decimal("64.50"), "2026-01-15", None),
    ]
    rates = """select r.code, r.rate from fee_schedule_rates r join fee_schedules s on s.id = r.fee_schedule_id
        where s.name = 'Locality 01, 2026' order by 1"""
    assert [tuple(row) for row in rows(clinic, rates)] == [("E0100", Decimal("21.05")), ("E0114", Decimal("1042.50"))]
    people = "select name from physicians where npi in ('1234567893', '1245319599', '1679576722') order by 1"
    assert [row[0] for row in rows(clinic, people)] == ["ADA M EXAMPLE", "BEN SAMPLE"]
    assert [tuple(row) for row in rows(clinic, "select name, kind from payers where name like 'Vega & Vega'")] == [
        ("Vega & Vega", "attorney")
    ]
    invoices = "select number, billed_amount, created_on::text, submitted_on::text from invoices where number in ('1001', '1002') order by 1"
    assert [tuple(row) for row in rows(clinic, invoices)] == [
        ("1001", Decimal("1275.00"), "2026-05-13", "2026-05-13"),
        ("1002", Decimal("75.00"), "2026-06-01", "2026-06-01"),
    ]


def test_what_cannot_be_imported_is_refused_in_the_words_of_the_file(clinic: DatabaseUrls) -> None:
    paid = AGING.text.replace('"1,275.00","1,275.00"', '"1,275.00",900.00')
    assert [cell[:3] for cell in bad_cells(brought(clinic, AGING, paid))] == [(7, "Open balance", "900.00")]
    credit = AGING.text.replace("75.00,75.00", "-75.00,-75.00")
    assert [cell[:3] for cell in bad_cells(brought(clinic, AGING, credit))] == [
        (8, "Amount", "-75.00"),
        (8, "Open balance", "-75.00"),
    ]
    payment = AGING.text.replace("Invoice,1002", "Payment,1002")
    assert [cell[:3] for cell in bad_cells(brought(clinic, AGING, payment))] == [(8, "Transaction type", "Payment")]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.kind} {shape.text[:12]}")
def test_the_proposal_has_the_header_and_the_formats_of_the_mapping(shape: Shape) -> None:
    """What a person adds is a constant, a condition, or a column whose name is used for two."""
    given, found = mapping_of(shape.kind, shape.mapping), proposed(shape)
    assert found.mapping.header_row == given.header_row
    asked = {question.column for question in found.questions}
    wanted = {column.column: column for column in given.columns}
    same = [column for column in found.mapping.columns if column.column in wanted and column.column not in asked]
    sourced = [column for column in same if column.sources == wanted[column.column].sources]
    assert [column.format for column in sourced] == [wanted[column.column].format for column in sourced]
    assert sourced
    assert mapping_of(shape.kind, orjson.loads(orjson.dumps(as_json(found.mapping)))) == found.mapping


def test_the_control_totals_of_the_aging_are_those_of_its_last_line() -> None:
    chosen = mapping_of(AGING.kind, AGING.mapping)
    request = PreviewRequest(chosen=ChosenMapping(chosen))
    found = preview_file(KINDS[AGING.kind], AGING.text.encode(), CSV, request, read=read_in_process)
    totals = {total.column: (total.values, total.total) for total in found.totals}
    assert totals == {"billed_amount": (2, Decimal("1350.00")), "balance": (2, Decimal("1350.00"))}
    assert (found.checked.read, found.skipped.rows, found.skipped.lines) == (2, 3, [6, 9, 10])
    assert found.other_columns == ["Due date"]


def test_days_have_the_same_bounds_by_a_mapping(clinic: DatabaseUrls) -> None:
    """A year with a digit missing is a typing error in every format."""
    for wrong in ("05/13/0026", "05/13/2062", "05/13/1999"):
        report = brought(clinic, AGING, AGING.text.replace("05/13/2026", wrong))
        assert {cell[:2] for cell in bad_cells(report)} == {(7, "Date")}, wrong


def test_each_part_of_a_text_is_what_a_person_wrote(clinic: DatabaseUrls) -> None:
    for wrong in ("NULL", "#N/A", "1.5E+10"):
        report = brought(clinic, PHYSICIANS, PHYSICIANS.text.replace('"ADA","M"', f'"ADA","{wrong}"'))
        assert counts(report) == (0, 0, 0, 1), wrong


def test_a_cell_that_decides_whether_a_row_is_left_out_has_to_be_readable() -> None:
    def read(data: bytes, content_type: str, options: ReadOptions) -> SheetFile:
        lines: list[list[Any]] = [["name", "kind"], ["Ada Example", "1"], ["Ben Sample", ERROR], ["Cy Other", "2"]]
        return SheetFile(FileShape(), (Line(number, cells) for number, cells in enumerate(lines, 1)))

    mapping = mapping_of(
        ImportKind.PHYSICIANS,
        {
            "ignores_other_columns": True,
            "columns": [{"column": "name", "sources": [{"name": "name"}]}],
            "only_where": [{"source": {"name": "kind"}, "values": ["1", ""]}],
        },
    )
    checked = check_file(KINDS[ImportKind.PHYSICIANS], b"", CSV, read=read, mapping=mapping)
    assert checked.applied
    assert (checked.report().bad_rows, checked.applied.skipped.lines) == (1, [4])
    assert [cell.line for cell in checked.problems.shown] == [3]


def test_a_column_beyond_the_header_is_missing_and_not_blank(clinic: DatabaseUrls) -> None:
    """Else a mapping for another file would clear values, or leave out all rows, and report success."""
    width = len(CODES.text.splitlines()[0].split(","))
    assert CODES.mapping["header_row"] == 1
    for change in (
        {"skip_where_blank": [{"position": width + 1}]},
        {
            "columns": [column for column in CODES.mapping["columns"] if column["column"] != "valid_to"]
            + [{"column": "valid_to", "sources": [{"position": width + 1}], "format": "year_month_day"}]
        },
    ):
        report = imported(clinic, CODES.kind, CODES.text, mapping=mapping_of(CODES.kind, CODES.mapping | change))
        assert [cell[3] for cell in bad_cells(report)] == [
            f"The file has no column {width + 1}: the header has {width}"
        ]
