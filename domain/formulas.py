"""Which texts a spreadsheet would take for a formula (CSV injection), and the apostrophe that keeps them texts.

The guard is reversible: a text that begins with apostrophes before such a text gets one more, so that `unguard(guard(text)) == text`
for every text.
"""

import re

# A formula begins with one of these; the full-width and small forms are typed on East Asian keyboards, and a pipe begins a DDE link.
_SIGNS = "=+@|\uff1d\uff0b\uff0d\uff20\uff5c\ufe66\ufe62\ufe63\ufe6b-"
# Characters that a program may drop before it looks for a formula: controls, white space, and what is not visible.
_DROPPED = (
    *(
        (0x01, 0x20),
        (0x7F, 0xA0),
        (0xAD, 0xAD),
        (0x34F, 0x34F),
        (0x600, 0x605),
        (0x61C, 0x61C),
        (0x6DD, 0x6DD),
        (0x70F, 0x70F),
    ),
    *(
        (0x890, 0x891),
        (0x8E2, 0x8E2),
        (0x115F, 0x1160),
        (0x1680, 0x1680),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2000, 0x200F),
    ),
    *((0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF)),
    *(
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFFB),
        (0x110BD, 0x110BD),
        (0x110CD, 0x110CD),
        (0x13430, 0x1343F),
        (0x1BCA0, 0x1BCA3),
    ),
    *((0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)


def _spelt(code: int) -> str:
    return f"\\U{code:08x}"


# One pattern for Python and for PostgreSQL: both spell code points alike. Tabs and line breaks are never the first character of a cell.
RISKY = "^'*(?:[\\t\\n\\r]|[{dropped}]*[{signs}])".format(
    dropped="".join(f"{_spelt(first)}-{_spelt(last)}" for first, last in _DROPPED),
    signs="".join(_spelt(ord(sign)) if sign > "~" else sign for sign in _SIGNS),
)
_RISKY = re.compile(RISKY)


def guard(text: str) -> str:
    """The text as a cell of a CSV file for spreadsheets: with an apostrophe before it if it could be taken for a formula."""
    return f"'{text}" if _RISKY.match(text) else text


def unguard(text: str) -> str:
    """The text of a cell of such a file."""
    return text[1:] if text[:1] == "'" and _RISKY.match(text[1:]) else text
