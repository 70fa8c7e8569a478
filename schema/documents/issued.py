"""GraphQL types, filter and order of issued documents and their deliveries."""

from datetime import date, datetime
from decimal import Decimal

import strawberry

from permissions.classes import input_field, output_field
from schema.access.users import User
from schema.connections import Connection, Node
from schema.documents.enums import (
    DeliveryMethod,
    DocumentKind,
    DocumentOrigin,
    DocumentStatus,
    FileStatus,
    IssuedDocumentKind,
    IssuedDocumentOrderField,
)
from schema.enums import Direction
from schema.records.attorneys import Attorney
from schema.references import CaseRef, FirmRef, InvoiceRef, IssuedDocumentRef


@strawberry.type(description="A text of a kind of document.")
class DocumentText:
    name: str = output_field("records", "The name of the text: title, opening or closing.")
    text: str = output_field("records", "The text, with variables in double braces.")


@strawberry.type(
    description="A version of the clinic's texts of a kind of document; every change creates a new version."
)
class DocumentTemplate(Node):
    id: strawberry.ID = output_field("records", "The id of the version.")
    kind: DocumentKind = output_field("records", "The kind of document.")
    version: int = output_field("records", "The version number, from 1.")
    texts: list[DocumentText] = output_field("records", "The texts that differ from the defaults.")
    created_by: User | None = output_field("records", "The user who wrote this version; null for one of the demo.")
    recorded_at: datetime = output_field("records", "When this version was written.")


@strawberry.type(description="A delivery of a document; it never changes.")
class DocumentDelivery(Node):
    id: strawberry.ID = output_field("delivered", "The id of the delivery.")
    method: DeliveryMethod = output_field("delivered", "How it was delivered.")
    delivered_at: datetime = output_field("delivered", "When it was delivered.")
    recipient: str = output_field("records", "To whom, and for e-mail or fax to which address or number.")
    attorney: Attorney | None = output_field(
        "records", "The attorney to whom it was delivered; null for other recipients."
    )
    firm: FirmRef | None = output_field(
        "records", "The attorney's law firm on that day; null for other recipients, and where there is none."
    )
    tracking_number: str | None = output_field("records", "The tracking number; null if there is none.")
    proof_url: str | None = output_field(
        "records",
        "A signed URL of the proof of delivery, valid for 15 minutes and until the session ends; null if there is none.",
    )
    recorded_by: User | None = output_field(
        "records", "The user who recorded it; null if the program sent the document."
    )


@strawberry.type(description="An invoice that a document names.")
class IssuedDocumentInvoice:
    invoice: InvoiceRef = output_field("records", "The invoice.")
    stated_amount: Decimal | None = output_field(
        "records", "What the document states as its balance, in US dollars; null if it states none."
    )


@strawberry.type(
    description="A numbered document whose contents were frozen when it was issued. It never changes: a correction is another document."
)
class IssuedDocument(Node):
    id: strawberry.ID = output_field("delivered", "The id of the document.")
    kind: IssuedDocumentKind = output_field("delivered", "The kind of document.")
    number: str = output_field("delivered", "Its number, unique among the clinic's documents of the kind.")
    issued_at: datetime = output_field("delivered", "When it was issued.")
    download_url: str | None = output_field(
        "delivered",
        "A signed URL of the file, valid for 15 minutes and until the session ends; null until the file is ready.",
    )
    deliveries: list[DocumentDelivery] = output_field(
        "delivered", "Its deliveries that you can access, oldest first; attorneys see those to their own office."
    )
    origin: DocumentOrigin = output_field("records", "Whether it was drawn or uploaded.")
    case: CaseRef = output_field("records", "The case.")
    invoices: list[IssuedDocumentInvoice] = output_field("records", "The invoices that it names.")
    recipient: str = output_field(
        "records", "To whom it is addressed; of a document that was recorded with its upload, the other party."
    )
    template: DocumentTemplate | None = output_field(
        "records", "The version of the clinic's texts; null for the default texts."
    )
    as_of: date = output_field(
        "records", "The day as of which it states amounts; of an uploaded document, the day that it bears."
    )
    good_through: date | None = output_field("records", "The last day on which it holds; null if it names none.")
    stated_amount: Decimal | None = output_field(
        "records", "The amount that it states, in US dollars; null if it states none."
    )
    data_hash: str | None = output_field(
        "records", "The SHA-256 of the data from which it is drawn, in hexadecimal digits; null for an uploaded one."
    )
    sha256: str | None = output_field(
        "records", "The SHA-256 of the file in hexadecimal digits; null until it is ready."
    )
    byte_size: int | None = output_field(
        "records", "The size of the drawn file in bytes; null until it is ready, and for an uploaded one."
    )
    page_count: int | None = output_field(
        "records", "The number of pages of the drawn file; null until it is ready, and for an uploaded one."
    )
    file_status: FileStatus = output_field("records", "Whether the file is ready.")
    issued_by: User | None = output_field("records", "The user who issued it; null if it came with the demo.")
    status: DocumentStatus = output_field("records", "Whether it was withdrawn.")
    withdrawn_at: datetime | None = output_field("records", "When it was withdrawn; null if it was not.")
    withdrawn_by: User | None = output_field("records", "The user who withdrew it; null if it was not withdrawn.")
    withdrawal_reason: str | None = output_field("records", "Why it was withdrawn; null if it was not.")
    supersedes: IssuedDocumentRef | None = output_field(
        "records", "The document that this one replaces; null if there is none."
    )
    superseded_by: IssuedDocumentRef | None = output_field(
        "records", "The document that replaces this one; null if there is none."
    )
    is_final: bool = output_field(
        "records",
        "Of a payoff letter, whether nobody but administrators can create invoices of the case until its last day.",
    )
    statement: IssuedDocumentRef | None = output_field(
        "records", "The itemized statement that an affidavit swears to; null for other documents."
    )
    state: str | None = output_field(
        "records", "The state whose law a lien notice or release follows; null for other documents."
    )
    executed_on: date | None = output_field("records", "The day on which an affidavit was signed; null until it is.")
    served_on: date | None = output_field("records", "The day on which an affidavit was served; null until it is.")


IssuedDocumentConnection = Connection[IssuedDocument]
DocumentTemplateConnection = Connection[DocumentTemplate]


@strawberry.input(description="Filter for issued documents; all conditions must be met.")
class IssuedDocumentFilter:
    kind: list[IssuedDocumentKind] | None = input_field(("IssuedDocument.kind",), "Only documents of these kinds.")
    status: list[DocumentStatus] | None = input_field(("IssuedDocument.status",), "Only documents with these statuses.")
    case_id: list[strawberry.ID] | None = input_field(
        ("IssuedDocument.case", "Case.id"), "Only documents of these cases."
    )
    invoice_id: strawberry.ID | None = input_field(
        ("IssuedDocument.invoices", "IssuedDocumentInvoice.invoice", "Invoice.id"),
        "Only documents that name this invoice.",
    )
    issued_from: datetime | None = input_field(
        ("IssuedDocument.issuedAt",), "Only documents issued at this time or later."
    )
    issued_before: datetime | None = input_field(
        ("IssuedDocument.issuedAt",), "Only documents issued before this time."
    )
    is_superseded: bool | None = input_field(("IssuedDocument.supersededBy",), "Whether another document replaces it.")
    is_delivered: bool | None = input_field(
        ("IssuedDocument.deliveries", "DocumentDelivery.recipient"), "Whether a delivery is recorded."
    )


@strawberry.input(description="Filter for versions of the texts of documents; all conditions must be met.")
class DocumentTemplateFilter:
    kind: list[DocumentKind] | None = input_field(("DocumentTemplate.kind",), "Only texts of these kinds.")


@strawberry.input(description="The sort order of issued documents.")
class IssuedDocumentOrder:
    field: IssuedDocumentOrderField = input_field("delivered", "The field to sort by.")
    direction: Direction = input_field("delivered", "The sort direction.")
