"""The draft of the document of an invoice."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from domain.documents.kinds import DocumentKind
from domain.errors import InvalidInput
from domain.issuing.documents import DocumentRecipient
from resolvers.commands.issued.gathering import Gathered, GatheredInvoice, case_of, gather
from resolvers.commands.issued.wording import Page, addressed_to, dollars, listing_of, missing_in, whole
from resolvers.commands.issued.writing import Draft, newest_template
from resolvers.commands.unit_of_work import UnitOfWork


async def draft_of_invoice(work: UnitOfWork, invoice_id: UUID) -> tuple[Draft | None, list[str]]:
    """The draft of the document of an invoice as it is now, and the data that it needs and does not have."""
    case_id = await case_of(work, invoice_id)
    gathered = await gather(work, case_id, work.today, [invoice_id])
    if not gathered.invoices:
        raise InvalidInput("A void invoice is not issued", ("invoice_ids",))
    missing = missing_in(gathered)
    if missing:
        return None, missing
    template, texts = await newest_template(work, DocumentKind.INVOICE)
    (invoice,) = gathered.invoices
    attorney_id = addressed_attorney(gathered, invoice)
    recipient = addressed_to(gathered, DocumentRecipient.PAYER, invoice.payer)
    due_day = work.today + timedelta(days=gathered.clinic["payment_terms_days"])
    values = {"amount": dollars(invoice.figures.balance), "invoice": invoice.row["number"], "due_day": str(due_day)}
    about = (
        ("Invoice", invoice.row["number"]),
        ("Day of service", str(invoice.row["service_date"])),
        ("Due", str(due_day)),
    )
    page = Page(
        *(DocumentKind.INVOICE, "Invoice", work.today, recipient, texts, values),
        about=about,
        listings=(listing_of(gathered, invoice),),
    )
    draft = Draft(
        kind=DocumentKind.INVOICE,
        case_id=gathered.id,
        recipient=recipient[0],
        contents=partial(whole, gathered, page),
        as_of=work.today,
        invoices=((invoice.id, invoice.figures.balance),),
        attorney_id=attorney_id,
        stated_amount=invoice.figures.balance,
        template_id=template,
        line_count=len(invoice.lines),
    )
    return draft, []


def addressed_attorney(gathered: Gathered, invoice: GatheredInvoice) -> UUID | None:
    """The attorney of the case, where the payer is the attorney or the attorney's law firm."""
    attorney, payer = gathered.attorney, invoice.payer
    if attorney is None:
        return None
    is_firm = attorney["firm_id"] is not None and payer["firm_id"] == attorney["firm_id"]
    return UUID(attorney["id"]) if is_firm or payer["attorney_id"] == attorney["id"] else None
