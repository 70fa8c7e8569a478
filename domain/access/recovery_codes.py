"""Recovery codes, each of which signs in once instead of a code of the authenticator app."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from uuid import UUID

# How many codes a user gets at a time.
CODES = 10
_BYTES, _GROUP = 10, 4
_LENGTH = 16


def new_codes(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> list[str]:
    """New codes of 80 random bits each, in the form ABCD-EFGH-IJKL-MNOP."""
    texts = (base64.b32encode(random_bytes(_BYTES)).decode() for _ in range(CODES))
    return ["-".join(text[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP)) for text in texts]


def plain_code(text: str) -> str | None:
    """A recovery code as it is hashed, however a person writes it; None for a text that cannot be one.

    >>> plain_code("abcd efgh-ijkl mnop"), plain_code("123456")
    ('ABCDEFGHIJKLMNOP', None)
    """
    letters = "".join(letter for letter in text.upper() if letter not in "- ")
    return letters if len(letters) == _LENGTH and letters.isascii() and letters.isalnum() else None


def hash_of_code(login_id: UUID, plain: str) -> bytes:
    """The SHA-256 under which a code of a login is stored; it is as hard to guess as the code itself."""
    return hashlib.sha256(login_id.bytes + plain.encode()).digest()
