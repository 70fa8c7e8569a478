"""Liveness and readiness: a process is always alive, and ready only with a database and a file store."""

from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

import httpx
import pytest

from server.database_urls import DatabaseUrls
from server.stores import open_files
from tests.storage.stores import Bucket, Folder, s3_client, s3_server
from tests.support.api.wire_capture import Wire, captured_statements
from tests.support.client import serving

EVERYTHING = {"database": True, "files": True}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def monitored(address: DatabaseUrls, home: Path) -> Iterator[tuple[Wire, str]]:
    """A server whose connection to PostgreSQL can be cut, and its URL."""
    with (
        captured_statements(address) as (through, wire),
        serving(through, files=open_files(Folder(home).settings)) as url,
    ):
        yield wire, url.removesuffix("/graphql")


def ready(base: str) -> tuple[int, dict[str, bool]]:
    """The answer of /readyz."""
    answer = httpx.get(f"{base}/readyz", timeout=10)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


def alive(base: str) -> bool:
    """Whether /healthz gives its answer."""
    answer = httpx.get(f"{base}/healthz", timeout=10)
    return (answer.status_code, answer.text) == (200, "alive\n")


def test_without_the_database_a_process_is_alive_and_not_ready_until_it_is_back(monitored: tuple[Wire, str]) -> None:
    wire, base = monitored
    assert (ready(base), alive(base)) == ((200, EVERYTHING), True)
    wire.cut = True
    assert (ready(base), alive(base)) == ((503, EVERYTHING | {"database": False}), True)
    wire.cut = False
    assert ready(base) == (200, EVERYTHING)


def test_without_its_folder_of_files_a_process_is_alive_and_not_ready(monitored: tuple[Wire, str], home: Path) -> None:
    _, base = monitored
    rmtree(home / "files")
    assert (ready(base), alive(base)) == ((503, EVERYTHING | {"files": False}), True)


def test_without_its_object_store_a_process_is_alive_and_not_ready(address: DatabaseUrls, home: Path) -> None:
    with s3_server() as endpoint:
        bucket = Bucket(home, endpoint, uuid4().hex, s3_client(endpoint))
        with serving(address, files=open_files(bucket.settings)) as url:
            base = url.removesuffix("/graphql")
            assert ready(base) == (200, EVERYTHING)
            bucket.client.delete_bucket(Bucket="clinic-files")
            assert (ready(base), alive(base)) == ((503, EVERYTHING | {"files": False}), True)
