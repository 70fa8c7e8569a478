"""Blob storage in a local folder or an S3-compatible object store; storage addresses never leave this module."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from observability.outages import FILE_STORE, SEEN

# Retries and timeouts are short: the client gets an error soon, and the server does not wait for a store that does not answer.
_RETRIES, _RETRIED_FOR = 3, timedelta(seconds=10)
_CONNECTING_FOR, _ASKING_FOR = timedelta(seconds=5), timedelta(seconds=30)
_PART_BYTES = 5 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024


class StorageError(Exception):
    """The blob store cannot be reached, or a blob that should exist is missing."""


class MissingBlobError(StorageError):
    """The blob store answers that it has no such blob."""


def _away(error: Exception) -> StorageError:
    """The error of a store that cannot be reached, which is logged once."""
    SEEN.began(FILE_STORE, error)
    return StorageError(type(error).__name__)


class BlobStore:
    """Files by key; a put is atomic: the file becomes visible whole or not at all."""

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store, self._folder = store, folder

    async def put(self, key: str, file: IO[bytes]) -> None:
        """Store a file, read from its current position to its end; StorageError when that fails."""
        try:
            await obstore.put_async(self._store, key, file, chunk_size=_PART_BYTES, max_concurrency=1)
            if self._folder:
                await asyncio.to_thread(_settle, self._folder, key)
            SEEN.ended(FILE_STORE)
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def open(self, key: str, part: tuple[int, int] | None = None) -> tuple[int, AsyncIterator[bytes]]:
        """The size of a file in bytes, and a stream of them; StorageError, here or while streaming, when they cannot be read.

        MissingBlobError when there is no such file.
        `part` is a byte range: only the bytes from the first offset up to, not including, the second.
        """
        try:
            options: obstore.GetOptions = {"range": part} if part else {}
            found = await obstore.get_async(self._store, key, options=options)
            SEEN.ended(FILE_STORE)
            return found.meta["size"], _chunks(aiter(found.stream(min_chunk_size=_CHUNK_BYTES)))
        except (FileNotFoundError, NotFoundError) as error:
            raise MissingBlobError(type(error).__name__) from error
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def reach(self) -> None:
        """Health check: StorageError when the store does not answer."""
        try:
            if self._folder and not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
                raise StorageError("the storage folder is not writable")
            await obstore.list_with_delimiter_async(self._store, "reached/")
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def drop(self, key: str) -> None:
        """Delete a file that exists; StorageError when that fails."""
        try:
            await obstore.delete_async(self._store, key)
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def drop_folder(self, folder: str) -> None:
        """Delete every file of a folder, and what a killed process left of one; an empty or missing folder is no error."""
        try:
            if self._folder:
                await asyncio.to_thread(shutil.rmtree, self._folder / folder, ignore_errors=True)
                return
            async for found in obstore.list(self._store, folder + "/"):
                await obstore.delete_async(self._store, [blob["path"] for blob in found])
        except (BaseError, OSError) as error:
            raise _away(error) from error


async def _chunks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in stream:
            yield bytes(chunk)
    except (BaseError, OSError) as error:
        raise StorageError(type(error).__name__) from error


def _settle(folder: Path, key: str) -> None:
    """Fsync a file and the folders above it, so that it is durable before the database refers to it."""
    path = folder / key
    while path != folder.parent:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path = path.parent


def open_folder(folder: Path) -> BlobStore:
    """A store in a local folder, which is created if missing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return BlobStore(LocalStore(folder), folder)


def open_s3(url: str, endpoint: str, region: str, access_key: str, secret_key: str) -> BlobStore:
    """An S3-compatible store at s3://bucket/prefix; empty arguments are left to the environment. No request is sent yet."""
    parts = urlsplit(url)
    config = {
        "endpoint": endpoint,
        "region": region,
        "access_key_id": access_key,
        "secret_access_key": secret_key,
    }
    store = S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        client_options={
            "connect_timeout": _CONNECTING_FOR,
            "timeout": _ASKING_FOR,
            "allow_http": endpoint.startswith("http://"),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRIED_FOR},
        **{name: value for name, value in config.items() if value},  # type: ignore[arg-type]
    )
    return BlobStore(store)
