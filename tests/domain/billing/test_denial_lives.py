"""The life of a denial: which step leads where, on which days, and how much an outcome recovers."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from domain.billing.claims.denials import (
    APPEALABLE,
    DECIDED,
    OUTCOMES,
    RECOVERS,
    Denial,
    DenialOutcome,
    DenialStatus,
    appeal,
    close,
    denial_steps,
    is_late,
)
from domain.errors import Conflict, InvalidInput

TODAY, DENIED_ON = date(2026, 6, 30), date(2026, 6, 1)
DENIAL = Denial(DenialStatus.OPEN, DENIED_ON, Decimal("400.00"), DENIED_ON + timedelta(days=20), None, is_void=False)

# The statuses to which a step leads; a dot is a refusal. O open, A appealed, U upheld, V overturned, P partial, C closed.
STEPS = """
    appeal UPHELD OVERTURNED PARTIAL CLOSED
O   A      .      V          P       C
A   .      U      V          P       C
U   A      .      V          P       .
V   .      U      V          P       .
P   A      U      V          P       .
C   A      .      V          P       .
"""
STATUSES = dict(zip("OAUVPC", DenialStatus, strict=True))


def of(status: DenialStatus, **more: Any) -> Denial:
    before_on = None if status is DenialStatus.OPEN else DENIED_ON + timedelta(days=5)
    return Denial(**{**{name: getattr(DENIAL, name) for name in Denial.__dataclass_fields__}, "status": status,
                     "before_on": before_on, **more})  # fmt: skip


def cells() -> list[tuple[DenialStatus, str, DenialStatus | None]]:
    head, *rows = STEPS.strip("\n").splitlines()
    found = []
    for row in rows:
        start, *ends = row.split()
        found += [(STATUSES[start], name, STATUSES.get(end)) for name, end in zip(head.split(), ends, strict=True)]
    return found


def step(denial: Denial, name: str) -> Any:
    if name == "appeal":
        return appeal(denial, {"appealed_on": TODAY}, TODAY)
    more = {"amount_recovered": Decimal("1.00")} if name == "PARTIAL" else {}
    return close(denial, {"outcome": DenialOutcome[name], "closed_on": TODAY, **more}, TODAY)


@pytest.mark.parametrize(("start", "name", "end"), cells())
def test_each_step_leads_where_the_table_says(start: DenialStatus, name: str, end: DenialStatus | None) -> None:
    if end is not None:
        assert step(of(start), name)["status"] == end.value
        return
    with pytest.raises(Conflict) as refusal:
        step(of(start), name)
    assert refusal.value.path == (("denial_id",) if name == "appeal" else ("outcome",))


def test_the_drawn_table_is_that_of_the_law() -> None:
    assert denial_steps() == {(start, end) for start, _, end in cells() if end is not None}
    assert len(cells()) == len(DenialStatus) * (1 + len(DenialOutcome))
    assert {start for start, name, end in cells() if name == "appeal" and end} == set(APPEALABLE)
    assert set(OUTCOMES) == set(DenialStatus)
    assert set(RECOVERS) < set(DECIDED) < set(DenialStatus)


@pytest.mark.parametrize(("start", "words"), [
    (DenialStatus.APPEALED, "closeDenial"), (DenialStatus.OVERTURNED, "nothing left to appeal"),
])  # fmt: skip
def test_a_refused_appeal_names_the_step_that_helps(start: DenialStatus, words: str) -> None:
    with pytest.raises(Conflict, match=words):
        step(of(start), "appeal")
    with pytest.raises(Conflict, match="appealDenial"):
        step(of(DenialStatus.OPEN), "UPHELD")
    with pytest.raises(Conflict, match="closeDenial"):
        step(of(DenialStatus.OPEN, is_void=True), "appeal")
    assert step(of(DenialStatus.OPEN, is_void=True), "CLOSED")["status"] == "closed"


@pytest.mark.parametrize("name", ["appeal", "CLOSED"])
def test_a_step_lies_between_the_denial_the_step_before_and_today(name: str) -> None:
    first, before = DENIED_ON, DENIED_ON + timedelta(days=5)
    for status, offset in product((DenialStatus.OPEN, DenialStatus.CLOSED), range(-2, 40)):
        if name == "CLOSED" and status is DenialStatus.CLOSED:
            continue
        on = DENIED_ON + timedelta(days=offset)
        inputs = {"appealed_on": on, "closed_on": on, "outcome": DenialOutcome.CLOSED}
        run = appeal if name == "appeal" else close
        if (first if status is DenialStatus.OPEN else before) <= on <= TODAY:
            assert run(of(status), inputs, TODAY)["happened_on"] == on
        else:
            with pytest.raises(InvalidInput) as refusal:
                run(of(status), inputs, TODAY)
            assert refusal.value.path == ("appealed_on" if name == "appeal" else "closed_on",)


def test_an_appeal_after_its_last_day_is_recorded_and_known_to_be_late() -> None:
    due_on = DENIED_ON + timedelta(days=20)
    assert [is_late(DENIAL, due_on + timedelta(days=days)) for days in (-1, 0, 1)] == [False, False, True]
    assert not is_late(of(DenialStatus.OPEN, appeal_due_on=None), TODAY)


@pytest.mark.parametrize(("outcome", "amount", "expected"), [
    ("OVERTURNED", None, "400.00"), ("OVERTURNED", "400.00", "400.00"), ("OVERTURNED", "399.99", "399.99"),
    ("OVERTURNED", "400.01", None), ("OVERTURNED", "0.00", None), ("OVERTURNED", "-1.00", None),
    ("PARTIAL", "0.01", "0.01"), ("PARTIAL", "399.99", "399.99"), ("PARTIAL", "400.00", None), ("PARTIAL", None, None),
    ("UPHELD", "1.00", None), ("CLOSED", "1.00", None),
])  # fmt: skip
def test_what_is_recovered_is_above_nothing_and_at_most_what_was_denied(
    outcome: str, amount: str | None, expected: str | None
) -> None:
    given = {} if amount is None else {"amount_recovered": Decimal(amount)}
    inputs = {"outcome": DenialOutcome[outcome], "closed_on": TODAY, **given}
    if expected is not None:
        assert close(of(DenialStatus.APPEALED), inputs, TODAY)["recovered_amount"] == Decimal(expected)
        return
    with pytest.raises(InvalidInput) as refusal:
        close(of(DenialStatus.APPEALED), inputs, TODAY)
    assert refusal.value.path in (("amount_recovered",), ("outcome",))
