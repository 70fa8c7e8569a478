"""Reads the secret keys that the settings name or that the home folder keeps, and checks that they can read the stored secrets."""

import logging
import os
import secrets
from pathlib import Path

from db.pools import Database
from domain.access.secret_keys import SecretKeys
from identity.key_rotation import examine
from server.settings import SettingError, Settings

logger = logging.getLogger("billing.secret_keys")

_KEY_BYTES = 32
# A key that is generated, and the old keys of the folder, one a line.
_KEY_FILE, _OLD_KEYS_FILE = "secret-key", "old-secret-keys"
_SHORTEST = 32


def read_keys(settings: Settings) -> SecretKeys:
    """The secret keys; without BILLING_SECRET_KEY, the key in the home folder, which is generated if there is none.

    SettingError where the folder's files of keys cannot be used.
    """
    current = settings.secret_key or _kept(settings.home)
    listed = [*settings.old_secret_keys, *_kept_old(settings.home)]
    old = dict.fromkeys(key for key in listed if key != current)
    return SecretKeys(current.encode(), tuple(key.encode() for key in old))


async def check_keys(database: Database, keys: SecretKeys) -> None:
    """SettingError when no key can read any of the stored secrets; a warning in the log when some cannot be read."""
    for found in await examine(database, keys):
        if found.unreadable and not found.newest + found.old:
            raise SettingError(
                f"BILLING_SECRET_KEY is wrong: the {found.words} in the database ({found.unreadable}) were encrypted with another key. "
                "Name that key in BILLING_OLD_SECRET_KEYS; if it is lost, remove them with `billing user reset-second-factor`"
            )
        if found.unreadable:
            logger.warning("%d %s can be read with none of the secret keys", found.unreadable, found.words)


def _kept(home: Path) -> str:
    path = home / _KEY_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        _write_once(path, secrets.token_hex(_KEY_BYTES))
    key = _read(path)
    if len(key) < _SHORTEST:
        raise SettingError(f"{path} is wrong: expected a key of at least {_SHORTEST} characters, as it was generated")
    return key


def _kept_old(home: Path) -> list[str]:
    path = home / _OLD_KEYS_FILE
    found = [line for line in _read(path).splitlines() if line] if path.exists() else []
    if any(len(key) < _SHORTEST for key in found):
        raise SettingError(f"{path} is wrong: expected keys of at least {_SHORTEST} characters, one a line")
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} is wrong: it cannot be read: {type(error).__name__}") from error


def _write_once(path: Path, text: str) -> None:
    """Write a file for its owner only, atomically; when several processes try, exactly one succeeds."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
