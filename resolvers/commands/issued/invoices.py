"""The draft of the document of an invoice."""

from datetime import timedelta
from uuid import UUID

from domain.documents.bills import Invoice
from domain.errors import InvalidInput
from resolvers.commands.issued.gathering import Gathered, GatheredInvoice, gather
from resolvers.commands.issued.wording import (
    Drafted,
    Wanted,
    case_of,
    drafted,
    facility_of,
    figures_of,
    letterhead_of,
    payer_of,
    physician_of,
    service_lines,
)
from resolvers.commands.unit_of_work import UnitOfWork


async def draft_of_invoice(work: UnitOfWork, case_id: UUID, invoice_id: UUID) -> Drafted:
    """The draft of the document of an invoice of a case as it is now."""
    gathered = await gather(work, case_id, work.today, [invoice_id])
    if not gathered.invoices:
        raise InvalidInput("A void invoice is not issued", ("invoice_ids",))
    (invoice,) = gathered.invoices
    figures, recipient = invoice.figures, payer_of(invoice)
    due_on = work.today + timedelta(days=gathered.clinic["payment_terms_days"])

    def contents(number: str) -> Invoice:
        head = (letterhead_of(gathered), recipient, number, work.today, case_of(gathered))
        amounts = (figures.billed, figures.balance, figures.paid, figures.adjusted, due_on)
        providers = (facility_of(invoice.facility), physician_of(invoice.physician))
        return Invoice(*head, service_lines(invoice), *amounts, *providers, invoice=figures_of(invoice).number)

    wanted = Wanted(recipient, contents, [invoice], addressed_attorney(gathered, invoice))
    return await drafted(work, gathered, wanted, len(invoice.lines))


def addressed_attorney(gathered: Gathered, invoice: GatheredInvoice) -> UUID | None:
    """The attorney of the case, where the payer is the attorney or the attorney's law firm."""
    attorney, payer = gathered.attorney, invoice.payer
    if attorney is None:
        return None
    is_firm = attorney["firm_id"] is not None and payer["firm_id"] == attorney["firm_id"]
    return UUID(attorney["id"]) if is_firm or payer["attorney_id"] == attorney["id"] else None
