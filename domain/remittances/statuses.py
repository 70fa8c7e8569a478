"""The states of remittances: where one comes from, and what was found of each of its payments and claims."""

from enum import StrEnum


class RemittanceOrigin(StrEnum):
    """How a remittance reached the clinic."""

    # An electronic file, X12 835.
    FILE = "file"
    # Typed from paper.
    PAPER = "paper"


class RemittanceStatus(StrEnum):
    """What was found of a payment or a claim of a remittance when it came in."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    REVERSAL = "reversal"
    OUT_OF_BALANCE = "out_of_balance"
    DUPLICATE = "duplicate"


class RemittanceProposalKind(StrEnum):
    """What a posted claim proposes; nothing of it happens by itself."""

    EXHAUST_COVERAGE = "exhaust_coverage"
    TRANSFER_BALANCE = "transfer_balance"


# The statuses of a payment: only claims reverse something.
OF_PAYMENTS = tuple(status for status in RemittanceStatus if status is not RemittanceStatus.REVERSAL)
# The statuses of claims that may be posted.
POSTABLE = (RemittanceStatus.MATCHED, RemittanceStatus.REVERSAL)
# The statuses with which nothing of a payment is ever posted.
NEVER_POSTED = (RemittanceStatus.OUT_OF_BALANCE, RemittanceStatus.DUPLICATE)
