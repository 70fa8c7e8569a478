"""Descriptions and access rules of the enums of issued documents, and of their values."""

from domain.documents.kinds import DocumentKind, IssuedDocumentKind, UploadedDocumentKind
from domain.issuing.documents import (
    AffiantCapacity,
    DeliveryMethod,
    DocumentOrigin,
    DocumentRecipient,
    DocumentStatus,
    FileStatus,
    IssuedDocumentOrderField,
)
from permissions.classes import enum_type

__all__ = [
    "AffiantCapacity",
    "DeliveryMethod",
    "DocumentKind",
    "DocumentOrigin",
    "DocumentRecipient",
    "DocumentStatus",
    "FileStatus",
    "IssuedDocumentKind",
    "IssuedDocumentOrderField",
    "UploadedDocumentKind",
]

_DRAWN = {
    "INVOICE": "The bill for a visit.",
    "ITEMISED_STATEMENT": "All invoices of a case on a day, line by line.",
    "PAYOFF_LETTER": "A letter that states what pays a case in full until a day.",
    "LIEN_NOTICE": "The notice of a lien.",
    "LIEN_RELEASE": "The release of a lien.",
    "BILLING_AFFIDAVIT": "A sworn document about the bills of a case.",
    "PATIENT_STATEMENT": "What the patient owes.",
    "GOOD_FAITH_ESTIMATE": "The expected cost of a treatment that is planned.",
}
_UPLOADED = {
    "LETTER_OF_PROTECTION": "A letter in which an attorney promises to pay the clinic from what the case recovers.",
    "W9": "The form on which the clinic tells a payer its taxpayer number.",
    "EXPLANATION_OF_BENEFITS": "What an insurer has decided about bills.",
    "AUTHORIZATION": "The permission of a patient to give records to somebody.",
    "DISBURSEMENT_SHEET": "How the money of a case is divided.",
}

# Of documents that attorneys see, and of the numbers that analysts see: the fields decide.
enum_type(IssuedDocumentKind, "signed_in", "What a document is.", {**_DRAWN, **_UPLOADED})
enum_type(DocumentKind, "records", "What a document is that is drawn from data.", _DRAWN)
enum_type(UploadedDocumentKind, "staff", "What a document is that is recorded with its upload.", _UPLOADED)
enum_type(
    DocumentRecipient,
    "staff",
    "To whom a document is addressed.",
    {"PAYER": "The payer.", "ATTORNEY": "The attorney who represents the case.", "PATIENT": "The patient."},
)
enum_type(
    AffiantCapacity,
    "staff",
    "In which capacity a person swears to a billing affidavit.",
    {"PROVIDER": "The person who provided the service.", "CUSTODIAN": "The custodian of the records of the charges."},
)
enum_type(
    DocumentOrigin,
    "records",
    "Where a document comes from.",
    {"DRAWN": "Drawn from data at one moment.", "UPLOADED": "Uploaded: what was sent or received."},
)
enum_type(
    DocumentStatus,
    "records",
    "Whether an issued document was withdrawn.",
    {"ISSUED": "It was issued, and not withdrawn.", "WITHDRAWN": "It was withdrawn."},
)
enum_type(
    FileStatus,
    "records",
    "The status of a document's file.",
    {
        "QUEUED": "It is being drawn.",
        "READY": "It can be downloaded.",
        "FAILED": "It could not be drawn: withdraw the document, and issue it again.",
    },
)
enum_type(
    DeliveryMethod,
    "delivered",
    "How a document was delivered.",
    {
        "EMAIL": "By e-mail.",
        "MAIL": "By mail.",
        "CERTIFIED_MAIL": "By certified mail.",
        "FAX": "By fax.",
        "PORTAL": "Through a portal.",
        "HAND": "By hand.",
    },
)
enum_type(
    IssuedDocumentOrderField,
    "delivered",
    "The sort fields of issued documents.",
    {"ISSUED_AT": "By the time of issue.", "NUMBER": "By number."},
)
