"""Each purpose has a subkey of its own of each key; the newest signs and encrypts, and all of them are read."""

import hashlib
import hmac

from domain.access.secret_keys import SecretKeys

KEYS = SecretKeys(b"current" * 5, (b"former" * 6, b"oldest" * 6))


def test_a_subkey_is_the_hmac_of_its_purpose() -> None:
    assert KEYS.newest("some purpose") == hmac.new(b"current" * 5, b"some purpose", hashlib.sha256).digest()


def test_the_subkeys_of_all_keys_are_read_and_the_newest_is_the_first() -> None:
    every = KEYS.every("some purpose")
    assert len({*every}) == 3
    assert every[0] == KEYS.newest("some purpose")
    assert not {*every} & {*KEYS.every("another purpose")}


def test_no_key_is_shown_with_the_object() -> None:
    assert not [word for word in ("current", "former", "oldest") if word in repr(KEYS)]
