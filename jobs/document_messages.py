"""The e-mails that send issued documents: a link for attorneys with an account, or the file attached; each one that is sent is a delivery."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from db.write_batch import WriteBatch
from domain.ids import new_id
from domain.issuing.documents import DeliveryMethod, DocumentStatus, FileStatus
from exports.templates import Words
from storage.files import Files

_DOCUMENT = """select d.id, d.number, d.case_id, d.attorney_id, d.status, d.file_status, d.blob_key,
        (select a.firm_id from attorneys a where a.clinic_id = d.clinic_id and a.id = d.attorney_id) as firm_id
    from issued_documents d where d.clinic_id = $1 and d.id = $2"""
_WAIT = "update outbound_messages set next_attempt_at = $3 where clinic_id = $1 and id = $2"
_DROP = "delete from outbound_messages where clinic_id = $1 and id = $2"
# How long a message waits for the file of its document.
_PAUSE = timedelta(seconds=30)
# Neither the subject nor the text names the patient: e-mail is not private.
_LINK = """{clinic} has sent you the document {number}.

Sign in at {url} to read it."""
_ATTACHED = """{clinic} sends you the document {number}, which is attached."""


@dataclass(frozen=True, slots=True)
class DocumentMessage:
    """What a message sends: the document, its words, and the file if it is attached."""

    document: Mapping[str, Any]
    words: Words
    pdf: bytes | None


async def document_of(
    connection: asyncpg.Connection,
    clinic_id: UUID,
    clinic_name: str,
    message: Any,
    moment: datetime,
    files: Files | None,
) -> DocumentMessage | None:
    """What a locked message sends; None if it waits for the file, or was dropped because the document no longer stands."""
    found = await connection.fetchrow(_DOCUMENT, clinic_id, message["issued_document_id"])
    assert found is not None, "a message refers to its document"
    document = dict(found)
    if document["status"] == DocumentStatus.WITHDRAWN.value or document["file_status"] == FileStatus.FAILED.value:
        await connection.execute(_DROP, clinic_id, message["id"])
        return None
    if document["file_status"] != FileStatus.READY.value or files is None:
        await connection.execute(_WAIT, clinic_id, message["id"], moment + _PAUSE)
        return None
    known = {"clinic": clinic_name, "number": document["number"], "url": files.public_url}
    subject = f"{clinic_name}: document {document['number']}"
    if not message["attaches_document"]:
        return DocumentMessage(document, Words(subject, _LINK.format(**known), files.public_url), None)
    _, chunks = await files.store.open(document["blob_key"])
    pdf = b"".join([chunk async for chunk in chunks])
    return DocumentMessage(document, Words(subject, _ATTACHED.format(**known)), pdf)


def record_delivery(
    writes: WriteBatch, document: Mapping[str, Any], message_id: UUID, recipient: str, moment: datetime
) -> None:
    """Add the delivery of a document by a message that was sent."""
    writes.insert(
        "document_deliveries",
        id=new_id(moment),
        recorded_at=moment,
        document_id=document["id"],
        case_id=document["case_id"],
        method=DeliveryMethod.EMAIL.value,
        delivered_at=moment,
        recipient=recipient,
        attorney_id=document["attorney_id"],
        firm_id=document["firm_id"],
        message_id=message_id,
    )
