"""The SQL of issued documents: what was sent, its file, the invoices that it names, and its deliveries."""

from sqlalchemy import DateTime, Text, Uuid, any_, case, func, literal

from db import tables
from db.fields.base import (
    Expression,
    Filter,
    JsonList,
    Many,
    One,
    Order,
    Read,
    View,
    amounts,
    by_id,
    name_of,
    owned,
    plain,
    same_clinic,
    text_of,
    there_is,
)
from db.fields.parties import TEXTS, UUIDS
from db.global_ids import id_expression
from db.row import Row
from db.signed_urls import link
from db.tables.issued.documents import document_texts
from domain.issuing.documents import FileStatus


def _word(text: str) -> Expression:
    return literal(text, literal_execute=True)


def _digits(column: str) -> Read:
    return lambda d: func.encode(getattr(d, column), _word("hex"))


def _download_url(d: Row) -> Expression:
    return case((d.file_status == _word(FileStatus.READY.value), link(d, "issued", "IssuedDocument", d.id)))


def names_invoice(i: Row, d: Row) -> Expression:
    """That a document names an invoice."""
    named = d.scope.row(tables.issued_document_invoices)
    of_both = same_clinic(d, named) & (named.invoice_id == i.id) & (named.document_id == d.id)
    return same_clinic(i, d) & there_is(named, of_both)


def _names_any(d: Row, invoice: Expression) -> Expression:
    named = d.scope.row(tables.issued_document_invoices)
    return there_is(named, same_clinic(d, named) & (named.document_id == d.id) & (named.invoice_id == invoice))


def _is_superseded(d: Row, wanted: bool) -> Expression:
    other = d.scope.row(tables.issued_documents)
    found = there_is(other, same_clinic(d, other) & (other.supersedes_id == d.id))
    return found if wanted else ~found


def _is_delivered(d: Row, wanted: bool) -> Expression:
    delivery = d.scope.row(tables.document_deliveries)
    found = there_is(delivery, same_clinic(d, delivery) & (delivery.document_id == d.id))
    return found if wanted else ~found


ISSUED_DOCUMENT = View(
    tables.issued_documents,
    {
        "id": lambda d: id_expression("IssuedDocument", d.id),
        **plain(
            "number", "recipient", "as_of", "good_through", "issued_at", "is_final", "state", "executed_on", "served_on"
        ),
        **plain("withdrawn_at", "withdrawal_reason", "page_count", "byte_size"),
        **amounts("stated_amount"),
        **{name: name_of(name) for name in ("kind", "origin", "status")},
        "fileStatus": name_of("file_status"),
        "dataHash": _digits("data_hash"),
        "sha256": _digits("sha256"),
        "downloadUrl": _download_url,
        "case": One("Case", by_id("case_id")),
        "invoices": Many("IssuedDocumentInvoice", owned("document_id"), lambda i: [i.id]),
        "template": One("DocumentTemplate", by_id("template_id")),
        "statement": One("IssuedDocument", by_id("statement_id")),
        "supersedes": One("IssuedDocument", by_id("supersedes_id")),
        "supersededBy": One("IssuedDocument", lambda a, b: same_clinic(a, b) & (b.supersedes_id == a.id)),
        "issuedBy": One("User", by_id("issued_by")),
        "withdrawnBy": One("User", by_id("withdrawn_by")),
        # An attorney sees the deliveries to the own firm alone.
        "deliveries": Many("DocumentDelivery", owned("document_id"), lambda d: [d.delivered_at, d.id], others=True),
    },
    {
        "kind": Filter(lambda d, kinds: d.kind == any_(kinds), TEXTS),
        "status": Filter(lambda d, wanted: d.status == any_(wanted), TEXTS),
        "caseId": Filter(lambda d, ids: d.case_id == any_(ids), UUIDS),
        "invoiceId": Filter(_names_any, Uuid()),
        "issuedFrom": Filter(lambda d, moment: d.issued_at >= moment, DateTime(timezone=True)),
        "issuedBefore": Filter(lambda d, moment: d.issued_at < moment, DateTime(timezone=True)),
        "isSuperseded": Filter(_is_superseded),
        "isDelivered": Filter(_is_delivered),
    },
    {
        "ISSUED_AT": Order(lambda d: d.issued_at, DateTime(timezone=True), descending=True),
        "NUMBER": Order(lambda d: d.number, Text()),
    },
    Order(lambda d: d.issued_at, DateTime(timezone=True), descending=True),
    listed_as="issuedDocuments",
)

ISSUED_DOCUMENT_INVOICE = View(
    tables.issued_document_invoices,
    {"statedAmount": text_of("amount"), "invoice": One("Invoice", by_id("invoice_id"))},
)

DOCUMENT_DELIVERY = View(
    tables.document_deliveries,
    {
        "id": lambda d: id_expression("DocumentDelivery", d.id),
        **plain("delivered_at", "recipient", "tracking_number"),
        "method": name_of("method"),
        "attorney": One("Attorney", by_id("attorney_id")),
        "firm": One("Firm", by_id("firm_id")),
        "proofUrl": lambda d: link(d, "documents", "Upload", d.proof_id),
        "recordedBy": One("User", by_id("recorded_by")),
    },
)

DOCUMENT_TEMPLATE = View(
    tables.document_templates,
    {
        "id": lambda t: id_expression("DocumentTemplate", t.id),
        **plain("version", "recorded_at"),
        "kind": name_of("kind"),
        "texts": JsonList("DocumentText", "texts"),
        "createdBy": One("User", by_id("created_by")),
    },
    {"kind": Filter(lambda t, kinds: t.kind == any_(kinds), TEXTS)},
    order=Order(lambda t: t.id, Uuid(), descending=True),
    listed_as="documentTemplates",
)

DOCUMENT_TEXT = View(document_texts, plain("name", "text"))
