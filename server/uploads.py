"""Decides which files are taken in: announced, sent whole to their signed address, and what they say they are."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import IO
from uuid import uuid4

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from db.auditing import record
from db.identity import make_id
from domain.documents import LONGEST_BEGINNING, begins_as
from resolvers.documents import Kept, find_awaited, folder_of, keep
from server.links import Followed, LinkedFiles
from server.requests import RefusedRequest

# Whoever sends a file more slowly than this is cut off.
_LONGEST_SECONDS = 600
_OTHER_LENGTH = "The file has another length than was announced"


class Uploads(LinkedFiles):
    """The ASGI application at /uploads/{id}."""

    kind, not_good = "uploads", "No file is awaited at this address"

    async def answer(self, request: Request) -> Response:
        """Take in one file; what is refused leaves nothing behind."""
        if request.method != "PUT":
            raise RefusedRequest(405, "A file is sent by PUT", headers={"Allow": "PUT"})
        link = await self.follow(request)
        awaited = await self._find_awaited(link)
        if request.headers.get("content-length", str(awaited["byte_size"])) != str(awaited["byte_size"]):
            raise RefusedRequest(400, _OTHER_LENGTH)
        # Nothing reaches the store before all of it was checked; a slow sender costs the store nothing.
        with self.files.spool() as spool:
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    digest = await _receive(request.stream(), awaited, spool)
            except TimeoutError as error:
                raise RefusedRequest(408, "The file came too slowly") from error
            await self._keep(link, spool, digest)
        return JSONResponse({"id": make_id("Upload", link.identity), "sha256": digest.hex()}, 201)

    async def _find_awaited(self, link: Followed) -> asyncpg.Record:
        viewer = link.viewer
        async with self.database.entered(viewer) as connection:
            found = await find_awaited(connection, viewer.clinic_id, link.identity, viewer.user_id, link.moment)
        if found is None:
            raise self.refused()
        return found

    async def _keep(self, link: Followed, spool: IO[bytes], digest: bytes) -> None:
        """Put the file into the store under a name of this attempt alone, then write it down, unless another was faster."""
        viewer = link.viewer
        attempt = f"{folder_of(viewer.clinic_id, link.identity)}/{uuid4().hex}"
        spool.seek(0)
        await self.files.store.put(attempt, spool)
        kept = Kept(attempt, digest)
        async with self.database.entered(viewer) as connection:
            is_first = await keep(connection, viewer.clinic_id, link.identity, viewer.user_id, link.moment, kept)
            if is_first:
                await record(connection, [link.event("upload")])
        if not is_first:
            await self.files.store.drop(attempt)
            raise self.refused()


async def _receive(chunks: AsyncIterator[bytes], awaited: asyncpg.Record, spool: IO[bytes]) -> bytes:
    """Write a file down as it comes; its SHA-256. Refuses it as soon as it is not what was announced."""
    digest, size, beginning = hashlib.sha256(), 0, b""
    async for chunk in chunks:
        size += len(chunk)
        if size > awaited["byte_size"]:
            raise RefusedRequest(400, _OTHER_LENGTH)
        if len(beginning) < LONGEST_BEGINNING:
            beginning += chunk[: LONGEST_BEGINNING - len(beginning)]
            if len(beginning) == LONGEST_BEGINNING:
                _check_beginning(awaited["content_type"], beginning)
        digest.update(chunk)
        spool.write(chunk)
    if size != awaited["byte_size"]:
        raise RefusedRequest(400, _OTHER_LENGTH)
    _check_beginning(awaited["content_type"], beginning)
    return digest.digest()


def _check_beginning(content_type: str, beginning: bytes) -> None:
    if not begins_as(content_type, beginning):
        raise RefusedRequest(415, "The file is not of the kind that was announced")
