"""The kinds of documents."""

from enum import StrEnum


class DocumentKind(StrEnum):
    """What a document is."""

    INVOICE = "invoice"
    ITEMISED_STATEMENT = "itemised_statement"
    PAYOFF_LETTER = "payoff_letter"
    LIEN_NOTICE = "lien_notice"
    LIEN_RELEASE = "lien_release"
    BILLING_AFFIDAVIT = "billing_affidavit"
    PATIENT_STATEMENT = "patient_statement"
    GOOD_FAITH_ESTIMATE = "good_faith_estimate"
