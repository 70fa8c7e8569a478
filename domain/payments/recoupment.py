"""The rules of recoupment: money that a payer asks back, how that is answered, and refunds that come back."""

from enum import StrEnum


class RecoupmentStatus(StrEnum):
    """Where a recoupment request stands."""

    OPEN = "open"
    APPEALED = "appealed"
    REFUNDED = "refunded"
    WITHHELD = "withheld"
    WITHDRAWN = "withdrawn"


class RecoupmentStep(StrEnum):
    """What became of a recoupment request: an answer of the clinic, or what the payer did next."""

    REFUND = "refund"
    APPEAL = "appeal"
    WITHHOLDING = "withholding"
    WITHDRAWAL = "withdrawal"
    APPEAL_REFUSED = "appeal_refused"
    # What a refund or a provider adjustment had answered is open again, since that was reversed.
    REOPENING = "reopening"


class RowReversal(StrEnum):
    """Why a refund or a provider adjustment was reversed: it or its payment was returned, it moved to another payment, or its payment was corrected."""

    RETURNED = "returned"
    MOVED = "moved"
    CORRECTED = "corrected"


# The answers and events that are possible in each status.
STEPS: dict[RecoupmentStatus, tuple[RecoupmentStep, ...]] = {
    RecoupmentStatus.OPEN: (
        RecoupmentStep.REFUND,
        RecoupmentStep.APPEAL,
        RecoupmentStep.WITHHOLDING,
        RecoupmentStep.WITHDRAWAL,
    ),
    RecoupmentStatus.APPEALED: (
        RecoupmentStep.REFUND,
        RecoupmentStep.WITHHOLDING,
        RecoupmentStep.WITHDRAWAL,
        RecoupmentStep.APPEAL_REFUSED,
    ),
    RecoupmentStatus.REFUNDED: (),
    RecoupmentStatus.WITHHELD: (),
    RecoupmentStatus.WITHDRAWN: (),
}
