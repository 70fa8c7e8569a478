"""Signs and verifies the signed URLs of files: each is valid for one session, one kind of file, one record and a limited time."""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

# Kind of file, which is also the first segment of the URL's path → lifetime of the signed URL.
LIFETIMES = {
    "uploads": timedelta(minutes=15),
    "documents": timedelta(minutes=15),
    "issued": timedelta(minutes=15),
    "exports": timedelta(hours=1),
}
# The bytes of an access stamp.
STAMP_BYTES = 8
_PACKED = struct.Struct(f">16s16s16s{STAMP_BYTES}sQ")
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Bearer:
    """The user and the session for which a signed URL was made, and when it expires.

    `access_stamp` is that of the user's account when the URL was made: a new password or another role changes it.
    """

    clinic_id: UUID
    user_id: UUID
    session_id: UUID
    access_stamp: bytes
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
    identities = (bearer.clinic_id.bytes, bearer.user_id.bytes, bearer.session_id.bytes)
    packed = _PACKED.pack(*identities, bearer.access_stamp, int(bearer.expires_at.timestamp()))
    derived = hmac.new(key, kind.encode() + b"\0" + packed, hashlib.sha256).digest().ljust(_BLOCK, b"\0")
    return UrlSigner(_text(packed), bytes(byte ^ 0x36 for byte in derived), bytes(byte ^ 0x5C for byte in derived))


def bearer_of(
    keys: Sequence[bytes], kind: str, token: str, signature: str, identity: UUID, moment: datetime
) -> Bearer | None:
    """The bearer of a URL that one of the keys has signed; None when any part of it was changed or it has expired."""
    bearer = _unpacked(token)
    if bearer is None or moment >= bearer.expires_at:
        return None
    given = signature.encode("utf-8", "surrogatepass")
    expected = [signer_of(key, kind, bearer).signature(identity).encode() for key in keys]
    return bearer if any(hmac.compare_digest(one, given) for one in expected) else None


def _unpacked(token: str) -> Bearer | None:
    try:
        packed = base64.b64decode(token.encode("ascii") + b"==", altchars=b"-_", validate=False)
        clinic, user, session, stamp, seconds = _PACKED.unpack(packed)
        ids = (UUID(bytes=clinic), UUID(bytes=user), UUID(bytes=session))
        bearer = Bearer(*ids, stamp, datetime.fromtimestamp(seconds, UTC))
    except (binascii.Error, ValueError, OverflowError, OSError, struct.error):
        return None
    # Base64 can spell the same bytes in several ways; only the canonical one is accepted.
    return bearer if _text(packed) == token else None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
