"""Decides that the page of permissions is current, and that whoever reads it reads what is served."""

import re

import pytest

from domain.people import Role
from permissions.rows import ROWS
from permissions.rules import RULES
from schema.snapshots import name_of, pages
from tests.permissions.published import committed

[PAGE] = [path for path in pages() if path.name == "permissions.md"]
COLUMNS = ("admin", "billing", "physician", "attorney", "analyst", "nobody")
EVERYBODY = (*Role, None)


def _section(title: str) -> list[list[str]]:
    """The rows of the table below a heading."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## {title}")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in _padded(lines[2:], len(lines[0]))]


def _padded(lines: list[list[str]], width: int) -> list[list[str]]:
    # Empty cells at the end are lost with the bar.
    return [line + [""] * (width - len(line)) for line in lines]


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_every_generated_file_is_current(path: object) -> None:
    [(found, expected)] = [(each, text) for each, text in pages().items() if each == path]
    written = found.read_text(encoding="utf-8") if found.exists() else ""
    assert written == expected, f"{found.name} is stale: run `make snapshots`, look at the difference and commit it"


@pytest.mark.parametrize("role", EVERYBODY, ids=name_of)
def test_the_matrix_says_of_every_member_who_is_served_it(role: Role | None) -> None:
    column, told = COLUMNS.index(name_of(role)), set()
    for type_name, members, _, *marks in _section("Fields"):
        names = re.findall(r"`([^`]+)`", members)
        told |= {f"{type_name.strip('*')}.{name}" for name in names if marks[column] == "x"}
    assert told == {name for name in committed(role) if "." in name}


@pytest.mark.parametrize("role", EVERYBODY, ids=name_of)
def test_the_page_says_who_does_what(role: Role | None) -> None:
    column = COLUMNS.index(name_of(role))
    told = {f"Mutation.{name.strip('`')}" for name, _, *marks in _section("Mutations") if marks[column] == "x"}
    assert told == {name for name in committed(role) if re.fullmatch(r"Mutation\.\w+", name)}


def test_the_page_says_which_rows_each_role_reaches() -> None:
    told = {
        (table, role): words
        for tables, *reaches in _section("Rows")
        for table in re.findall(r"`([^`]+)`", tables)
        for role, words in zip(Role, reaches, strict=True)
        if words
    }
    assert told == {(table, role): reach.value for table, reaches in ROWS.items() for role, reach in reaches.items()}


def test_the_page_has_every_rule_with_its_words() -> None:
    assert {name.strip("`"): words for name, *_, words in _section("Rules")} == {
        rule.name: rule.words for rule in RULES.values()
    }
