"""Descriptions and access rules of the enums of remittances, and of their values."""

from domain.remittances.remittance import RemittanceLaw
from domain.remittances.statuses import RemittanceOrigin, RemittanceProposalKind, RemittanceStatus
from permissions.classes import enum_type

__all__ = ["RemittanceLaw", "RemittanceOrigin", "RemittanceProposalKind", "RemittanceStatus"]

enum_type(
    RemittanceOrigin,
    "records",
    "How a remittance reached the clinic.",
    {"FILE": "An electronic file (X12 835).", "PAPER": "It was typed from paper."},
)
enum_type(
    RemittanceStatus,
    "records",
    "What was found of a payment or a claim of a remittance when it came in, or when it was matched again.",
    {
        "MATCHED": "It is known, and can be posted.",
        "UNMATCHED": "The payer, the invoice, or the payer's status of the claim is not known.",
        "REVERSAL": "The payer takes an earlier payment of the claim back.",
        "OUT_OF_BALANCE": "The amounts of the payment do not add up: nothing of it is ever posted.",
        "DUPLICATE": "The payment has come in a remittance before: nothing of it is posted again.",
    },
)
enum_type(
    RemittanceLaw,
    "records",
    "What the amounts of a payment have to add up to.",
    {
        "LINE": "The charge of a line is what is paid of it and its adjustments.",
        "CLAIM": "The charge of a claim is what is paid of it and all adjustments, those of its lines included.",
        "PAYMENT": "The payment is what is paid of its claims, less the provider adjustments.",
    },
)
enum_type(
    RemittanceProposalKind,
    "records",
    "What a posted claim proposes; nothing of it happens by itself.",
    {
        "EXHAUST_COVERAGE": "The payer says that the benefit is used up: close the coverage as EXHAUSTED (closeCoverage).",
        "TRANSFER_BALANCE": "Somebody else owes what the payer leaves: transfer the balance (transferBalance).",
    },
)
