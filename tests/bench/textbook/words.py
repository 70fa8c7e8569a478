"""The textbook's search by the beginning of a word of a name or of a number, and its ids."""

import re
from unicodedata import category, normalize
from uuid import UUID

from db.global_ids import make_id
from domain.access.people import Role

_READS_NUMBERS = {Role.ADMIN, Role.BILLING, Role.PHYSICIAN}
_SAME = {
    "\u2019": "'",
    "\u2018": "'",
    "`": "'",
    "\u2011": "-",
    "\u2013": "-",
    "ø": "o",
    "ł": "l",
    "æ": "ae",
    "œ": "oe",
    "đ": "d",
}


def squeezed(text: str) -> str:
    """A text in small letters without accents, with single spaces and without characters that are not seen."""
    found = ""
    for letter in text:
        small = normalize("NFKD", normalize("NFKD", letter).casefold())
        found += "".join(_SAME.get(one, one) for one in small if category(one) not in ("Mn", "Cf"))
    return " ".join(found.split())


def is_named(text: str, *names: str) -> bool:
    """Whether a person's name begins with a text, at any of its words, or with the last word first; hyphens and apostrophes may be left out."""
    wanted, whole = squeezed(text), squeezed(" ".join(names))
    spellings = {whole, whole.replace("-", " "), whole.replace("'", ""), whole.replace("-", " ").replace("'", "")}
    for name in spellings - {""}:
        *others, last = name.split()
        starts = [0, *(found.end() for found in re.finditer("[ -]", name))]
        if " ".join([last, *others]).startswith(wanted) or any(name[start:].startswith(wanted) for start in starts):
            return True
    return False


def is_numbered(role: Role, text: str, mrn: str, phone: str | None) -> bool:
    """Whether a record number or a telephone number begins with a text, for roles that see them."""
    if role not in _READS_NUMBERS:
        return False
    if squeezed(mrn).startswith(squeezed(text)):
        return True
    digits, number = re.sub("[^0-9]", "", text), re.sub("[^0-9]", "", phone or "")
    looks_like_one = len(digits) > 2 and re.fullmatch(r"[-+(). 0-9]*", squeezed(text))
    return bool(looks_like_one) and _national(number).startswith(_national(digits))


def _national(digits: str) -> str:
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def is_among(ids: list[str], type_name: str, identity: UUID | None) -> bool:
    """Whether the id of a record is among global ids."""
    return identity is not None and make_id(type_name, identity) in ids
