"""The settings in the documentation for operators are those of the server."""

import re

from server.settings import SETTINGS, Setting
from tests.house.source import LAYERS, PROJECT, files, name

ROW = re.compile(r"^\| `(?P<variable>[A-Z_]+)` \| (?P<default>.*?) \| (?P<meaning>.*?) \|$", re.MULTILINE)

READING = re.compile(r"\bos\.(environ|getenv)\b|\bfrom os import .*\b(environ|getenv)\b")
# The second passes the dynamic linker's variable on to PostgreSQL's programs, and does not use it itself.
READERS = {"server/settings.py", "server/embedded/cluster.py"}


def documented(page: str) -> dict[str, tuple[str, str]]:
    """The table of settings on a page: variable → (default, meaning)."""
    found = ROW.finditer((PROJECT / page).read_text(encoding="utf-8"))
    return {row["variable"]: (row["default"], row["meaning"]) for row in found}


def documented_form(setting: Setting) -> tuple[str, str]:
    """A setting in the form of the pages: (default, meaning)."""
    return f"`{setting.default}`" if setting.default else "", setting.meaning


def test_the_page_for_operators_lists_every_setting_with_its_default_and_meaning() -> None:
    settings = {setting.variable: documented_form(setting) for setting in SETTINGS.values()}
    assert documented("docs/operations.md") == settings, (
        "give each setting its row in docs/operations.md: | `NAME` | default | meaning |, word for word as in SETTINGS"
    )


def test_the_settings_in_the_readme_match_those_of_the_server() -> None:
    settings = {setting.variable: documented_form(setting) for setting in SETTINGS.values()}
    assert {"BILLING_PORT", "BILLING_HOME", "BILLING_DEMO_PASSWORD", "DATABASE_URL"} <= set(documented("README.md"))
    assert documented("README.md").items() <= settings.items(), "README.md and SETTINGS differ about a setting"


def test_only_the_settings_read_the_environment() -> None:
    read = {name(path) for path in files(*LAYERS) if READING.search(path.read_text(encoding="utf-8"))}
    assert read == READERS, "read an environment variable as a row of SETTINGS in server/settings.py, and nowhere else"
