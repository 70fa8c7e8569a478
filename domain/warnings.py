"""Warnings: what a user should look at although the change was made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.billing.ledger.late_facts import LateFact
from domain.billing.money import format_money


class WarningCode(StrEnum):
    """The machine-readable code of a warning."""

    NPI_IN_USE = "npi_in_use"
    COVERAGE_EXCEEDED = "coverage_exceeded"
    LIMIT_BELOW_RECEIPTS = "limit_below_receipts"
    RECEIPTS_WITHOUT_COVERAGE = "receipts_without_coverage"
    SIMILAR_NUMBER = "similar_number"
    STALE_CHEQUE = "stale_cheque"
    UNAPPLIED_MONEY = "unapplied_money"
    LATE_FACT = "late_fact"
    RECOUPMENT_PROPOSED = "recoupment_proposed"
    LATE_APPEAL = "late_appeal"
    SIMILAR_PATIENT = "similar_patient"
    SIMILAR_PAYER = "similar_payer"
    SIMILAR_ATTORNEY = "similar_attorney"
    REPRESENTS_OPEN_CASES = "represents_open_cases"
    DOCUMENT_NOT_ISSUED = "document_not_issued"
    DOCUMENT_ON_PAPER = "document_on_paper"
    UNBILLED_VISITS = "unbilled_visits"


@dataclass(frozen=True, slots=True)
class ChangeWarning:
    """A warning: its code, a message for the user, the part of the input that it is about, and the amount if there is one.

    `record_ids` are the global ids of the records that it names.
    """

    code: WarningCode
    message: str
    path: tuple[str, ...] = ()
    amount: Decimal | None = None
    record_ids: tuple[str, ...] = ()


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


# Code → the warning about records that are alike, and the part of the input.
_ALIKE = {
    WarningCode.SIMILAR_PATIENT: (
        (
            "There is already a patient with this name and date of birth: {}. If it is the same person, work with that record, "
            "or have an administrator merge the two (mergePatients)"
        ),
        ("last_name",),
    ),
    WarningCode.SIMILAR_PAYER: (
        (
            "There is already a payer of this name: {}. If it is the same one, work with that record, "
            "or have an administrator merge the two (mergePayers)"
        ),
        ("name",),
    ),
    WarningCode.SIMILAR_ATTORNEY: (
        "There is already an attorney of this name: {}. If the attorney has changed firms, change that record (updateAttorney)",
        ("name",),
    ),
}
_MOST_NAMED = 5


def similar_record(code: WarningCode, named: Sequence[str], record_ids: Iterable[str] = ()) -> ChangeWarning:
    """The warning that other records are like the one that was saved; `named` says which."""
    more = f", and {len(named) - _MOST_NAMED:,} more" if len(named) > _MOST_NAMED else ""
    words, path = _ALIKE[code]
    return ChangeWarning(code, words.format(", ".join(named[:_MOST_NAMED]) + more), path, record_ids=tuple(record_ids))


def represents_open_cases(count: int) -> ChangeWarning:
    """The warning that a retired attorney still represents open cases."""
    words = f"The attorney still represents {count:,} open cases: assign another attorney (assignAttorney)"
    return ChangeWarning(WarningCode.REPRESENTS_OPEN_CASES, words)


def unapplied_money(payer: str, amount: Decimal) -> ChangeWarning:
    """The warning that a payer of a settled case has unapplied money."""
    words = f"${format_money(amount)} that {payer} has paid is not applied to an invoice"
    if amount < 0:
        words = (
            f"{payer} owes ${format_money(-amount)} that it was refunded, or took back, of payments that were returned"
        )
    return ChangeWarning(WarningCode.UNAPPLIED_MONEY, words, ("case_id",), amount)


def late_fact(late: LateFact) -> ChangeWarning:
    """The warning that a fact contradicts a decision that was recorded before it; `amount` is what the reduction grows by."""
    grows = f" The reduction grows by ${format_money(late.amount)}." if late.amount else ""
    return ChangeWarning(WarningCode.LATE_FACT, f"{late.words}.{grows}", amount=late.amount)


def late_appeal(due_on: date) -> ChangeWarning:
    """The warning that an appeal came after its last day."""
    words = f"The last day for an appeal was {due_on}: the payer may refuse it for that"
    return ChangeWarning(WarningCode.LATE_APPEAL, words, ("appealed_on",))


def recoupment_proposed(requested_on: date, reason: str, amount: Decimal) -> ChangeWarning:
    """A row of a remittance withholds `amount`, which may answer a recoupment request of its payer."""
    words = (
        f"The payer has withheld ${format_money(amount)}, as it seems because of its request of {requested_on} ({reason}): "
        "answer the request (answerRecoupmentRequest)"
    )
    return ChangeWarning(WarningCode.RECOUPMENT_PROPOSED, words, amount=amount)


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
        "that money does not count under the coverage"
    )
    return ChangeWarning(WarningCode.RECEIPTS_WITHOUT_COVERAGE, words, ("payer_id",), amount)
