"""Decides what an operator can set: every BILLING_ variable, its meaning, its default; the only reader of the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class SettingError(Exception):
    """A setting that is wrong: its name, and what is expected."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable of the environment."""

    variable: str
    meaning: str
    default: str
    read: Callable[[str], Any]


_LARGEST_PORT = 65535


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LARGEST_PORT:
        raise ValueError(f"a number from 0 (any free port) to {_LARGEST_PORT}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ValueError("a whole number above 0")
    return int(text)


def _address(text: str) -> str:
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("an address such as postgresql://user:password@host:5432/database")
    return text


SETTINGS = {
    "host": Setting("BILLING_HOST", "The address to listen on.", "127.0.0.1", str),
    "port": Setting("BILLING_PORT", "The port to listen on; 0 picks a free one.", "8000", _port),
    "home": Setting("BILLING_HOME", "The folder of the embedded PostgreSQL and of files.", ".billing", Path),
    "demo_password": Setting(
        "BILLING_DEMO_PASSWORD", "The password of the five demo users; without it one is made up and printed.", "", str
    ),
    "database_url": Setting(
        "DATABASE_URL", "The owner's address of a PostgreSQL ≥ 16, instead of the embedded one.", "", _address
    ),
    "session_idle_minutes": Setting(
        "BILLING_SESSION_IDLE_MINUTES", "A session unused for so long ends.", "30", _positive
    ),
    "session_hours": Setting("BILLING_SESSION_HOURS", "A session ends after so long in any case.", "12", _positive),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process; their meaning stands in SETTINGS."""

    host: str
    port: int
    home: Path
    demo_password: str
    database_url: str
    session_idle_minutes: int
    session_hours: int


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that an environment says; SettingError names one that is wrong or that nobody knows."""
    said = os.environ if environment is None else environment
    known = {setting.variable for setting in SETTINGS.values()}
    for variable in said:
        if variable.startswith("BILLING_") and variable not in known:
            raise SettingError(f"{variable} is no setting; known are {', '.join(sorted(known))}")
    return Settings(**{name: _read(setting, said) for name, setting in SETTINGS.items()})


def _read(setting: Setting, said: Mapping[str, str]) -> Any:
    try:
        return setting.read(said.get(setting.variable) or setting.default)
    except ValueError as error:
        raise SettingError(f"{setting.variable} is wrong: expected is {error}") from error
