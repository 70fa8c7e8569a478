"""The scalars of the API: how amounts, calendar days and points in time are written, and which spellings are rejected."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLError, StringValueNode, ValueNode

from domain.billing.money import format_money, parse_money
from permissions.graphql_adapter import ScalarDefinition

T = TypeVar("T")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_NO_DAY = 'A Date is a calendar day written as a string, such as "2026-03-31"'
_NO_MOMENT = 'A DateTime is a point in time with a UTC offset written as a string, such as "2026-03-31T09:30:00-04:00"'
_NO_MONEY = 'Money is a decimal string with at most two places, such as "1234.50"; never a number'


def parse_day(text: str) -> date:
    """Parse a calendar day such as "2026-03-31"; ValueError for other formats and for days that do not exist."""
    if not _DAY.fullmatch(text):
        raise ValueError(_NO_DAY)
    return date.fromisoformat(text)


def parse_moment(text: str) -> datetime:
    """Parse an RFC 3339 timestamp with offset; ValueError for other formats and for times that do not exist."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(_NO_MOMENT)
    moment = datetime.fromisoformat(text.upper())
    try:
        moment.astimezone(UTC)
    except OverflowError as error:
        # Before year 1 or after year 9999 in UTC, in which PostgreSQL's driver sends it.
        raise ValueError(_NO_MOMENT) from error
    return moment


def format_moment(moment: datetime) -> str:
    """Format a point in time as RFC 3339; ValueError without an offset."""
    if moment.tzinfo is None:
        raise ValueError("A DateTime needs a UTC offset")
    return moment.isoformat()


def _only_text(parse: Callable[[str], T], refusal: str) -> Callable[[Any], T]:
    """A parser that accepts strings only; its error message does not repeat the input, which may be confidential."""

    def parse_value(value: Any) -> T:
        try:
            if isinstance(value, str):
                return parse(value)
        except ValueError:
            pass
        raise GraphQLError(refusal)

    return parse_value


def _only_string(parse: Callable[[str], T], refusal: str) -> Callable[..., T]:
    """The same for a literal of a document; the error names the literal, so that it has a location and a path."""

    def parse_literal(literal: ValueNode, _variables: Any = None) -> T:
        try:
            if isinstance(literal, StringValueNode):
                return parse(literal.value)
        except ValueError:
            pass
        raise GraphQLError(refusal, literal)

    return parse_literal


MONEY = strawberry.scalar(
    name="Money",
    description='An exact amount in US dollars, written as a decimal string with two places, such as "1234.50".',
    specified_by_url="https://www.w3.org/TR/xmlschema-2/#decimal",
    serialize=format_money,
    parse_value=_only_text(parse_money, _NO_MONEY),
    parse_literal=_only_string(parse_money, _NO_MONEY),
)
DATE = strawberry.scalar(
    name="Date",
    description='A calendar day, written as "YYYY-MM-DD".',
    specified_by_url="https://scalars.graphql.org/andimarek/local-date.html",
    serialize=date.isoformat,
    parse_value=_only_text(parse_day, _NO_DAY),
    parse_literal=_only_string(parse_day, _NO_DAY),
)
DATE_TIME = strawberry.scalar(
    name="DateTime",
    description='A point in time with its UTC offset, written as in "2026-03-31T09:30:00-04:00".',
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
    serialize=format_moment,
    parse_value=_only_text(parse_moment, _NO_MOMENT),
    parse_literal=_only_string(parse_moment, _NO_MOMENT),
)
SCALARS: Mapping[object, ScalarDefinition] = {Decimal: MONEY, date: DATE, datetime: DATE_TIME}
