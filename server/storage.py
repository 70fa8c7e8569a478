"""Decides where files are kept: in a local folder, or in any store that speaks S3; nobody else learns an address in it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from server.settings import Settings

# A store that does not answer is told to the client soon, so that it is not the server that waits.
_RETRIES, _RETRIED_FOR = 3, timedelta(seconds=10)
_CONNECTING_FOR, _ASKING_FOR = timedelta(seconds=5), timedelta(seconds=30)
_PART_BYTES = 5 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024


class StorageError(Exception):
    """The store cannot be reached, or has not what it should have."""


class BlobStore:
    """Files by key. What is put becomes visible whole or not at all."""

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store, self._folder = store, folder

    async def put(self, key: str, file: IO[bytes]) -> None:
        """Keep a file, read from where it stands to its end; StorageError when that did not succeed."""
        try:
            await obstore.put_async(self._store, key, file, chunk_size=_PART_BYTES, max_concurrency=1)
            if self._folder:
                await asyncio.to_thread(_settle, self._folder, key)
        except (BaseError, OSError) as error:
            raise StorageError(type(error).__name__) from error

    async def open(self, key: str, part: tuple[int, int] | None = None) -> tuple[int, AsyncIterator[bytes]]:
        """How many bytes a file has, and the bytes; StorageError, here or while they are read, when they cannot be had.

        Of a `part`, the bytes from the first place until before the second alone.
        """
        try:
            options: obstore.GetOptions = {"range": part} if part else {}
            found = await obstore.get_async(self._store, key, options=options)
            return found.meta["size"], _told(aiter(found.stream(min_chunk_size=_CHUNK_BYTES)))
        except (BaseError, OSError) as error:
            raise StorageError(type(error).__name__) from error

    async def reach(self) -> None:
        """Find out whether the store answers; StorageError when it does not."""
        try:
            if self._folder and not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
                raise StorageError("the folder of files cannot be written")
            await obstore.list_with_delimiter_async(self._store, "reached/")
        except (BaseError, OSError) as error:
            raise StorageError(type(error).__name__) from error

    async def drop(self, key: str) -> None:
        """Drop a file that is there."""
        try:
            await obstore.delete_async(self._store, key)
        except (BaseError, OSError) as error:
            raise StorageError(type(error).__name__) from error

    async def drop_folder(self, folder: str) -> None:
        """Drop every file whose key begins with a folder, and what a killed process left of one; none is as good as any."""
        try:
            if self._folder:
                await asyncio.to_thread(shutil.rmtree, self._folder / folder, ignore_errors=True)
                return
            async for found in obstore.list(self._store, folder + "/"):
                await obstore.delete_async(self._store, [blob["path"] for blob in found])
        except (BaseError, OSError) as error:
            raise StorageError(type(error).__name__) from error


async def _told(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in stream:
            yield bytes(chunk)
    except (BaseError, OSError) as error:
        raise StorageError(type(error).__name__) from error


def _settle(folder: Path, key: str) -> None:
    """Have the disk hold a file before the database says so, and the folders that lead to it."""
    path = folder / key
    while path != folder.parent:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path = path.parent


def open_store(settings: Settings) -> BlobStore:
    """The store that the settings name; it is not asked anything yet."""
    if not settings.storage_url:
        folder = settings.home / "files"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return BlobStore(LocalStore(folder), folder)
    parts = urlsplit(settings.storage_url)
    said = {
        "endpoint": settings.storage_endpoint,
        "region": settings.storage_region,
        "access_key_id": settings.storage_access_key,
        "secret_access_key": settings.storage_secret_key,
    }
    store = S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        client_options={
            "connect_timeout": _CONNECTING_FOR,
            "timeout": _ASKING_FOR,
            "allow_http": settings.storage_endpoint.startswith("http://"),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRIED_FOR},
        **{name: value for name, value in said.items() if value},  # type: ignore[arg-type]
    )
    return BlobStore(store)
