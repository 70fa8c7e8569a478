"""Encryption of stored secrets (AES-256-GCM): written with the newest key, read with any, and bound to the record that they are part of."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Opened:
    """A decrypted secret, and whether the newest key had encrypted it."""

    text: str
    is_newest: bool


class Encryption:
    """Encrypts and decrypts the secrets of one purpose.

    A ciphertext does not name its key: the keys are tried in order, and AES-GCM refuses all but the right one. So secrets that were
    stored before there were several keys need no other format.
    """

    def __init__(self, subkeys: Sequence[bytes]) -> None:
        """`subkeys` have 32 bytes each, the newest first."""
        self._ciphers = [AESGCM(subkey) for subkey in subkeys]

    def seal(self, text: str, record: bytes) -> bytes:
        """A secret encrypted with the newest key; it can be opened for the same record only."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, text.encode(), record)

    def open(self, sealed: bytes, record: bytes) -> Opened | None:
        """The decrypted secret; None when no key has encrypted it, or when it belongs to another record."""
        nonce, encrypted = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for place, cipher in enumerate(self._ciphers):
            try:
                return Opened(cipher.decrypt(nonce, encrypted, record).decode(), is_newest=place == 0)
            except (InvalidTag, ValueError):
                continue
        return None
