"""Proposals tell what every value of a file tells, and ask the rest; a template that a US spreadsheet saved is read only if it is certain."""

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.documents.uploads import CSV
from domain.imports import CellFormat, ImportKind
from imports.checking import Checked, check_file
from imports.files.child import read_in_process
from imports.kinds.known import KINDS
from imports.mapping.mappings import ImportMapping
from imports.previews.previews import Preview, PreviewRequest, preview_file

CODES = ImportKind.CODES


def previewed(kind: ImportKind, text: str, **answers: CellFormat) -> Preview:
    return preview_file(KINDS[kind], text.encode(), CSV, PreviewRequest(answers=answers), read=read_in_process)


def checked(kind: ImportKind, text: str, mapping: ImportMapping | None = None) -> Checked:
    return check_file(KINDS[kind], text.encode(), CSV, read=read_in_process, mapping=mapping)


def of_column(column: str, *values: str) -> str:
    """A file of prices in which one column has these values."""
    header = {"base_price": "1.00", "valid_from": "2026-01-01"}
    rows = [["HCPCS", "Description", *header]]
    rows += [[f"V{n:04}", "Own words", *({**header, column: value}.values())] for n, value in enumerate(values)]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


D, A = CellFormat, "base_price"
MDY, DMY = CellFormat.MONTH_DAY_YEAR, CellFormat.DAY_MONTH_YEAR


@pytest.mark.parametrize(
    ("column", "values", "form"),
    [
        ("valid_from", ["2026-01-02"], D.AS_IS),
        ("valid_from", ["20260102"], D.YEAR_MONTH_DAY),
        ("valid_from", ["1/2/2026", "12/31/2026"], MDY),
        ("valid_from", ["1/2/2026", "31/12/2026"], DMY),
        ("valid_from", ["1/1/2026", "5/5/2026"], MDY),
        (A, ["1.00", "12.5", "3"], D.AS_IS),
        (A, ["$1,275.00", "3"], D.US_AMOUNT),
        (A, ["0001275.00"], D.US_AMOUNT),
        (A, ["1.275,00"], D.EUROPEAN_AMOUNT),
        (A, ["12,75"], D.EUROPEAN_AMOUNT),
        (A, ["0", "0"], D.AS_IS),
    ],
)
def test_a_format_that_the_values_tell_is_proposed(column: str, values: list[str], form: CellFormat) -> None:
    found = previewed(CODES, of_column(column, *values))
    assert found.questions == []
    assert {one.column: one.format for one in found.mapping.columns}[column] is form


@pytest.mark.parametrize(
    ("column", "values", "formats"),
    [
        ("valid_from", ["1/2/2026"], (MDY, DMY)),
        ("valid_from", ["1/2/2026", "12/31/2026", "3/4/2026", "31/12/2026"], (MDY, DMY)),
        ("valid_from", ["12/31/26"], (D.MONTH_DAY_SHORT_YEAR,)),
        ("valid_from", ["1/2/26"], (D.MONTH_DAY_SHORT_YEAR, D.DAY_MONTH_SHORT_YEAR)),
        (A, ["127500"], (D.AS_IS, D.IMPLIED_DECIMAL)),
        (A, ["0000127500"], (D.US_AMOUNT, D.IMPLIED_DECIMAL)),
        (A, ["1,275"], (D.US_AMOUNT,)),
        (A, ["1.275"], (D.EUROPEAN_AMOUNT,)),
    ],
)
def test_what_the_values_do_not_tell_is_asked(column: str, values: list[str], formats: tuple[CellFormat, ...]) -> None:
    text = of_column(column, *values)
    found = previewed(CODES, text)
    [question] = found.questions
    assert (question.column, question.formats) == (column, formats)
    assert (found.is_complete, found.report) == (False, None)
    assert found.checked.rows == []
    assert question.example in values
    answered = previewed(CODES, text, **{column: formats[0]})
    assert answered.questions == []


def test_values_of_a_choice_that_are_not_known_are_asked() -> None:
    found = previewed(ImportKind.PAYERS, "Payer,Type\nA Mutual,Insurance\nBen Sample,Self Pay\nC,Worker\n")
    [question] = found.questions
    assert (question.column, question.values) == ("kind", ("Worker",))
    [kind] = [column for column in found.mapping.columns if column.column == "kind"]
    assert [(pair.source, pair.value) for pair in kind.values] == [("Self Pay", "PATIENT")]


def test_the_columns_of_a_customer_list_of_quickbooks_are_known() -> None:
    found = previewed(
        ImportKind.PAYERS, "Customer,Customer type,Phone numbers,Email,Billing address\nA Mutual,Insurance,,,\n"
    )
    assert [column.column for column in found.mapping.columns] == ["name", "kind", "email", "phone", "address"]
    assert found.other_columns == []


def test_a_name_in_one_column_is_asked_about_and_taken_apart() -> None:
    text = 'Chart #,Patient\nP-1,"Example, Ada"\n'
    found = previewed(ImportKind.PATIENTS, text)
    assert [question.column for question in found.questions] == ["first_name", "last_name"]
    both = {"first_name": CellFormat.LAST_FIRST, "last_name": CellFormat.LAST_FIRST}
    [row] = previewed(ImportKind.PATIENTS, text, **both).checked.rows
    assert (row.values["first_name"], row.values["last_name"]) == ("Ada", "Example")


@pytest.mark.parametrize(("delimiter", "begin"), [(";", "sep=;\n"), (";", ""), ("\t", "")])
def test_the_delimiter_is_found_below_title_rows(delimiter: str, begin: str) -> None:
    text = of_column("base_price", "$5.00").replace(",", delimiter)
    assert previewed(CODES, begin + text).checked.rows
    titled = previewed(CODES, f"{begin}Prices{delimiter * 3}\n{text}")
    assert (len(titled.checked.rows), titled.shape.delimiter) == (1, delimiter)


def test_a_row_that_is_cut_off_is_refused_by_a_mapping_too() -> None:
    found = previewed(CODES, of_column("base_price", "$250.00") + "V0009,Own words,$25")
    [cell] = found.checked.problems.shown
    assert (cell.line, "cut off" in cell.reason) == (3, True)


def test_cells_beyond_the_header_are_never_ignored() -> None:
    text = of_column("base_price", "5.00").replace("5.00,", "5.00,x,")
    assert previewed(CODES, text).checked.problems.shown


# Any rows in any format.
_ROWS = st.lists(
    st.tuples(
        st.decimals(0, Decimal("99999999.99"), places=2),
        st.dates(date(1970, 1, 1), date(2029, 12, 31)),
        st.sampled_from(["Own words", "Ünï, codé", '"quoted"', "Pads, a dozen"]),
    ),
    min_size=1,
    max_size=8,
)
_WRITERS: dict[CellFormat, Any] = {
    D.US_AMOUNT: lambda value: f"${value:,}",
    D.EUROPEAN_AMOUNT: lambda value: f"{value:,}".translate(str.maketrans(",.", ".,")),
    D.IMPLIED_DECIMAL: lambda value: f"{int(value * 100):010}",
    D.AS_IS: str,
    MDY: lambda day: f"{day.month}/{day.day}/{day.year}",
    DMY: lambda day: f"{day.day}.{day.month}.{day.year}",
    D.YEAR_MONTH_DAY: lambda day: f"{day:%Y%m%d}",
    D.MONTH_DAY_SHORT_YEAR: lambda day: f"{day:%m/%d/%y}",
}
_AMOUNTS, _DAYS = list(_WRITERS)[:4], list(_WRITERS)[3:]


@settings(max_examples=60, deadline=None)
@given(_ROWS, st.sampled_from(_AMOUNTS), st.sampled_from(_DAYS), st.sampled_from(",;\t"), st.integers(0, 3))
def test_rows_in_any_format_are_read_by_a_mapping_as_they_were_meant(
    rows: list[tuple[Decimal, date, str]], money: CellFormat, days: CellFormat, delimiter: str, titles: int
) -> None:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\n")
    writer.writerows([["A title", "", "", "", ""]] * titles)
    writer.writerow(["HCPCS", "Description", "Fee", "Eff Date", "Other"])
    for place, (price, valid_from, label) in enumerate(rows):
        writer.writerow([f"V{place:04}", label, _WRITERS[money](price), _WRITERS[days](valid_from), "x"])
    text = written.getvalue()
    answers = {"base_price": money, "valid_from": days}
    found = previewed(CODES, text, **answers)
    assert found.mapping.header_row == titles + 1
    by_mapping = checked(CODES, text, replace(found.mapping, ignores_other_columns=True))
    assert by_mapping.problems.shown == []
    assert [
        (row.values["base_price"], row.values["valid_from"], row.values["label"]) for row in by_mapping.rows
    ] == rows
    # What is proposed without an answer is the same, or asked.
    alone = previewed(CODES, text)
    asked = {question.column for question in alone.questions}
    if not asked:
        assert [row.values for row in alone.checked.rows] == [row.values for row in by_mapping.rows]


TEMPLATE = "code,label,base_price,valid_from,valid_to\n"


@pytest.mark.parametrize(
    ("rows", "days"),
    [
        ("V1,x,1275.5,1/2/2026,12/31/2026\n", [(date(2026, 1, 2), date(2026, 12, 31))]),
        ("V1,x,1275,1/1/2026,5/5/2026\n", [(date(2026, 1, 1), date(2026, 5, 5))]),
        ("V1,x,1275,2026-01-02,\n", [(date(2026, 1, 2), None)]),
    ],
)
def test_a_template_survives_a_us_spreadsheet(rows: str, days: list[Any]) -> None:
    found = checked(CODES, TEMPLATE + rows)
    assert found.problems.shown == []
    assert [(row.values["valid_from"], row.values["valid_to"]) for row in found.rows] == days


def test_amounts_of_a_template_may_have_a_dollar_sign_and_commas() -> None:
    found = checked(CODES, TEMPLATE + 'V1,x,"$1,275.00 ",2026-01-02,\nV2,x,"1,275.50",2026-01-02,\n')
    assert [row.values["base_price"] for row in found.rows] == [Decimal("1275.00"), Decimal("1275.50")]


@pytest.mark.parametrize(
    "rows",
    [
        # No day proves the order.
        "V1,x,1,1/2/2026,\n",
        # One proves it, and another one refutes it.
        "V1,x,1,1/2/2026,12/31/2026\nV2,x,1,31/12/2025,\n",
        "V1,x,1,1/2/26,12/31/26\n",
        'V1,x,"1,275",2026-01-02,\n',
        'V1,x,"1.275,00",2026-01-02,\n',
        "V1,x,($5.00),2026-01-02,\n",
    ],
)
def test_a_template_whose_values_are_not_certain_is_refused(rows: str) -> None:
    found = checked(CODES, TEMPLATE + rows)
    assert found.problems.lines
    assert 2 not in {row.line for row in found.rows}
