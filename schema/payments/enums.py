"""Descriptions and access rules of the enums of payments, and of their values."""

from domain.payments.cheques import ChequeStatus, PaymentMethod, ReturnKind
from permissions.classes import enum_type

__all__ = ["ChequeStatus", "PaymentMethod", "ReturnKind"]

enum_type(
    PaymentMethod,
    "records",
    "How a payment or a refund was paid.",
    {
        "PAPER": "A paper cheque.",
        "ACH": "A transfer through the Automated Clearing House (ACH).",
        "WIRE": "A wire transfer.",
        "CARD": "A payment card.",
        "VIRTUAL_CARD": "A virtual card, whose number the payer issues for one payment.",
        "CASH": "Cash.",
    },
)
enum_type(
    ChequeStatus,
    "records",
    "Whether a payment is money.",
    {
        "HELD": "A post-dated cheque whose deposit is not recorded yet: it pays nothing.",
        "RECEIVED": "Received.",
        "RETURNED": "Returned unpaid.",
        "CORRECTED": "Typed wrong: another payment, which corrects it, has what is right, and this one counts as nothing.",
    },
)
enum_type(
    ReturnKind,
    "records",
    "Why a payment was returned.",
    {
        "NSF": "Not sufficient funds (NSF): the cheque bounced.",
        "STOPPED": "The payer stopped the payment.",
        "STALE": "The bank refused it for its age.",
        "LOST": "It was lost.",
        "REPLACED": "The payer replaces it by another payment.",
    },
)
