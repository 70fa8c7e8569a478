"""Imports follow the layers downwards, and the domain rules depend on the standard library only."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import LAYERS, PROJECT, files, imported, name, tree

# Modules of the standard library that read or change state outside the process.
IMPURE_MODULES = {
    "asyncio",
    "http",
    "io",
    "os",
    "pathlib",
    "shutil",
    "smtplib",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
}
FRAMEWORKS = {"strawberry", "graphql"}
# The one library of the domain rules: it decides what an e-mail address is, and asks no network.
LIBRARIES = {"domain/texts.py": {"email_validator"}}
KNOW_FRAMEWORKS = {f"permissions/{name}.py" for name in ("classes", "graphql_adapter", "roles")}


def foreign(module: ast.AST, own: set[str]) -> set[str]:
    """The imported top-level packages that a file of the domain rules may not import."""
    tops = {full.split(".")[0] for full in imported(module)}
    return {top for top in tops if top not in own and (top not in sys.stdlib_module_names or top in IMPURE_MODULES)}


def calls_open(module: ast.AST) -> bool:
    """Whether a file opens files by name."""
    calls = (node.func for node in ast.walk(module) if isinstance(node, ast.Call))
    return any(isinstance(called, ast.Name) and called.id == "open" for called in calls)


def test_imports_point_to_lower_layers_and_have_no_cycles() -> None:
    linted = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert linted.returncode == 0, (
        f"move the imported module to a lower layer, or the importing one to a higher (layers: pyproject.toml):\n{linted.stdout}{linted.stderr}"
    )


def _forbidden(path: Path) -> tuple[set[str], bool]:
    """The forbidden imports of a file of the domain rules, and whether it opens files."""
    own = {"domain"} if name(path).startswith("domain/") else {"domain", "permissions"}
    own |= LIBRARIES.get(name(path), set())
    own |= FRAMEWORKS if name(path) in KNOW_FRAMEWORKS else set()
    return foreign(tree(path), own), calls_open(tree(path))


def test_the_domain_rules_import_only_rules_and_pure_modules() -> None:
    found = {name(path): _forbidden(path) for path in files("domain", "permissions")}
    assert {file: violations for file, violations in found.items() if violations != (set(), False)} == {}, (
        "domain/ and permissions/ may use pure modules of the standard library only, without files and network: move this to a higher layer"
    )


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import asyncpg", {"asyncpg"}),
        ("def f():\n    from sqlalchemy.dialects import postgresql", {"sqlalchemy"}),
        ("import os.path", {"os"}),
        ("from decimal import Decimal\nfrom domain.billing.money import cents", set()),
    ],
)
def test_a_forbidden_import_of_the_rules_is_found(source: str, found: set[str]) -> None:
    assert foreign(ast.parse(source), {"domain"}) == found


def test_opening_a_file_is_found() -> None:
    assert calls_open(ast.parse("rates = [open(name) for name in names]"))


@pytest.mark.parametrize("package", [*LAYERS, "tests"])
def test_no_installed_distribution_has_the_name_of_a_package_of_the_project(package: str) -> None:
    found = Path(str(importlib.import_module(package).__file__)).parent
    assert found == PROJECT / package, (
        f"{package} is imported from {found}: a distribution that is installed has this name, too"
    )
