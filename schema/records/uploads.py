"""GraphQL types and the mutation of file uploads."""

from datetime import datetime
from typing import Any

import strawberry
from strawberry.tools import create_type

from permissions.classes import input_field, output_field
from resolvers.commands import documents
from schema.commands import command, payload_of
from schema.keys import key


@strawberry.type(description="An upload that is announced, with the URL to send the file to.")
class Upload:
    id: strawberry.ID = output_field("staff", "The id by which mutations refer to the file once it is uploaded.")
    upload_url: str = output_field(
        "staff", "The signed URL to which the current user sends the file: HTTP PUT with the bytes as the body, once."
    )
    expires_at: datetime = output_field("staff", "When the URL expires.")


@strawberry.input(
    description="A file to upload, at most 20 MiB: a scan as PDF, PNG, JPEG or TIFF, or records to import as CSV "
    "or XLSX."
)
class CreateUploadInput:
    file_name: str = input_field("staff", "The file name.")
    content_type: str = input_field(
        "staff",
        "The media format (MIME): application/pdf, image/png, image/jpeg, image/tiff, text/csv or "
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.",
    )
    byte_size: int = input_field("staff", "The file size in bytes.")
    idempotency_key: str | None = key("staff")


UploadPayload: Any = payload_of(
    Upload,
    "staff",
    "upload",
    description="The result of announcing an upload.",
    changed="The upload; null if the request was rejected.",
)


UploadMutations: Any = create_type(
    "UploadMutations",
    [
        command(
            "create_upload",
            documents.announce,
            "Announce the upload of a file, such as the scan of a cheque or a list to import.",
            CreateUploadInput,
            "The announced file.",
            UploadPayload,
        ),
    ],
)
