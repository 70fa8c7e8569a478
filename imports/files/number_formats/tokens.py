"""Splits the code of a number format into its sections, and each section into tokens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto


class Token(Enum):
    """What a part of a format code stands for; OTHER for everything whose meaning is not certain."""

    LITERAL = auto()
    GENERAL = auto()
    DIGIT = auto()
    POINT = auto()
    COMMA = auto()
    PERCENT = auto()
    TEXT = auto()
    SLASH = auto()
    DATE = auto()
    CONDITION = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """A token with its text: what a literal shows, or the code itself."""

    token: Token
    text: str


# A spreadsheet program takes no longer ones.
LONGEST_FORMAT = 255
# A group for each kind of part, in the order in which they are looked for.
_PARTS = re.compile(
    r"""(?P<quoted>"[^"]*")|(?P<escaped>\\.)|(?P<space>_.)|(?P<fill>\*.)|(?P<bracket>\[[^\]]*\])
    |(?P<end>;)|(?P<general>general)|(?P<half>am/pm|a/p)|(?P<exponent>e[+-])|(?P<date>y+|m+|d+|h+|s+)
    |(?P<digit>[0\#?])|(?P<point>\.)|(?P<comma>,)|(?P<percent>%)|(?P<text>@)|(?P<slash>/)|(?P<sign>[-$+():!^&'~{}<>=\ ])|(?P<other>.)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_TOKENS = {
    "general": Token.GENERAL,
    "half": Token.DATE,
    "date": Token.DATE,
    "digit": Token.DIGIT,
    "point": Token.POINT,
    "comma": Token.COMMA,
    "percent": Token.PERCENT,
    "text": Token.TEXT,
    "slash": Token.SLASH,
    "sign": Token.LITERAL,
}
_COLOURS = re.compile(r"black|blue|cyan|green|magenta|red|white|yellow|color *[0-9]{1,2}", re.IGNORECASE)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=) *(-?[0-9]{1,15}(\.[0-9]{1,15})?)")
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
# A currency sign and a language. Longer numbers choose other digits or another calendar, F800 the longest form of a day.
_LANGUAGE = re.compile(r"\$(?P<sign>[^\-\]]*)(-(?P<language>[0-9a-f]{1,4}))?", re.IGNORECASE)
_LONG_DAY, _LONG_TIME = "f800", "f400"


def sections_of(code: str) -> list[list[Part]]:
    """The parts of each section of a format code."""
    sections: list[list[Part]] = [[]]
    for found in _PARTS.finditer(code):
        kind, text = found.lastgroup or "other", found[0]
        if kind == "end":
            sections.append([])
        else:
            sections[-1] += _parts(kind, text)
    return sections


def _parts(kind: str, text: str) -> Iterator[Part]:
    if kind == "quoted":
        yield Part(Token.LITERAL, text[1:-1])
    elif kind == "escaped":
        yield Part(Token.LITERAL, text[1])
    elif kind == "space":
        yield Part(Token.LITERAL, " ")
    elif kind == "fill":
        # Spaces only move the number to the edge of the cell; any other character would fill the cell.
        yield Part(Token.LITERAL, "") if text[1] == " " else Part(Token.OTHER, text)
    elif kind == "bracket":
        yield from _bracketed(text[1:-1])
    elif kind in _TOKENS:
        yield Part(_TOKENS[kind], text.lower())
    elif kind == "other" and not text.isascii() and not text.isalnum():
        yield Part(Token.LITERAL, text)
    else:
        yield Part(Token.OTHER, text)


def _bracketed(text: str) -> Iterator[Part]:
    language = _LANGUAGE.fullmatch(text)
    if _COLOURS.fullmatch(text):
        return
    if _CONDITION.fullmatch(text):
        yield Part(Token.CONDITION, text)
    elif _ELAPSED.fullmatch(text):
        yield Part(Token.DATE, f"[{text[0].lower()}]")
    elif language:
        named = (language["language"] or "").lower()
        if named in (_LONG_DAY, _LONG_TIME):
            # The code that follows is only shown where the system has no form of its own.
            yield Part(Token.DATE, named)
        elif language["sign"]:
            yield Part(Token.LITERAL, language["sign"])
    else:
        yield Part(Token.OTHER, text)


def condition_of(text: str) -> tuple[str, str]:
    """The comparison of a condition such as `<=100`, and the number that it compares with."""
    found = _CONDITION.fullmatch(text)
    assert found
    return found[1], found[2]
