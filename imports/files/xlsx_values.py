"""The value of a cell as its type and the number format of its style show it; a value without the form of its type is reported as damaged."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from imports.cells import DAMAGED, ERROR, NO_DAY, NOT_RENDERED, NOTHING_SHOWN, NumberCell, Unreadable
from imports.files.number_formats.digits import ROUNDED, general, plain
from imports.files.number_formats.formats import NumberFormat, Section
from imports.files.xlsx_dates import moment
from imports.files.xlsx_styles import Styles
from imports.files.xlsx_texts import SharedTexts, unescaped

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# A number as most programs write it, and as General shows it.
_SHORT = re.compile(r"-?(?=.{1,11}$)(0|[1-9][0-9]*)(\.[0-9]*[1-9])?")
# Numbers of a spreadsheet are binary; further digits are not preserved, so that they could not be trusted.
_MOST_DIGITS = 17
_INDEX = re.compile("[0-9]{1,8}")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z?)?")
_BOOLEANS = {"1": True, "0": False, "true": True, "false": False}
# A cache of numbers; days in particular repeat.
_MOST_KNOWN, _LONG = 10_000, 32
_SPACE = " \t\r\n"
# A moment that is shown without its time may be shown as the next day, where it is this close to midnight.
_ALMOST_MIDNIGHT = time(23, 59, 59)


@dataclass(slots=True)
class Values:
    """The shared texts and styles to which the cells of a sheet refer. `hides_zeros` says whether it shows nothing for a zero."""

    texts: SharedTexts = field(default_factory=SharedTexts)
    styles: Styles = field(default_factory=Styles)
    from_1904: bool = False
    hides_zeros: bool = False
    # The styles for conditional formatting that change how a number is shown.
    changing_styles: frozenset[str] = frozenset()
    _known: dict[tuple[str, str | None], Any] = field(default_factory=dict, init=False)
    # The styles that show a text as it is.
    _as_is: set[str | None] = field(default_factory=set, init=False)

    def value(self, kind: str, style: str | None, pieces: list[str]) -> Any:
        """The value of a cell by its type, its style and the pieces of its `v`; None if it is blank."""
        if kind == "inlineStr":
            text = unescaped(pieces)
            return text if style in self._as_is else self._text(text, style)
        text = (pieces[0] if len(pieces) == 1 else "".join(pieces)).strip(_SPACE)
        if kind == "s":
            return self._shared(text, style)
        if kind != "n":
            return self._of_other_kind(kind, style, text, pieces)
        known = self._known.get((text, style))
        if known is None and text:
            known = self._number(text, style)
            if len(self._known) < _MOST_KNOWN and len(text) < _LONG:
                self._known[text, style] = known
        return known

    def _of_other_kind(self, kind: str, style: str | None, text: str, pieces: list[str]) -> Any:
        if kind == "str":
            return self._text(unescaped(pieces), style)
        found = _READERS.get(kind, _damaged)(text)
        if not isinstance(found, date):
            return found
        shown_by = self._format(style)
        if isinstance(shown_by, Unreadable):
            return shown_by
        # Any day is shown by the section for numbers above zero.
        return found if shown_by is None or shown_by.section_of(Decimal(1))[0].has_day else NO_DAY

    def _shared(self, text: str, style: str | None) -> Any:
        if not _INDEX.fullmatch(text) or (index := int(text)) >= len(self.texts):
            return DAMAGED
        found = self.texts[index]
        return found if style in self._as_is else self._text(found, style)

    def _text(self, text: str, style: str | None) -> Any:
        """A text as the format of its style shows it; most styles show it as it is."""
        found = self._format(style)
        if isinstance(found, Unreadable):
            return found
        if found is None or found.shows_texts_as_they_are:
            self._as_is.add(style)
            return text
        shown = found.text(text)
        if shown is None:
            return NOT_RENDERED
        return shown if shown.strip() or not text.strip() else NOTHING_SHOWN

    def _number(self, text: str, style: str | None) -> Any:
        is_short = _SHORT.fullmatch(text) is not None
        number, found = Decimal(text) or Decimal(0) if is_short else _decimal(text), self._format(style)
        if number is None or isinstance(found, Unreadable):
            return DAMAGED
        if self.hides_zeros and not number:
            return NOTHING_SHOWN
        if found is None:
            return NumberCell(number, str(number) if is_short else f"{'-' * (number < 0)}{general(abs(number))}")
        section, is_signed = found.section_of(number)
        if section.is_moment:
            return self._moment(number, section)
        if section.show is None:
            return NOT_RENDERED
        shown = f"{'-' * is_signed}{section.show(abs(number))}".strip()
        return NumberCell(number, shown) if shown else NOTHING_SHOWN

    def _moment(self, number: Decimal, section: Section) -> Any:
        found = moment(number, from_1904=self.from_1904) if section.has_day else None
        if found is None:
            return NO_DAY
        if section.has_time or not isinstance(found, datetime):
            return found
        return DAMAGED if found.time() >= _ALMOST_MIDNIGHT else found.date()

    def _format(self, style: str | None) -> NumberFormat | Unreadable | None:
        """The number format of a style; None for General, DAMAGED for a style that does not exist."""
        if style is not None and not _INDEX.fullmatch(style):
            return DAMAGED
        index = int(style or 0)
        return self.styles.find(index) if index < len(self.styles) else DAMAGED


def _decimal(text: str) -> Decimal | None:
    """The number, rounded to the digits that a spreadsheet shows; None for one that it cannot have written."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    if len(text) > _MOST_DIGITS and _digits(found[1]) > _MOST_DIGITS:
        return None
    return Decimal(plain(ROUNDED.create_decimal(text))) or Decimal(0) if math.isfinite(float(text)) else None


def _digits(mantissa: str) -> int:
    return len(mantissa.replace(".", "").strip("0"))


def _boolean(text: str) -> Any:
    return _BOOLEANS.get(text, DAMAGED)


def _iso(text: str) -> Any:
    try:
        if not _ISO.fullmatch(text):
            return DAMAGED
        found = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        return DAMAGED
    return found if found.time().isoformat() != "00:00:00" else date(found.year, found.month, found.day)


def _error(text: str) -> Any:
    return ERROR


def _damaged(text: str) -> Any:
    return DAMAGED


# Type → the meaning of its `v`. Texts computed by formulas are in the sheet itself.
_READERS: dict[str, Callable[[str], Any]] = {"b": _boolean, "e": _error, "d": _iso}
