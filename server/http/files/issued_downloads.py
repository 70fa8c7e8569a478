"""Downloads of issued documents by signed URL: asked for again under row-level security, and each one an event of the audit log."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from db.audit.events import record
from db.global_ids import TAGS
from resolvers.audit_record import AuditRecord
from resolvers.commands.issued.files import file_name_of, find_file
from server.http.files.downloads import INERT, check_fetching, disposition, is_known
from server.http.files.signed_links import SignedFiles


class IssuedDownloads(SignedFiles):
    """The ASGI application at /issued/{id}."""

    kind, not_good, type_name = "issued", "There is no document at this URL, or the URL has expired", "IssuedDocument"

    async def answer(self, request: Request) -> Response:
        """The file, streamed, with a name that says if the document no longer stands; 304 if the client has it already."""
        check_fetching(request)
        link = await self.follow(request)
        async with self.database.entered(link.viewer) as connection:
            found = await find_file(connection, link.viewer, link.identity)
            if found is not None:
                # A look at a document discloses the case that it is about.
                entities = [
                    TAGS[name].encode() + one.bytes
                    for name, one in (("IssuedDocument", link.identity), ("Case", found["case_id"]))
                ]
                audit = AuditRecord(["downloadDocument"], entities=entities)
                await record(connection, [audit.event(link.viewer, link.moment, link.request_id)])
        if found is None:
            raise self.refused()
        tag = f'"{found["sha256"].hex()}"'
        headers = {"ETag": tag, "Content-Disposition": disposition(file_name_of(found)), **INERT}
        if is_known(request, tag):
            return Response(status_code=304, headers=headers)
        size, chunks = await self.files.store.open(found["blob_key"])
        headers["Content-Length"] = str(size)
        if request.method == "HEAD":
            return Response(headers=headers, media_type=found["content_type"])
        return StreamingResponse(chunks, headers=headers, media_type=found["content_type"])
