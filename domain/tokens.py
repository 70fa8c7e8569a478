"""Decides what a bearer token is: the clinic that it names and a secret, of which only the SHA-256 is kept."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable
from enum import StrEnum
from uuid import UUID


class SessionKind(StrEnum):
    """What a token stands for."""

    SESSION = "session"
    API_TOKEN = "api_token"  # noqa: S105 (a kind, not a token)


_CLINIC_BYTES, _SECRET_BYTES = 16, 32


def new_token(clinic_id: UUID, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A token that nobody has had before. It names its clinic, so that it is found by a key that begins with the clinic."""
    return base64.urlsafe_b64encode(clinic_id.bytes + random_bytes(_SECRET_BYTES)).decode()


def hash_of(token: str) -> bytes:
    """What is kept of a token, and by what it is found."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def clinic_of(token: str) -> UUID | None:
    """The clinic that a token names; None for a text that is no token."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return UUID(bytes=raw[:_CLINIC_BYTES]) if len(raw) == _CLINIC_BYTES + _SECRET_BYTES else None
