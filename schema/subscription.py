"""Decides what can be listened to, and by whom."""

from collections.abc import AsyncGenerator

import strawberry
from strawberry import UNSET, Info

from permissions.classes import heard
from resolvers.changes import changed_invoices
from schema.invoices import Invoice
from schema.query import InvoicesWanted


@strawberry.type(description="What can be listened to.")
class Subscription:
    @heard(
        "signed_in",
        "Each invoice in reach of which something has changed, as it is then. "
        "When changes may have been missed it ends, with the code CHANGES_MISSED or TOO_SLOW: read again, and subscribe anew.",
    )
    def invoice_changed(self, info: Info, filter: InvoicesWanted = UNSET) -> AsyncGenerator[Invoice, None]:
        return changed_invoices(info)  # type: ignore[return-value]
