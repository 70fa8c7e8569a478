"""Postal addresses in parts: their columns, the checks of each part, and the lines as they are printed."""

from collections.abc import Mapping
from typing import Any

from domain.texts import Text

# The columns of an address without their prefix, in the order in which they are written.
PARTS = ("line1", "line2", "city", "state", "postal_code")
# The states, the District of Columbia, the territories and the addresses of the armed forces, as the postal service abbreviates them.
STATES = frozenset(
    """AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN
    TX UT VT VA WA WV WI WY DC AS GU MP PR VI AA AE AP""".split()
)
STATE = Text(
    2, capitals=True, form="|".join(sorted(STATES)), words="A state is abbreviated by its two letters, such as NY or TX"
)
POSTAL_CODE = Text(
    10, form="[0-9]{5}(-[0-9]{4})?", words="A ZIP code has five digits, or five and four: 10001 or 10001-2345"
)
_LINE = Text(100)
_TEXTS = {"line1": _LINE, "line2": _LINE, "city": Text(60), "state": STATE, "postal_code": POSTAL_CODE}


def columns_of(prefix: str) -> tuple[str, ...]:
    """The columns of the address of a prefix.

    >>> columns_of("remit")[0]
    'remit_line1'
    """
    return tuple(f"{prefix}_{part}" for part in PARTS)


def texts_of(prefix: str) -> dict[str, Text]:
    """The rules for the parts of the address of a prefix, by column."""
    return {f"{prefix}_{part}": text for part, text in _TEXTS.items()}


def printed_lines(row: Mapping[str, Any], prefix: str) -> tuple[str, ...]:
    """The lines of an address as they are printed; none for an address without any part.

    >>> parts = {"remit_line1": "1 Main St", "remit_city": "Austin", "remit_state": "TX", "remit_postal_code": "78701"}
    >>> printed_lines(parts, "remit")
    ('1 Main St', 'Austin, TX 78701')
    """
    line1, line2, city, state, postal_code = (row.get(name) for name in columns_of(prefix))
    region = " ".join(part for part in (state, postal_code) if part)
    last = ", ".join(part for part in (city, region) if part)
    return tuple(line for line in (line1, line2, last) if line)


def is_whole(row: Mapping[str, Any], prefix: str) -> bool:
    """Whether an address has all that a letter or a claim needs: the second line may be missing."""
    return all(row.get(f"{prefix}_{part}") for part in PARTS if part != "line2")
