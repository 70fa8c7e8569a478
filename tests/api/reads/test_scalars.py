"""The scalars of the API: the accepted and the written spellings of amounts, days and moments."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError, parse, validate

from domain.access.people import Role
from permissions.graphql_adapter import ScalarDefinition
from schema.scalars import DATE, DATE_TIME, MONEY
from schema.whole import role_schemas

NEW_YORK = timezone(timedelta(hours=-4))
MISSPELT: list[tuple[ScalarDefinition, list[Any]]] = [
    (MONEY, [5, 5.0, True, None, "NaN", "Infinity", "1e3", "1.234", "+1", " 1", "1,5", "", "\u0663", []]),
    (DATE, [20250102, "2025-1-2", "2025-02-30", "20250102", "2025-W13-2", "2025-01-02T00:00:00Z"]),
    (DATE, ["2025-01-02\n", "\u0662\u0660\u0662\u0665-01-02", "", None, date(2025, 1, 2)]),
    (DATE_TIME, [0, None, "2025-01-02", "2025-01-02T09:30:00", "2025-01-02 09:30:00Z", "2025-01-02T09:30Z"]),
    (DATE_TIME, ["2025-01-02T24:30:00Z", "2025-01-02T09:30:00+0400", "2025-01-02T09:30:00+25:00"]),
]


def _parse(scalar: ScalarDefinition, value: Any) -> Any:
    assert scalar.parse_value
    return scalar.parse_value(value)


def _write(scalar: ScalarDefinition, value: Any) -> Any:
    assert scalar.serialize
    return scalar.serialize(value)


@pytest.mark.parametrize(
    ("scalar", "text", "value"),
    [
        (MONEY, "1234.50", Decimal("1234.50")),
        (MONEY, "0.00", Decimal("0.00")),
        (MONEY, "-5.10", Decimal("-5.10")),
        (DATE, "2024-02-29", date(2024, 2, 29)),
        (DATE_TIME, "2026-03-31T09:30:00-04:00", datetime(2026, 3, 31, 9, 30, tzinfo=NEW_YORK)),
    ],
)
def test_a_value_is_read_and_written_in_the_same_spelling(scalar: ScalarDefinition, text: str, value: Any) -> None:
    assert (_parse(scalar, text), _write(scalar, value)) == (value, text)


def test_an_amount_is_always_written_with_two_places() -> None:
    assert _write(MONEY, _parse(MONEY, "7")) == "7.00"


def test_a_moment_in_utc_may_end_with_a_z() -> None:
    assert _parse(DATE_TIME, "2026-03-31t13:30:00.25z") == datetime(2026, 3, 31, 9, 30, 0, 250000, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [(scalar, value) for scalar, values in MISSPELT for value in values],
    ids=lambda part: part.name if isinstance(part, ScalarDefinition) else ascii(part),
)
def test_any_other_spelling_is_refused_without_repeating_it(scalar: ScalarDefinition, value: Any) -> None:
    with pytest.raises(GraphQLError, match="such as") as refusal:
        _parse(scalar, value)
    assert len(str(value)) < 6 or str(value) not in refusal.value.message


def test_a_moment_without_offset_is_never_written() -> None:
    with pytest.raises(ValueError, match="offset"):
        _write(DATE_TIME, datetime(2026, 3, 31))  # noqa: DTZ001 - the offset is what must be missed


@pytest.mark.parametrize(("literal", "says"), [("12.5", "Money is a decimal string"), ('"12.50"', None)])
def test_a_query_gets_the_error_of_an_invalid_amount(literal: str, says: str | None) -> None:
    document = parse(f"{{ invoices(filter: {{billedMin: {literal}}}) {{ totalCount }} }}")
    messages = [error.message for error in validate(role_schemas()[Role.BILLING], document)]
    assert len(messages) == (1 if says else 0)
    assert all(says in message for message in messages if says)
