"""Descriptions and access rules of the enums of reason codes, merges and readiness, and of their values."""

from domain.billing.coverages import AdjustmentGroup
from domain.merges import CollisionKind, MergeKind
from domain.parties import Sex
from domain.records.readiness import GAPS, ReadinessGap, ReadinessStep
from permissions.classes import enum_type

__all__ = ["AdjustmentGroup", "CollisionKind", "MergeKind", "ReadinessGap", "ReadinessStep", "Sex"]

enum_type(
    ReadinessStep,
    "administration",
    "What a clinic does for the first time.",
    {
        "FIRST_INVOICE": "It bills a visit.",
        "FIRST_DOCUMENT": "It sends a document with its letterhead.",
        "FIRST_CLAIM": "It bills an insurance, which may deny.",
        "FIRST_REMINDER": "It reminds a payer by mail.",
        "FIRST_EXPORT": "It exports its invoices.",
    },
)
enum_type(
    ReadinessGap,
    "administration",
    "What a clinic lacks before it does something for the first time.",
    {gap.name: f"{mending.message}." for gap, mending in GAPS.items()},
)

enum_type(
    Sex,
    "staff",
    "The sex of a patient, as claims state it.",
    {"FEMALE": "Female.", "MALE": "Male.", "UNKNOWN": "Not known, or neither."},
)
enum_type(
    MergeKind,
    "administration",
    "What a merge has made one.",
    {"PATIENT": "Two patients.", "PAYER": "Two payers."},
)
enum_type(
    CollisionKind,
    "administration",
    "What two records have that one record cannot have twice.",
    {
        "PAYMENT_NUMBER": "Two payments of one method, number and bank.",
        "PRICE": "Two negotiated prices of one code on one day.",
        "PAID_AS_BOTH": "An invoice that one of the payers owes and the other one paid, whose amounts a merge would change.",
    },
)
enum_type(
    AdjustmentGroup,
    "records",
    "Who is responsible for an amount that a payer does not pay, as a remittance says it.",
    {
        "CO": "The contract of the clinic with the payer: the amount is no longer due.",
        "PR": "The patient: the amount stays due, and is transferred.",
        "OA": "Another reason.",
        "PI": "The payer itself reduced the amount.",
    },
)
