"""The value of a cell by its type and its style; a value that does not have the form of its type is reported as damaged."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from imports.cells import DAMAGED, ERROR, NO_DAY, NumberCell
from imports.files.xlsx_dates import Shown, moment
from imports.files.xlsx_texts import SharedTexts, plain

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# Numbers of a spreadsheet are binary; further digits are not preserved, so that they could not be trusted.
_MOST_DIGITS = 17
_INDEX = re.compile("[0-9]{1,8}")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z?)?")
_BOOLEANS = {"1": True, "0": False, "true": True, "false": False}
# A cache of numbers; days in particular repeat.
_MOST_KNOWN, _LONG = 10_000, 32
_SPACE = " \t\r\n"


@dataclass(slots=True)
class Values:
    """The shared texts and styles to which cells of a workbook refer."""

    texts: SharedTexts = field(default_factory=SharedTexts)
    styles: list[Shown] = field(default_factory=list)
    from_1904: bool = False
    _known: dict[tuple[str, str | None], Any] = field(default_factory=dict)

    def value(self, kind: str, style: str | None, pieces: list[str]) -> Any:
        """The value of a cell by its type, its style and the pieces of its `v`; None if it is blank."""
        if kind == "inlineStr":
            return plain(pieces)
        text = (pieces[0] if len(pieces) == 1 else "".join(pieces)).strip(_SPACE)
        if kind == "s":
            return self._shared(text)
        if kind != "n":
            read = _READERS.get(kind)
            return DAMAGED if read is None else read(pieces)
        known = self._known.get((text, style))
        if known is None and text:
            known = self._number(text, style)
            if len(self._known) < _MOST_KNOWN and len(text) < _LONG:
                self._known[text, style] = known
        return known

    def _number(self, text: str, style: str | None) -> Any:
        number, shown = _float(text), self._style(style)
        if number is None:
            return DAMAGED
        if shown is Shown.NUMBER:
            value = Decimal(repr(number))
            value = value.quantize(1) if value == value.to_integral() else value
            return NumberCell(value, str(value))
        return self._moment(number, shown)

    def _shared(self, text: str) -> Any:
        if not _INDEX.fullmatch(text) or (index := int(text)) >= len(self.texts):
            return DAMAGED
        return self.texts[index]

    def _moment(self, number: float, shown: Shown) -> Any:
        if abs(number) > _MOST_DAYS or shown is Shown.NOTHING:
            return DAMAGED
        found = moment(number, from_1904=self.from_1904) if shown is Shown.DATE else None
        return found if isinstance(found, date) else NO_DAY

    def _style(self, style: str | None) -> Shown:
        """How a style displays a number."""
        if style is not None and not _INDEX.fullmatch(style):
            return Shown.NOTHING
        if not self.styles:
            return Shown.NUMBER
        index = int(style or 0)
        return self.styles[index] if index < len(self.styles) else Shown.NOTHING


# One more than the number of days in a spreadsheet's calendar.
_MOST_DAYS = 3_000_000


def _joined(pieces: list[str]) -> str:
    return (pieces[0] if len(pieces) == 1 else "".join(pieces)).strip(_SPACE)


def _float(text: str) -> float | None:
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    if len(text) > _MOST_DIGITS and _digits(found[1]) > _MOST_DIGITS:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _digits(mantissa: str) -> int:
    return len(mantissa.replace(".", "").strip("0"))


def _boolean(pieces: list[str]) -> Any:
    return _BOOLEANS.get(_joined(pieces), DAMAGED)


def _iso(pieces: list[str]) -> Any:
    text = _joined(pieces)
    try:
        if not _ISO.fullmatch(text):
            return DAMAGED
        found = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        return DAMAGED
    return found if found.time().isoformat() != "00:00:00" else date(found.year, found.month, found.day)


def _error(pieces: list[str]) -> Any:
    return ERROR


# Type → the meaning of its `v`. Texts computed by formulas are in the sheet itself.
_READERS: dict[str, Callable[[list[str]], Any]] = {
    "str": plain,
    "b": _boolean,
    "e": _error,
    "d": _iso,
}
