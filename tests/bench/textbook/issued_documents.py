"""The resolvers of the textbook for issued documents, their deliveries, and the clinic's texts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tests.bench.textbook.fields import Args, Fields, listing, many, one
from tests.bench.textbook.models import (
    Attorney,
    Case,
    DocumentDelivery,
    DocumentTemplate,
    Firm,
    Invoice,
    IssuedDocument,
    IssuedDocumentInvoice,
    User,
)
from tests.bench.textbook.pages import Sorting
from tests.bench.textbook.records.records import Records
from tests.bench.textbook.words import is_among


async def _url(records: Records, document: Any, args: Args) -> None:
    # The textbook has no signed URLs: no document of its data has a file.
    assert document.file_status != "ready"


async def _proof_url(records: Records, delivery: Any, args: Args) -> None:
    assert delivery.proof_id is None


def _digits(column: str) -> Any:
    async def resolve(records: Records, source: Any, args: Args) -> Any:
        value = getattr(source, column)
        return value and value.hex()

    return resolve


async def _superseded_by(records: Records, document: Any, args: Args) -> Any:
    found = await records.many(IssuedDocument, "supersedes_id", document.id)
    return found[0] if found else None


async def _of_case(records: Records, case: Any, args: Args) -> list[Any]:
    return _newest(await records.many(IssuedDocument, "case_id", case.id))


async def _of_invoice(records: Records, invoice: Any, args: Args) -> list[Any]:
    named = await records.many(IssuedDocumentInvoice, "invoice_id", invoice.id)
    found: list[Any] = [await records.one(IssuedDocument, link.document_id) for link in named]
    return _newest([document for document in found if document])


def _newest(documents: list[Any]) -> list[Any]:
    return sorted(sorted(documents, key=lambda one: one.id), key=lambda one: one.issued_at, reverse=True)


async def _fits(records: Records, document: Any, wanted: Args) -> bool:
    named = await records.many(IssuedDocumentInvoice, "document_id", document.id) if "invoiceId" in wanted else []
    checks = [
        "kind" not in wanted or document.kind.upper() in wanted["kind"],
        "status" not in wanted or document.status.upper() in wanted["status"],
        "caseId" not in wanted or is_among(wanted["caseId"], "Case", document.case_id),
        "invoiceId" not in wanted or any(is_among([wanted["invoiceId"]], "Invoice", one.invoice_id) for one in named),
        "issuedFrom" not in wanted or document.issued_at >= datetime.fromisoformat(wanted["issuedFrom"]),
        "issuedBefore" not in wanted or document.issued_at < datetime.fromisoformat(wanted["issuedBefore"]),
    ]
    if "isSuperseded" in wanted:
        is_superseded = await _superseded_by(records, document, {}) is not None
        checks.append(is_superseded == wanted["isSuperseded"])
    if "isDelivered" in wanted:
        is_delivered = bool(await records.many(DocumentDelivery, "document_id", document.id))
        checks.append(is_delivered == wanted["isDelivered"])
    return all(checks)


def _sorting(records: Records, args: Args) -> Sorting:
    order = args.get("orderBy")
    if order is None:
        return Sorting("IssuedDocument.DEFAULT", lambda document: document.issued_at, datetime, descending=True)
    keys: dict[str, tuple[Any, Any]] = {
        "ISSUED_AT": (lambda document: document.issued_at, datetime),
        "NUMBER": (lambda document: document.number, str),
    }
    key, type_ = keys[order["field"]]
    return Sorting(f"IssuedDocument.{order['field']}", key, type_, descending=order["direction"] == "DESC")


async def _fits_template(records: Records, template: Any, wanted: Args) -> bool:
    return "kind" not in wanted or template.kind.upper() in wanted["kind"]


def _by_id(records: Records, args: Args) -> Sorting:
    return Sorting("DocumentTemplate.DEFAULT", lambda template: template.id, UUID, descending=True)


async def _stated(records: Records, link: Any, args: Args) -> Any:
    return link.amount


DOCUMENT_FIELDS: Fields = {
    "Query.issuedDocuments": listing(IssuedDocument, _fits, _sorting),
    "Query.documentTemplates": listing(DocumentTemplate, _fits_template, _by_id),
    "Case.documents": _of_case,
    "Invoice.documents": _of_invoice,
    "IssuedDocument.case": one(Case, "case_id"),
    "IssuedDocument.invoices": many(IssuedDocumentInvoice, "document_id", "id"),
    "IssuedDocument.template": one(DocumentTemplate, "template_id"),
    "IssuedDocument.statement": one(IssuedDocument, "statement_id"),
    "IssuedDocument.supersedes": one(IssuedDocument, "supersedes_id"),
    "IssuedDocument.supersededBy": _superseded_by,
    "IssuedDocument.issuedBy": one(User, "issued_by"),
    "IssuedDocument.withdrawnBy": one(User, "withdrawn_by"),
    "IssuedDocument.deliveries": many(DocumentDelivery, "document_id", "delivered_at", "id"),
    "IssuedDocument.downloadUrl": _url,
    "IssuedDocument.dataHash": _digits("data_hash"),
    "IssuedDocument.sha256": _digits("sha256"),
    "IssuedDocumentInvoice.invoice": one(Invoice, "invoice_id"),
    "IssuedDocumentInvoice.statedAmount": _stated,
    "DocumentDelivery.attorney": one(Attorney, "attorney_id"),
    "DocumentDelivery.firm": one(Firm, "firm_id"),
    "DocumentDelivery.proofUrl": _proof_url,
    "DocumentDelivery.recordedBy": one(User, "recorded_by"),
    "DocumentTemplate.createdBy": one(User, "created_by"),
}
