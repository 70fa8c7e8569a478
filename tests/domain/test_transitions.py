"""That the life of an invoice is the one that is written here: the whole square, every guard and every refused input."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.errors import IllegalTransition, InvalidInput
from domain.invoices import GUARDS, Invoice, InvoiceStatus
from domain.negotiation import OfferStatus, Party, SubmissionMethod
from domain.outcomes import Actor, Outcome
from domain.people import Role
from domain.transitions import BY_NAME, TRANSITIONS, advance, legal_from, legal_pairs, legal_steps

TODAY = date(2026, 6, 30)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)

# I pending_invoice, R pending_reduction, C pending_cheque, Q cheque_received, P paid, V void, W written_off.
# A cell holds the states that the transition may lead to; a dot is a refusal.
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
# The worker, and whoever tells of a past: what can happen to an invoice at all.
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
LETTERS = {
    "I": InvoiceStatus.PENDING_INVOICE,
    "R": InvoiceStatus.PENDING_REDUCTION,
    "C": InvoiceStatus.PENDING_CHEQUE,
    "Q": InvoiceStatus.CHEQUE_RECEIVED,
    "P": InvoiceStatus.PAID,
    "V": InvoiceStatus.VOID,
    "W": InvoiceStatus.WRITTEN_OFF,
}


def cells(square: str) -> Iterator[tuple[str, InvoiceStatus, set[InvoiceStatus]]]:
    """Each (transition, from, the states it may lead to) that a square draws."""
    head, *rows = square.strip("\n").splitlines()
    for row in rows:
        name, *ends = row.split()
        for start, end in zip(head.split(), ends, strict=True):
            yield name, LETTERS[start], {LETTERS[letter] for letter in end if letter != "."}


def every_cell() -> list[Any]:
    squares = ((Role.BILLING, BY_BILLING), (Role.ADMIN, BY_ADMIN), (None, BY_WORKER))
    return [
        pytest.param(role, *cell, id=f"{role or 'worker'}-{cell[0]}-{cell[1]}")
        for role, square in squares
        for cell in cells(square)
    ]


@pytest.mark.parametrize(("role", "name", "start", "ends"), every_cell())
def test_the_square(role: Role | None, name: str, start: InvoiceStatus, ends: set[InvoiceStatus]) -> None:
    for end in InvoiceStatus:
        if end in ends:
            assert advance(start, name, end, role) is end
        else:
            with pytest.raises(IllegalTransition) as refused:
                advance(start, name, end, role)
            assert (refused.value.status, refused.value.transition) == (start, name)
    assert (name in legal_from(start, role)) == bool(ends)


def test_the_square_is_the_whole_table() -> None:
    names = [line.split()[0] for line in BY_WORKER.strip("\n").splitlines()[1:]]
    assert names == [row.name for row in TRANSITIONS]
    assert len(every_cell()) == 3 * 17 * 7


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
@pytest.mark.parametrize("status", InvoiceStatus)
def test_nobody_but_staff_moves_an_invoice(role: Role, status: InvoiceStatus) -> None:
    assert legal_from(status, role) == ()


def test_a_transition_that_does_not_exist_is_refused() -> None:
    with pytest.raises(IllegalTransition):
        advance(InvoiceStatus.PENDING_INVOICE, "update_status", None, Role.ADMIN)


def test_a_refusal_names_the_state_and_what_is_legal_in_the_order_of_the_table() -> None:
    with pytest.raises(IllegalTransition) as refused:
        advance(InvoiceStatus.PENDING_REDUCTION, "submit_invoice", None, Role.BILLING)
    assert refused.value.legal_now == ("counter_reduction", "agree_reduction", "decline_reduction", "record_denial")
    assert "pending_reduction" in refused.value.message


def test_the_pairs_are_the_changes_of_state_in_the_square() -> None:
    drawn = {(start, end) for _, start, ends in cells(BY_WORKER) for end in ends if start is not end}
    assert legal_pairs() == drawn
    assert len(drawn) == 14


def test_a_history_may_hold_the_square_and_the_correction_of_what_was_written_off() -> None:
    drawn = {(name, start, end) for name, start, ends in cells(BY_WORKER) for end in ends}
    assert legal_steps() - drawn == {("return_cheque", InvoiceStatus.WRITTEN_OFF, InvoiceStatus.WRITTEN_OFF)}
    assert drawn <= legal_steps()


# The guards, drawn.

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
submit_invoice      submittedOn method
accept_in_full
request_reduction   amount
counter_reduction   party amount
agree_reduction
decline_reduction   reason
reopen_reduction    reason
record_denial       deniedOn reasonCode
record_cheque       payerId number amount chequeDate receivedOn documentId allocations
allocate_cheque     chequeId allocations
return_cheque       chequeId returnedOn reason
settle_case         caseId
reopen_case         caseId reason
change_payer        payerId reason
lapse_agreement
void_invoice        reason
write_off_invoice   reason
"""


def table(text: str) -> dict[str, tuple[str, ...]]:
    return {line.split()[0]: tuple(line.split()[1:]) for line in text.strip().splitlines()}


def test_each_transition_has_its_guards() -> None:
    assert {row.name: row.guards for row in TRANSITIONS} == table(GUARDED)


def test_each_transition_requires_its_inputs() -> None:
    assert {row.name: row.requires for row in TRANSITIONS} == table(REQUIRED)


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
AGREED = replace(INVOICE, status=InvoiceStatus.PENDING_CHEQUE, agreed=Decimal("800.00"), submitted_on=YESTERDAY)


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


def test_every_guard_is_used_and_speaks() -> None:
    assert {guard for row in TRANSITIONS for guard in row.guards} == set(GUARDS)
    assert all(guard.words for guard in GUARDS.values())


# What each transition does, and which inputs it refuses.


def effect(name: str, invoice: Invoice, role: Role | None = Role.BILLING, **given: Any) -> Outcome:
    """What a transition does today."""
    return BY_NAME[name].effect(invoice, given, Actor(role, TODAY))


def refused(name: str, invoice: Invoice, role: Role | None = Role.BILLING, **given: Any) -> tuple[str, ...]:
    """The part of the input that is refused."""
    with pytest.raises(InvalidInput) as refusal:
        effect(name, invoice, role, **given)
    assert refusal.value.message
    return refusal.value.path


def test_a_submission_is_of_today_or_of_a_day_since_the_creation() -> None:
    for on in (TODAY, INVOICE.created_on):
        outcome = effect("submit_invoice", INVOICE, submitted_on=on, method=SubmissionMethod.FAX)
        assert outcome.values == {"submitted_on": on, "submission_method": "fax"}
    for on in (TOMORROW, INVOICE.created_on - timedelta(days=1)):
        assert refused("submit_invoice", INVOICE, submitted_on=on, method=SubmissionMethod.FAX) == ("submitted_on",)


def test_in_full_means_the_billed_amount() -> None:
    assert effect("accept_in_full", INVOICE).values == {"agreed_amount": Decimal("1000.00"), "agreed_on": TODAY}


@pytest.mark.parametrize("amount", ["0.01", "999.99"])
def test_a_reduction_that_is_asked_for_changes_no_ledger(amount: str) -> None:
    outcome = effect("request_reduction", INVOICE, amount=Decimal(amount), reason="poor", expires_on=TODAY)
    assert outcome.values == {}
    assert outcome.offer == {
        "party": "payer",
        "amount": Decimal(amount),
        "reason": "poor",
        "expires_on": TODAY,
        "status": "open",
    }


@pytest.mark.parametrize("amount", ["-1.00", "0.00", "1000.00", "1000.01"])
def test_a_reduction_is_asked_for_above_0_and_below_what_is_billed(amount: str) -> None:
    assert refused("request_reduction", INVOICE, amount=Decimal(amount)) == ("amount",)


def test_an_offer_does_not_expire_in_the_past() -> None:
    offer: dict[str, Any] = {"amount": Decimal(5), "expires_on": YESTERDAY}
    assert refused("request_reduction", INVOICE, **offer) == ("expires_on",)
    assert refused("counter_reduction", INVOICE, party=Party.CLINIC, **offer) == ("expires_on",)


@pytest.mark.parametrize("amount", ["0.01", "1000.00"])
@pytest.mark.parametrize("party", Party)
def test_a_counter_offer_supersedes_the_open_one(party: Party, amount: str) -> None:
    outcome = effect("counter_reduction", INVOICE, party=party, amount=Decimal(amount), note="last word")
    assert outcome.values == {}
    assert outcome.open_offer is OfferStatus.SUPERSEDED
    assert outcome.offer is not None
    assert (outcome.offer["party"], outcome.offer["reason"], outcome.offer["status"]) == (party, "last word", "open")


@pytest.mark.parametrize("amount", ["-0.01", "0.00", "1000.01"])
def test_a_counter_offer_is_above_0_and_at_most_what_is_billed(amount: str) -> None:
    assert refused("counter_reduction", INVOICE, party=Party.CLINIC, amount=Decimal(amount)) == ("amount",)


def test_an_agreement_takes_the_open_offer_unless_it_says_otherwise() -> None:
    offered = replace(INVOICE, open_offer=Decimal("700.00"))
    outcome = effect("agree_reduction", offered, conditional_until=TODAY)
    assert outcome.values == {"agreed_amount": Decimal("700.00"), "agreed_on": TODAY, "conditional_until": TODAY}
    assert (outcome.open_offer, outcome.offer) == (OfferStatus.ACCEPTED, None)
    otherwise = effect("agree_reduction", offered, amount=Decimal("650.00"))
    assert otherwise.values["agreed_amount"] == Decimal("650.00")
    assert otherwise.open_offer is OfferStatus.SUPERSEDED
    assert otherwise.offer is not None
    assert otherwise.offer["status"] == "accepted"


def test_without_an_open_offer_an_agreement_says_its_amount() -> None:
    assert refused("agree_reduction", INVOICE) == ("amount",)
    assert refused("agree_reduction", INVOICE, amount=None) == ("amount",)


@pytest.mark.parametrize("amount", ["-1.00", "0.00", "1000.01"])
@pytest.mark.parametrize("role", [Role.BILLING, Role.ADMIN])
def test_an_agreement_is_above_0_and_at_most_what_is_billed(role: Role, amount: str) -> None:
    offered = replace(INVOICE, open_offer=Decimal("700.00"), floor=None)
    assert refused("agree_reduction", offered, role, amount=Decimal(amount)) == ("amount",)


def test_a_condition_does_not_end_in_the_past() -> None:
    given: dict[str, Any] = {"amount": Decimal("700.00"), "conditional_until": YESTERDAY}
    assert refused("agree_reduction", INVOICE, **given) == ("conditional_until",)


def test_below_the_floor_only_an_administrator_agrees() -> None:
    below, at = Decimal("599.99"), Decimal("600.00")
    assert refused("agree_reduction", INVOICE, amount=below) == ("amount",)
    assert refused("agree_reduction", replace(INVOICE, open_offer=below)) == ("amount",)
    assert effect("agree_reduction", INVOICE, Role.ADMIN, amount=below).values["agreed_amount"] == below
    assert effect("agree_reduction", INVOICE, amount=at).values["agreed_amount"] == at
    assert effect("agree_reduction", replace(INVOICE, floor=None), amount=below).values["agreed_amount"] == below


@pytest.mark.parametrize(
    "name", ["decline_reduction", "reopen_reduction", "change_payer", "void_invoice", "write_off_invoice"]
)
@pytest.mark.parametrize("reason", ["", " \n\t"])
def test_a_reason_is_not_empty(name: str, reason: str) -> None:
    assert refused(name, AGREED, Role.ADMIN, reason=reason, payer_id=UUID(int=9)) == ("reason",)


def test_a_negotiation_that_is_declined_leaves_the_ledger() -> None:
    assert effect("decline_reduction", INVOICE, reason="no") == Outcome(open_offer=OfferStatus.DECLINED)


@pytest.mark.parametrize(
    ("name", "becomes"), [("reopen_reduction", OfferStatus.SUPERSEDED), ("lapse_agreement", OfferStatus.LAPSED)]
)
def test_an_agreement_that_is_undone_leaves_nothing_agreed(name: str, becomes: OfferStatus) -> None:
    outcome = effect(name, AGREED, reason="new facts")
    assert outcome.values == {"agreed_amount": None, "agreed_on": None, "conditional_until": None}
    assert outcome.agreed_offer is becomes


def test_a_denial_is_a_record_that_clears_the_submission() -> None:
    outcome = effect("record_denial", INVOICE, denied_on=TODAY, reason_code="CO-50", appeal_due_on=TOMORROW)
    assert outcome.values == {"submitted_on": None, "submission_method": None}
    assert outcome.open_offer is OfferStatus.DECLINED
    assert outcome.denial == {
        "denied_on": TODAY,
        "reason_code": "CO-50",
        "amount": None,
        "note": None,
        "appeal_due_on": TOMORROW,
    }


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"denied_on": TOMORROW}, "denied_on"),
        ({"reason_code": "  "}, "reason_code"),
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal("1000.01")}, "amount"),
    ],
)
def test_a_denial_is_of_a_day_that_came_for_a_reason_and_of_what_was_billed(given: dict[str, Any], path: str) -> None:
    assert refused("record_denial", INVOICE, **{"denied_on": TODAY, "reason_code": "CO-50", **given}) == (path,)


def test_another_payer_has_to_be_sent_the_invoice_first() -> None:
    outcome = effect("change_payer", INVOICE, payer_id=UUID(int=9), reason="insured elsewhere")
    assert outcome.values == {"submitted_on": None, "submission_method": None, "payer_id": UUID(int=9)}
    assert refused("change_payer", INVOICE, payer_id=INVOICE.payer_id, reason="the same") == ("payer_id",)


@pytest.mark.parametrize("amount", ["0.01", "799.99"])
def test_a_cheque_pays_a_part(amount: str) -> None:
    outcome = effect("record_cheque", AGREED, amount=Decimal(amount), received_on=YESTERDAY)
    assert outcome.values == {"received_amount": Decimal(amount)}


def test_the_cheque_that_completes_it_says_when_it_was_fully_paid() -> None:
    half = replace(AGREED, received=Decimal("500.00"))
    outcome = effect("allocate_cheque", half, amount=Decimal("300.00"), received_on=YESTERDAY)
    assert outcome.values == {"received_amount": Decimal("800.00"), "fully_paid_on": YESTERDAY}


@pytest.mark.parametrize("name", ["record_cheque", "allocate_cheque"])
@pytest.mark.parametrize("amount", ["-1.00", "0.00", "300.01", "800.00"])
def test_an_allocation_is_above_0_and_at_most_the_balance(name: str, amount: str) -> None:
    half = replace(AGREED, received=Decimal("500.00"))
    assert refused(name, half, amount=Decimal(amount), received_on=TODAY) == ("amount",)


def test_what_a_returned_cheque_paid_is_owed_again() -> None:
    paid = replace(AGREED, status=InvoiceStatus.PAID, received=Decimal("800.00"))
    outcome = effect("return_cheque", paid, amount=Decimal("300.00"))
    assert outcome.values == {"received_amount": Decimal("500.00"), "fully_paid_on": None, "paid_on": None}


def test_what_a_returned_cheque_paid_of_a_written_off_invoice_is_written_off_too() -> None:
    given_up = replace(
        AGREED, status=InvoiceStatus.WRITTEN_OFF, received=Decimal("300.00"), written_off=Decimal("500.00")
    )
    outcome = effect("return_cheque", given_up, amount=Decimal("300.00"))
    assert outcome.values == {"received_amount": Decimal(0), "written_off_amount": Decimal("800.00")}


def test_what_is_left_is_written_off() -> None:
    half = replace(AGREED, received=Decimal("500.00"))
    outcome = effect("write_off_invoice", half, Role.ADMIN, reason="case lost")
    assert outcome.values == {"written_off_amount": Decimal("300.00")}
    assert outcome.open_offer is OfferStatus.DECLINED
    assert effect("write_off_invoice", INVOICE, Role.ADMIN, reason="lost").values == {
        "written_off_amount": Decimal("1000.00")
    }


def test_a_void_invoice_owes_nothing_and_loses_nothing() -> None:
    assert effect("void_invoice", INVOICE, Role.ADMIN, reason="wrong patient").values == {}


def test_settling_says_when_it_was_paid_and_opening_again_takes_it_back() -> None:
    assert effect("settle_case", AGREED).values == {"paid_on": TODAY}
    assert effect("reopen_case", AGREED, Role.ADMIN, reason="one more").values == {"paid_on": None}
