"""What documents show of a text: without characters that are invisible or turn the direction of others, and with places to break lines."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from domain.billing.money import format_money
from domain.documents.contents import Contents

FONTS = Path(__file__).parent / "fonts"
# Shown for a letter that no packaged font has.
UNKNOWN = "\ufffd"
# Besides the categories Cc, Cf, Cs and Co: joiners, fillers and variation selectors.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
# Marks that stack on one letter are drawn over the lines above and below.
_MOST_MARKS = 3
_STACKED = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})[\u0300-\u036f\u0483-\u0489\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
# A word of more letters is broken, so that it fits into the narrowest column.
_LONG_WORD = re.compile(r"[^\s\u200b]{13,}")
_PIECE = 12
_BREAK = "\u200b"
_FIRST_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def shown(text: str) -> str:
    r"""A text as documents show it; line breaks stay.

    >>> shown("Ann\u202e\x00 Lee")
    'Ann Lee'
    """
    if text.isascii() and text.isprintable():
        return _breakable(text)
    lines = (_line(line) for line in re.split("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]", text))
    return "\n".join(lines)


def _line(text: str) -> str:
    composed = unicodedata.normalize("NFC", _INVISIBLE.sub("", text.replace("\t", " ")))
    kept = "".join(map(_letter, composed))
    return _breakable(_STACKED.sub(r"\1", kept))


def _letter(letter: str) -> str:
    category = unicodedata.category(letter)
    if category in ("Cc", "Cf", "Cs"):
        return ""
    if category == "Zs":
        return " "
    return letter if is_covered(letter) else UNKNOWN


def _breakable(text: str) -> str:
    return _LONG_WORD.sub(lambda word: _BREAK.join(_pieces(word[0])), text)


def _pieces(word: str) -> list[str]:
    """A long word in pieces; none begins with a mark that belongs to the letter before it."""
    pieces, begin = [], 0
    for place in range(1, len(word)):
        if place - begin >= _PIECE and not unicodedata.combining(word[place]):
            pieces.append(word[begin:place])
            begin = place
    return [*pieces, word[begin:]]


@cache
def _coverage() -> tuple[list[int], list[int]]:
    """The first and the last letters of the ranges that the packaged fonts have, of coverage.txt."""
    ranges = [line.split("-") for line in (FONTS / "coverage.txt").read_text("ascii").split()]
    return [int(one[0], 16) for one in ranges], [int(one[-1], 16) for one in ranges]


def is_covered(letter: str) -> bool:
    """Whether a packaged font has this letter."""
    firsts, lasts = _coverage()
    place = bisect_right(firsts, ord(letter)) - 1
    return place >= 0 and ord(letter) <= lasts[place]


def isolated(text: str) -> str:
    """A text within a sentence, whose direction does not turn that of its neighbours."""
    return text if text.isascii() else f"{_FIRST_ISOLATE}{text}{_POP_ISOLATE}"


def plain(contents: Contents) -> dict[str, Any]:
    """The contents as JSON values that a template shows: texts as they are shown, days as 12/31/2026, amounts as texts with two places."""
    found = _plain(asdict(contents))
    assert isinstance(found, dict)
    return found


def _plain(value: Any) -> Any:
    match value:
        case str():
            return shown(value)
        case Decimal():
            return format_money(value)
        case date():
            return f"{value:%m/%d/%Y}"
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case tuple() | list():
            return [_plain(one) for one in value]
        case _:
            return value
