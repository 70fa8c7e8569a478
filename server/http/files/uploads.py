"""Uploads of announced files to signed URLs: checks length, content type and time, then stores the file."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import IO
from uuid import uuid4

import asyncpg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from db.audit.events import record
from db.global_ids import make_id
from domain.documents.uploads import LONGEST_BEGINNING, begins_as
from domain.errors import RefusedRequest
from resolvers.commands.documents import Kept, find_awaited, folder_of, keep
from server.http.files.signed_links import FollowedUrl, SignedFiles

# The timeout of an upload.
_LONGEST_SECONDS = 600
_OTHER_LENGTH = "The length of the file differs from the announced length"


class Uploads(SignedFiles):
    """The ASGI application at /uploads/{id}."""

    kind, not_good = "uploads", "No upload is expected at this URL, or the URL has expired"

    async def answer(self, request: Request) -> Response:
        """Receive one file; a refused upload stores nothing."""
        if request.method != "PUT":
            raise RefusedRequest(405, "Files are uploaded with PUT", headers={"Allow": "PUT"})
        link = await self.follow(request)
        awaited = await self._find_awaited(link)
        if request.headers.get("content-length", str(awaited["byte_size"])) != str(awaited["byte_size"]):
            raise RefusedRequest(400, _OTHER_LENGTH)
        # The file goes to a temporary file first: only a checked file reaches the store, and a slow client does not occupy it.
        with self.files.spool() as spool:
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    digest = await _receive(request.stream(), awaited, spool)
            except TimeoutError as error:
                raise RefusedRequest(408, "The upload exceeded the time limit") from error
            await self._keep(link, spool, digest)
        return JSONResponse({"id": make_id("Upload", link.identity), "sha256": digest.hex()}, 201)

    async def _find_awaited(self, link: FollowedUrl) -> asyncpg.Record:
        viewer = link.viewer
        async with self.database.entered(viewer) as connection:
            found = await find_awaited(connection, viewer.clinic_id, link.identity, viewer.user_id, link.moment)
        if found is None:
            raise self.refused()
        return found

    async def _keep(self, link: FollowedUrl, spool: IO[bytes], digest: bytes) -> None:
        """Store the file under a key of this attempt, then record it, unless another attempt was faster."""
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
    """Write a file to the temporary file; returns its SHA-256. RefusedRequest as soon as it differs from what was announced."""
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
        raise RefusedRequest(415, "The content of the file does not match the announced content type")
