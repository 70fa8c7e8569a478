"""Warnings: what a user should look at although the change was made."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class WarningCode(StrEnum):
    """The machine-readable code of a warning."""

    NPI_IN_USE = "npi_in_use"
    SIMILAR_NUMBER = "similar_number"
    STALE_CHEQUE = "stale_cheque"
    UNAPPLIED_MONEY = "unapplied_money"


@dataclass(frozen=True, slots=True)
class ChangeWarning:
    """A warning: its code, a message for the user, the part of the input that it is about, and the amount if it has one."""

    code: WarningCode
    message: str
    path: tuple[str, ...] = ()
    amount: Decimal | None = None


NPI_IN_USE = ChangeWarning(
    WarningCode.NPI_IN_USE, "Another active physician has this NPI, which belongs to one person", ("npi",)
)
STALE_CHEQUE = ChangeWarning(
    WarningCode.STALE_CHEQUE, "The cheque was older than 180 days when it was received", ("cheque_date",)
)


def similar_number(numbers: Iterable[str]) -> ChangeWarning:
    """The warning that other payments of the payer have similar numbers."""
    words = f"Other payments of this payer have a similar number: {', '.join(numbers)}"
    return ChangeWarning(WarningCode.SIMILAR_NUMBER, words, ("number",))


def unapplied_money(payer: str, amount: Decimal) -> ChangeWarning:
    """The warning that a payer of a settled case has unapplied money."""
    words = f"{amount} of {payer} is not applied to an invoice"
    return ChangeWarning(WarningCode.UNAPPLIED_MONEY, words, ("case_id",), amount)
