"""Seals the payloads of notifications: only a process with the server's secret key can read or make one, and each counts once."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# The salt of a payload makes a key of its own for it, so that the nonce may be constant; it also identifies the payload.
_SALT_BYTES, _NONCE = 16, bytes(12)
# Contents are padded to a multiple of this length: a payload does not show how many columns it names.
_BLOCK_BYTES = 512
# The oldest payload that is read, by the clocks of two servers; and how many are remembered, to tell a replay.
_WINDOW_SECONDS, _REMEMBERED = 300.0, 100_000


@dataclass(frozen=True, slots=True)
class _Opened:
    salt: bytes
    sealed_at: float
    content: Any


class Hints:
    """Seals and opens payloads with keys derived from secrets: the first seals, any of them opens."""

    def __init__(self, *of: bytes, clock: Callable[[], float] = time) -> None:
        """The secret keys of the server, the current one first; without any, a random key, which no other process can open."""
        self._keys = [
            hmac.digest(secret, b"notifications", hashlib.sha256) for secret in of or (secrets.token_bytes(),)
        ]
        self._clock = clock

    def seal(self, channel: str, content: Any) -> str:
        """JSON content as the payload of a notification on a channel: text that looks random; at most 8,000 characters for 5,000 bytes."""
        plain = orjson.dumps([self._clock(), content])
        padded = plain.ljust(-(-len(plain) // _BLOCK_BYTES) * _BLOCK_BYTES)
        salt = secrets.token_bytes(_SALT_BYTES)
        sealed = _cipher(self._keys[0], salt).encrypt(_NONCE, padded, channel.encode())
        return base64.b64encode(salt + sealed).decode()

    def open(self, channel: str, payload: str) -> _Opened | None:
        """A payload's salt, time and content; None when it was not sealed for this channel with one of the keys."""
        try:
            whole = base64.b64decode(payload, validate=True)
        except (binascii.Error, ValueError):
            return None
        salt, sealed = whole[:_SALT_BYTES], whole[_SALT_BYTES:]
        for key in self._keys:
            try:
                sealed_at, content = orjson.loads(_cipher(key, salt).decrypt(_NONCE, sealed, channel.encode()))
            except (InvalidTag, ValueError):
                continue
            return _Opened(salt, sealed_at, content)
        return None

    @property
    def now(self) -> float:
        """The time by this process's clock, in seconds."""
        return self._clock()


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, salt, hashlib.sha256))


class Inbox:
    """The payloads that one listener has received: each is read once, and only if it was sealed a moment ago."""

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        # Salt → time of sealing, in order of arrival.
        self._seen: OrderedDict[bytes, float] = OrderedDict()
        # Nothing that was sealed before is read: such salts are no longer remembered.
        self._floor = 0.0

    def read(self, channel: str, payload: str) -> Any:
        """The content of a payload; None for one that is forged, of another channel, old, or read already."""
        opened = self._hints.open(channel, payload)
        if opened is None or opened.salt in self._seen:
            return None
        now = self._hints.now
        if abs(now - opened.sealed_at) > _WINDOW_SECONDS or opened.sealed_at < self._floor:
            return None
        self._seen[opened.salt] = opened.sealed_at
        if len(self._seen) > _REMEMBERED:
            self._floor = max(self._floor, self._seen.popitem(last=False)[1])
        while self._seen and next(iter(self._seen.values())) < now - _WINDOW_SECONDS:
            self._seen.popitem(last=False)
        return opened.content
