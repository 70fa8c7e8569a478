"""Decides what is said of a file that somebody asked for."""

from datetime import datetime
from decimal import Decimal

import strawberry

from permissions.classes import shown
from schema.connections import Node
from schema.enums import ExportFormat, ExportKind, ExportStatus
from schema.users import User


@strawberry.type(description="A file that was asked for, seen by nobody but who asked for it.")
class Export(Node):
    id: strawberry.ID = shown("signed_in", "The id of the file.")
    status: ExportStatus = shown("signed_in", "What has become of it.")
    format: ExportFormat = shown("signed_in", "The kind of file.")
    file_name: str = shown("signed_in", "What it is called, with the day on which it was asked for.")
    content_type: str = shown("signed_in", "What it is, in the words of browsers and mail programs.")
    row_count: int | None = shown("signed_in", "How many rows it has, without the header; known once it is begun.")
    rows_written: int = shown("signed_in", "How many rows are written so far.")
    byte_size: int | None = shown("signed_in", "How many bytes it has; nothing until it is ready.")
    sha256: str | None = shown(
        "signed_in", "What tells whether it came over whole: its SHA-256, in hexadecimal digits."
    )
    billed_total: Decimal | None = shown(
        "existence", "The sum of what was billed in it, to check the file by; nothing where its rows are not invoices."
    )
    received_total: Decimal | None = shown(
        "ledger", "The sum of what has been paid in it, to check the file by; nothing where its rows do not say that."
    )
    download_url: str | None = shown(
        "signed_in", "Where it is fetched, for an hour and by whoever asked; nothing unless it is ready."
    )
    expires_at: datetime | None = shown("signed_in", "Until when it is kept; ask for it again afterwards.")
    created_at: datetime = shown("signed_in", "When it was asked for.")
    requested_by: User = shown("staff", "Who asked for it.")
    failure: str | None = shown("signed_in", "Why there is no file; nothing unless it failed.")
    kind: ExportKind = shown("signed_in", "What its rows are.")
    filter: str = shown("signed_in", "By what its rows were chosen, as JSON in the words of the filter.")
    columns: list[str] = shown("signed_in", "Its columns, each by the path of fields that leads to it.")
