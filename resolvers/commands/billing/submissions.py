"""The command that submits an invoice: its document is issued in the same transaction."""

from typing import Any
from uuid import UUID

from db.write_batch import WriteBatch
from resolvers.commands.billing.cases import share_cases
from resolvers.commands.issued.submissions import issue_submitted
from resolvers.commands.transitions import transition
from resolvers.commands.unit_of_work import UnitOfWork


async def submit_invoice(work: UnitOfWork) -> UUID:
    """Submit an invoice, and issue its document. A submission that is refused issues none."""
    # The document refers to the case: whoever has locked the case, and waits for the invoice, would wait forever.
    await share_cases(work, [work.inputs["invoice_id"]])
    return await transition(work, "submit_invoice", _issue)


async def _issue(work: UnitOfWork, writes: WriteBatch, row: Any) -> None:
    work.inputs = {**work.inputs, "document_number": await issue_submitted(work, writes, row)}
