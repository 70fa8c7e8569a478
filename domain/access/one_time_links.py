"""One-time links, which prove by a keyed hash who made them: the format of their tokens, and how long each kind is valid."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

# The purpose of the keys of links.
PURPOSE = "one-time links"


class LinkKind(StrEnum):
    """What a one-time link is for; the value is the path of its page."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password-reset"  # noqa: S105 (a path, not a password)
    SECOND_FACTOR_RESET = "second-factor-reset"


# Link → how long it is valid.
LINK_LIFETIMES: Mapping[LinkKind, timedelta] = {
    LinkKind.INVITATION: timedelta(hours=72),
    LinkKind.PASSWORD_RESET: timedelta(hours=1),
    LinkKind.SECOND_FACTOR_RESET: timedelta(hours=24),
}
RESETS = (LinkKind.PASSWORD_RESET, LinkKind.SECOND_FACTOR_RESET)
_ID_BYTES, _MAC_BYTES = 16, 32
# How many ids a token carries.
_IDS = {LinkKind.INVITATION: 2, LinkKind.PASSWORD_RESET: 1, LinkKind.SECOND_FACTOR_RESET: 1}


def link_token(key: bytes, kind: LinkKind, *ids: UUID) -> str:
    """The token of a link: the ids of its record and their keyed hash. It is stored nowhere, and can be made again with the key."""
    raw = b"".join(one.bytes for one in ids)
    return base64.urlsafe_b64encode(raw + _mac(key, kind, raw)).decode().rstrip("=")


def one_time_url(base_url: str, kind: LinkKind, key: bytes, *ids: UUID) -> str:
    """The URL of a link. Its token is the fragment, which browsers send to no server."""
    return f"{base_url}/{kind}#{link_token(key, kind, *ids)}"


def ids_of_link(keys: Sequence[bytes], kind: LinkKind, token: str) -> tuple[UUID, ...] | None:
    """The ids in a token of this kind that was made with one of the keys; None for any other text.

    >>> ids_of_link([b"key"], LinkKind.PASSWORD_RESET, link_token(b"key", LinkKind.PASSWORD_RESET, UUID(int=7)))
    (UUID('00000000-0000-0000-0000-000000000007'),)
    """
    length = _IDS[kind] * _ID_BYTES
    if len(token) != _encoded_length(length + _MAC_BYTES):
        return None
    try:
        decoded = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    ids = tuple(UUID(bytes=decoded[start : start + _ID_BYTES]) for start in range(0, length, _ID_BYTES))
    # The whole text is compared, so that a token has one spelling.
    made = (link_token(key, kind, *ids).encode("ascii") for key in keys)
    return ids if any(hmac.compare_digest(token.encode("ascii"), one) for one in made) else None


def _encoded_length(length: int) -> int:
    return -(-length * 4 // 3)


def _mac(key: bytes, kind: LinkKind, raw: bytes) -> bytes:
    return hmac.digest(key, kind.encode() + b"\0" + raw, hashlib.sha256)
