"""The Python files that the house rules check, and access to their syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
LAYERS = (
    *("server", "jobs", "schema", "resolvers", "identity", "exports", "imports", "documents", "storage"),
    *("db", "limits", "observability", "permissions", "domain"),
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def files(*folders: str) -> tuple[Path, ...]:
    """The Python files below folders of the project; migrations are generated and left out."""
    found = (path for folder in folders for path in sorted((PROJECT / folder).rglob("*.py")))
    return tuple(path for path in found if not _is_foreign(path))


def _is_foreign(path: Path) -> bool:
    return path.parent.name == "versions" or "node_modules" in path.parts


def name(path: Path) -> str:
    """The path of a file relative to the project, such as "db/fields/base.py"."""
    return path.relative_to(PROJECT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of a file, nested ones included."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def imported(module: ast.AST) -> Iterator[str]:
    """The full name of every imported module, also of imports inside functions."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
