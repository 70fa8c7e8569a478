"""Decides which files the laws of the house are about, and how they are read."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
LAYERS = ("server", "schema", "resolvers", "exports", "imports", "db", "permissions", "domain")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files(*folders: str) -> tuple[Path, ...]:
    """The Python files below folders of the project; migrations are generated and left out."""
    found = (path for folder in folders for path in sorted((PROJECT / folder).rglob("*.py")))
    return tuple(path for path in found if not _is_foreign(path))


def _is_foreign(path: Path) -> bool:
    return path.parent.name == "versions" or "node_modules" in path.parts


def name(path: Path) -> str:
    """A file as the project calls it, such as "db/views/base.py"."""
    return path.relative_to(PROJECT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file, however deep."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def imported(module: ast.AST) -> Iterator[str]:
    """The full name of every module that is imported, wherever the import stands."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
