"""Reads the compose files of the project as compose does: variables are put in, aliases and merges are resolved."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[3]
FILES = ("docker-compose.yml", "docker-compose.s3.yml")
SECRETS = {
    "POSTGRES_PASSWORD": "of-the-superuser",
    "DATABASE_PASSWORD": "of-the-owner",
    "BILLING_SECRET_KEY": "for a test alone, and long enough",
}
STORE_KEYS = {"BILLING_STORAGE_ACCESS_KEY": "access", "BILLING_STORAGE_SECRET_KEY": "secret-key"}
# The innermost variable, so that nested ones are put in from the inside out.
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-+?])(?P<text>[^{}]*))?\}")


class MissingVariableError(Exception):
    """A required variable is not set; the message is the file's."""


def read(name: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """A compose file with these variables."""
    lines = (PROJECT / name).read_text(encoding="utf-8").splitlines()
    text = "\n".join(_interpolated(line, variables) for line in lines if not line.lstrip().startswith("#"))
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _interpolated(text: str, variables: Mapping[str, str]) -> str:
    while found := _VARIABLE.search(text):
        text = text[: found.start()] + _value(found, variables) + text[found.end() :]
    assert "${" not in text, text
    return text


def _value(found: "re.Match[str]", variables: Mapping[str, str]) -> str:
    value = variables.get(found["name"], "")
    if found["how"] == ":+":
        return found["text"] if value else ""
    if not value and found["how"] == ":?":
        raise MissingVariableError(f"{found['name']}: {found['text']}")
    return value or found["text"] or ""


def check(path: Path) -> str:
    """The findings of check-jsonschema in a compose file; "" when there are none."""
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return "" if checked.returncode == 0 else checked.stdout
