"""The names of payers as customers of QuickBooks, which refuses some characters, long names, and names that differ only in case."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

LONGEST = 100
# QuickBooks separates a customer from its parent by a colon. Typographic signs have plain ones; of other letters that are not
# in Latin-1, the accents are left out.
_REFUSED = str.maketrans({":": "-", '"': "'"})
_PLAIN = str.maketrans(
    "\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014\u2212\u0141\u0142\u0110\u0111\u0131", "''''''---LlDdi"
)
_SIGN = "a colon or quotation mark"
_LETTER = "a character that is not in Latin-1"
_SPACE = "spaces or a line break"
_LENGTH = f"more than {LONGEST} characters"
_SAME = "the name of another customer, apart from upper and lower case"
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Customer:
    """A payer under another name, and what QuickBooks would refuse of its own."""

    name: str
    payer: str
    reasons: tuple[str, ...]


def renamed_customers(payers: Iterable[tuple[UUID, str]]) -> Mapping[UUID, Customer]:
    """The payers of a clinic whose names QuickBooks refuses, each under a name that it takes.

    `payers` are all payers, oldest first. The new name of a payer does not depend on younger payers, so that it is the same in every
    export; a part of the payer's id makes it different from others.
    """
    taken: set[str] = set()
    found: dict[UUID, Customer] = {}
    for identity, payer in payers:
        plain, reasons = _plain(payer)
        name = plain
        if len(plain) > LONGEST:
            reasons.append(_LENGTH)
        elif plain.casefold() in taken:
            reasons.append(_SAME)
        # Of a name in another alphabet, nothing is left.
        plain = plain if _LETTER not in reasons or any(map(str.isalnum, plain)) else ""
        if not plain or len(plain) > LONGEST or plain.casefold() in taken:
            name = _numbered(plain or "Payer", identity, taken)
        taken.add(name.casefold())
        if name != payer:
            found[identity] = Customer(name, payer, tuple(reasons))
    return found


def one_line(text: str) -> str:
    """A text without line breaks and invisible characters, which are kept from QuickBooks."""
    return " ".join("".join(map(_visible, text)).split())


def _plain(payer: str) -> tuple[str, list[str]]:
    """A name of signs and letters that QuickBooks takes, and what was replaced."""
    composed = unicodedata.normalize("NFC", payer)
    lettered = "".join(map(_letter, composed.translate(_PLAIN)))
    name = " ".join(lettered.translate(_REFUSED).split())
    reasons = [
        reason
        for reason, is_true in (
            (_SIGN, lettered.translate(_REFUSED) != lettered),
            (_LETTER, lettered != payer),
            (_SPACE, name != lettered.translate(_REFUSED)),
        )
        if is_true
    ]
    return name, reasons


def _visible(letter: str) -> str:
    if letter.isspace():
        return " "
    return "" if unicodedata.category(letter) in ("Cf", "Cc") else letter


def _letter(letter: str) -> str:
    letter = _visible(letter)
    if letter < "\u0100":
        return letter
    kept = "".join(part for part in unicodedata.normalize("NFKD", letter) if " " < part <= "~")
    return kept or ("" if unicodedata.combining(letter) else "?")


def _numbered(name: str, identity: UUID, taken: set[str]) -> str:
    for digits in range(_DIGITS, 33):
        suffix = f" ({identity.hex[-digits:]})"
        found = name[: LONGEST - len(suffix)].rstrip() + suffix
        if found.casefold() not in taken:
            return found
    raise AssertionError("two payers have the same id")
