"""The decorator that passes the settings to a command."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from server.settings import read_settings


def pass_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Pass the settings as the first argument; they are read when the command runs, so that `--help` works with wrong ones."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        command(read_settings(), *arguments, **options)

    return run
