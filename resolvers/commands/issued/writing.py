"""Writes issued documents: their number, their frozen contents, and the invoices that they name."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from db.write_batch import WriteBatch
from domain.documents.contents import Contents, canonical_json
from domain.documents.kinds import DocumentKind, UploadedDocumentKind
from domain.errors import Conflict, NotFound
from domain.ids import new_id
from domain.issuing.documents import PREFIXES, DocumentOrigin, DocumentStatus, FileStatus, document_number
from resolvers.commands.unit_of_work import UnitOfWork

_NEXT = """insert into document_counters as c (clinic_id, kind, last_number) values ($1, $2, 1)
    on conflict (clinic_id, kind) do update set last_number = c.last_number + 1 returning last_number"""
_TEMPLATE = (
    """select id, texts from document_templates where clinic_id = $1 and kind = $2 order by version desc limit 1"""
)
_LOCK = """select id, kind, number, case_id, recipient, attorney_id, status, issued_at, origin, stated_amount, as_of, executed_on,
        served_on
    from issued_documents where clinic_id = $1 and id = $2 for no key update"""
_SUPERSEDED_BY = "select number from issued_documents where clinic_id = $1 and supersedes_id = $2"
_UPLOAD = "select content_type, sha256, blob_key from documents where clinic_id = $1 and id = $2"
# Any kind that is numbered.
_Kind = DocumentKind | UploadedDocumentKind
# Contents have a number before the document has one: a preview, which is not issued.
NO_NUMBER = "PREVIEW"


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that is about to be issued; `contents` gives what it says under its number."""

    kind: DocumentKind
    case_id: UUID
    recipient: str
    contents: Callable[[str], Contents]
    as_of: date
    # The invoices that it names, with the balance that it states of each.
    invoices: Sequence[tuple[UUID, Decimal | None]] = ()
    attorney_id: UUID | None = None
    good_through: date | None = None
    stated_amount: Decimal | None = None
    is_final: bool = False
    statement_id: UUID | None = None
    state: str | None = None
    template_id: UUID | None = None
    # The clinic's own texts, of that version.
    texts: Mapping[str, str] = field(default_factory=dict)
    line_count: int = 0


async def insert_drawn(
    work: UnitOfWork, writes: WriteBatch, draft: Draft, supersedes_id: UUID | None = None
) -> tuple[UUID, str]:
    """Add a document that is drawn from its contents to the batch; returns its id and its number."""
    number = await next_number(work, draft.kind)
    contents = canonical_json(draft.contents(number))
    identity = new_id(work.moment)
    writes.insert(
        "issued_documents",
        **_head_of(work, identity, draft.kind, number),
        origin=DocumentOrigin.DRAWN.value,
        case_id=draft.case_id,
        recipient=draft.recipient,
        attorney_id=draft.attorney_id,
        template_id=draft.template_id,
        as_of=draft.as_of,
        good_through=draft.good_through,
        stated_amount=draft.stated_amount,
        contents=contents.decode(),
        data_hash=hashlib.sha256(contents).digest(),
        supersedes_id=supersedes_id,
        is_final=draft.is_final,
        statement_id=draft.statement_id,
        state=draft.state,
        file_status=FileStatus.QUEUED.value,
    )
    _insert_invoices(work, writes, identity, draft.invoices)
    return identity, number


async def insert_uploaded(
    work: UnitOfWork,
    writes: WriteBatch,
    kind: _Kind,
    case_id: UUID,
    recipient: str,
    day: date,
    invoices: Sequence[tuple[UUID, Decimal | None]],
) -> tuple[UUID, str]:
    """Add a document that was uploaded, of what was sent or received; the input names the upload, which has been consumed."""
    number, identity = await next_number(work, kind), new_id(work.moment)
    upload = await work.one(_UPLOAD, work.inputs["document_id"])
    writes.insert(
        "issued_documents",
        **_head_of(work, identity, kind, number),
        origin=DocumentOrigin.UPLOADED.value,
        case_id=case_id,
        recipient=recipient,
        as_of=day,
        document_id=work.inputs["document_id"],
        content_type=upload["content_type"],
        sha256=upload["sha256"],
        blob_key=upload["blob_key"],
        file_status=FileStatus.READY.value,
    )
    _insert_invoices(work, writes, identity, invoices)
    return identity, number


def _head_of(work: UnitOfWork, identity: UUID, kind: _Kind, number: str) -> dict[str, Any]:
    issued = {"issued_by": work.user_id, "issued_at": work.moment, "recorded_at": work.moment}
    return {"id": identity, "kind": kind.value, "number": number, **issued}


def _insert_invoices(
    work: UnitOfWork, writes: WriteBatch, identity: UUID, invoices: Sequence[tuple[UUID, Decimal | None]]
) -> None:
    rows = [
        {
            "id": new_id(work.moment),
            "recorded_at": work.moment,
            "document_id": identity,
            "invoice_id": invoice,
            "amount": amount,
        }
        for invoice, amount in invoices
    ]
    writes.insert_all("issued_document_invoices", rows)


async def next_number(work: UnitOfWork, kind: _Kind) -> str:
    """The next number of the clinic's documents of a kind; concurrent documents of the kind wait for each other."""
    row = await work.one(_NEXT, kind.value)
    return document_number(PREFIXES[kind], row["last_number"])


async def newest_template(work: UnitOfWork, kind: DocumentKind) -> tuple[UUID | None, dict[str, str]]:
    """The id of the clinic's newest version of the texts of a kind, and the texts; none while those of the program are used."""
    row = await work.one(_TEMPLATE, kind.value)
    return (row["id"], {one["name"]: one["text"] for one in orjson.loads(row["texts"])}) if row else (None, {})


async def lock_standing(work: UnitOfWork, identity: UUID, path: str) -> Any:
    """A document, locked, that stands: neither withdrawn nor superseded."""
    row = await work.one(_LOCK, identity)
    if row is None:
        raise NotFound("There is no such document", (path,))
    if row["status"] == DocumentStatus.WITHDRAWN.value:
        raise Conflict(f"The document {row['number']} was withdrawn", (path,))
    other = await work.one(_SUPERSEDED_BY, identity)
    if other is not None:
        raise Conflict(f"The document {row['number']} was superseded by {other['number']}", (path,))
    return row
