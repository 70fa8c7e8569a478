"""Downloads of export files by signed URL, for the requester, while the role may still read every column of the export."""

from collections.abc import Mapping

import asyncpg
from graphql import GraphQLError, GraphQLSchema
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from db.audit.events import record
from db.pools import Database
from domain.access.people import Role
from domain.clock import Clock, now
from domain.errors import DomainError, RefusedRequest
from domain.exports import CONTENT_TYPES, ExportFormat
from identity.sessions import Sessions
from resolvers.commands.exports import find_ready
from resolvers.compiler.export_statements import Wanted, compile_export
from server.http.byte_ranges import UnsatisfiableError, part_of
from server.http.downloads import INERT, check_fetching, disposition, is_known
from server.http.signed_links import FollowedUrl, SignedFiles
from storage.files import Files

_GONE = "The file has been deleted, or your role may no longer read it: request a new export"


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
        async with self.database.entered(link.viewer) as connection:
            found = await find_ready(connection, link.viewer, link.identity, link.moment)
            if found is not None and self._is_still_offered(link, found):
                await record(connection, [link.event("download")])
            else:
                raise RefusedRequest(410, _GONE, "GONE")
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
        return await self._sent(request, found, headers)

    def _is_still_offered(self, link: FollowedUrl, found: asyncpg.Record) -> bool:
        """Whether the role may still read every column and use every filter of the export."""
        role = link.viewer.role
        try:
            compile_export(self._schemas[role], role, Wanted.of(found))
        except (DomainError, GraphQLError):
            return False
        return True

    async def _sent(self, request: Request, found: asyncpg.Record, headers: dict[str, str]) -> Response:
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
        _, chunks = await self.files.store.open(found["blob_key"], part)
        return StreamingResponse(chunks, 206 if part else 200, headers)
