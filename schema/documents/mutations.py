"""GraphQL payloads and mutations of issued documents, and of the clinic's texts."""

from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import Info
from strawberry.tools import create_type

from permissions.actions import ACTIONS
from permissions.classes import argument, mutation, output_field
from resolvers.commands.issued import deliveries, templates, uploads
from resolvers.commands.issuing import issue
from schema.commands import command, payload_of
from schema.documents.inputs import (
    DeliverDocumentInput,
    IssueDocumentInput,
    PreviewDocumentInput,
    RecordDocumentInput,
    RecordExecutionInput,
    SaveDocumentTemplateInput,
    WithdrawDocumentInput,
)
from schema.documents.issued import DocumentTemplate, IssuedDocument
from schema.errors import ChangeWarning, UserError, change_warnings, user_errors

IssuedDocumentPayload: Any = payload_of(IssuedDocument, "staff", "document", warns=True)
DocumentTemplatePayload: Any = payload_of(DocumentTemplate, "staff", "version of the texts")


@strawberry.type(description="A document as it would be issued now, marked as a preview on every page.")
class DocumentPreview:
    pdf: str = output_field("staff", "The file, encoded in Base64.")
    page_count: int = output_field("staff", "The number of pages.")
    stated_amount: Decimal | None = output_field(
        "staff", "The amount that it states, in US dollars; null if it states none."
    )


@strawberry.type(description="The result of previewing a document.")
class PreviewDocumentPayload:
    preview: DocumentPreview | None = output_field("staff", "The preview; null if the request was rejected.")
    errors: list[UserError] = output_field("staff", "Why the request was rejected; empty on success.")
    warnings: list[ChangeWarning] = output_field("staff", "Warnings about the document.")


@strawberry.type
class DrawingMutations:
    """The mutations that draw a document."""

    @mutation(
        ACTIONS["preview_document"],
        "Draw a document without issuing it: it has no number, and every page says that it is a preview.",
    )
    async def preview_document(
        self, info: Info, input: Annotated[PreviewDocumentInput, argument("The document.", "staff")]
    ) -> PreviewDocumentPayload:
        done, found = await issue.preview(info, input)
        shown = DocumentPreview(pdf=found.pdf, page_count=found.pages, stated_amount=found.amount) if found else None
        return PreviewDocumentPayload(
            preview=shown, errors=user_errors(done.errors), warnings=change_warnings(done.warnings)
        )

    @mutation(
        ACTIONS["issue_document"],
        "Issue a document: its contents are those of this moment, numbered and frozen. The file of a short one is ready with the response; "
        "that of a long one is drawn by the worker.",
    )
    async def issue_document(
        self, info: Info, input: Annotated[IssueDocumentInput, argument("The document.", "staff")]
    ) -> IssuedDocumentPayload:
        return IssuedDocumentPayload(result=await issue.issue(info, input))


DocumentMutations: Any = create_type(
    "DocumentMutations",
    [
        command(
            "record_document",
            uploads.record,
            "Record a document of a case that was uploaded: it is numbered, delivered and withdrawn like those that are drawn.",
            RecordDocumentInput,
            "The document.",
            IssuedDocumentPayload,
        ),
        command(
            "deliver_document",
            deliveries.deliver,
            "Record the delivery of a document, with its proof.",
            DeliverDocumentInput,
            "The delivery.",
            IssuedDocumentPayload,
        ),
        command(
            "withdraw_document",
            deliveries.withdraw,
            "Withdraw a document: its contents stay as they were issued, and its status says that it was withdrawn. Issue a correction with "
            "supersedesId.",
            WithdrawDocumentInput,
            "The document and the reason.",
            IssuedDocumentPayload,
        ),
        command(
            "record_execution",
            deliveries.record_execution,
            "Record the days on which a billing affidavit was signed and served, each once.",
            RecordExecutionInput,
            "The affidavit and the days.",
            IssuedDocumentPayload,
        ),
        command(
            "save_document_template",
            templates.save,
            "Save a new version of the clinic's texts of a kind of document, which later documents use.",
            SaveDocumentTemplateInput,
            "The texts.",
            DocumentTemplatePayload,
        ),
    ],
)
