"""Commands about documents that were issued: recording deliveries, withdrawing them, and recording the signing of affidavits."""

from uuid import UUID

from domain.documents.kinds import DocumentKind, UploadedDocumentKind
from domain.errors import InvalidInput, NotFound
from domain.ids import new_id
from domain.issuing.documents import (
    LONGEST_TRACKING_NUMBER,
    DocumentOrigin,
    DocumentStatus,
    check_delivered_at,
    earliest_delivery,
)
from domain.texts import NAME, REASON, Text, optional_text, required_text
from resolvers.commands.documents import consume
from resolvers.commands.issued.writing import lock_standing
from resolvers.commands.unit_of_work import UnitOfWork

_REPRESENTS = """select a.name, a.firm_id, exists (select from representations r where r.clinic_id = a.clinic_id
        and r.attorney_id = a.id and r.case_id = $3 and r.known_until is null) as represents
    from attorneys a where a.clinic_id = $1 and a.id = $2"""
_UPLOADED = frozenset(kind.value for kind in UploadedDocumentKind)
_TRACKING = Text(LONGEST_TRACKING_NUMBER)


async def deliver(work: UnitOfWork) -> UUID:
    """Record a delivery of a document, with its proof."""
    inputs = work.inputs
    document = await lock_standing(work, inputs["issued_document_id"], "issued_document_id")
    delivered_at = inputs.get("delivered_at") or work.moment
    earliest = earliest_delivery(DocumentOrigin(document["origin"]), document["issued_at"], document["as_of"])
    check_delivered_at(delivered_at, earliest, work.moment)
    attorney_id, recipient = inputs.get("attorney_id"), optional_text(inputs, "recipient", Text(NAME.longest))
    if attorney_id is None and recipient is None:
        if document["kind"] in _UPLOADED:
            # Its correspondent may be the sender.
            raise InvalidInput("To whom it was delivered is required", ("recipient",))
        attorney_id, recipient = document["attorney_id"], document["recipient"]
    firm_id = None
    if attorney_id is not None:
        attorney = await work.one(_REPRESENTS, attorney_id, document["case_id"])
        if attorney is None:
            raise NotFound("There is no such attorney", ("attorney_id",))
        if not attorney["represents"]:
            raise InvalidInput("This attorney has never represented the case of the document", ("attorney_id",))
        firm_id, recipient = attorney["firm_id"], recipient or attorney["name"]
    if inputs.get("document_id") is not None:
        await consume(work)
    writes, identity = work.writes(), new_id(work.moment)
    writes.insert(
        "document_deliveries",
        id=identity,
        recorded_at=work.moment,
        document_id=document["id"],
        case_id=document["case_id"],
        method=inputs["method"].value,
        delivered_at=delivered_at,
        recipient=recipient,
        attorney_id=attorney_id,
        firm_id=firm_id,
        tracking_number=optional_text(inputs, "tracking_number", _TRACKING),
        proof_id=inputs.get("document_id"),
        recorded_by=work.user_id,
    )
    await writes.run(work.connection)
    delivered: UUID = document["id"]
    return delivered


async def withdraw(work: UnitOfWork) -> UUID:
    """Withdraw a document: it stays as it was issued, and says that it no longer stands."""
    reason = required_text(work.inputs, "reason", REASON)
    document = await lock_standing(work, work.inputs["issued_document_id"], "issued_document_id")
    writes = work.writes()
    withdrawn = {"withdrawn_at": work.moment, "withdrawn_by": work.user_id, "withdrawal_reason": reason}
    writes.update("issued_documents", {"id": document["id"]}, status=DocumentStatus.WITHDRAWN.value, **withdrawn)
    await writes.run(work.connection)
    identity: UUID = document["id"]
    return identity


async def record_execution(work: UnitOfWork) -> UUID:
    """Record the days on which an affidavit was signed and served, each once."""
    inputs = work.inputs
    document = await lock_standing(work, inputs["issued_document_id"], "issued_document_id")
    if document["kind"] != DocumentKind.BILLING_AFFIDAVIT.value:
        raise InvalidInput("Only an affidavit is signed and served", ("issued_document_id",))
    changed = {name: inputs[name] for name in ("executed_on", "served_on") if inputs.get(name) is not None}
    if not changed:
        raise InvalidInput("The day of signing or of service is required", ("executed_on",))
    for name, day in changed.items():
        if document[name] is not None and document[name] != day:
            raise InvalidInput(f"This is recorded already: {document[name]}", (name,))
        if day > work.today:
            raise InvalidInput("The date is in the future", (name,))
    days = {name: changed.get(name, document[name]) for name in ("executed_on", "served_on")}
    if days["served_on"] and (days["executed_on"] is None or days["served_on"] < days["executed_on"]):
        raise InvalidInput("An affidavit is served after it was signed", ("served_on",))
    writes = work.writes()
    writes.update("issued_documents", {"id": document["id"]}, **changed)
    await writes.run(work.connection)
    identity: UUID = document["id"]
    return identity
