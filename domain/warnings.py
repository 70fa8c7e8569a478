"""Warnings: what a user should look at although the change was made."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.billing.money import format_money


class WarningCode(StrEnum):
    """The machine-readable code of a warning."""

    NPI_IN_USE = "npi_in_use"
    COVERAGE_EXCEEDED = "coverage_exceeded"
    LIMIT_BELOW_RECEIPTS = "limit_below_receipts"
    RECEIPTS_WITHOUT_COVERAGE = "receipts_without_coverage"


@dataclass(frozen=True, slots=True)
class ChangeWarning:
    """A warning: its code, a message for the user, the part of the input that it is about, and the amount if there is one."""

    code: WarningCode
    message: str
    path: tuple[str, ...] = ()
    amount: Decimal | None = None


NPI_IN_USE = ChangeWarning(
    WarningCode.NPI_IN_USE, "Another active physician has this NPI, which belongs to one person", ("npi",)
)


def coverage_exceeded(amount: Decimal, path: tuple[str, ...]) -> ChangeWarning:
    """A payment is `amount` above what remained of its coverage."""
    words = f"The payment is ${format_money(amount)} above what remained of the coverage: check its limit and other payments"
    return ChangeWarning(WarningCode.COVERAGE_EXCEEDED, words, path, amount)


def limit_below_receipts(amount: Decimal) -> ChangeWarning:
    """The limit of a coverage is `amount` below what the payer has paid, here and to others."""
    words = f"The limit is ${format_money(amount)} below what was paid under this coverage; no payment has changed"
    return ChangeWarning(WarningCode.LIMIT_BELOW_RECEIPTS, words, ("limit",), amount)


def receipts_without_coverage(amount: Decimal) -> ChangeWarning:
    """The payer has paid `amount` in the case before the coverage was recorded, which does not count under it."""
    words = (
        f"This payer has paid ${format_money(amount)} in this case before the coverage was recorded: "
        "it does not count under the coverage until those payments are corrected to name it"
    )
    return ChangeWarning(WarningCode.RECEIPTS_WITHOUT_COVERAGE, words, ("payer_id",), amount)
