"""Downloads of export files by signed URL, for the requester, while every record and column of the file is still in reach."""

from collections.abc import Mapping

import asyncpg
from graphql import GraphQLSchema
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from db.audit.events import record
from db.pools import Database
from domain.access.people import Role
from domain.clock import Clock, now
from domain.errors import RefusedRequest
from domain.exports import CONTENT_TYPES, ExportFormat
from identity.sessions import Sessions
from resolvers.commands.exports import find_ready, give_up, is_in_reach
from server.http.files.byte_ranges import UnsatisfiableError, part_of
from server.http.files.downloads import INERT, check_fetching, disposition, is_known
from server.http.files.signed_links import FollowedUrl, SignedFiles
from storage.blobs import MissingBlobError
from storage.files import Files

_GONE = "The file has been deleted, or you may no longer read all of it: export again"


class ExportDownloads(SignedFiles):
    """The ASGI application at /exports/{id}."""

    kind, not_good, type_name = "exports", "There is no file at this URL, or the URL has expired", "Export"

    def __init__(
        self,
        files: Files,
        database: Database,
        sessions: Sessions,
        roles: frozenset[Role],
        schemas: Mapping[Role | None, GraphQLSchema],
        clock: Clock = now,
    ) -> None:
        super().__init__(files, database, sessions, roles, clock)
        self._schemas = schemas

    async def answer(self, request: Request) -> Response:
        """The file or a byte range of it, streamed; 304 if the client has it already, 410 if it is deleted or no longer allowed."""
        check_fetching(request)
        link = await self.follow(request)
        found = await self._found(link)
        tag = f'"{found["sha256"].hex()}"'
        if is_known(request, tag):
            return Response(status_code=304, headers={"ETag": tag})
        headers = {
            "Content-Type": CONTENT_TYPES[ExportFormat(found["format"])],
            "Content-Disposition": disposition(found["file_name"]),
            "ETag": tag,
            "Accept-Ranges": "bytes",
            **INERT,
        }
        return await self._sent(request, link, found, headers)

    async def _found(self, link: FollowedUrl) -> asyncpg.Record:
        """The row of the export; RefusedRequest (410) when the file is gone, and it is gone when a part of it is out of reach."""
        viewer = link.viewer
        async with self.database.entered(viewer) as connection:
            found = await find_ready(connection, viewer, link.identity, link.moment)
            schema = self._schemas[viewer.role]
            is_whole = found and await is_in_reach(connection, schema, viewer, link.identity, found)
            if is_whole:
                await record(connection, [link.event("download")])
        if found is None:
            raise _gone()
        if not is_whole:
            await self._give_up(link)
            raise _gone()
        return found

    async def _give_up(self, link: FollowedUrl) -> None:
        async with self.database.entered(link.viewer) as connection:
            await give_up(connection, link.viewer, link.identity)

    async def _sent(
        self, request: Request, link: FollowedUrl, found: asyncpg.Record, headers: dict[str, str]
    ) -> Response:
        size = found["byte_size"]
        # If-Range: a part of a newer file must not be appended to the rest of an older one.
        is_same = request.headers.get("if-range", headers["ETag"]) == headers["ETag"]
        try:
            part = part_of(request.headers.get("range"), size) if is_same and request.method == "GET" else None
        except UnsatisfiableError:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        begin, end = part or (0, size)
        headers["Content-Length"] = str(end - begin)
        if part:
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{size}"
        if request.method == "HEAD":
            return Response(headers=headers)
        try:
            _, chunks = await self.files.store.open(found["blob_key"], part)
        except MissingBlobError as error:
            await self._give_up(link)
            raise _gone() from error
        return StreamingResponse(chunks, 206 if part else 200, headers)


def _gone() -> RefusedRequest:
    return RefusedRequest(410, _GONE, "GONE")
