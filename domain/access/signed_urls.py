"""Signs and verifies the signed URLs of files: each is valid for one user, one kind of file, one record and a limited time."""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

# Kind of file, which is also the first segment of the URL's path → lifetime of the signed URL.
LIFETIMES = {"uploads": timedelta(minutes=15), "documents": timedelta(minutes=15), "exports": timedelta(hours=1)}
_PACKED = struct.Struct(">16s16sQ")
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Bearer:
    """The user for whom a signed URL was made, and when it expires."""

    clinic_id: UUID
    user_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UrlSigner:
    """The signing key for the signed URLs of one kind that one request makes.

    The signature of a record is HMAC-SHA256 of its id under a key that follows from kind and token. `inner` and `outer` are
    that key with the pads of RFC 2104, so that PostgreSQL's sha256() can sign a row: sha256(outer || sha256(inner || id)).
    """

    token: str
    inner: bytes
    outer: bytes

    def signature(self, identity: UUID) -> str:
        """The signature of a record, as it stands in the URL."""
        return _text(hashlib.sha256(self.outer + hashlib.sha256(self.inner + identity.bytes).digest()).digest())


def signer_of(key: bytes, kind: str, bearer: Bearer) -> UrlSigner:
    """The signing key for URLs of a kind and a user; the expiry is truncated to full seconds."""
    packed = _PACKED.pack(bearer.clinic_id.bytes, bearer.user_id.bytes, int(bearer.expires_at.timestamp()))
    derived = hmac.new(key, kind.encode() + b"\0" + packed, hashlib.sha256).digest().ljust(_BLOCK, b"\0")
    return UrlSigner(_text(packed), bytes(byte ^ 0x36 for byte in derived), bytes(byte ^ 0x5C for byte in derived))


def bearer_of(key: bytes, kind: str, token: str, signature: str, identity: UUID, moment: datetime) -> Bearer | None:
    """The user of a signed URL; None when any part of it was changed or it has expired."""
    bearer = _unpacked(token)
    if bearer is None or moment >= bearer.expires_at:
        return None
    expected = signer_of(key, kind, bearer).signature(identity)
    is_ours = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass"))
    return bearer if is_ours else None


def _unpacked(token: str) -> Bearer | None:
    try:
        packed = base64.b64decode(token.encode("ascii") + b"==", altchars=b"-_", validate=False)
        clinic, user, seconds = _PACKED.unpack(packed)
        bearer = Bearer(UUID(bytes=clinic), UUID(bytes=user), datetime.fromtimestamp(seconds, UTC))
    except (binascii.Error, ValueError, OverflowError, OSError, struct.error):
        return None
    # Base64 can spell the same bytes in several ways; only the canonical one is accepted.
    return bearer if _text(packed) == token else None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
