"""Issues the document of an invoice as it is submitted, and queues the e-mail that sends it."""

from typing import Any

from db.write_batch import WriteBatch
from domain.billing.negotiation import SubmissionMethod
from domain.documents.kinds import DocumentKind
from domain.errors import InvalidInput
from domain.ids import new_id
from domain.reminders.reminders import MessageStatus
from domain.warnings import ChangeWarning, WarningCode
from resolvers.commands.issued.invoices import draft_of_invoice
from resolvers.commands.issued.writing import Draft, insert_drawn, insert_uploaded
from resolvers.commands.unit_of_work import UnitOfWork

_ON_PAPER = "The document {0} goes on paper: {1}"
# To whom the invoice goes, the attorney's account if there is one, and how the clinic sends documents to others.
_ADDRESSEE = """select p.name, p.email, a.email as attorney_email, a.id as attorney_id,
        exists (select from users u where u.clinic_id = a.clinic_id and u.attorney_id = a.id and u.active
            and u.joined_at is not null) as has_account,
        (select c.attaches_documents from clinics c where c.clinic_id = i.clinic_id) as attaches_documents
    from invoices i join payers p on p.clinic_id = i.clinic_id and p.id = i.payer_id
    join cases k on k.clinic_id = i.clinic_id and k.id = i.case_id
    left join attorneys a on a.clinic_id = i.clinic_id and a.id = k.attorney_id and (a.id = p.attorney_id or a.firm_id = p.firm_id)
    where i.clinic_id = $1 and i.id = $2"""


async def issue_submitted(work: UnitOfWork, writes: WriteBatch, row: Any) -> str | None:
    """Add the document of an invoice that is submitted to the batch; returns its number, None where none is issued.

    It never refuses the submission: without the data that a document needs, it warns. A submission of a past day is recorded with
    the proof of what was sent then, if there is one: nothing that was not sent is issued.
    """
    inputs = work.inputs
    if inputs.get("document_id") is not None:
        if inputs["submitted_on"] >= work.today:
            raise InvalidInput(
                "The document is issued with a submission of today: a proof belongs to a past day", ("document_id",)
            )
        addressee = await work.one(_ADDRESSEE, row["id"])
        uploaded = (DocumentKind.INVOICE, row["case_id"], addressee["name"], inputs["submitted_on"])
        _, number = await insert_uploaded(work, writes, *uploaded, [(row["id"], None)])
        return number
    if inputs["submitted_on"] != work.today:
        return None
    draft, missing = await draft_of_invoice(work, row["case_id"], row["id"])
    if draft is None:
        words = "The submission is recorded, and no document was issued: " + "; ".join(missing)
        work.warnings.append(ChangeWarning(WarningCode.DOCUMENT_NOT_ISSUED, words, ("submitted_on",)))
        return None
    identity, number = await insert_drawn(work, writes, draft)
    if inputs["method"] is SubmissionMethod.EMAIL:
        await _queue_message(work, writes, row, draft, identity, number)
    return number


async def _queue_message(
    work: UnitOfWork, writes: WriteBatch, row: Any, draft: Draft, identity: Any, number: str
) -> None:
    """An attorney with an account gets a link; others get the document attached if the clinic says so, and else paper."""
    addressee = await work.one(_ADDRESSEE, row["id"])
    is_link = draft.attorney_id is not None and addressee["has_account"]
    recipient = addressee["attorney_email"] or addressee["email"]
    if not is_link and not addressee["attaches_documents"]:
        _warn_of_paper(work, number, "the clinic sends no documents by e-mail (attachesDocuments)")
    elif recipient is None:
        _warn_of_paper(work, number, "the payer has no e-mail address")
    else:
        writes.insert(
            "outbound_messages",
            id=new_id(work.moment),
            recorded_at=work.moment,
            recipient=recipient,
            subject=f"{number}",
            status=MessageStatus.QUEUED.value,
            due_on=work.today,
            next_attempt_at=work.moment,
            issued_document_id=identity,
            attaches_document=not is_link,
        )


def _warn_of_paper(work: UnitOfWork, number: str, why: str) -> None:
    work.warnings.append(ChangeWarning(WarningCode.DOCUMENT_ON_PAPER, _ON_PAPER.format(number, why), ("method",)))
