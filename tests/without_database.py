"""Decides which tests `--without-database` runs: those that neither ask for PostgreSQL nor start a process."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from server.embedded.postgres import EmbeddedPostgres

# Folders whose tests need a database but for a few: importing them all would take longer than those few are worth.
NEED_A_DATABASE = {"api", "attacks", "bench", "db", "faults", "mail", "overload", "soak"}
_PROCESSES: tuple[object, ...] = (subprocess, EmbeddedPostgres)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    words = "run only the tests that neither ask for PostgreSQL nor start a process"
    parser.addoption("--without-database", action="store_true", help=words)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out whole folders, before they are imported."""
    is_left_out = config.getoption("--without-database") and collection_path.name in NEED_A_DATABASE
    return True if is_left_out and collection_path.parent == Path(__file__).parent else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out single tests, and say how many."""
    if config.getoption("--without-database"):
        left_out = [item for item in items if needs_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def needs_database(item: pytest.Item) -> bool:
    """Whether a test, with all fixtures that it gets, asks for PostgreSQL or starts a process."""
    if not isinstance(item, pytest.Function):
        return False
    fixtures = (made.func for name in item.fixturenames for made in item._fixtureinfo.name2fixturedefs.get(name, ()))
    return "postgres_server" in item.fixturenames or any(map(starts_process, (item.function, *fixtures)))


def starts_process(function: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Whether a function names what starts processes, or calls a function or class of the tests that does."""
    function = getattr(function, "__wrapped__", function)
    if not isinstance(function, FunctionType) or function in seen:
        return False
    named = [function.__globals__.get(name) for name in _names(function.__code__)]
    if any(thing is process for thing in named for process in _PROCESSES):
        return True
    return any(starts_process(each, seen | {function}) for thing in named for each in _functions(thing))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _functions(thing: Any) -> Iterator[Any]:
    """A function of the tests, or the methods of a class of theirs."""
    if str(getattr(thing, "__module__", "")).startswith("tests."):
        yield from vars(thing).values() if isinstance(thing, type) else (thing,)
