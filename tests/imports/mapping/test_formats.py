"""Cells of foreign files are converted exactly or refused: whatever is written in a format is read as the value that was written."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.money import LARGEST
from domain.errors import InvalidInput
from domain.imports import CellFormat, ImportKind
from imports.cells import NumberCell, amount, day
from imports.kinds.known import KINDS
from imports.mapping.columns import COLUMNS, Form
from imports.mapping.formats import DAYS, SHORT_YEARS, converter, full_year

_read_amount = amount()
AMOUNTS = st.decimals(0, LARGEST, places=2)


def read(form: CellFormat, text: Any) -> Any:
    """The value that a column with this format reads."""
    convert = converter(form, "x")
    assert convert
    return (day if form in DAYS else _read_amount)(convert(text))


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (CellFormat.MONTH_DAY_YEAR, "1/31/2026", date(2026, 1, 31)),
        (CellFormat.MONTH_DAY_YEAR, "01-31-2026 00:00:00", date(2026, 1, 31)),
        (CellFormat.MONTH_DAY_YEAR, "01/31/2026 12:00:00 AM", date(2026, 1, 31)),
        (CellFormat.DAY_MONTH_YEAR, "31.01.2026", date(2026, 1, 31)),
        (CellFormat.YEAR_MONTH_DAY, "20260131", date(2026, 1, 31)),
        (CellFormat.MONTH_DAY_SHORT_YEAR, "1/31/26", date(2026, 1, 31)),
        (CellFormat.DAY_MONTH_SHORT_YEAR, "31/1/99", date(1999, 1, 31)),
        (CellFormat.US_AMOUNT, "$1,275.00", Decimal("1275.00")),
        (CellFormat.US_AMOUNT, " $ 75 ", Decimal("75.00")),
        (CellFormat.US_AMOUNT, "0001275.50", Decimal("1275.50")),
        (CellFormat.US_AMOUNT, "1275.5", Decimal("1275.50")),
        (CellFormat.EUROPEAN_AMOUNT, "1.234,56", Decimal("1234.56")),
        (CellFormat.EUROPEAN_AMOUNT, "1\u00a0234,5", Decimal("1234.50")),
        (CellFormat.IMPLIED_DECIMAL, "0000127500", Decimal("1275.00")),
        (CellFormat.IMPLIED_DECIMAL, "5", Decimal("0.05")),
    ],
)
def test_a_cell_is_read_as_what_it_means(form: CellFormat, text: str, value: Any) -> None:
    assert read(form, text) == value


@pytest.mark.parametrize(
    ("form", "text", "reason"),
    [
        (CellFormat.MONTH_DAY_YEAR, "31/1/2026", "There is no such day in the calendar"),
        (CellFormat.MONTH_DAY_YEAR, "2/29/2026", "There is no such day in the calendar"),
        (CellFormat.MONTH_DAY_YEAR, "1/31/26", "This is not a day such as 1/31/2026"),
        (CellFormat.MONTH_DAY_YEAR, "1/31.2026", "This is not a day such as 1/31/2026"),
        (CellFormat.MONTH_DAY_YEAR, "1/31/2026 08:30", "This is not a day such as 1/31/2026"),
        (CellFormat.MONTH_DAY_YEAR, "2026-01-31", "This is not a day such as 1/31/2026"),
        (CellFormat.YEAR_MONTH_DAY, "01312026", "There is no such day in the calendar"),
        (CellFormat.MONTH_DAY_SHORT_YEAR, "1/31/2026", "This is not a day such as 1/31/26"),
        (CellFormat.US_AMOUNT, "1,27", "This is not an amount such as $1,234.50"),
        (CellFormat.US_AMOUNT, "1,2750.00", "This is not an amount such as $1,234.50"),
        (CellFormat.US_AMOUNT, "1.234,50", "This is not an amount such as $1,234.50"),
        (CellFormat.US_AMOUNT, "1.275", "This is not an amount such as $1,234.50"),
        (CellFormat.US_AMOUNT, "(-5.00)", "This is not an amount such as $1,234.50"),
        (CellFormat.US_AMOUNT, "--5.00", "This is not an amount such as $1,234.50"),
        (CellFormat.US_AMOUNT, "€5.00", "This is not an amount such as $1,234.50"),
        (CellFormat.EUROPEAN_AMOUNT, "1,234.50", "This is not an amount such as 1.234,50"),
        (CellFormat.IMPLIED_DECIMAL, "1275.00", "This is not an amount such as 123450 for 1234.50"),
        *(
            (CellFormat.US_AMOUNT, text, "An amount must not be negative")
            for text in ("($75.00)", "75.00-", "-$75.00", "$-75.00", "-75", "(75)")
        ),
    ],
)
def test_what_cannot_be_read_exactly_is_refused(form: CellFormat, text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(form, text)
    assert refused.value.message == reason


def _written_day(form: CellFormat, value: date, padded: bool) -> str:
    month, number = (f"{part:02}" if padded else str(part) for part in (value.month, value.day))
    return {
        CellFormat.MONTH_DAY_YEAR: f"{month}/{number}/{value.year}",
        CellFormat.DAY_MONTH_YEAR: f"{number}/{month}/{value.year}",
        CellFormat.YEAR_MONTH_DAY: f"{value:%Y%m%d}",
        CellFormat.MONTH_DAY_SHORT_YEAR: f"{month}/{number}/{value:%y}",
        CellFormat.DAY_MONTH_SHORT_YEAR: f"{number}/{month}/{value:%y}",
    }[form]


@given(st.sampled_from(DAYS), st.dates(date(1930, 1, 1), date(2029, 12, 31)), st.booleans())
def test_every_day_is_read_as_it_was_written(form: CellFormat, value: date, padded: bool) -> None:
    assert read(form, _written_day(form, value, padded)) == value


@given(st.integers(0, 99))
def test_a_year_of_two_digits_is_within_a_hundred_years(short: int) -> None:
    assert (1930 <= full_year(short) <= 2029, full_year(short) % 100) == (True, short)


@given(AMOUNTS, st.booleans(), st.booleans(), st.integers(0, 3))
def test_every_amount_is_read_as_it_was_written(value: Decimal, dollar: bool, grouped: bool, zeros: int) -> None:
    us = f"{'$' if dollar else ''}{value:,}" if grouped else f"{'0' * zeros}{value}"
    european = (f"{value:,}" if grouped else str(value)).translate(str.maketrans(",.", ".,"))
    cents = f"{'0' * zeros}{int(value * 100)}"
    assert read(CellFormat.US_AMOUNT, us) == value
    assert read(CellFormat.EUROPEAN_AMOUNT, european) == value
    assert read(CellFormat.IMPLIED_DECIMAL, cents) == value


@given(st.text("0123456789.,$()- /", max_size=14), st.sampled_from(sorted(CellFormat)))
def test_no_text_is_read_as_digits_that_it_does_not_have(text: str, form: CellFormat) -> None:
    """Whatever is accepted has the digits of the text in their order, but for zeros at its ends."""
    convert = converter(form, "x")
    if convert is None or form in SHORT_YEARS or form is CellFormat.LAST_FIRST:
        return
    try:
        found = convert(text)
    except InvalidInput:
        return
    digits = "".join(filter(str.isdigit, text))
    if isinstance(found, date):
        assert sorted(digits.replace("0", "")) == sorted(f"{found:%Y%m%d}".replace("0", ""))
    else:
        assert digits.lstrip("0") == found.translate(str.maketrans("", "", "-.")).lstrip("0")


@pytest.mark.parametrize(
    ("column", "name", "part"),
    [
        ("first_name", "Example, Ada M.", "Ada M."),
        ("last_name", "Example, Ada M.", "Example"),
        ("patient_name", "van der Berg,Jan", "Jan van der Berg"),
    ],
)
def test_names_are_taken_apart_at_their_comma(column: str, name: str, part: str) -> None:
    convert = converter(CellFormat.LAST_FIRST, column)
    assert convert
    assert convert(name) == part
    for wrong in ("Ada Example", "Example, Jr., Ada", ", Ada", "Example,"):
        with pytest.raises(InvalidInput):
            convert(wrong)


def _maker(reader: Any) -> str:
    """The name of the function that made a reader."""
    return str(getattr(reader, "__qualname__", "")).partition(".")[0]


@pytest.mark.parametrize(
    ("form", "shown", "value"),
    [
        (CellFormat.IMPLIED_DECIMAL, "1234", Decimal("12.34")),
        (CellFormat.IMPLIED_DECIMAL, "001234", Decimal("12.34")),
        (CellFormat.IMPLIED_DECIMAL, "1,234.00", None),
        (CellFormat.IMPLIED_DECIMAL, "$1,234", None),
        (CellFormat.YEAR_MONTH_DAY, "20260131", date(2026, 1, 31)),
        (CellFormat.YEAR_MONTH_DAY, "20,260", None),
        (CellFormat.YEAR_MONTH_DAY, "2026013100%", None),
        (CellFormat.LAST_FIRST, "1234", None),
    ],
)
def test_a_number_of_a_workbook_is_converted_as_it_is_shown(form: CellFormat, shown: str, value: Any) -> None:
    number = Decimal(20260131 if form is CellFormat.YEAR_MONTH_DAY else 1234)
    if value is not None:
        assert read(form, NumberCell(number, shown)) == value
        return
    convert = converter(form, "first_name")
    assert convert
    with pytest.raises(InvalidInput):
        convert(NumberCell(number, shown))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_columns_of_mappings_are_those_of_the_templates(kind: ImportKind) -> None:
    assert list(COLUMNS[kind]) == [column.name for column in KINDS[kind].columns]
    for column in KINDS[kind].columns:
        form = COLUMNS[kind][column.name].form
        assert (column.read is day) is (form is Form.DAY), column.name
        assert (_maker(column.read) == "amount") is (form is Form.AMOUNT), column.name
        assert (_maker(column.read) == "one_of") is (form is Form.CHOICE), column.name
