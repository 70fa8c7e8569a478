"""The rules of recoupment: money that a payer asks back, how that is answered, and refunds that come back."""

from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.days import REFUND_RETURN, not_later
from domain.errors import Conflict, InvalidInput


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


class RecoupmentRequestOrderField(StrEnum):
    """The sort fields of recoupment requests."""

    REQUESTED_ON = "requested_on"
    DUE_ON = "due_on"
    AMOUNT = "amount"


class RowReversal(StrEnum):
    """Why a refund or a provider adjustment was reversed: it was returned, or carried over to another or to the right payment."""

    RETURNED = "returned"
    MOVED = "moved"
    CORRECTED = "corrected"


# What may happen next in each status; a reopening follows from what happens to a refund or to a payment.
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
_SETTLED = {RecoupmentStep.REFUND: RecoupmentStatus.REFUNDED, RecoupmentStep.WITHHOLDING: RecoupmentStatus.WITHHELD}
_THEN = {
    RecoupmentStep.APPEAL: RecoupmentStatus.APPEALED,
    RecoupmentStep.APPEAL_REFUSED: RecoupmentStatus.OPEN,
    RecoupmentStep.WITHDRAWAL: RecoupmentStatus.WITHDRAWN,
}
# How long before its due day a request becomes an action item.
RECOUPMENT_NOTICE = timedelta(days=7)
# The code of a provider adjustment by which the clinic gives up what a payer owes it after a refund; our own, no code of a payer.
LOSS_CODE = "LOSS"


def status_after(status: RecoupmentStatus, step: RecoupmentStep, rest: Decimal) -> RecoupmentStatus:
    """The status after a step that is possible; `rest` is what of the request is not answered by then, in US dollars."""
    if step in _THEN:
        return _THEN[step]
    return status if rest else _SETTLED[step]


def status_reopened(status: RecoupmentStatus) -> RecoupmentStatus:
    """The status of a request after a refund or a provider adjustment that had answered it was reversed."""
    return RecoupmentStatus.OPEN if status in _SETTLED.values() else status


def check_step(status: RecoupmentStatus, step: RecoupmentStep) -> None:
    """Refuse an answer that is not possible in the status of a request; the message says which ones are."""
    possible = STEPS[status]
    if step in possible:
        return
    if not possible:
        words = (
            f"This request is {status}, and needs no answer; it opens again when its refund or its payment is returned"
        )
        raise Conflict(words, ("step",))
    names = ", ".join(one.name for one in possible)
    raise Conflict(f"This request is {status}: it takes the answers {names}", ("step",))


def check_returned_refund(refunded_on: date, returned_on: date, today: date) -> None:
    """Refuse the return of a refund before the refund, or in the future."""
    if not REFUND_RETURN.holds(refunded_on, returned_on):
        raise InvalidInput(f"{REFUND_RETURN.message}, {refunded_on}", ("returned_on",))
    not_later(returned_on, today, "returned_on")
