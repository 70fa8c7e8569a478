"""The life of a denial: its statuses, which step leads from which status to which, and the checks of its appeals and outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from domain.billing.money import format_money
from domain.days import DENIAL_STEP, STEP_STEP, not_later
from domain.errors import Conflict, InvalidInput
from domain.texts import NOTE, optional_text


class DenialStatus(StrEnum):
    """What has become of a denial."""

    OPEN = "open"
    APPEALED = "appealed"
    # The payer still refuses.
    UPHELD = "upheld"
    # The payer pays all of it after all.
    OVERTURNED = "overturned"
    # The payer pays a part of it after all.
    PARTIAL = "partial"
    # Nothing more is done about it, and the payer has decided nothing.
    CLOSED = "closed"


class DenialOutcome(StrEnum):
    """How a denial is closed."""

    UPHELD = "upheld"
    OVERTURNED = "overturned"
    PARTIAL = "partial"
    CLOSED = "closed"


S, _O = DenialStatus, DenialOutcome
# With these the payer pays something after all, and the clinic has won something.
RECOVERS = (S.OVERTURNED, S.PARTIAL)
DECIDED = (S.UPHELD, *RECOVERS)
# A denial can be appealed once more after a decision, and after all where nothing was done about it.
APPEALABLE = (S.OPEN, S.UPHELD, S.PARTIAL, S.CLOSED)
# A payer also changes its mind without an appeal, and later again: the last outcome counts. What was won can be corrected; to uphold a
# denial, there has to be an appeal or an outcome before.
OUTCOMES: Mapping[DenialStatus, tuple[DenialOutcome, ...]] = {
    S.OPEN: (_O.OVERTURNED, _O.PARTIAL, _O.CLOSED),
    S.APPEALED: (_O.UPHELD, _O.OVERTURNED, _O.PARTIAL, _O.CLOSED),
    S.UPHELD: (_O.OVERTURNED, _O.PARTIAL),
    S.OVERTURNED: (_O.UPHELD, _O.OVERTURNED, _O.PARTIAL),
    S.PARTIAL: (_O.UPHELD, _O.OVERTURNED, _O.PARTIAL),
    S.CLOSED: (_O.OVERTURNED, _O.PARTIAL),
}


def denial_steps() -> frozenset[tuple[DenialStatus, DenialStatus]]:
    """Every (from, to) that the steps of a denial may contain."""
    decided = ((start, S(outcome.value)) for start, outcomes in OUTCOMES.items() for outcome in outcomes)
    return frozenset((*decided, *((start, S.APPEALED) for start in APPEALABLE)))


_CLOSE, _APPEAL = "Close the denial (closeDenial)", "Appeal the denial (appealDenial)"


@dataclass(frozen=True, slots=True)
class Denial:
    """A denial as its steps find it: `amount` is what was denied, `before_on` the day of its last step, None without one."""

    status: DenialStatus
    denied_on: date
    amount: Decimal
    appeal_due_on: date | None
    before_on: date | None
    is_void: bool


def appeal(denial: Denial, inputs: Mapping[str, Any], today: date) -> Mapping[str, Any]:
    """The columns of an appeal; Conflict where the denial cannot be appealed, InvalidInput for a day that is not valid."""
    if denial.is_void:
        raise Conflict(f"The invoice is void: nothing can be appealed; instead: {_CLOSE}", ("denial_id",))
    if denial.status not in APPEALABLE:
        way = f"next: {_CLOSE}" if denial.status is S.APPEALED else "there is nothing left to appeal"
        raise Conflict(f"The denial is {denial.status.upper()}; {way}", ("denial_id",))
    return _step(denial, S.APPEALED, "appealed_on", inputs, today)


def is_late(denial: Denial, appealed_on: date) -> bool:
    """Whether an appeal comes after its last day: it is recorded, since a payer may accept it."""
    return denial.appeal_due_on is not None and appealed_on > denial.appeal_due_on


def close(denial: Denial, inputs: Mapping[str, Any], today: date) -> Mapping[str, Any]:
    """The columns of an outcome; Conflict where it is none of the status, InvalidInput for a day or an amount that is not valid."""
    outcome = DenialOutcome(inputs["outcome"])
    if outcome not in OUTCOMES[denial.status]:
        possible = ", ".join(one.name for one in OUTCOMES[denial.status])
        way = f"; first: {_APPEAL}" if denial.status in APPEALABLE else ""
        words = f"The denial is {denial.status.upper()}: its outcome can be {possible}{way}"
        raise Conflict(words, ("outcome",))
    status = DenialStatus(outcome.value)
    return {
        **_step(denial, status, "closed_on", inputs, today),
        "recovered_amount": _recovered(denial, outcome, inputs),
    }


def _recovered(denial: Denial, outcome: DenialOutcome, inputs: Mapping[str, Any]) -> Decimal | None:
    """What the payer pays after all: of an overturned denial the denied amount by default, of a partial one less than that."""
    amount: Decimal | None = inputs.get("amount_recovered")
    if DenialStatus(outcome.value) not in RECOVERS:
        if amount is not None:
            raise InvalidInput("Only an OVERTURNED or PARTIAL denial recovers an amount", ("amount_recovered",))
        return None
    if amount is None and outcome is _O.PARTIAL:
        raise InvalidInput("Say what the payer pays after all", ("amount_recovered",))
    amount = denial.amount if amount is None else amount
    if not 0 < amount <= denial.amount:
        words = f"The amount must be above 0 and at most ${format_money(denial.amount)}, which was denied"
        raise InvalidInput(words, ("amount_recovered",))
    if outcome is _O.PARTIAL and amount == denial.amount:
        raise InvalidInput("The payer pays all that was denied: the outcome is OVERTURNED", ("outcome",))
    return amount


def _step(denial: Denial, status: DenialStatus, name: str, inputs: Mapping[str, Any], today: date) -> Mapping[str, Any]:
    day: date = not_later(inputs[name], today, name)
    if not DENIAL_STEP.holds(denial.denied_on, day):
        raise InvalidInput(f"{DENIAL_STEP.message}, {denial.denied_on}", (name,))
    if not STEP_STEP.holds(denial.before_on, day):
        raise InvalidInput(f"{STEP_STEP.message}, {denial.before_on}", (name,))
    return {
        "status": status.value,
        "happened_on": day,
        "document_id": inputs.get("document_id"),
        "note": optional_text(inputs, "note", NOTE),
    }
