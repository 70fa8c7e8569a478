"""Decides what can be listened to, and by whom."""

from collections.abc import AsyncGenerator

import strawberry
from strawberry import UNSET, Info

from permissions.classes import heard
from resolvers.changes import changed_invoices, count_action_items, export_progress
from schema.exports import Export
from schema.invoices import Invoice
from schema.query import Id, InvoicesWanted


@strawberry.type(description="What can be listened to.")
class Subscription:
    @heard(
        "signed_in",
        "Each invoice in reach of which something has changed, as it is then. "
        "When changes may have been missed it ends, with the code CHANGES_MISSED or TOO_SLOW: read again, and subscribe anew.",
    )
    def invoice_changed(self, info: Info, filter: InvoicesWanted = UNSET) -> AsyncGenerator[Invoice, None]:
        return changed_invoices(info)  # type: ignore[return-value]

    @heard(
        "signed_in",
        "A file that the viewer asked for, as it is now and whenever it has come further, until it is ready or has failed.",
    )
    def export_progress(self, info: Info, id: Id) -> AsyncGenerator[Export, None]:
        return export_progress(info)  # type: ignore[return-value]

    @heard(
        "negotiation",
        "How many action items are due, now and whenever their number has changed. It ends like the others when changes may have "
        "been missed.",
    )
    def action_items_changed(self, info: Info) -> AsyncGenerator[int, None]:
        return count_action_items(info)
