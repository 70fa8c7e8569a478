"""Decides which PostgreSQL the tests use: one embedded server per run of pytest, shared by all of its xdist workers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.embedded.postgres import EmbeddedPostgres
from tests.support.kept_template import restore, set_rights


def is_shared() -> bool:
    """Whether several workers share the server."""
    return "PYTEST_XDIST_WORKER" in os.environ


def server_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder that belongs to the run of pytest: xdist gives each worker a folder of its own below it."""
    own = factory.getbasetemp()
    return (own.parent if is_shared() else own) / "postgres-server"


@pytest.fixture(scope="session")
def postgres_server(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[EmbeddedPostgres]:
    """A running server without durability; the worker that comes first starts it, the last one to leave stops it.

    A run in one process, which is a run of a few tests, begins with the template that an earlier one has kept; a run of
    several workers, which is one of all tests, makes everything from nothing.
    """
    folder, cache = server_folder(tmp_path_factory), getattr(pytestconfig, "cache", None)
    is_kept = not is_shared() and cache is not None
    has_rights = not is_kept or cache is None or restore(cache.mkdir("postgres"), folder)
    with EmbeddedPostgres(folder, durable=False) as server:
        if not has_rights:
            set_rights(server)
        yield server
