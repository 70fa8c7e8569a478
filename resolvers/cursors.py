"""Decides what a cursor holds: the order it belongs to, the place in that order, and the id that breaks ties."""

import base64
import binascii
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Numeric, Text, Uuid, cast, func, literal
from sqlalchemy.sql.elements import ColumnElement

from db.row import Row
from db.views.base import Order
from resolvers.refusals import refuse

_FOREIGN = "is no cursor of this list in this order"


def cursor_expression(name: str, order: Order, row: Row) -> ColumnElement[Any]:
    """The SQL that makes the cursor of a row; `name` says which order of which list it belongs to."""
    head = literal(f"{name}|", literal_execute=True)
    plain = func.concat(head, cast(row.id, Text), literal("|", literal_execute=True), cast(order.key(row), Text))
    encoded = func.encode(
        func.convert_to(plain, literal("UTF8", literal_execute=True)), literal("base64", literal_execute=True)
    )
    return func.translate(encoded, literal("+/=\n", literal_execute=True), literal("-_", literal_execute=True))


def read_cursor(text: str, name: str, order: Order, argument: str) -> tuple[Any, UUID]:
    """The sort value and the id inside a cursor; refuses one that is malformed or belongs to another order."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        plain = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        head, identity, value = plain.split("|", 2)
        if head != name or "\x00" in value:
            raise refuse(argument, _FOREIGN)
        return _value(value, order), UUID(identity)
    except (binascii.Error, ValueError, InvalidOperation) as error:
        raise refuse(argument, _FOREIGN) from error


def _value(text: str, order: Order) -> Any:
    if isinstance(order.type_, Date):
        return date.fromisoformat(text)
    if isinstance(order.type_, Uuid):
        return UUID(text)
    if not isinstance(order.type_, Numeric):
        return text
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError("not a number")
    return number
