"""The kinds of documents that a clinic issues."""

from enum import StrEnum


class DocumentKind(StrEnum):
    """What an issued document is."""

    INVOICE = "INVOICE"
    ITEMISED_STATEMENT = "ITEMISED_STATEMENT"
    PAYOFF_LETTER = "PAYOFF_LETTER"
    LIEN_NOTICE = "LIEN_NOTICE"
    LIEN_RELEASE = "LIEN_RELEASE"
    BILLING_AFFIDAVIT = "BILLING_AFFIDAVIT"
    PATIENT_STATEMENT = "PATIENT_STATEMENT"
    GOOD_FAITH_ESTIMATE = "GOOD_FAITH_ESTIMATE"
