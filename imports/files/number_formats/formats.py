"""What a number format shows of a value: the section that applies, and the text, the day or nothing that it shows."""

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from imports.files.number_formats.digits import Show, general, show_of
from imports.files.number_formats.tokens import LONGEST_FORMAT, Part, Token, condition_of, sections_of

_MOST_SECTIONS = 4
_COMPARISONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}
_MONTHS = {"m", "mm", "mmm", "mmmm"}
_DAYS = {"d", "dd"}
_LONG_DAY = "f800"
_SECONDS = re.compile("s+|f400|\\[s\\]")


@dataclass(frozen=True, slots=True)
class Section:
    """What a section shows: `show` writes a number; else it is a moment, and says whether its day and its time are shown."""

    show: Show | None = None
    is_moment: bool = False
    has_day: bool = False
    has_time: bool = False


@dataclass(frozen=True, slots=True)
class _Conditional:
    section: Section
    compares: Callable[[Decimal, Decimal], bool] | None
    bound: Decimal

    def holds(self, number: Decimal) -> bool:
        return self.compares is not None and self.compares(number, self.bound)


# A section that is not rendered exactly.
UNKNOWN = Section()


class NumberFormat:
    """A number format: the section that shows a number, and what it shows of a text."""

    def __init__(self, code: str) -> None:
        parts = sections_of(code) if code and len(code) <= LONGEST_FORMAT else [[Part(Token.OTHER, code)]]
        self._text = _text_of(parts)
        # The last section is for texts, where there are four or it says so.
        is_for_texts = len(parts) == _MOST_SECTIONS or (len(parts) > 1 and _has(parts[-1], Token.TEXT))
        numbers = parts[:-1] if is_for_texts else parts
        self._sections = [_conditional(section) for section in numbers] if len(parts) <= _MOST_SECTIONS else []
        self._has_conditions = any(section.compares for section in self._sections)

    def section_of(self, number: Decimal) -> tuple[Section, bool]:
        """The section that shows a number, and whether the sign of a negative one is written before it."""
        sections = self._sections
        if self._has_conditions:
            return self._by_condition(number), False
        if len(sections) > 2 and not number:  # noqa: PLR2004 (the third section is for zero)
            return sections[2].section, False
        if len(sections) > 1 and number < 0:
            return sections[1].section, False
        return (sections[0].section if sections else UNKNOWN), number < 0

    @property
    def shows_texts_as_they_are(self) -> bool:
        """Whether the format shows every text as it is."""
        return self._text is str

    def text(self, value: str) -> str | None:
        """What the cell shows of a text; None if that is not certain."""
        return self._text(value) if self._text else None

    def _by_condition(self, number: Decimal) -> Section:
        """The first section whose condition holds, else the last one, which has none; the signs of numbers below zero are not certain."""
        *conditional, last = self._sections
        if number < 0 or not conditional or not all(section.compares for section in conditional):
            return UNKNOWN
        for section in self._sections:
            if section.holds(number):
                return section.section
        return UNKNOWN if last.compares else last.section


def _has(parts: Sequence[Part], token: Token) -> bool:
    return any(part.token is token for part in parts)


def _conditional(parts: Sequence[Part]) -> _Conditional:
    conditions = [part.text for part in parts if part.token is Token.CONDITION]
    shown = [part for part in parts if part.token is not Token.CONDITION]
    if not conditions:
        return _Conditional(_section(shown), None, Decimal(0))
    sign, bound = condition_of(conditions[0])
    return _Conditional(_section(shown) if len(conditions) == 1 else UNKNOWN, _COMPARISONS[sign], Decimal(bound))


def _section(parts: Sequence[Part]) -> Section:
    if _has(parts, Token.OTHER):
        return UNKNOWN
    if _has(parts, Token.DATE):
        return _moment([part for part in parts if part.token is not Token.LITERAL])
    for token in (Token.GENERAL, Token.TEXT):
        if _has(parts, token):
            return _around(parts, token)
    return Section(show_of(parts))


def _around(parts: Sequence[Part], token: Token) -> Section:
    """A number in the format General, perhaps with text beside it."""
    if sum(part.token is not Token.LITERAL for part in parts) > 1:
        return UNKNOWN
    before, after = _beside(parts, token)
    return Section(lambda number: f"{before}{general(number)}{after}")


def _beside(parts: Sequence[Part], token: Token) -> tuple[str, str]:
    place = next(place for place, part in enumerate(parts) if part.token is token)
    texts = [part.text for part in parts]
    return "".join(texts[:place]), "".join(texts[place + 1 :])


def _moment(parts: Sequence[Part]) -> Section:
    """What a section of days and times shows; an m beside hours or seconds is a minute."""
    codes = [part.text for part in parts if part.token is Token.DATE]
    others = {part.token for part in parts} - {Token.DATE, Token.SLASH, Token.COMMA, Token.POINT}
    # A point and zeros behind seconds are their decimal places.
    has_places = Token.POINT in {part.token for part in parts} and any(map(_SECONDS.fullmatch, codes))
    if others - {Token.DIGIT} or (others and not has_places):
        return UNKNOWN
    has_time = any(code[0] in "hs[" or "/" in code or code == "f400" for code in codes)
    shown = {code for place, code in enumerate(codes) if code[0] != "m" or not _is_minute(codes, place)}
    is_whole = bool(shown & _MONTHS and shown & _DAYS and any(code[0] == "y" for code in codes))
    return Section(is_moment=True, has_day=is_whole or _LONG_DAY in codes, has_time=has_time)


def _is_minute(codes: Sequence[str], place: int) -> bool:
    before = codes[place - 1] if place else ""
    after = codes[place + 1] if place + 1 < len(codes) else ""
    return before[:1] == "h" or before == "[h]" or _SECONDS.fullmatch(after) is not None


def _text_of(sections: Sequence[Sequence[Part]]) -> Callable[[str], str | None] | None:
    """What a format shows of texts: by its last section, where that is for texts; else the texts as they are."""
    last = sections[-1]
    if len(sections) < _MOST_SECTIONS and not _has(last, Token.TEXT):
        return str
    others = [part for part in last if part.token is not Token.LITERAL]
    if len(sections) > _MOST_SECTIONS or any(part.token not in (Token.TEXT, Token.GENERAL) for part in others):
        return None
    if not others:
        nothing = "".join(part.text for part in last)
        return lambda text: nothing
    if len(others) > 1:
        return None
    before, after = _beside(last, others[0].token)
    if not (before + after).strip():
        return str
    return lambda text: f"{before}{text}{after}"
