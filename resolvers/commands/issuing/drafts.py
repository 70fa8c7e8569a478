"""The draft of each kind of document, as the input of a mutation asks for it."""

from collections.abc import Awaitable, Callable

from domain.documents.kinds import DocumentKind
from domain.errors import InvalidInput
from resolvers.commands.issued.gathering import find_case
from resolvers.commands.issued.invoices import draft_of_invoice
from resolvers.commands.issued.writing import Draft
from resolvers.commands.issuing.estimates import good_faith_estimate
from resolvers.commands.issuing.letters import lien_notice, lien_release, payoff_letter
from resolvers.commands.issuing.statements import billing_affidavit, itemised_statement, patient_statement
from resolvers.commands.unit_of_work import UnitOfWork

Drafting = Callable[[UnitOfWork], Awaitable[tuple[Draft | None, list[str]]]]


async def _invoice(work: UnitOfWork) -> tuple[Draft | None, list[str]]:
    named = work.inputs.get("invoice_ids") or []
    if len(named) != 1:
        raise InvalidInput("The document of an invoice names one invoice", ("invoice_ids",))
    return await draft_of_invoice(work, await find_case(work, named[0]), named[0])


# Kind → its draft, and the data that it needs and does not have.
DRAFTS: dict[DocumentKind, Drafting] = {
    DocumentKind.INVOICE: _invoice,
    DocumentKind.ITEMISED_STATEMENT: itemised_statement,
    DocumentKind.PAYOFF_LETTER: payoff_letter,
    DocumentKind.LIEN_NOTICE: lien_notice,
    DocumentKind.LIEN_RELEASE: lien_release,
    DocumentKind.BILLING_AFFIDAVIT: billing_affidavit,
    DocumentKind.PATIENT_STATEMENT: patient_statement,
    DocumentKind.GOOD_FAITH_ESTIMATE: good_faith_estimate,
}
