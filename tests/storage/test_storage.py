"""A file is stored completely or not at all, in a folder and in an S3 store."""

import asyncio
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from uuid import uuid4

import pytest

from server.settings import SettingError, read_settings
from server.stores import open_store
from storage.blobs import BlobStore, StorageError
from tests.storage.stores import Bucket, Folder, Place, s3_client, s3_server

MIB = 1024 * 1024
# Less than one part of a multipart upload, and several parts.
SIZES = (0, 1, 300_000, 12 * MIB + 7)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return Folder(tmp_path)
    address = request.getfixturevalue("endpoint")
    return Bucket(tmp_path, address, f"some/{uuid4().hex}", s3_client(address))


class Breaking(io.BytesIO):
    """A file that raises an error after some bytes."""

    def __init__(self, body: bytes, good: int) -> None:
        super().__init__(body)
        self._good = good

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= self._good:
            raise OSError("the disk is broken")
        return super().read(size)


def put(store: BlobStore, key: str, file: IO[bytes]) -> None:
    asyncio.run(store.put(key, file))


def fetched(store: BlobStore, key: str) -> tuple[int, bytes]:
    async def fetch() -> tuple[int, bytes]:
        size, chunks = await store.open(key)
        return size, b"".join([chunk async for chunk in chunks])

    return asyncio.run(fetch())


@pytest.mark.parametrize("size", SIZES)
def test_a_stored_file_is_read_back_unchanged(place: Place, size: int) -> None:
    store, body = open_store(place.settings), os.urandom(size)
    put(store, "documents/a/b", io.BytesIO(body))
    assert fetched(store, "documents/a/b") == (size, body)
    assert place.held() == {"documents/a/b": body}


def test_a_file_is_stored_from_its_current_position(place: Place) -> None:
    store, file = open_store(place.settings), io.BytesIO(b"0123456789")
    file.seek(4)
    put(store, "a", file)
    assert fetched(store, "a") == (6, b"456789")


@pytest.mark.parametrize("good", [0, 6 * MIB])
def test_a_file_whose_reading_fails_is_not_stored(place: Place, good: int) -> None:
    with pytest.raises(StorageError):
        put(open_store(place.settings), "documents/a/b", Breaking(bytes(12 * MIB), good))
    assert place.held() == {}


def test_reading_a_missing_file_is_an_error(place: Place) -> None:
    with pytest.raises(StorageError):
        fetched(open_store(place.settings), "documents/a/b")


def test_deleting_a_file_keeps_the_other_files(place: Place) -> None:
    store = open_store(place.settings)
    for key in ("documents/a/1", "documents/a/2"):
        put(store, key, io.BytesIO(b"x"))
    asyncio.run(store.drop("documents/a/1"))
    assert place.held() == {"documents/a/2": b"x"}


def test_deleting_a_folder_deletes_all_its_files_and_no_folder_with_the_same_prefix(place: Place) -> None:
    store = open_store(place.settings)
    for key in ("documents/a/1", "documents/a/2", "documents/ab/1"):
        put(store, key, io.BytesIO(b"x"))
    for _ in range(2):
        asyncio.run(store.drop_folder("documents/a"))
        assert place.held() == {"documents/ab/1": b"x"}


def test_unfinished_files_of_a_killed_server_are_deleted_with_their_folder(tmp_path: Path) -> None:
    place = Folder(tmp_path)
    store = open_store(place.settings)
    half = tmp_path / "files" / "documents" / "a" / "b#1"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    asyncio.run(store.drop_folder("documents/a"))
    assert place.held() == {}


def test_only_the_account_of_the_server_can_read_the_folder(tmp_path: Path) -> None:
    open_store(Folder(tmp_path).settings)
    assert (tmp_path / "files").stat().st_mode & 0o077 == 0


def test_an_unreachable_store_is_reported_within_seconds(tmp_path: Path) -> None:
    with s3_server() as address:
        store = open_store(Bucket(tmp_path, address, "p", None).settings)
    began = time.monotonic()
    with pytest.raises(StorageError):
        put(store, "a", io.BytesIO(b"x"))
    with pytest.raises(StorageError):
        fetched(store, "a")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("BILLING_STORAGE_URL", "https://bucket", "s3://bucket/prefix"),
        ("BILLING_STORAGE_URL", "s3://", "s3://bucket/prefix"),
        ("BILLING_STORAGE_URL", "/some/folder", "s3://bucket/prefix"),
        ("BILLING_STORAGE_ENDPOINT", "localhost:9000", "https://"),
        ("BILLING_PUBLIC_URL", "billing.example.org", "https://"),
        ("BILLING_SECRET_KEY", "short", "32 characters"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_its_name_and_the_expected_form(
    variable: str, value: str, expected: str
) -> None:
    with pytest.raises(SettingError) as refusal:
        read_settings({variable: value})
    assert variable in str(refusal.value)
    assert expected in str(refusal.value)
    assert value not in str(refusal.value) or variable != "BILLING_SECRET_KEY"
