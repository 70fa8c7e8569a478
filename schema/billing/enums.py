"""Descriptions and access rules of the enums of responsibilities, agreements, adjustments, denials and closed cases."""

from domain.billing.cases import CloseReason
from domain.billing.claims.denials import DenialOutcome, DenialStatus
from domain.billing.ledger.facts import AdjustmentKind, AgreementEnd, AgreementKind, ResponsibilityReason
from domain.reports.worklists import SOON_DAYS, STALE_AFTER_DAYS, WorklistName
from permissions.classes import enum_type

__all__ = [
    "AdjustmentKind",
    "AgreementEnd",
    "AgreementKind",
    "CloseReason",
    "DenialOutcome",
    "DenialStatus",
    "ResponsibilityReason",
    "WorklistName",
]

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
enum_type(
    AdjustmentKind,
    "records",
    "Why an amount is no longer due although it was neither paid, negotiated nor written off.",
    {
        "CONTRACTUAL": "The payer's contract with the clinic takes it off.",
        "SMALL_BALANCE": "The clinic gave up a small balance after a payment.",
    },
)
enum_type(
    DenialStatus,
    "records",
    "What has become of a denial.",
    {
        "OPEN": "Nothing yet.",
        "APPEALED": "The clinic has appealed, and the payer has not decided.",
        "UPHELD": "The payer still refuses.",
        "OVERTURNED": "The payer pays all of it after all.",
        "PARTIAL": "The payer pays a part of it after all.",
        "CLOSED": "Nothing more is done about it; the payer has not decided.",
    },
)
enum_type(
    DenialOutcome,
    "records",
    "How a denial ended.",
    {
        "UPHELD": "The payer still refuses, after an appeal.",
        "OVERTURNED": "The payer pays all of it after all.",
        "PARTIAL": "The payer pays a part of it after all.",
        "CLOSED": "Nothing more is done about it, and the payer has not decided.",
    },
)
enum_type(
    WorklistName,
    "records",
    "A list of invoices that somebody has to look at.",
    {
        "UNSUBMITTED": "Created, and not submitted to the payer.",
        "STALE": f"Submitted and open, and not changed for {STALE_AFTER_DAYS} days.",
        "EXPIRING_OFFERS": f"In negotiation, with an open offer that expires within {SOON_DAYS} days or has expired.",
        "LAPSING": f"Agreed upon under a condition whose day is within {SOON_DAYS} days or has passed.",
    },
)
