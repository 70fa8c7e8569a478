"""Downloads of stored documents by signed URL, as attachments that a browser does not execute."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from db.audit.events import record
from domain.errors import RefusedRequest
from resolvers.commands.documents import find_kept
from server.http.files.signed_links import SignedFiles

# A browser that opens the file all the same may not run anything in it.
INERT = {"Content-Security-Policy": "sandbox; default-src 'none'"}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-")


class Downloads(SignedFiles):
    """The ASGI application at /documents/{id}."""

    kind, not_good = "documents", "There is no file at this URL, or the URL has expired"

    async def answer(self, request: Request) -> Response:
        """The file, streamed; 304 if the client has it already."""
        check_fetching(request)
        link = await self.follow(request)
        async with self.database.entered(link.viewer) as connection:
            found = await find_kept(connection, link.viewer.clinic_id, link.identity)
            if found is not None:
                await record(connection, [link.event("download")])
        if found is None:
            raise self.refused()
        tag = f'"{found["sha256"].hex()}"'
        if is_known(request, tag):
            return Response(status_code=304, headers={"ETag": tag})
        size, chunks = await self.files.store.open(found["blob_key"])
        headers = {
            "Content-Disposition": disposition(found["file_name"]),
            "Content-Length": str(size),
            "ETag": tag,
            **INERT,
        }
        if request.method == "HEAD":
            return Response(headers=headers, media_type=found["content_type"])
        return StreamingResponse(chunks, headers=headers, media_type=found["content_type"])


def check_fetching(request: Request) -> None:
    """Refuse a request whose method is not GET or HEAD with 405."""
    if request.method not in ("GET", "HEAD"):
        raise RefusedRequest(405, "Files are downloaded with GET", headers={"Allow": "GET, HEAD"})


def is_known(request: Request, tag: str) -> bool:
    """Whether the client already has the file with this entity tag (If-None-Match)."""
    return tag in (value.strip() for value in request.headers.get("if-none-match", "").split(","))


def disposition(file_name: str) -> str:
    """The Content-Disposition header (RFC 6266): an ASCII file name for old clients, the full name for the others."""
    plain = "".join(letter if letter in _PLAIN else "_" for letter in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
