"""Descriptions and access rules of the enums of reason codes and merges, and of their values."""

from domain.billing.coverages import AdjustmentGroup
from domain.merges import CollisionKind, MergeKind
from permissions.classes import enum_type

__all__ = ["AdjustmentGroup", "CollisionKind", "MergeKind"]

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
