"""Recognises texts that a program has written in place of what a person meant: lost characters, missing values, converted numbers."""

import re
from itertools import chain

# Texts that are no identifier and no name as a whole: numbers that were converted (with an exponent, or decimal places
# that are zero), errors of a spreadsheet, how programs print a missing value, and what fills a cell that must not be blank.
_NO_TEXT = re.compile(
    r"(?P<converted>[+-]?[0-9][0-9,]*(\.[0-9]*)?e[+-]?[0-9]+|[$+-]? ?[0-9][0-9,]*\.0+)"
    r"|#(N/?A|REF!?|VALUE!?|DIV/0!?|NAME\??|NUM!?|NULL!?|SPILL!|CALC!|FIELD!|BLOCKED!|BUSY!|GETTING_DATA|#+)"
    r"|Err:[0-9]{3}|[(<\[](null|none|na|nan|nil|undefined|blank|empty)[)>\]]|\\N|n/a|1\.#\w+|[-.?*_/\u2013\u2014]+",
    re.IGNORECASE,
)
# Missing values, truth values and infinities; people and firms have some of these names, too.
_WORDS = frozenset("null none nan nat nil na true false inf infinity undefined".split())


def _shown_by(encoding: str) -> str:
    """The characters that show the bytes 80 to BF, which continue a character of UTF-8, in a regular expression."""
    return re.escape(
        "".join(
            chain.from_iterable(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in range(0x80, 0xC0))
        )
    )


_NEXT = _shown_by("cp1252")
# Quotation marks, dashes and spaces follow a letter with an accent in a text that is as it should be.
_UNUSUAL = f"(?![\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u00ab\u00bb\u00a0])[{_NEXT}]"
# UTF-8 that was read as Windows-1252 (`Ã©` for é), as Mac OS Roman (√©) or as the code page of DOS (├⌐).
_MISREAD = re.compile(
    f"[\u00c2\u00c3][{_NEXT}]|[\u00c4\u00c5\u00ce-\u00d1]{_UNUSUAL}|\u00e2\u20ac|[\u00e0-\u00ef]{_UNUSUAL}{{2}}"
    f"|\u00f0\u0178|\u00ef\u00bf\u00bd|\u221a[^\\s0-9]|[\u2500-\u259f]"
)
_LOST = "\ufffd"
DAMAGED = "Characters of this text were lost when it was saved: export it again as UTF-8"
MISREAD = "This text was saved or opened in another encoding than its own: export it again as UTF-8"
CONVERTED = "This is how a program writes a number that it has converted: format the column as text, and enter it as it is meant"
MISSING = "This is how a program writes a missing value or an error: leave the cell blank, or write what is meant"
IN_CAPITALS = "This is how a program writes a missing value: leave the cell blank, or write a name with one capital letter, such as Null"


def damage(text: str) -> str | None:
    """Why a text cannot be what a person has written; None if it can."""
    if text.isascii():
        return None
    if _LOST in text:
        return DAMAGED
    return MISREAD if _MISREAD.search(text) else None


def damage_of_identifier(text: str) -> str | None:
    """The same for a text that identifies a record: it is no number that was converted, and no word for a missing value."""
    if text.isdigit():
        return None
    if text.isalpha() and text.lower() in _WORDS:
        return MISSING
    return _damage(text)


def damage_of_name(text: str) -> str | None:
    """The same for a name. People are called Null, Na and True: such a word is a name if it is written as one."""
    if text.isalpha() and text.isascii():
        is_written_as_name = text.istitle()
        return IN_CAPITALS if not is_written_as_name and text.lower() in _WORDS else None
    return _damage(text)


def _damage(text: str) -> str | None:
    found = _NO_TEXT.fullmatch(text)
    if found:
        return CONVERTED if found["converted"] else MISSING
    return None if text.isascii() else damage(text)
