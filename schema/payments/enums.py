"""Descriptions and access rules of the enums of payments, and of their values."""

from domain.payments.cheques import ChequeStatus, PaymentMethod, ReturnKind, ReversalKind
from domain.payments.recoupment import RecoupmentRequestOrderField, RecoupmentStatus, RecoupmentStep, RowReversal
from permissions.classes import enum_type

__all__ = [
    "ChequeStatus",
    "PaymentMethod",
    "RecoupmentRequestOrderField",
    "RecoupmentStatus",
    "RecoupmentStep",
    "ReturnKind",
    "ReversalKind",
    "RowReversal",
]

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
enum_type(
    RowReversal,
    "records",
    "Why a refund or a provider adjustment was reversed.",
    {
        "RETURNED": "It came back, or its payment was returned.",
        "MOVED": "It counts on another payment of the payer from then on.",
        "CORRECTED": "Its payment was recorded wrongly; it counts on the right one.",
    },
)
enum_type(
    RecoupmentStatus,
    "records",
    "Where a recoupment request stands.",
    {
        "OPEN": "It is to be answered.",
        "APPEALED": "The clinic has appealed.",
        "REFUNDED": "The money was paid back.",
        "WITHHELD": "The payer has withheld the money from a later payment.",
        "WITHDRAWN": "The payer does not ask for the money any more.",
    },
)
enum_type(
    RecoupmentStep,
    "records",
    "What became of a recoupment request.",
    {
        "REFUND": "The clinic refunded the money, or a part of it.",
        "APPEAL": "The clinic appealed.",
        "WITHHOLDING": "The payer withheld the money, or a part of it, from a later payment. Where it is still allocated to an "
        "invoice that is due again, move the allocation (moveAllocation) and refund the money with `providerAdjustmentId`.",
        "WITHDRAWAL": "The payer withdrew the request, as after an appeal that it granted.",
        "APPEAL_REFUSED": "The payer refused the appeal: the request is open again.",
        "REOPENING": "The refund came back, or the payment from which the money was withheld was returned: the request is open "
        "again. It follows from those steps and is no answer that can be recorded.",
    },
)
enum_type(
    RecoupmentRequestOrderField,
    "records",
    "The sort field of recoupment requests.",
    {
        "REQUESTED_ON": (("RecoupmentRequest.requestedOn",), "The day on which the payer asked."),
        "DUE_ON": (("RecoupmentRequest.dueOn",), "The day by which it is to be answered."),
        "AMOUNT": (("RecoupmentRequest.amount",), "The amount that is asked back."),
    },
)
enum_type(
    ReversalKind,
    "records",
    "Why an allocation was reversed.",
    {
        "RETURNED": "Its payment was returned; of what was taken back, that payment or the one that took it back.",
        "REPLACED": "Its invoice was replaced by another one, or is void.",
        "MOVED": "It was moved to another invoice, or became unapplied; or the payment of which it takes money back was corrected.",
        "CORRECTED": "Its payment was typed wrong, and another one stands in its place.",
        "TAKEN_BACK": "The payer took it back with a later payment.",
    },
)
