"""The rules of payments (cheques): their methods and states, how the bank returns them, and which of their days fit together."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.errors import Conflict, InvalidInput


class PaymentMethod(StrEnum):
    """How a payment reached the clinic, or how a refund reached the payer."""

    PAPER = "paper"
    ACH = "ach"
    WIRE = "wire"
    CARD = "card"
    VIRTUAL_CARD = "virtual_card"
    CASH = "cash"


class ChequeStatus(StrEnum):
    """Whether a payment is money: not while it is held until its day, not after it was returned, and not where it was typed wrong."""

    HELD = "held"
    RECEIVED = "received"
    RETURNED = "returned"
    CORRECTED = "corrected"


class ReturnKind(StrEnum):
    """Why a payment was returned; only NSF (not sufficient funds) counts as bounced."""

    NSF = "nsf"
    STOPPED = "stopped"
    STALE = "stale"
    LOST = "lost"
    REPLACED = "replaced"


# What is stored as the kind of return of a payment that was typed wrong: another row has what is right. It counts as no return.
CORRECTED = "corrected"


class ReversalKind(StrEnum):
    """Why an allocation was reversed: only the return of its payment, and what a later payment took back, change what was received."""

    # Of what was taken back, the return of either payment: what was paid counts again.
    RETURNED = "returned"
    # Its invoice was replaced by another one, or is void and takes nothing again.
    REPLACED = "replaced"
    # To another invoice, to unapplied money, or to the right one of a payment of which it takes money back.
    MOVED = "moved"
    CORRECTED = "corrected"
    # A later payment of the same payer is less by what the payer took back; the reversal belongs to that payment.
    TAKEN_BACK = "taken_back"


# A cheque that is older on the day of its receipt may be refused by the bank.
STALE_AFTER = timedelta(days=180)
# Money that is not allocated to an invoice becomes an action item this long after its receipt.
UNAPPLIED_AFTER = timedelta(days=7)
_ZERO = Decimal("0.00")
_LIKENESS = re.compile("[^0-9A-Z]")


def is_post_dated(method: PaymentMethod, cheque_date: date, received_on: date) -> bool:
    """Whether it is a post-dated cheque, held until its day; InvalidInput for an electronic payment or cash that is settled after its receipt."""
    if cheque_date <= received_on:
        return False
    if method is not PaymentMethod.PAPER:
        raise InvalidInput("The payment date must not be after the date of receipt", ("cheque_date",))
    return True


def is_stale(cheque_date: date, received_on: date) -> bool:
    """Whether the bank may refuse a cheque for its age."""
    return received_on - cheque_date > STALE_AFTER


def likeness_of(number: str) -> str:
    """What is left of a number in its normal form that two spellings of it have in common: no leading zeros, no signs.

    The database computes the same (number_likeness).

    >>> likeness_of("#01-001")
    '1001'
    """
    return _LIKENESS.sub("", number.upper()).lstrip("0")


def check_deposit(cheque_date: date, received_on: date, deposited_on: date) -> None:
    """Refuse a deposit before the receipt of a payment, or before the day written on it."""
    if deposited_on < cheque_date:
        raise InvalidInput(f"A cheque dated {cheque_date} cannot be deposited before that day", ("deposited_on",))
    if deposited_on < received_on:
        raise InvalidInput("The date must not be before the date of receipt of a payment", ("deposited_on",))


def check_refund(amount: Decimal, unapplied: Decimal) -> None:
    """Refuse a refund of nothing, or of more than is unapplied."""
    if not 0 < amount <= unapplied:
        raise InvalidInput("The amount must be above 0 and at most the unapplied amount of the payment", ("amount",))


def check_refund_of_payer(
    amount: Decimal, unapplied: Decimal, owed: Decimal, returned: Sequence[str], lowered: Sequence[str]
) -> None:
    """Refuse a refund of money that only offsets what the payer owes.

    `unapplied` is what is unapplied of all payments of the payer, `owed` (above 0) the part of it that is below 0. `returned` are the
    numbers of payments that were returned after a refund, `lowered` of those that took money back of a payment which was returned.
    """
    if not owed or amount <= unapplied:
        return
    told = []
    if returned:
        whose = f"was refunded of payments that were returned ({', '.join(returned)})"
        told.append((whose, "cover those refunds with this payment first (coverRefund)"))
    if lowered:
        whose = f"it took back of payments that were returned, with {', '.join(lowered)}"
        told.append((whose, "move as much of what those pay to unapplied first (moveAllocation)"))
    whose, ways = " or ".join(one for one, _ in told), "; ".join(way for _, way in told)
    most = f"at most ${max(unapplied, _ZERO):.2f} can be refunded"
    raise Conflict(f"The payer owes ${owed:.2f} that {whose}: {ways}; {most}", ("amount",))
