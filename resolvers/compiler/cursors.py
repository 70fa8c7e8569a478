"""Cursors of keyset pagination: the sort order of the list, the position in that order, and the id that breaks ties."""

import base64
import binascii
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Date, DateTime, Numeric, Text, Uuid, cast, func, literal
from sqlalchemy.sql.elements import ColumnElement

from db.fields.base import Order
from db.row import Row
from resolvers.compiler.refusals import refuse

_FOREIGN = "is not a cursor of this list in this order"
# Base64 of the longest sort value that a list has, and of an amount: a longer one is no cursor of ours.
_LONGEST = 4_000
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")


def cursor_expression(name: str, order: Order, row: Row) -> ColumnElement[Any]:
    """The SQL that computes the cursor of a row; `name` identifies the list and its sort order."""
    head = literal(f"{name}|", literal_execute=True)
    plain = func.concat(head, cast(row.id, Text), literal("|", literal_execute=True), cast(order.key(row), Text))
    encoded = func.encode(
        func.convert_to(plain, literal("UTF8", literal_execute=True)), literal("base64", literal_execute=True)
    )
    return func.translate(encoded, literal("+/=\n", literal_execute=True), literal("-_", literal_execute=True))


def read_cursor(text: str, name: str, order: Order, argument: str) -> tuple[Any, UUID]:
    """The sort value and the id inside a cursor; raises an error if it is malformed or belongs to another order."""
    if len(text) > _LONGEST:
        raise refuse(argument, _FOREIGN)
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        head, identity, value = plain.split("|", 2)
        if head != name or "\x00" in value:
            raise refuse(argument, _FOREIGN)
        return _value(value, order), UUID(identity)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise refuse(argument, _FOREIGN) from error


def _value(text: str, order: Order) -> Any:
    if isinstance(order.type_, Date):
        return date.fromisoformat(text)
    if isinstance(order.type_, DateTime):
        # In UTC here: PostgreSQL's driver would fail on a moment that has no equivalent there.
        return datetime.fromisoformat(text).astimezone(UTC)
    if isinstance(order.type_, Uuid):
        return UUID(text)
    if not isinstance(order.type_, Numeric):
        return text
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number that the database has written")
    return Decimal(text)
