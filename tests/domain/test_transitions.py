"""The lifecycle of an invoice, drawn here as a transition table for each role, and every guard."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.access.people import Role
from domain.billing.invoices import Invoice, InvoiceStatus
from domain.billing.ledger.facts import Facts, Responsibility
from domain.billing.lifecycle import advance
from domain.billing.transition import Transition
from domain.billing.transitions import TRANSITIONS, legal_from, legal_pairs, legal_steps
from domain.errors import IllegalTransition

TODAY = date(2026, 6, 30)
YESTERDAY = TODAY - timedelta(days=1)

# I pending_invoice, R pending_reduction, C pending_cheque, Q cheque_received, P paid, V void, W written_off.
# A cell holds the statuses that the transition may lead to; a dot is a refusal.
BY_BILLING = """
                    I   R   C   Q     P     V   W
submit_invoice      I   .   .   .     .     .   .
accept_in_full      C   .   .   .     .     .   .
request_reduction   R   .   .   .     .     .   .
counter_reduction   .   R   .   .     .     .   .
agree_reduction     .   CQ  .   .     .     .   .
decline_reduction   .   I   .   .     .     .   .
reopen_reduction    .   .   R   .     .     .   .
record_denial       I   IR  IC  .     .     .   .
record_adjustment   IQ  IRQ CQ  IRCQW .     .   WQ
record_cheque       IQ  RQ  CQ  QIRCW .     .   WQ
allocate_cheque     IQ  RQ  CQ  QIRCW .     .   WQ
post_remittance     IQ  IRQ CQ  IRCQW .     .   WQ
return_cheque       IQ  RQ  CQ  IRCQW .     .   W
correct_cheque      IQ  RCQ CRQ IRCQW .     .   WQ
move_allocation     IQ  RCQ CRQ IRCQW .     .   WQ
settle_case         .   .   .   P     .     .   .
close_case          .   .   .   P     .     .   .
reopen_case         .   .   .   .     .     .   .
change_payer        I   .   .   .     .     .   .
transfer_balance    I   I   ICQ .     .     .   .
lapse_agreement     .   .   .   .     .     .   .
revive_agreement    .   .   .   .     .     .   .
void_invoice        .   .   .   .     .     .   .
replace_invoice     V   V   V   .     .     .   .
write_off_invoice   .   .   .   .     .     .   .
reverse_write_off   .   .   .   .     .     .   .
close_small_balance .   .   Q   .     .     .   .
close_empty         Q   .   .   .     .     .   .
"""
BY_ADMIN = """
                    I   R   C   Q     P     V   W
submit_invoice      I   .   .   .     .     .   .
accept_in_full      C   .   .   .     .     .   .
request_reduction   R   .   .   .     .     .   .
counter_reduction   .   R   .   .     .     .   .
agree_reduction     .   CQ  .   .     .     .   .
decline_reduction   .   I   .   .     .     .   .
reopen_reduction    .   .   R   R     .     .   .
record_denial       I   IR  IC  .     .     .   .
record_adjustment   IQ  IRQ CQ  IRCQW .     .   WQ
record_cheque       IQ  RQ  CQ  QIRCW P     .   WQ
allocate_cheque     IQ  RQ  CQ  QIRCW P     .   WQ
post_remittance     IQ  IRQ CQ  IRCQW P     .   WQ
return_cheque       IQ  RQ  CQ  IRCQW IRCPW .   W
correct_cheque      IQ  RCQ CRQ IRCQW IRCPW .   WQ
move_allocation     IQ  RCQ CRQ IRCQW IRCPW .   WQ
settle_case         .   .   .   P     .     .   .
close_case          .   .   .   P     .     .   .
reopen_case         .   .   .   .     Q     .   .
change_payer        I   .   .   .     .     .   .
transfer_balance    I   I   ICQ .     .     .   .
lapse_agreement     .   .   .   .     .     .   .
revive_agreement    .   .   .   .     .     .   .
void_invoice        V   .   .   V     .     .   .
replace_invoice     V   V   V   .     .     .   .
write_off_invoice   W   W   W   .     .     .   .
reverse_write_off   .   .   .   .     .     .   IRC
close_small_balance .   .   Q   .     .     .   .
close_empty         Q   .   .   .     .     .   .
"""
# The worker and imported histories: every transition that is possible at all.
BY_WORKER = """
                    I   R   C   Q     P     V   W
submit_invoice      I   .   .   .     .     .   .
accept_in_full      C   .   .   .     .     .   .
request_reduction   R   .   .   .     .     .   .
counter_reduction   .   R   .   .     .     .   .
agree_reduction     .   CQ  .   .     .     .   .
decline_reduction   .   I   .   .     .     .   .
reopen_reduction    .   .   R   R     .     .   .
record_denial       I   IR  IC  .     .     .   .
record_adjustment   IQ  IRQ CQ  IRCQW .     .   WQ
record_cheque       IQ  RQ  CQ  QIRCW P     .   WQ
allocate_cheque     IQ  RQ  CQ  QIRCW P     .   WQ
post_remittance     IQ  IRQ CQ  IRCQW P     .   WQ
return_cheque       IQ  RQ  CQ  IRCQW IRCPW .   W
correct_cheque      IQ  RCQ CRQ IRCQW IRCPW .   WQ
move_allocation     IQ  RCQ CRQ IRCQW IRCPW .   WQ
settle_case         .   .   .   P     .     .   .
close_case          .   .   .   P     .     .   .
reopen_case         .   .   .   .     Q     .   .
change_payer        I   .   .   .     .     .   .
transfer_balance    I   I   ICQ .     .     .   .
lapse_agreement     .   .   R   .     .     .   .
revive_agreement    .   CQ  .   .     .     .   .
void_invoice        V   .   .   V     .     .   .
replace_invoice     V   V   V   .     .     .   .
write_off_invoice   W   W   W   .     .     .   .
reverse_write_off   .   .   .   .     .     .   IRC
close_small_balance .   .   Q   .     .     .   .
close_empty         Q   .   .   .     .     .   .
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
    assert refused.value.legal_now == (
        *("counter_reduction", "agree_reduction", "decline_reduction", "record_denial", "record_adjustment"),
        *("record_cheque", "allocate_cheque", "post_remittance", "return_cheque", "correct_cheque", "move_allocation"),
        *("transfer_balance", "replace_invoice"),
    )
    assert "pending_reduction" in refused.value.message


def test_the_legal_pairs_are_the_changes_of_status_in_the_drawn_table() -> None:
    drawn = {(start, end) for _, start, ends in cells(BY_WORKER) for end in ends if start is not end}
    assert legal_pairs() == drawn != set()


def test_a_history_may_hold_exactly_the_drawn_transitions() -> None:
    drawn = {(name, start, end) for name, start, ends in cells(BY_WORKER) for end in ends}
    assert legal_steps() == drawn


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: row.name)
def test_the_possible_moves_start_and_end_where_the_transition_does(row: Transition) -> None:
    if row.moves:
        assert {start for start, _ in row.moves} == {*row.start, *row.admin_start}
        assert {end for _, end in row.moves} == set(row.end)
    assert all(row.ends(start) for start in (*row.start, *row.admin_start))


# The guards as a table.

GUARDED = """
submit_invoice      has_lines billed not_submitted
accept_in_full      submitted something_due
request_reduction   submitted something_due
counter_reduction
agree_reduction
decline_reduction
reopen_reduction    something_to_negotiate case_open
record_denial       sent
record_adjustment   sent something_to_adjust
record_cheque       sent something_unpaid
allocate_cheque     sent something_unpaid
post_remittance     sent
return_cheque       something_received
correct_cheque      sent
move_allocation     sent
settle_case         case_covered
close_case          case_covered
reopen_case         case_settled
change_payer        payer_paid_nothing
transfer_balance    sent_to_payer something_due
lapse_agreement     condition_passed nothing_in_time
revive_agreement
void_invoice        nothing_received
replace_invoice     sent_with_lines case_open
write_off_invoice   something_due
reverse_write_off   case_open
close_small_balance partly_paid no_small_balance small_balance
close_empty         empty
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
record_adjustment   group reason_code amount
record_cheque       payer_id number amount cheque_date received_on allocations
allocate_cheque     cheque_id allocations
post_remittance     remittance_id
return_cheque       cheque_id returned_on reason
correct_cheque      cheque_id reason
move_allocation     reason
settle_case         case_id
close_case          case_id reason
reopen_case         case_id reason
change_payer        payer_id reason
transfer_balance    reason
lapse_agreement
revive_agreement
void_invoice        reason
replace_invoice     lines reason
write_off_invoice   reason
reverse_write_off   reason
close_small_balance
close_empty         reason
"""


def table(text: str) -> dict[str, tuple[str, ...]]:
    return {line.split()[0]: tuple(line.split()[1:]) for line in text.strip().splitlines()}


def test_money_that_was_received_moves_to_another_invoice_by_an_administrator() -> None:
    assert {row.name: row.staff_guards for row in TRANSITIONS if row.staff_guards} == {
        "replace_invoice": ("nothing_to_move",)
    }


def test_each_transition_has_its_guards() -> None:
    assert {row.name: row.guards for row in TRANSITIONS} == table(GUARDED), (
        "draw the guards of each transition in GUARDED"
    )


def test_each_transition_requires_its_inputs() -> None:
    assert {row.name: row.required for row in TRANSITIONS} == table(REQUIRED), (
        "draw the inputs of each transition in REQUIRED"
    )


PAYER, CREATED_ON = UUID(int=3), TODAY - timedelta(days=40)
MORNING = datetime(2026, 6, 30, 9, tzinfo=UTC)
FACTS = Facts(Decimal("1000.00"), (Responsibility(1, PAYER, CREATED_ON, MORNING - timedelta(days=40)),))
INVOICE = Invoice(
    id=UUID(int=1),
    number="INV-2026-000001",
    case_id=UUID(int=2),
    payer_id=PAYER,
    status=InvoiceStatus.PENDING_INVOICE,
    version=1,
    created_on=CREATED_ON,
    billed=FACTS.billed,
    agreed=None,
    received=Decimal(0),
    written_off=Decimal(0),
    earlier_received=Decimal(0),
    contractual=Decimal(0),
    recovered=Decimal(0),
    small_balance=Decimal(0),
    submitted_on=None,
    first_submitted_on=None,
    open_status=InvoiceStatus.PENDING_INVOICE,
    paid_on=None,
    responsible_since=CREATED_ON,
    floor=Decimal("600.00"),
    target=None,
    conditional_until=None,
    is_replacement=False,
    line_count=2,
    open_offer=None,
    case_is_settled=False,
    case_is_covered=False,
    case_is_open=False,
    small_balance_tolerance=Decimal("1.00"),
    facts=FACTS,
)
