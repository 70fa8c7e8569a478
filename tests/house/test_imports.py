"""Decides that imports point down, and that the rules of the product stand on the standard library alone."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import LAYERS, PROJECT, files, imported, name

# What of the standard library reads or changes the world outside the process.
WORLD = {"asyncio", "http", "io", "os", "pathlib", "shutil", "smtplib", "socket", "sqlite3", "subprocess", "tempfile"}
FRAMEWORKS = {"strawberry", "graphql"}
KNOW_FRAMEWORKS = {"permissions/classes.py", "permissions/roles.py"}


def foreign(module: ast.AST, own: set[str]) -> set[str]:
    """The top-level packages that a file imports although a file of the rules may not."""
    tops = {full.split(".")[0] for full in imported(module)}
    return {top for top in tops if top not in own and (top not in sys.stdlib_module_names or top in WORLD)}


def calls_open(module: ast.AST) -> bool:
    """Whether a file opens files by name."""
    calls = (node.func for node in ast.walk(module) if isinstance(node, ast.Call))
    return any(isinstance(called, ast.Name) and called.id == "open" for called in calls)


def test_every_import_points_down_and_none_in_a_circle() -> None:
    linted = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("path", files("domain", "permissions"), ids=name)
def test_the_rules_import_nothing_but_rules_and_what_computes(path: Path) -> None:
    own = {"domain"} if name(path).startswith("domain/") else {"domain", "permissions"}
    own |= FRAMEWORKS if name(path) in KNOW_FRAMEWORKS else set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert (foreign(tree, own), calls_open(tree)) == (set(), False)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import asyncpg", {"asyncpg"}),
        ("def f():\n    from sqlalchemy.dialects import postgresql", {"sqlalchemy"}),
        ("import os.path", {"os"}),
        ("from decimal import Decimal\nfrom domain.money import cents", set()),
    ],
)
def test_an_import_that_the_rules_may_not_have_is_found(source: str, found: set[str]) -> None:
    assert foreign(ast.parse(source), {"domain"}) == found


def test_a_file_that_is_opened_is_found() -> None:
    assert calls_open(ast.parse("rates = [open(name) for name in names]"))


@pytest.mark.parametrize("package", [*LAYERS, "tests"])
def test_the_name_of_each_package_is_ours_and_no_other_distribution_s(package: str) -> None:
    assert Path(str(importlib.import_module(package).__file__)).parent == PROJECT / package
