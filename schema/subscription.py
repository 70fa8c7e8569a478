"""The subscription type of the schema: all subscriptions, each with its access rule."""

from collections.abc import AsyncGenerator

import strawberry
from strawberry import UNSET, Info

from db.global_ids import make_id
from permissions.classes import subscription
from resolvers.changes import changed_invoices, count_action_items, export_progress, invoice_events
from resolvers.session_ending import session_ends
from schema.access.sessions import SessionEnding
from schema.billing.invoices import Invoice
from schema.invoice_events import InvoiceListEvent
from schema.record_queries import Id, InvoicesWanted
from schema.reports.exports import Export


@strawberry.type(description="The subscriptions of the API.")
class Subscription:
    @subscription(
        "signed_in",
        "The invoices that you can access, each time one changes, with its new content. If changes may "
        "have been missed, it ends with the code CHANGES_MISSED or TOO_SLOW: read again and subscribe "
        "anew.",
        deprecation_reason="invoiceEvents says what leaves a list, too. This field is removed with release 1.0.0.",
    )
    def invoice_changed(self, info: Info, filter: InvoicesWanted = UNSET) -> AsyncGenerator[Invoice, None]:
        return changed_invoices(info)  # type: ignore[return-value]

    @subscription(
        "signed_in",
        "Each change of an invoice that fits the filter, and that you can access, before the change or after it: the invoice enters the "
        "list, changes in it or leaves it. Nothing is sent for what leaves with a new day alone, nor for changes of other records, such "
        "as a patient's name. It ends like the others if changes may have been missed.",
    )
    async def invoice_events(
        self, info: Info, filter: InvoicesWanted = UNSET
    ) -> AsyncGenerator[InvoiceListEvent, None]:
        async for identity, leaves in invoice_events(info):
            yield InvoiceListEvent(
                invoice_id=strawberry.ID(make_id("Invoice", identity)), leaves=leaves, identity=identity
            )

    @subscription(
        "signed_in",
        "The state of one of your exports, now and at each change, until it is ready or has failed.",
    )
    def export_progress(self, info: Info, id: Id) -> AsyncGenerator[Export, None]:
        return export_progress(info)  # type: ignore[return-value]

    @subscription(
        "oneself",
        "When your session ends, told a minute before; again, if it is used in the meantime and is about to end anew. A subscription is no "
        "use of a session.",
    )
    async def session_ending(self, info: Info) -> AsyncGenerator[SessionEnding, None]:
        async for ends_at in session_ends(info):
            yield SessionEnding(ends_at=ends_at)

    @subscription(
        "negotiation",
        "The number of due action items, now and at each change. It ends like the others if changes may "
        "have been missed.",
    )
    def action_items_changed(self, info: Info) -> AsyncGenerator[int, None]:
        return count_action_items(info)
