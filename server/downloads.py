"""Decides how a kept file is handed out: to whom its signed address was given, as a file to save and nothing to run."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from db.auditing import record
from resolvers.documents import find_kept
from server.links import LinkedFiles
from server.requests import RefusedRequest

# What a browser may do with a file that it opens all the same: nothing.
INERT = {"Content-Security-Policy": "sandbox; default-src 'none'"}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-")


class Downloads(LinkedFiles):
    """The ASGI application at /documents/{id}."""

    kind, not_good = "documents", "There is no file at this address, or not any more"

    async def answer(self, request: Request) -> Response:
        """The file, streamed; 304 to whoever has it already."""
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
    """Refuse a request that does not fetch anything."""
    if request.method not in ("GET", "HEAD"):
        raise RefusedRequest(405, "A file is fetched by GET", headers={"Allow": "GET, HEAD"})


def is_known(request: Request, tag: str) -> bool:
    """Whether a client says that it has the file with a tag already."""
    return tag in (said.strip() for said in request.headers.get("if-none-match", "").split(","))


def disposition(file_name: str) -> str:
    """The header that names a file to save, as RFC 6266 says: plain letters for old clients, the whole name for the others."""
    plain = "".join(letter if letter in _PLAIN else "_" for letter in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
