"""Finds what a remittance speaks of: our invoice by the spellings of its number, and the lines of the invoice."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from domain.normal_forms import code_form
from domain.remittances.remittance import RemittedClaim, RemittedLine
from domain.remittances.statuses import RemittanceStatus

# Our own numbers, also without their hyphens, and with whatever a payer appends.
_OURS = re.compile(r"([A-Z]{1,4})[-_ /.]?([0-9]{4})[-_ /.]?([0-9]{6,9})(?![0-9])")
# A suffix that a payer or a clearing house appends to a number.
_SUFFIX = re.compile(r"^(.*?[A-Z0-9])(?:[-_ /.*#:]+[A-Z0-9]{1,4}|[-_ /.*#:]+)$")
_SPACES = re.compile(r"\s+")
# The codes of a claim's status (CLP02) that are posted.
PROCESSED, DENIED, REVERSAL = frozenset({"1", "2", "3", "19", "20", "21"}), "4", "22"
# Why a claim waits of which no invoice is found.
NO_INVOICE = (
    "No invoice has this number: match the claim with one (matchRemittanceClaim), or close it (closeRemittanceClaim)"
)
# A line of ours in REF*6R: its id without hyphens, or its position.
_POSITION = re.compile(r"0*([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class OurLine:
    """A line of an invoice; `position` counts from 1, `amount` is in US dollars."""

    id: UUID
    position: int
    code: str
    amount: Decimal


def spellings(number: str) -> list[str]:
    """The invoice numbers that a payer may mean by a number, the most likely first.

    >>> spellings(" inv 2026 000123 A1")
    ['INV 2026 000123 A1', 'INV2026000123A1', 'INV-2026-000123', 'INV 2026 000123']
    """
    whole = code_form(number)
    found = [whole, _SPACES.sub("", whole)]
    if ours := _OURS.match(whole):
        found.append(f"{ours[1]}-{ours[2]}-{ours[3]}")
    if suffixed := _SUFFIX.match(whole):
        found.append(suffixed[1])
    return [one for one in dict.fromkeys(found) if one]


def loose_form(number: str) -> str:
    """A number without spaces, in capital letters, by which it is looked for last."""
    return _SPACES.sub("", code_form(number))


def match_lines(lines: Sequence[RemittedLine], ours: Sequence[OurLine]) -> list[UUID | None]:
    """The line of the invoice that each remitted line is about: by our reference, then by code and charge.

    Payers drop modifiers, so that they tell nothing apart. None where no line, or more than one, may be meant.
    """
    found = [_by_reference(line.reference, ours) for line in lines]
    free = [one for one in ours if one.id not in found]
    wanted = Counter(_likeness(line) for line, known in zip(lines, found, strict=True) if known is None)
    for place, line in enumerate(lines):
        alike = [one for one in free if (one.code, one.amount) == _likeness(line)]
        if found[place] is None and len(alike) == 1 and wanted[_likeness(line)] == 1:
            found[place] = alike[0].id
    return found


def _by_reference(reference: str | None, ours: Sequence[OurLine]) -> UUID | None:
    text = (reference or "").strip().lower().replace("-", "")
    if not text:
        return None
    named = [one.id for one in ours if one.id.hex == text]
    if not named and (position := _POSITION.fullmatch(text)):
        named = [one.id for one in ours if one.position == int(position[1])]
    return named[0] if named else None


def _likeness(line: RemittedLine) -> tuple[str, Decimal]:
    return code_form(line.code), abs(line.charge)


def status_of(claim: RemittedClaim, *, is_found: bool) -> RemittanceStatus:
    """What was found of a claim of a payment that is in balance and no duplicate; `is_found` is whether its invoice is known."""
    if claim.status_code == REVERSAL:
        return RemittanceStatus.REVERSAL
    is_posted = claim.status_code in PROCESSED or claim.status_code == DENIED
    return RemittanceStatus.MATCHED if is_found and is_posted else RemittanceStatus.UNMATCHED


def unknown_status(claim: RemittedClaim) -> str | None:
    """Why a claim waits whose status is none that is posted; None for the others."""
    if claim.status_code in {*PROCESSED, DENIED, REVERSAL}:
        return None
    return (
        f"The payer's status {claim.status_code} of the claim is not one that is posted: ask the payer, then record what it "
        "pays by hand (recordCheque), or close the claim (closeRemittanceClaim)"
    )
