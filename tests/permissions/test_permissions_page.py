"""The page of permissions is current, and describes what is served."""

import re

import pytest

from domain.access.people import Role
from permissions.rows import ROWS
from permissions.rules import RULES
from schema.pages.snapshots import name_of, pages
from tests.permissions.published import committed

# Generated once: it takes a second.
PAGES = pages()
[PAGE] = [path for path in PAGES if path.name == "permissions.md"]
COLUMNS = ("admin", "billing", "physician", "attorney", "analyst", "nobody")
ROLES = (*Role, None)


_STALE = (
    "docs/permissions.md or a file in schemas/ is stale: run `make snapshots`, look at the difference and commit it"
)


def _section(title: str) -> list[list[str]]:
    """The rows of the table below a heading."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## {title}")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in _padded(lines[2:], len(lines[0]))]


def _padded(lines: list[list[str]], width: int) -> list[list[str]]:
    # Empty cells at the end are lost with the bar.
    return [line + [""] * (width - len(line)) for line in lines]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_generated_file_is_current(path: object) -> None:
    [(found, expected)] = [(each, text) for each, text in PAGES.items() if each == path]
    written = found.read_text(encoding="utf-8") if found.exists() else ""
    assert written == expected, f"{found.name} is stale: run `make snapshots`, look at the difference and commit it"


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_the_matrix_marks_for_every_member_the_roles_that_are_served_it(role: Role | None) -> None:
    column, listed = COLUMNS.index(name_of(role)), set()
    for type_name, members, _, *marks in _section("Fields"):
        names = re.findall(r"`([^`]+)`", members)
        listed |= {f"{type_name.strip('*')}.{name}" for name in names if marks[column] == "x"}
    assert listed == {name for name in committed(role) if "." in name}, _STALE


@pytest.mark.parametrize("role", ROLES, ids=name_of)
def test_the_page_marks_for_every_mutation_the_roles_that_have_it(role: Role | None) -> None:
    column = COLUMNS.index(name_of(role))
    listed = {f"Mutation.{name.strip('`')}" for name, _, *marks in _section("Mutations") if marks[column] == "x"}
    assert listed == {name for name in committed(role) if re.fullmatch(r"Mutation\.\w+", name)}, _STALE


def test_the_page_lists_the_rows_that_each_role_reaches() -> None:
    listed = {
        (table, role): words
        for tables, *reaches in _section("Rows")
        for table in re.findall(r"`([^`]+)`", tables)
        for role, words in zip(Role, reaches, strict=True)
        if words
    }
    reach_of = {(table, role): reach.value for table, reaches in ROWS.items() for role, reach in reaches.items()}
    assert listed == reach_of, _STALE


def test_the_page_has_every_rule_with_its_description() -> None:
    assert {name.strip("`"): words for name, *_, words in _section("Rules")} == {
        rule.name: rule.words for rule in RULES.values()
    }
