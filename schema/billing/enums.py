"""Descriptions and access rules of the enums of responsibilities, agreements and closed cases."""

from domain.billing.cases import CloseReason
from domain.billing.ledger.facts import AgreementEnd, AgreementKind, ResponsibilityReason
from permissions.classes import enum_type

__all__ = ["AgreementEnd", "AgreementKind", "CloseReason", "ResponsibilityReason"]

enum_type(
    ResponsibilityReason,
    "records",
    "Why a payer became responsible for the open part of an invoice.",
    {
        "FIRST": "The payer to whom the invoice was addressed first.",
        "EXHAUSTED": "The limit of the coverage before is used up.",
        "REFUSED": "The payer before refused to pay.",
        "DEDUCTIBLE": "The open part is the deductible of the coverage before.",
        "COINSURANCE": "The open part is the share that the coverage before leaves to the patient.",
        "REPRESENTATION_ENDED": "The law firm before no longer represents the patient.",
        "OTHER": "Another reason, such as a wrong payer.",
    },
)
enum_type(
    AgreementKind,
    "negotiation",
    "What was agreed upon.",
    {
        "FULL": "The whole open part, without a reduction.",
        "NEGOTIATED": "An amount.",
        "CONTINUED": "What was still to be paid of the agreement before, by another payer.",
    },
)
enum_type(
    AgreementEnd,
    "negotiation",
    "How an agreement ended.",
    {
        "LAPSED": "It was not paid by its day.",
        "REOPENED": "The negotiation was reopened.",
        "DENIED": "The payer denied the invoice.",
        "TRANSFERRED": "The balance was transferred to another payer.",
        "REPLACED": "Another invoice with other lines replaced this one.",
        "VOIDED": "The invoice became void.",
    },
)
enum_type(
    CloseReason,
    "staff",
    "Why a case was closed without a settlement.",
    {
        "DROPPED": "The patient or the attorney dropped the claim.",
        "LOST": "The claim was lost.",
        "UNCOLLECTIBLE": "Nothing can be collected.",
    },
)
