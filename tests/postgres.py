"""Decides which PostgreSQL the tests use: one embedded server per run of pytest, shared by all of its xdist workers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.embedded import EmbeddedPostgres


def server_folder(factory: pytest.TempPathFactory) -> Path:
    """The folder that belongs to the run of pytest: xdist gives each worker a folder of its own below it."""
    own = factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "postgres-server"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running server without durability; the worker that comes first starts it, the last one to leave stops it."""
    with EmbeddedPostgres(server_folder(tmp_path_factory), durable=False) as server:
        yield server
