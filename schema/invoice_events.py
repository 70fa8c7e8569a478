"""The GraphQL type of the events by which a client keeps a list of invoices up to date."""

from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info, Private

from permissions.classes import output_field, query_field
from resolvers.compiler.reading import resolve_payload
from schema.billing.invoices import Invoice


@strawberry.type(description="An invoice has entered a list, changed in it, or left it.")
class InvoiceListEvent:
    invoice_id: strawberry.ID = output_field("existence", "The id of the invoice.")
    leaves: bool = output_field(
        "existence", "Whether the invoice was in the list before the change and is not after it."
    )
    identity: Private[UUID]

    @query_field("existence", "The invoice with its new content; null if you can no longer access it.")
    async def invoice(self, info: Info) -> Invoice | None:
        found: Any = await resolve_payload(info, "Invoice", self.identity)
        return found  # type: ignore[no-any-return]
