"""Decides how amounts, days and moments are written in the API, and which spellings are refused."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from domain.money import format_money, parse_money

T = TypeVar("T")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_NO_DAY = 'A Date is a calendar day written as a string, such as "2026-03-31"'
_NO_MOMENT = 'A DateTime is a moment with its offset written as a string, such as "2026-03-31T09:30:00-04:00"'
_NO_MONEY = 'Money is a decimal string with at most two places, such as "1234.50"; never a number'


def parse_day(text: str) -> date:
    """The calendar day that a text such as "2026-03-31" says; ValueError for other spellings and for days that do not exist."""
    if not _DAY.fullmatch(text):
        raise ValueError(_NO_DAY)
    return date.fromisoformat(text)


def parse_moment(text: str) -> datetime:
    """The moment that an RFC 3339 text with offset says; ValueError for other spellings and for moments that do not exist."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(_NO_MOMENT)
    return datetime.fromisoformat(text.upper())


def format_moment(moment: datetime) -> str:
    """The RFC 3339 text of a moment; ValueError for a moment without offset."""
    if moment.tzinfo is None:
        raise ValueError("A moment needs an offset")
    return moment.isoformat()


def _only_text(parse: Callable[[str], T], refusal: str) -> Callable[[Any], T]:
    """A parser that takes strings alone and refuses with one clear sentence, which does not repeat what was sent."""

    def parse_value(value: Any) -> T:
        try:
            if isinstance(value, str):
                return parse(value)
        except ValueError:
            pass
        raise GraphQLError(refusal)

    return parse_value


MONEY = strawberry.scalar(
    name="Money",
    description='An exact amount in US dollars, written as a decimal string with two places, such as "1234.50".',
    specified_by_url="https://www.w3.org/TR/xmlschema-2/#decimal",
    serialize=format_money,
    parse_value=_only_text(parse_money, _NO_MONEY),
)
DATE = strawberry.scalar(
    name="Date",
    description='A calendar day, written as "YYYY-MM-DD".',
    specified_by_url="https://scalars.graphql.org/andimarek/local-date.html",
    serialize=date.isoformat,
    parse_value=_only_text(parse_day, _NO_DAY),
)
DATE_TIME = strawberry.scalar(
    name="DateTime",
    description='A moment with its offset, written as in "2026-03-31T09:30:00-04:00".',
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
    serialize=format_moment,
    parse_value=_only_text(parse_moment, _NO_MOMENT),
)
SCALARS: Mapping[object, ScalarDefinition] = {Decimal: MONEY, date: DATE, datetime: DATE_TIME}
