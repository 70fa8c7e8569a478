"""Parses the cells of an imported file: each kind of value, and the error messages for cells that cannot be read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from domain.billing.money import LARGEST, parse_money
from domain.errors import InvalidInput
from domain.imports import LONGEST_SHOWN
from domain.parties import FACTOR
from domain.pricing.price_lists import CODE, LAST_POSITION, POSITION
from domain.texts import Text, required_text
from imports.damaged_texts import damage, damage_of_identifier, damage_of_name

# A reader converts a non-blank cell to its value; it raises InvalidInput with the reason if it cannot.
Reader = Callable[[Any], Any]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Codes have five characters: a number of five digits has not lost a leading zero.
_FEWEST_DIGITS = 5
# A whole number of more than 15 digits.
_TOO_LONG = Decimal(10) ** 15
_NO_DIGITS = re.compile("[^0-9]")
# Dollars as a spreadsheet shows them: the sign, the parentheses of a negative amount, and the currency in any order.
_DOLLARS = r" ?(?:USD|(?:US)?\$)? ?"
_SHOWN_AMOUNT = re.compile(
    rf"(?P<before>-)?{_DOLLARS}(?P<opened>\()?{_DOLLARS}(?P<after>-)?"
    r" ?(?P<number>([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]*)?|\.[0-9]+)( ?USD)? ?(?P<closed>\))?"
)
_NO_DAY = "This is not a day such as 2026-01-31"
_NO_AMOUNT = 'This is not an amount such as "1234.50", without currency, thousands separator or decimal comma, and with two places'


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell whose value cannot be trusted, whatever it displays."""

    reason: str


class NumberCell(NamedTuple):
    """The number in a cell of a workbook: its value, to the 15 digits that a spreadsheet keeps, and the text that the cell shows."""

    value: Decimal
    shown: str


FORMULA = Unreadable("This is a formula: paste its value instead")
ERROR = Unreadable("This is an error of the spreadsheet, such as #N/A")
DAMAGED = Unreadable("This cell is damaged in the file: type its value again")
NO_DAY = Unreadable("This cell shows no day, with its month and year: format it as a date, or as text")
NOT_RENDERED = Unreadable(
    "The number format of this cell, such as one with an exponent or a fraction, cannot be read exactly: format the cell as a number, a date or text"
)
NOTHING_SHOWN = Unreadable(
    "This cell has a value, but its number format shows nothing: format it as a number or text, or clear it"
)
MERGED = Unreadable("This cell is merged with others: give each row its own")


def is_blank(cell: Any) -> bool:
    """Whether a cell is blank."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def shown(cell: Any) -> str | None:
    """The content of a cell as a report quotes it; None for an id, which took the place of a record's name."""
    if cell is None or isinstance(cell, Unreadable | UUID):
        return None
    plain = (cell.shown if isinstance(cell, NumberCell) else str(cell)).strip()
    return plain if len(plain) <= LONGEST_SHOWN else f"{plain[:LONGEST_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class TextReader:
    """Reads a text: what the cell shows. `damage` says why it cannot be what was meant."""

    form: Text
    damage: Callable[[str], str | None]

    def __call__(self, cell: Any) -> str:
        """The text of a cell."""
        return required_text({"it": self.part(cell)}, "it", self.form)

    def part(self, cell: Any) -> str:
        """What a cell shows, which may be one of several that make the text."""
        found = (cell if isinstance(cell, str) else _number_as_text(cell)).strip()
        if reason := self.damage(found):
            raise InvalidInput(reason)
        return found


def text(form: Text, damage: Callable[[str], str | None] = damage) -> Reader:
    """A text: what the cell shows."""
    return TextReader(form, damage)


def identifier(form: Text) -> Reader:
    """A number, code or other text that identifies a record."""
    return text(form, damage_of_identifier)


def name(form: Text) -> Reader:
    """The name of a person, a firm or a thing."""
    return text(form, damage_of_name)


def factor(cell: Any) -> Decimal:
    """The geographic factor of a facility: above 0, with up to four decimal places."""
    found = Decimal(text(FACTOR)(cell))
    if found <= 0:
        raise InvalidInput("A factor must be greater than 0")
    return found


def position(cell: Any) -> int:
    """A place in a list: a whole number from 0."""
    found = text(POSITION)(cell)
    if int(found) > LAST_POSITION:
        raise InvalidInput(f"A position must be 0 to {LAST_POSITION:,}")
    return int(found)


def code(cell: Any) -> str:
    """A code, as it is billed."""
    if isinstance(cell, NumberCell) and len(cell.shown) < _FEWEST_DIGITS:
        raise InvalidInput("This is a number, which may have lost leading zeros: format the column as text")
    return str(identifier(CODE)(cell))


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
        word = re.sub(r"[\s-]+", "_", (shown(cell) or "").upper())
        if word not in choices.__members__:
            raise InvalidInput(f"This must be one of {', '.join(choices.__members__)}")
        return choices[word].value

    return read


def _amount(cell: Any) -> Decimal:
    if isinstance(cell, NumberCell):
        if cell.shown != str(cell.value) and amount_shown(cell) != cell.value:
            raise InvalidInput(
                "This cell does not show its exact amount in dollars: format it as a number with two decimal places"
            )
        found = round(cell.value, 2)
        if found != cell.value:
            raise InvalidInput("This has more than two decimal places: round it in the spreadsheet")
        return found
    if not isinstance(cell, str):
        raise InvalidInput(_NO_AMOUNT)
    try:
        return parse_money(cell.strip())
    except ValueError:
        raise InvalidInput(_NO_AMOUNT) from None


def amount_shown(cell: NumberCell) -> Decimal | None:
    """The amount that a person reads in a cell; None if it is not an amount in US dollars."""
    if not cell.value and cell.shown.strip("$ ") == "-":
        # Accounting formats show a dash for zero.
        return cell.value
    found = _SHOWN_AMOUNT.fullmatch(cell.shown)
    if not found or bool(found["opened"]) != bool(found["closed"]):
        return None
    number = Decimal(found["number"].replace(",", ""))
    return -number if found["opened"] or found["before"] or found["after"] else number


def _number_as_text(cell: Any) -> str:
    """The text that a number shows, with all of its digits and its sign."""
    if not isinstance(cell, NumberCell):
        raise InvalidInput("This is not a text: format the column as text")
    if cell.value >= _TOO_LONG:
        raise InvalidInput(
            "A spreadsheet keeps only 15 digits of this number: format the column as text, and enter it again"
        )
    digits = str(abs(cell.value)).replace(".", "").lstrip("0")
    if cell.value < 0 or "%" in cell.shown or digits not in _NO_DIGITS.sub("", cell.shown):
        raise InvalidInput(
            "This cell shows another number than its value: format the column as text, and enter the number as it is meant"
        )
    return cell.shown
