"""A remittance file as it was read: its payments, and what could not be read, each with its place in the file."""

from dataclasses import dataclass

from domain.remittances.remittance import RemittedPayment

# How many problems are kept; the rest are only counted.
MOST_PROBLEMS = 200


@dataclass(frozen=True, slots=True)
class RemittanceProblem:
    """What cannot be read, without the values of the file.

    `segment` counts from 1 in the whole file; `element` is such as CLP03, None where it is about the segment as a whole.
    `payment` is the place of the transaction set that is not read for it; None where it is about the file: then the payments
    that were read are complete all the same.
    """

    segment: int
    element: str | None
    reason: str
    payment: int | None = None

    def __str__(self) -> str:
        place = f"segment {self.segment:,}" + (f", {self.element}" if self.element else "")
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RemittanceFile:
    """The payments that were read completely, in the order of the file, and its problems.

    A transaction set with a problem has no payment. `problem_count` also counts the problems beyond MOST_PROBLEMS.
    """

    payments: tuple[RemittedPayment, ...] = ()
    problems: tuple[RemittanceProblem, ...] = ()
    problem_count: int = 0
