"""Descriptions and access rules of the published enums of coverages, and of their values."""

from domain.billing.coverages import (
    BalanceBilling,
    CoverageAction,
    CoverageClosing,
    CoverageKind,
    CoverageStatus,
    InsuredRelationship,
)
from permissions.classes import enum_type

__all__ = [
    "BalanceBilling",
    "CoverageAction",
    "CoverageClosing",
    "CoverageKind",
    "CoverageStatus",
    "InsuredRelationship",
]

enum_type(
    CoverageKind,
    "figures",
    "What obliges a payer to pay for the treatment of a case.",
    {
        "PIP": "Personal injury protection: the insurer of the patient's own car pays, whoever caused the accident.",
        "MEDPAY": "Medical payments, by the insurer of a car.",
        "HEALTH": "The health insurer pays.",
        "LIABILITY": "Liability: whoever caused the injury pays, or their insurer.",
        "UM_UIM": "Protection against uninsured and underinsured motorists: the patient's own insurer pays.",
        "WORKERS_COMP": "Workers' compensation: the employer's insurer pays.",
        "LETTER_OF_PROTECTION": "A letter of protection: the attorney promises to pay from the settlement.",
        "PATIENT": "The patient pays in person.",
    },
)
enum_type(
    CoverageStatus,
    "records",
    "Whether a coverage pays.",
    {
        "UNVERIFIED": "Recorded; the payer has not confirmed it yet.",
        "ACTIVE": "Confirmed by the payer.",
        "EXHAUSTED": "The limit is used up.",
        "REFUSED": "The payer refuses to pay under it.",
        "CLOSED": "Ended for another reason.",
    },
)
enum_type(
    CoverageClosing,
    "staff",
    "How a coverage ends.",
    {
        "EXHAUSTED": "The limit is used up.",
        "REFUSED": "The payer refuses to pay under it.",
        "CLOSED": "It ended for another reason.",
    },
)
enum_type(
    CoverageAction,
    "records",
    "What was done to a coverage.",
    {
        "ADDED": "It was recorded.",
        "UPDATED": "Some of its fields were changed.",
        "VERIFIED": "The payer confirmed it.",
        "CLOSED": "It ended: exhausted, refused or closed.",
    },
)
enum_type(
    BalanceBilling,
    "records",
    "Whether somebody else may be billed what a coverage does not pay.",
    {
        "ALLOWED": "What is not paid may be billed to somebody else.",
        "FORBIDDEN": "Only what the patient is responsible for may be billed to somebody else (group PR of a remittance).",
    },
)
enum_type(
    InsuredRelationship,
    "records",
    "What the patient is to the insured person.",
    {
        "SELF": "The patient is the insured person.",
        "SPOUSE": "The spouse of the insured person.",
        "CHILD": "A child of the insured person.",
        "OTHER": "Another relationship.",
    },
)
