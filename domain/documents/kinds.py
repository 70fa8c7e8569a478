"""The kinds of documents of a clinic: those that it draws and issues, and those that are uploaded beside them."""

from enum import StrEnum


class DocumentKind(StrEnum):
    """What a document is that is drawn here."""

    INVOICE = "INVOICE"
    ITEMISED_STATEMENT = "ITEMISED_STATEMENT"
    PAYOFF_LETTER = "PAYOFF_LETTER"
    LIEN_NOTICE = "LIEN_NOTICE"
    LIEN_RELEASE = "LIEN_RELEASE"
    BILLING_AFFIDAVIT = "BILLING_AFFIDAVIT"
    PATIENT_STATEMENT = "PATIENT_STATEMENT"
    GOOD_FAITH_ESTIMATE = "GOOD_FAITH_ESTIMATE"


class UploadedDocumentKind(StrEnum):
    """What a document is that is never drawn, but recorded with its upload."""

    LETTER_OF_PROTECTION = "LETTER_OF_PROTECTION"
    W9 = "W9"
    EXPLANATION_OF_BENEFITS = "EXPLANATION_OF_BENEFITS"
    AUTHORIZATION = "AUTHORIZATION"
    DISBURSEMENT_SHEET = "DISBURSEMENT_SHEET"


class IssuedDocumentKind(StrEnum):
    """What a document is: the drawn kinds, and the uploaded ones."""

    INVOICE = DocumentKind.INVOICE.value
    ITEMISED_STATEMENT = DocumentKind.ITEMISED_STATEMENT.value
    PAYOFF_LETTER = DocumentKind.PAYOFF_LETTER.value
    LIEN_NOTICE = DocumentKind.LIEN_NOTICE.value
    LIEN_RELEASE = DocumentKind.LIEN_RELEASE.value
    BILLING_AFFIDAVIT = DocumentKind.BILLING_AFFIDAVIT.value
    PATIENT_STATEMENT = DocumentKind.PATIENT_STATEMENT.value
    GOOD_FAITH_ESTIMATE = DocumentKind.GOOD_FAITH_ESTIMATE.value
    LETTER_OF_PROTECTION = UploadedDocumentKind.LETTER_OF_PROTECTION.value
    W9 = UploadedDocumentKind.W9.value
    EXPLANATION_OF_BENEFITS = UploadedDocumentKind.EXPLANATION_OF_BENEFITS.value
    AUTHORIZATION = UploadedDocumentKind.AUTHORIZATION.value
    DISBURSEMENT_SHEET = UploadedDocumentKind.DISBURSEMENT_SHEET.value
