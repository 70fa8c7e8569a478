"""The lifecycle of an invoice, drawn here as a transition table for each role, and every guard."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.access.people import Role
from domain.billing.invoices import GUARDS, REFUSING, Invoice, InvoiceStatus
from domain.billing.lifecycle import advance
from domain.billing.transitions import TRANSITIONS, legal_from, legal_pairs, legal_steps
from domain.errors import IllegalTransition

TODAY = date(2026, 6, 30)
YESTERDAY = TODAY - timedelta(days=1)

# I pending_invoice, R pending_reduction, C pending_cheque, Q cheque_received, P paid, V void, W written_off.
# A cell holds the statuses that the transition may lead to; a dot is a refusal.
BY_BILLING = """
                    I   R   C   Q   P   V   W
submit_invoice      I   .   .   .   .   .   .
accept_in_full      C   .   .   .   .   .   .
request_reduction   R   .   .   .   .   .   .
counter_reduction   .   R   .   .   .   .   .
agree_reduction     .   C   .   .   .   .   .
decline_reduction   .   I   .   .   .   .   .
reopen_reduction    .   .   R   .   .   .   .
record_denial       I   I   .   .   .   .   .
record_cheque       .   .   QC  .   .   .   .
allocate_cheque     .   .   QC  .   .   .   .
return_cheque       .   .   C   C   .   .   .
settle_case         .   .   .   P   .   .   .
reopen_case         .   .   .   .   .   .   .
change_payer        I   .   .   .   .   .   .
lapse_agreement     .   .   .   .   .   .   .
void_invoice        .   .   .   .   .   .   .
write_off_invoice   .   .   .   .   .   .   .
"""
BY_ADMIN = """
                    I   R   C   Q   P   V   W
submit_invoice      I   .   .   .   .   .   .
accept_in_full      C   .   .   .   .   .   .
request_reduction   R   .   .   .   .   .   .
counter_reduction   .   R   .   .   .   .   .
agree_reduction     .   C   .   .   .   .   .
decline_reduction   .   I   .   .   .   .   .
reopen_reduction    .   .   R   .   .   .   .
record_denial       I   I   .   .   .   .   .
record_cheque       .   .   QC  .   .   .   .
allocate_cheque     .   .   QC  .   .   .   .
return_cheque       .   .   C   C   C   .   .
settle_case         .   .   .   P   .   .   .
reopen_case         .   .   .   .   Q   .   .
change_payer        I   .   .   .   .   .   .
lapse_agreement     .   .   .   .   .   .   .
void_invoice        V   .   .   .   .   .   .
write_off_invoice   W   W   W   .   .   .   .
"""
# The worker and imported histories: every transition that is possible at all.
BY_WORKER = """
                    I   R   C   Q   P   V   W
submit_invoice      I   .   .   .   .   .   .
accept_in_full      C   .   .   .   .   .   .
request_reduction   R   .   .   .   .   .   .
counter_reduction   .   R   .   .   .   .   .
agree_reduction     .   C   .   .   .   .   .
decline_reduction   .   I   .   .   .   .   .
reopen_reduction    .   .   R   .   .   .   .
record_denial       I   I   .   .   .   .   .
record_cheque       .   .   QC  .   .   .   .
allocate_cheque     .   .   QC  .   .   .   .
return_cheque       .   .   C   C   C   .   .
settle_case         .   .   .   P   .   .   .
reopen_case         .   .   .   .   Q   .   .
change_payer        I   .   .   .   .   .   .
lapse_agreement     .   .   R   .   .   .   .
void_invoice        V   .   .   .   .   .   .
write_off_invoice   W   W   W   .   .   .   .
"""
STATUSES = {
    "I": InvoiceStatus.PENDING_INVOICE,
    "R": InvoiceStatus.PENDING_REDUCTION,
    "C": InvoiceStatus.PENDING_CHEQUE,
    "Q": InvoiceStatus.CHEQUE_RECEIVED,
    "P": InvoiceStatus.PAID,
    "V": InvoiceStatus.VOID,
    "W": InvoiceStatus.WRITTEN_OFF,
}


def cells(square: str) -> Iterator[tuple[str, InvoiceStatus, set[InvoiceStatus]]]:
    """Each (transition, status before, possible statuses after) of a drawn table."""
    head, *rows = square.strip("\n").splitlines()
    for row in rows:
        name, *ends = row.split()
        for start, end in zip(head.split(), ends, strict=True):
            yield name, STATUSES[start], {STATUSES[abbreviation] for abbreviation in end if abbreviation != "."}


def every_cell() -> list[Any]:
    squares = ((Role.BILLING, BY_BILLING), (Role.ADMIN, BY_ADMIN), (None, BY_WORKER))
    return [
        pytest.param(role, *cell, id=f"{role or 'worker'}-{cell[0]}-{cell[1]}")
        for role, square in squares
        for cell in cells(square)
    ]


@pytest.mark.parametrize(("role", "name", "start", "ends"), every_cell())
def test_a_transition_leads_to_the_statuses_of_the_table(
    role: Role | None, name: str, start: InvoiceStatus, ends: set[InvoiceStatus]
) -> None:
    for end in InvoiceStatus:
        if end in ends:
            assert advance(start, name, end, role) is end
        else:
            with pytest.raises(IllegalTransition) as refused:
                advance(start, name, end, role)
            assert (refused.value.status, refused.value.transition) == (start, name)
    assert (name in legal_from(start, role)) == bool(ends)


def test_the_drawn_table_is_complete() -> None:
    names = [line.split()[0] for line in BY_WORKER.strip("\n").splitlines()[1:]]
    assert names == [row.name for row in TRANSITIONS], (
        "draw each transition of the table in BY_BILLING, BY_ADMIN and BY_WORKER"
    )
    assert len(every_cell()) == 3 * len(TRANSITIONS) * len(InvoiceStatus)


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
@pytest.mark.parametrize("status", InvoiceStatus)
def test_only_staff_have_transitions_of_an_invoice(role: Role, status: InvoiceStatus) -> None:
    assert legal_from(status, role) == ()


def test_a_transition_that_does_not_exist_is_refused() -> None:
    with pytest.raises(IllegalTransition):
        advance(InvoiceStatus.PENDING_INVOICE, "update_status", None, Role.ADMIN)


def test_a_refusal_names_the_status_and_the_legal_transitions_in_the_order_of_the_table() -> None:
    with pytest.raises(IllegalTransition) as refused:
        advance(InvoiceStatus.PENDING_REDUCTION, "submit_invoice", None, Role.BILLING)
    assert refused.value.legal_now == ("counter_reduction", "agree_reduction", "decline_reduction", "record_denial")
    assert "pending_reduction" in refused.value.message


def test_the_legal_pairs_are_the_changes_of_status_in_the_drawn_table() -> None:
    drawn = {(start, end) for _, start, ends in cells(BY_WORKER) for end in ends if start is not end}
    assert legal_pairs() == drawn != set()


def test_a_history_may_hold_the_drawn_transitions_and_the_correction_of_a_write_off() -> None:
    drawn = {(name, start, end) for name, start, ends in cells(BY_WORKER) for end in ends}
    assert legal_steps() - drawn == {("return_cheque", InvoiceStatus.WRITTEN_OFF, InvoiceStatus.WRITTEN_OFF)}
    assert drawn <= legal_steps()


# The guards as a table.

GUARDED = """
submit_invoice      has_lines billed not_submitted
accept_in_full      submitted
request_reduction   submitted
counter_reduction
agree_reduction
decline_reduction
reopen_reduction    nothing_received
record_denial       submitted
record_cheque
allocate_cheque
return_cheque       something_received
settle_case         case_covered
reopen_case         case_settled
change_payer
lapse_agreement     nothing_received condition_passed
void_invoice        never_received
write_off_invoice
"""
REQUIRED = """
submit_invoice      submitted_on method
accept_in_full
request_reduction   amount
counter_reduction   party amount
agree_reduction
decline_reduction   reason
reopen_reduction    reason
record_denial       denied_on reason_code
record_cheque       payer_id number amount cheque_date received_on document_id allocations
allocate_cheque     cheque_id allocations
return_cheque       cheque_id returned_on reason
settle_case         case_id
reopen_case         case_id reason
change_payer        payer_id reason
lapse_agreement
void_invoice        reason
write_off_invoice   reason
"""


def table(text: str) -> dict[str, tuple[str, ...]]:
    return {line.split()[0]: tuple(line.split()[1:]) for line in text.strip().splitlines()}


def test_each_transition_has_its_guards() -> None:
    assert {row.name: row.guards for row in TRANSITIONS} == table(GUARDED), (
        "draw the guards of each transition in GUARDED"
    )


def test_each_transition_requires_its_inputs() -> None:
    assert {row.name: row.required for row in TRANSITIONS} == table(REQUIRED), (
        "draw the inputs of each transition in REQUIRED"
    )


INVOICE = Invoice(
    id=UUID(int=1),
    number="INV-2026-000001",
    case_id=UUID(int=2),
    payer_id=UUID(int=3),
    status=InvoiceStatus.PENDING_INVOICE,
    version=1,
    created_on=TODAY - timedelta(days=40),
    billed=Decimal("1000.00"),
    agreed=None,
    received=Decimal(0),
    written_off=Decimal(0),
    submitted_on=None,
    floor=Decimal("600.00"),
    conditional_until=None,
    line_count=2,
    was_allocated=False,
    open_offer=None,
    case_is_settled=False,
    case_is_covered=False,
)


@pytest.mark.parametrize(
    ("guard", "facts", "holds"),
    [
        ("has_lines", {"line_count": 1}, True),
        ("has_lines", {"line_count": 0}, False),
        ("billed", {"billed": Decimal("0.01")}, True),
        ("billed", {"billed": Decimal(0)}, False),
        ("not_submitted", {"submitted_on": None}, True),
        ("not_submitted", {"submitted_on": TODAY}, False),
        ("submitted", {"submitted_on": TODAY}, True),
        ("submitted", {"submitted_on": None}, False),
        ("nothing_received", {"received": Decimal(0)}, True),
        ("nothing_received", {"received": Decimal("0.01")}, False),
        ("something_received", {"received": Decimal("0.01")}, True),
        ("something_received", {"received": Decimal(0)}, False),
        ("never_received", {"was_allocated": False}, True),
        ("never_received", {"was_allocated": True}, False),
        ("condition_passed", {"conditional_until": YESTERDAY}, True),
        ("condition_passed", {"conditional_until": TODAY}, False),
        ("condition_passed", {"conditional_until": None}, False),
        ("case_covered", {"case_is_covered": True}, True),
        ("case_covered", {"case_is_covered": False}, False),
        ("case_settled", {"case_is_settled": True}, True),
        ("case_settled", {"case_is_settled": False}, False),
    ],
)
def test_a_guard(guard: str, facts: dict[str, Any], holds: bool) -> None:
    assert GUARDS[guard].holds(replace(INVOICE, **facts), TODAY) is holds


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("fact", REFUSING)
def test_a_fact_that_is_assumed_instead_of_looked_up_never_makes_a_guard_pass(guard: str, fact: str) -> None:
    otherwise: dict[str, Any] = {fact: not REFUSING[fact]}
    actual, assumed = replace(INVOICE, **otherwise), replace(INVOICE, **{**otherwise, fact: REFUSING[fact]})
    assert GUARDS[guard].holds(assumed, TODAY) <= GUARDS[guard].holds(actual, TODAY)


def test_every_guard_is_used_and_has_a_message() -> None:
    assert {guard for row in TRANSITIONS for guard in row.guards} == set(GUARDS)
    assert all(guard.words for guard in GUARDS.values())
