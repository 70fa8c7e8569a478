"""The format of bearer tokens: the id of the clinic (the tenant) and a secret, of which only the SHA-256 is stored."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable
from enum import StrEnum
from uuid import UUID


class SessionKind(StrEnum):
    """What a bearer token authenticates."""

    SESSION = "session"
    API_TOKEN = "api_token"  # noqa: S105 (a kind, not a token)


_CLINIC_BYTES, _SECRET_BYTES = 16, 32
_TEXT_LENGTH = 64


def new_token(clinic_id: UUID, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A new random token. It contains the clinic's id, so that it is found by an index that begins with the clinic."""
    return base64.urlsafe_b64encode(clinic_id.bytes + random_bytes(_SECRET_BYTES)).decode()


def hash_of(token: str) -> bytes:
    """The SHA-256 of a token, under which its session is stored and found."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def clinic_of(token: str) -> UUID | None:
    """The id of the clinic in a token; None for a text that is no token."""
    if len(token) != _TEXT_LENGTH:
        return None
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return UUID(bytes=raw[:_CLINIC_BYTES])
