"""GraphQL inputs of documents that are issued, previewed, delivered and withdrawn."""

from datetime import date, datetime

import strawberry

from permissions.classes import input_field
from schema.billing.lines import InvoiceLineInput
from schema.documents.enums import (
    AffiantCapacity,
    DeliveryMethod,
    DocumentKind,
    DocumentRecipient,
    UploadedDocumentKind,
)
from schema.keys import key


@strawberry.input(
    description="Who swears to a billing affidavit. Court deadlines are never computed: the clinic keeps track of them."
)
class AffidavitInput:
    statement_id: strawberry.ID = input_field(
        "staff", "The itemized statement that it swears to; it must not be withdrawn or superseded."
    )
    affiant: str = input_field("staff", "The name of the person who swears.")
    capacity: AffiantCapacity = input_field("staff", "In which capacity.")
    county: str | None = input_field("staff", "The county in which it will be signed.")


@strawberry.input(description="What an estimate prices: the input of a price quote, and who is expected to treat.")
class EstimateInput:
    payer_id: strawberry.ID = input_field("staff", "The payer, by which prices are chosen.")
    facility_id: strawberry.ID = input_field("staff", "The facility of the treatment.")
    physician_id: strawberry.ID = input_field("staff", "The physician who is expected to treat.")
    service_date: date = input_field("staff", "The expected day of service.")
    lines: list[InvoiceLineInput] = input_field("staff", "The lines to price.")
    diagnosis: str | None = input_field(
        "staff",
        "The diagnosis code or codes; without it, or without an NPI or the taxpayer number of the clinic, the document is called a quote.",
    )


@strawberry.input(description="A document to issue or to preview.")
class DocumentInput:
    kind: DocumentKind = input_field("staff", "The kind of document.")
    case_id: strawberry.ID | None = input_field("staff", "The case; required for every kind but INVOICE.")
    invoice_ids: list[strawberry.ID] | None = input_field(
        "staff",
        "For INVOICE, the one invoice; for a lien release, the settled invoices that it names, by default all of the case. Other kinds ignore it: "
        "they state all invoices of the case.",
    )
    recipient: DocumentRecipient | None = input_field(
        "staff",
        "To whom it is addressed: by default, an invoice to its payer; a patient statement and an estimate to the patient; other kinds to the "
        "attorney, or to the patient where there is none.",
    )
    as_of: date | None = input_field(
        "staff", "For statements, the day as of which amounts are restated; today by default."
    )
    good_through: date | None = input_field("staff", "For a payoff letter, the last day on which it holds.")
    is_final: bool | None = input_field(
        "staff",
        "For a payoff letter, whether nobody but administrators can create invoices of the case until its last day; false by default.",
    )
    nets_unapplied: bool | None = input_field(
        "staff",
        "For a payoff letter, whether unapplied money is taken off the amount; by default it is shown beside it.",
    )
    state: str | None = input_field(
        "staff", "For a lien notice or release, the two letters of the state whose law it follows."
    )
    confirm_settled: bool | None = input_field(
        "staff",
        "For a lien release by an administrator, confirms that invoices which are not paid with cleared money are settled; false by default.",
    )
    affidavit: AffidavitInput | None = input_field("staff", "For a billing affidavit, who swears to what.")
    estimate: EstimateInput | None = input_field("staff", "For a good-faith estimate, what it prices.")


@strawberry.input(description="A document to preview: nothing is issued.")
class PreviewDocumentInput(DocumentInput):
    pass


@strawberry.input(description="A document to issue.")
class IssueDocumentInput(DocumentInput):
    supersedes_id: strawberry.ID | None = input_field(
        "staff", "The document that this one replaces, of the same kind and case."
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A document of a case that was uploaded.")
class RecordDocumentInput:
    case_id: strawberry.ID = input_field("staff", "The case.")
    kind: UploadedDocumentKind = input_field("staff", "What it is.")
    document_id: strawberry.ID = input_field("staff", "The id of the uploaded file.")
    dated_on: date = input_field("staff", "The day that it bears, which is not in the future.")
    correspondent: str = input_field(
        "staff", "The other party: who sent it to the clinic, or to whom the clinic addresses it."
    )
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A delivery of a document that was made by hand.")
class DeliverDocumentInput:
    issued_document_id: strawberry.ID = input_field("staff", "The document.")
    method: DeliveryMethod = input_field("staff", "How it was delivered.")
    delivered_at: datetime | None = input_field("staff", "When it was delivered; now by default.")
    attorney_id: strawberry.ID | None = input_field(
        "staff",
        "The attorney of the case to whom it was delivered: the attorney's law firm sees it in the API from then on. If neither "
        "this nor a recipient is given, it was delivered to the addressee of the document; one that was recorded with its upload needs "
        "one of them.",
    )
    recipient: str | None = input_field("staff", "To whom it was delivered, if not to an attorney.")
    tracking_number: str | None = input_field("staff", "The tracking number.")
    document_id: strawberry.ID | None = input_field("staff", "The id of the uploaded proof of delivery.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A document to withdraw.")
class WithdrawDocumentInput:
    issued_document_id: strawberry.ID = input_field("staff", "The document.")
    reason: str = input_field("staff", "Why it is withdrawn.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="The days on which a billing affidavit was signed and served.")
class RecordExecutionInput:
    issued_document_id: strawberry.ID = input_field("staff", "The affidavit.")
    executed_on: date | None = input_field("staff", "The day on which it was signed before a notary.")
    served_on: date | None = input_field("staff", "The day on which it was served.")
    idempotency_key: str | None = key("staff")


@strawberry.input(description="A text of a kind of document, and its name.")
class DocumentTextInput:
    name: str = input_field("staff", "The name of the text: title, opening or closing.")
    text: str = input_field("staff", "The text, with variables in double braces such as {{ patient }}.")


@strawberry.input(description="The clinic's texts of a kind of document.")
class SaveDocumentTemplateInput:
    kind: DocumentKind = input_field("staff", "The kind of document.")
    texts: list[DocumentTextInput] = input_field(
        "staff", "The texts that differ from the defaults; an empty list restores the defaults."
    )
    idempotency_key: str | None = key("staff")
