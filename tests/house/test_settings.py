"""Decides that what an operator can set is what the pages for operators say."""

import re
from pathlib import Path

import pytest

from server.settings import SETTINGS, Setting
from tests.house.source import LAYERS, PROJECT, files, name

ROW = re.compile(r"^\| `(?P<variable>[A-Z_]+)` \| (?P<default>.*?) \| (?P<meaning>.*?) \|$", re.MULTILINE)

READING = re.compile(r"\bos\.(environ|getenv)\b|\bfrom os import .*\b(environ|getenv)\b")
# The second hands the dynamic linker's variable on to PostgreSQL's programs, and takes nothing from it.
READERS = {"server/settings.py", "server/embedded_cluster.py"}


def documented(page: str) -> dict[str, tuple[str, str]]:
    """The table of settings on a page: variable → (default, meaning)."""
    found = ROW.finditer((PROJECT / page).read_text(encoding="utf-8"))
    return {row["variable"]: (row["default"], row["meaning"]) for row in found}


def told(setting: Setting) -> tuple[str, str]:
    """A setting as a page tells it."""
    return f"`{setting.default}`" if setting.default else "", setting.meaning


def test_the_page_for_operators_lists_every_setting_as_it_is() -> None:
    settings = {setting.variable: told(setting) for setting in SETTINGS.values()}
    assert documented("docs/operations.md") == settings


def test_what_the_readme_says_of_settings_is_so() -> None:
    settings = {setting.variable: told(setting) for setting in SETTINGS.values()}
    assert {"BILLING_PORT", "BILLING_HOME", "BILLING_DEMO_PASSWORD", "DATABASE_URL"} <= set(documented("README.md"))
    assert documented("README.md").items() <= settings.items()


@pytest.mark.parametrize("path", [path for path in files(*LAYERS) if name(path) not in READERS], ids=name)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    assert READING.search(path.read_text(encoding="utf-8")) is None
