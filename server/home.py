"""Checks the folder that BILLING_HOME names, before anything is written into it."""

import os
from pathlib import Path

from server.settings import SettingError


def check_home(home: Path) -> None:
    """SettingError when BILLING_HOME is no folder, or when this process cannot write to it, or cannot make it."""
    try:
        found = next(path for path in (home, *home.absolute().parents) if path.exists() or path.is_symlink())
        if not found.is_dir():
            raise SettingError(f"BILLING_HOME is wrong: expected a folder, and {found} is not one")
    except OSError as error:
        raise SettingError(f"BILLING_HOME is wrong: {home} cannot be reached: {error.strerror}") from error
    if not os.access(found, os.W_OK | os.X_OK):
        raise SettingError(f"BILLING_HOME is wrong: {found} cannot be written to by this user")
