"""Decides how a file that was asked for is handed out: to who asked, while they may still have every row of it."""

from collections.abc import Mapping

import asyncpg
from graphql import GraphQLError, GraphQLSchema
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from db.auditing import record
from db.pools import Database
from domain.errors import Refusal
from domain.exports import CONTENT_TYPES, ExportFormat
from domain.people import Role
from resolvers.context import Clock, now
from resolvers.export_statements import Wanted, compile_export
from resolvers.exports import find_ready
from server.downloads import INERT, check_fetching, disposition, is_known
from server.files import Files
from server.links import Followed, LinkedFiles
from server.ranges import UnsatisfiableError, part_of
from server.requests import RefusedRequest
from server.sessions import Sessions

_GONE = "The file is not kept any more, or may not be had any more: ask for it again"


class ExportDownloads(LinkedFiles):
    """The ASGI application at /exports/{id}."""

    kind, not_good, type_name = "exports", "There is no file at this address, or not any more", "Export"

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
        """The file or a part of it, streamed; 304 to whoever has it already, 410 once it may not be had."""
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

    def _is_still_offered(self, link: Followed, found: asyncpg.Record) -> bool:
        """Whether the role may still have every column of the file, and choose rows as they were chosen."""
        role = link.viewer.role
        try:
            compile_export(self._schemas[role], role, Wanted.of(found))
        except (Refusal, GraphQLError):
            return False
        return True

    async def _sent(self, request: Request, found: asyncpg.Record, headers: dict[str, str]) -> Response:
        size = found["byte_size"]
        # A part of another file than the one that the rest was fetched of would spoil both.
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
