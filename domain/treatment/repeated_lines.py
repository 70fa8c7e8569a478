"""Repeated lines: the same code for the same patient, day, physician and side, in another invoice that is not void or in the same one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.billing.invoice_events import Change, change_of
from domain.billing.opening_balances import CODE as OPENING
from domain.errors import Conflict

# What was billed of a patient's treatment by one physician on one day: the code, and whether for both sides.
Billed = tuple[str, bool]
Place = tuple[str, ...]


class Line(Protocol):
    """A line that is to be billed."""

    @property
    def code(self) -> str:
        """The code."""

    @property
    def units(self) -> int:
        """The number of units."""

    @property
    def bilateral(self) -> bool:
        """Whether both sides were treated."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A line that repeats another one: its position from 0, and the invoice that bills the other one (None: the same invoice)."""

    position: int
    number: str | None
    first: int = 0


def repeats_of(lines: Sequence[Line], billed: Mapping[Billed, str]) -> list[Repeat]:
    """The lines that repeat one of other invoices (`billed` maps what they bill to their numbers) or an earlier line.

    An opening balance stands for charges of another system, of which the treatment is not known.
    """
    found, seen = list[Repeat](), dict[Billed, int]()
    for position, line in enumerate(lines):
        what = (line.code, line.bilateral)
        if line.code == OPENING:
            continue
        if what in billed:
            found.append(Repeat(position, billed[what]))
        elif what in seen:
            found.append(Repeat(position, None, seen[what]))
        seen.setdefault(what, position)
    return found


def refuse_repeats(lines: Sequence[Line], repeats: Sequence[Repeat], places: Sequence[Place]) -> None:
    """Conflict for the first repeated line; `places` are where the lines stand in the input."""
    for repeat in repeats[:1]:
        code, by = lines[repeat.position].code, f"invoice {repeat.number}"
        if repeat.number is None:
            by = f"line {repeat.first + 1}"
        raise Conflict(
            f"Line {repeat.position + 1} repeats {by}: {code} for the same patient, day, physician and side. "
            "If it was done more than once, confirm it with confirmDuplicate",
            places[repeat.position],
        )


def confirmation(lines: Sequence[Line], repeated: Iterable[int]) -> list[Change]:
    """The change of an invoice's history that says which lines were billed again on purpose; none where no line is."""
    texts = [text_of(lines[position]) for position in repeated]
    return [change_of("confirmed_duplicates", None, ", ".join(texts))] if texts else []


def text_of(line: Line) -> str:
    """A line as the history shows it."""
    return f"{line.units} of {line.code}{' both sides' * line.bilateral}"
