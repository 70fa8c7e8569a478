"""Decides which texts are kept: how long they may be, of how many lines, and which of them cannot be left blank."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import InvalidInput

# A spreadsheet takes what begins like this for a formula; the last four are typed on East Asian keyboards.
FORMULAS = tuple("=+-@\t\n\r\uff1d\uff0b\uff0d\uff20")
_LINE_BREAKS = ("Cc", "Zl", "Zp")


def can_be_kept(text: str) -> bool:
    """Whether a database can hold a text: neither NUL nor half a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


@dataclass(frozen=True, slots=True)
class Text:
    """What a text has to be: at most so many characters, on one line unless `lines`, not blank where `needed`, of a form."""

    longest: int
    needed: bool = False
    lines: bool = False
    form: str = ""
    words: str = ""


_BLANK = "This cannot be left blank"
NAME = Text(200, needed=True)
PHONE = Text(50)
ADDRESS = Text(500, lines=True)
EMAIL = Text(254, form=r"[^@\s]+@[^@\s]+", words="An e-mail address looks like name@example.com")
REASON = Text(2_000, needed=True, lines=True)
REMARK = Text(2_000, lines=True)
NOTE = Text(10_000, lines=True)
# A code or a number that somebody else has given.
CODE = Text(200, needed=True)


def checked(given: Mapping[str, Any], texts: Mapping[str, Text]) -> dict[str, str | None]:
    """Those of the texts that are given, as they are kept: blank means none. InvalidInput names the one that cannot be kept."""
    return {name: _checked(name, given[name], text) for name, text in texts.items() if name in given}


def needed(given: Mapping[str, Any], name: str, text: Text) -> str:
    """A text that has to be there, whatever is asked of it elsewhere."""
    kept = _checked(name, given.get(name), text)
    if kept is None:
        raise InvalidInput(_BLANK, (name,))
    return kept


def said(given: Mapping[str, Any], name: str, text: Text) -> str | None:
    """A text that may be left out."""
    return checked(given, {name: text}).get(name)


def _checked(name: str, value: str | None, text: Text) -> str | None:
    if value is None or not value.strip():
        if text.needed:
            raise InvalidInput(_BLANK, (name,))
        return None
    if len(value) > text.longest:
        raise InvalidInput(f"This has at most {text.longest:,} characters", (name,))
    # Whatever breaks a line cannot be printed, which is asked faster.
    if (
        not text.lines
        and not value.isprintable()
        and any(unicodedata.category(letter) in _LINE_BREAKS for letter in value)
    ):
        raise InvalidInput("This is one line of text", (name,))
    if text.form and not re.fullmatch(text.form, value):
        raise InvalidInput(text.words, (name,))
    return value
