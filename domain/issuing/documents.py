"""The states of issued documents, the ways in which they are delivered, and their numbers."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from domain.documents.kinds import DocumentKind, UploadedDocumentKind
from domain.errors import InvalidInput


class DocumentStatus(StrEnum):
    """Whether an issued document stands; it is never edited, only withdrawn or superseded by another one."""

    ISSUED = "issued"
    WITHDRAWN = "withdrawn"


class DocumentOrigin(StrEnum):
    """Where a document comes from: drawn here from data, or uploaded as a scan of what was sent or received."""

    DRAWN = "drawn"
    UPLOADED = "uploaded"


class FileStatus(StrEnum):
    """The status of the PDF of an issued document, which is drawn from its frozen contents."""

    QUEUED = "queued"
    READY = "ready"
    FAILED = "failed"


class DeliveryMethod(StrEnum):
    """How a document was delivered."""

    EMAIL = "email"
    MAIL = "mail"
    CERTIFIED_MAIL = "certified_mail"
    FAX = "fax"
    PORTAL = "portal"
    HAND = "hand"


class DocumentRecipient(StrEnum):
    """To whom a document is addressed."""

    PAYER = "payer"
    ATTORNEY = "attorney"
    PATIENT = "patient"


class AffiantCapacity(StrEnum):
    """In which capacity a person swears to a billing affidavit (Texas Civil Practice and Remedies Code 18.002)."""

    PROVIDER = "provider"
    CUSTODIAN = "custodian"


class IssuedDocumentOrderField(StrEnum):
    """The sort fields of issued documents."""

    ISSUED_AT = "issued_at"
    NUMBER = "number"


# The beginning of the numbers of each kind.
PREFIXES: dict[DocumentKind | UploadedDocumentKind, str] = {
    DocumentKind.INVOICE: "BILL",
    DocumentKind.ITEMISED_STATEMENT: "STMT",
    DocumentKind.PAYOFF_LETTER: "PAY",
    DocumentKind.LIEN_NOTICE: "LIEN",
    DocumentKind.LIEN_RELEASE: "REL",
    DocumentKind.BILLING_AFFIDAVIT: "AFF",
    DocumentKind.PATIENT_STATEMENT: "PST",
    DocumentKind.GOOD_FAITH_ESTIMATE: "GFE",
    UploadedDocumentKind.LETTER_OF_PROTECTION: "LOP",
    UploadedDocumentKind.W9: "W9",
    UploadedDocumentKind.EXPLANATION_OF_BENEFITS: "EOB",
    UploadedDocumentKind.AUTHORIZATION: "AUTH",
    UploadedDocumentKind.DISBURSEMENT_SHEET: "DISB",
}
# A document of up to so many lines is drawn within the call; longer ones are drawn by the worker.
MOST_LINES_IN_THE_CALL = 30
# The maximum number of attempts to draw a file.
MOST_ATTEMPTS = 5
LONGEST_TRACKING_NUMBER = 60


def document_number(prefix: str, serial: int) -> str:
    """The number of a document: the prefix of its kind, and its place among the clinic's documents of that kind."""
    return f"{prefix}-{serial:06d}"


def earliest_delivery(origin: DocumentOrigin, issued_at: datetime, bears: date) -> datetime:
    """When a document can have been delivered first: an uploaded one is recorded later than it was sent."""
    if origin is DocumentOrigin.UPLOADED:
        # Of the day that it bears, wherever the clinic is.
        return datetime.combine(bears, time(), UTC) - timedelta(days=1)
    return issued_at


def check_delivered_at(delivered_at: datetime, issued_at: datetime, moment: datetime) -> None:
    """Refuse a delivery before the document was issued, or in the future."""
    if delivered_at > moment + _CLOCKS_DIFFER:
        raise InvalidInput("The delivery is in the future", ("delivered_at",))
    if delivered_at < issued_at - _CLOCKS_DIFFER:
        raise InvalidInput("The delivery must not be before the document was issued", ("delivered_at",))


# The clock of a client may be a little wrong.
_CLOCKS_DIFFER = timedelta(minutes=1)
