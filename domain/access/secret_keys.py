"""The secret keys of a deployment: the current one signs and encrypts, and what old ones have signed or encrypted can still be read."""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class SecretKeys:
    """The current key, and the old keys that are still read. No key is used itself: each purpose has a subkey of its own."""

    current: bytes = field(repr=False)
    old: tuple[bytes, ...] = field(default=(), repr=False)

    def newest(self, purpose: str) -> bytes:
        """The subkey of a purpose that signs and encrypts, 32 bytes: HMAC-SHA256 of the purpose under the current key."""
        return _subkey(self.current, purpose)

    def every(self, purpose: str) -> tuple[bytes, ...]:
        """The subkeys of a purpose that verify and decrypt, the newest first."""
        return tuple(_subkey(key, purpose) for key in (self.current, *self.old))


@lru_cache(maxsize=256)
def _subkey(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, purpose.encode(), hashlib.sha256)
