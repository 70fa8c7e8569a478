"""Decides what sending a file to the clinic asks of billing staff."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Info, Private

from permissions.actions import ACTIONS
from permissions.classes import asked, done, given, shown, takes
from resolvers import documents
from resolvers.reading import follow
from resolvers.writing import Done, run
from schema.errors import UserError
from schema.payloads import told

_KEY = "A text of your own that makes it safe to send the same step again within 24 hours."


@strawberry.type(description="A file that is announced, and where to send it.")
class Upload:
    id: strawberry.ID = shown("staff", "The id by which a step names the file, once it was sent.")
    upload_url: str = shown(
        "staff", "Where the file is sent: by HTTP PUT, its bytes as the body, once, by whoever asked."
    )
    expires_at: datetime = shown("staff", "Until when it can be sent.")


@strawberry.input(
    description="A file that will be sent, of at most 20 MiB: a scan as PDF, PNG, JPEG or TIFF, or a list to import as CSV or XLSX."
)
class CreateUploadInput:
    file_name: str = given("staff", "What the file is called.")
    content_type: str = given(
        "staff",
        "What it is: application/pdf, image/png, image/jpeg, image/tiff, text/csv or "
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.",
    )
    byte_size: int = given("staff", "How many bytes it has.")
    idempotency_key: str | None = given("staff", _KEY)


@strawberry.type(description="The answer to the announcement of a file.")
class UploadPayload:
    done: Private[Done]

    @asked("staff", "Where to send the file; nothing when it was refused.")
    async def upload(self, info: Info) -> Upload | None:
        return await follow(info, "Upload", self.done.record, self.done.known)  # type: ignore[return-value]

    @asked("staff", "Why it was refused; empty when the file can be sent.")
    def errors(self) -> list[UserError]:
        return told(self.done.errors)


@strawberry.type
class UploadSteps:
    """The mutation that announces a file."""

    @done(
        ACTIONS["create_upload"],
        "Announce a file, such as the scan of a cheque or a list to import, before it is sent.",
    )
    async def create_upload(
        self, info: Info, input: Annotated[CreateUploadInput, takes("The file.", "staff")]
    ) -> UploadPayload:
        return UploadPayload(done=await run(info, "create_upload", input, documents.announce))
