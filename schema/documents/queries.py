"""The queries of issued documents, and of the clinic's texts."""

# A compiled read returns encoded JSON, not a Python object of the published type.
# mypy: disable-error-code="no-any-return"

from typing import Annotated

import strawberry
from strawberry import UNSET, Info

from permissions.classes import argument
from schema.connections import After, Before, First, Last
from schema.documents.enums import IssuedDocumentOrderField
from schema.documents.issued import (
    DocumentTemplateConnection,
    DocumentTemplateFilter,
    IssuedDocumentConnection,
    IssuedDocumentFilter,
    IssuedDocumentOrder,
)
from schema.enums import Direction
from schema.reading import compiled_root, read

DocumentsWanted = Annotated[
    IssuedDocumentFilter | None, argument("Only documents that match this filter.", "delivered")
]
DocumentsSorted = Annotated[IssuedDocumentOrder | None, argument("A sort order of documents.", "delivered")]
TemplatesWanted = Annotated[DocumentTemplateFilter | None, argument("Only texts that match this filter.", "records")]
NEWEST_DOCUMENTS_FIRST = IssuedDocumentOrder(field=IssuedDocumentOrderField.ISSUED_AT, direction=Direction.DESC)


@strawberry.type
class DocumentQueries:
    """The queries of issued documents."""

    @compiled_root("delivered", "The issued documents that you can access, newest first by default.")
    async def issued_documents(
        self,
        info: Info,
        filter: DocumentsWanted = UNSET,
        order_by: DocumentsSorted = NEWEST_DOCUMENTS_FIRST,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> IssuedDocumentConnection:
        return await read(info)

    @compiled_root("records", "The versions of the clinic's texts of documents, newest first.")
    async def document_templates(
        self,
        info: Info,
        filter: TemplatesWanted = UNSET,
        first: First = UNSET,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
    ) -> DocumentTemplateConnection:
        return await read(info)
