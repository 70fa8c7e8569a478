"""Parses the cells of an imported file: each kind of value, and the error messages for cells that cannot be read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from domain.billing.money import LARGEST, parse_money
from domain.billing.price_lists import CODE
from domain.errors import InvalidInput
from domain.imports import LONGEST_SHOWN
from domain.parties import FACTOR
from domain.texts import Text, required_text

# A reader converts a non-blank cell to its value; it raises InvalidInput with the reason if it cannot.
Reader = Callable[[Any], Any]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Codes have five characters: a number of five digits has not lost a leading zero.
_FIVE_DIGITS = 10_000
_NO_DAY = "This is not a day such as 2026-01-31"
_NO_AMOUNT = 'This is not an amount such as "1234.50", without currency, thousands separator or decimal comma, and with two places'


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell whose value cannot be trusted, whatever it displays."""

    reason: str


FORMULA = Unreadable("This is a formula: paste its value instead")
ERROR = Unreadable("This is an error of the spreadsheet, such as #N/A")
DAMAGED = Unreadable("This cell is damaged in the file: type its value again")
MERGED = Unreadable("This cell is merged with others: give each row its own")


def is_blank(cell: Any) -> bool:
    """Whether a cell is blank."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def shown(cell: Any) -> str | None:
    """The content of a cell as a report quotes it."""
    if cell is None or isinstance(cell, Unreadable):
        return None
    plain = _number(cell) if isinstance(cell, float) else str(cell).strip()
    return plain if len(plain) <= LONGEST_SHOWN else f"{plain[:LONGEST_SHOWN]}…"


def text(form: Text) -> Reader:
    """A text; a whole number is read as its digits."""

    def read(cell: Any) -> str:
        if isinstance(cell, float | int) and not isinstance(cell, bool):
            cell = _number(cell)
        if not isinstance(cell, str):
            raise InvalidInput("This is not a text: format the column as text")
        return required_text({"it": cell.strip()}, "it", form)

    return read


def factor(cell: Any) -> Decimal:
    """The geographic factor of a facility: above 0, with up to four decimal places."""
    found = Decimal(text(FACTOR)(cell.strip() if isinstance(cell, str) else repr(cell)))
    if found <= 0:
        raise InvalidInput("A factor must be greater than 0")
    return found


def code(cell: Any) -> str:
    """A code, as it is billed."""
    if isinstance(cell, float | int) and cell < _FIVE_DIGITS:
        raise InvalidInput("This is a number, which may have lost leading zeros: format the column as text")
    return str(text(CODE)(cell))


def amount(word: str = "An amount") -> Reader:
    """An exact, non-negative amount in US dollars; `word` is its name in error messages."""

    def read(cell: Any) -> Decimal:
        found = _amount(cell)
        if found < 0:
            raise InvalidInput(f"{word} must not be negative")
        if found > LARGEST:
            raise InvalidInput(f"{word} must be at most {LARGEST:,}")
        return found

    return read


def ignored(cell: Any) -> None:
    """A value that is derived from the rest of the row, and is ignored."""


def day(cell: Any) -> date:
    """A calendar day: a date of a spreadsheet, or YYYY-MM-DD."""
    if isinstance(cell, datetime):
        if cell.time().isoformat() != "00:00:00":
            raise InvalidInput("This is a day with a time: leave the time out")
        return cell.date()
    if isinstance(cell, date):
        return cell
    if not isinstance(cell, str):
        raise InvalidInput(
            "This is a number and not a date: format the cell as a date, or write it as text: 2026-01-31"
        )
    try:
        if _DAY.fullmatch(cell.strip()):
            return date.fromisoformat(cell.strip())
    except ValueError:
        raise InvalidInput("There is no such day in the calendar") from None
    raise InvalidInput(_NO_DAY)


def one_of(choices: type[StrEnum]) -> Reader:
    """One of the enum's values, in upper or lower case."""

    def read(cell: Any) -> str:
        word = re.sub(r"[\s-]+", "_", str(cell).strip().upper())
        if word not in choices.__members__:
            raise InvalidInput(f"This must be one of {', '.join(choices.__members__)}")
        return choices[word].value

    return read


def _amount(cell: Any) -> Decimal:
    if isinstance(cell, bool) or not isinstance(cell, str | float | int):
        raise InvalidInput(_NO_AMOUNT)
    if isinstance(cell, str):
        try:
            return parse_money(cell.strip())
        except ValueError:
            raise InvalidInput(_NO_AMOUNT) from None
    # A spreadsheet displays a number as the shortest decimal that is equal to it.
    found = Decimal(repr(cell))
    if found != round(found, 2):
        raise InvalidInput("This has more than two decimal places: round it in the spreadsheet")
    return round(found, 2)


def _number(cell: float) -> str:
    return str(int(cell)) if cell == int(cell) else repr(cell)
