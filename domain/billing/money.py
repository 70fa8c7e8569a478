"""Amounts of money: exact US dollars with two decimal places, never a binary float."""

import re
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
LARGEST = Decimal("9999999999.99")
_FORM = re.compile(r"-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?")


def parse_money(text: str) -> Decimal:
    """The amount of a decimal string such as "1234.50"; ValueError for NaN, exponents, plus signs or more than two places."""
    if not _FORM.fullmatch(text):
        raise ValueError('Money is a decimal string with at most two places, such as "1234.50"')
    return Decimal(text).quantize(CENT)


def format_money(amount: Decimal) -> str:
    """An amount as a string with exactly two places; ValueError when fractions of a cent would be lost."""
    exact = amount.quantize(CENT)
    if exact != amount:
        raise ValueError("An amount of money has at most two places")
    return str(exact)


def round_money(amount: Decimal) -> Decimal:
    """An amount rounded half up to cents, which is the rounding rule for prices."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
