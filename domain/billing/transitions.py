"""The transition table of an invoice: every legal transition, from which mutations, forms, guards in SQL and pages are derived."""

from domain.access.people import Role
from domain.billing.effects import closing, inputs, negotiation, responsibility, submission
from domain.billing.invoices import InvoiceStatus
from domain.billing.payment_transitions import PAYMENT_TRANSITIONS
from domain.billing.transition import Transition, reason_input

S = InvoiceStatus
_ADMIN = frozenset({Role.ADMIN})
_WORKER: frozenset[Role] = frozenset()
_PENDING, _REDUCING, _AWAITING = (S.PENDING_INVOICE,), (S.PENDING_REDUCTION,), (S.PENDING_CHEQUE,)
_OPEN = (*_PENDING, *_REDUCING, *_AWAITING)
_COVERED, _PAID, _WRITTEN_OFF = (S.CHEQUE_RECEIVED,), (S.PAID,), (S.WRITTEN_OFF,)

TRANSITIONS = (
    Transition(
        "submit_invoice",
        "Submit",
        "Submit an invoice to its payer.",
        "The submission of an invoice to its payer.",
        _PENDING,
        _PENDING,
        submission.submit,
        inputs.SUBMISSION,
        ("has_lines", "billed", "not_submitted"),
        reads_facts=False,
    ),
    Transition(
        "accept_in_full",
        "Accept in full",
        "Record that the payer accepts the open part without a reduction.",
        "The payer's acceptance of the open part without a reduction.",
        _PENDING,
        _AWAITING,
        negotiation.accept_in_full,
        (),
        ("submitted", "something_due"),
    ),
    Transition(
        "request_reduction",
        "Record a reduction request",
        "Record that the payer requests a reduction.",
        "The payer's request for a reduction.",
        _PENDING,
        _REDUCING,
        negotiation.request_reduction,
        inputs.REQUEST,
        ("submitted", "something_due"),
        reads_facts=False,
        needs=("something_to_reduce",),
    ),
    Transition(
        "counter_reduction",
        "Make a counter-offer",
        "Record the next offer of a negotiation.",
        "The next offer of a negotiation.",
        _REDUCING,
        _REDUCING,
        negotiation.counter_reduction,
        inputs.COUNTER_OFFER,
        reads_facts=False,
        needs=("offer_possible",),
    ),
    Transition(
        "agree_reduction",
        "Agree on a reduction",
        "Record the agreement of both sides on a reduced amount.",
        "The agreement of both sides on an amount.",
        _REDUCING,
        (*_AWAITING, *_COVERED),
        negotiation.agree_reduction,
        inputs.AGREEMENT,
        needs=("agreement_possible",),
    ),
    Transition(
        "decline_reduction",
        "Decline the reduction",
        "Decline a reduction and end the negotiation.",
        "The end of a negotiation without a reduction.",
        _REDUCING,
        _PENDING,
        negotiation.decline_reduction,
        (reason_input("Why the reduction is declined."),),
        reads_facts=False,
    ),
    Transition(
        "reopen_reduction",
        "Reopen the negotiation",
        "Reopen the negotiation of an agreed amount.",
        "The reopening of an agreed reduction.",
        _AWAITING,
        _REDUCING,
        negotiation.reopen_reduction,
        (reason_input("Why it is reopened."),),
        ("something_to_negotiate", "case_open"),
        # Also an agreement that was recorded with a wrong amount.
        admin_start=_COVERED,
    ),
    Transition(
        "record_denial",
        "Record a denial",
        "Record that the payer denies the invoice.",
        "A denial by the payer.",
        _OPEN,
        _OPEN,
        submission.record_denial,
        inputs.DENIAL,
        ("sent",),
        # A denial of one line, of a day before the agreement, or by an earlier payer, is a record alone.
        moves=(
            *((status, S.PENDING_INVOICE) for status in _OPEN),
            *((status, status) for status in (*_REDUCING, *_AWAITING)),
        ),
    ),
    *PAYMENT_TRANSITIONS,
    Transition(
        "settle_case",
        "Settle the case",
        "Settle a case of which no invoice is open: those with the status CHEQUE_RECEIVED become PAID.",
        "The case to settle.",
        (S.CHEQUE_RECEIVED,),
        (S.PAID,),
        closing.settle,
        (inputs.CASE,),
        ("case_covered",),
        record="case",
        reads_facts=False,
    ),
    Transition(
        "close_case",
        "Close the case",
        "Close a case without a settlement, when it was dropped or lost and no invoice of it is open.",
        "The case to close.",
        _COVERED,
        _PAID,
        closing.settle,
        inputs.CLOSING,
        ("case_covered",),
        record="case",
        reads_facts=False,
    ),
    Transition(
        "reopen_case",
        "Reopen the case",
        "Reopen a settled or closed case.",
        "The case to reopen.",
        (S.PAID,),
        (S.CHEQUE_RECEIVED,),
        closing.reopen_case,
        (inputs.CASE, reason_input("Why the case is reopened.")),
        ("case_settled",),
        _ADMIN,
        record="case",
        reads_facts=False,
    ),
    Transition(
        "change_payer",
        "Change the payer",
        "Change the payer of an invoice.",
        "The change of the payer of an invoice.",
        _PENDING,
        _PENDING,
        submission.change_payer,
        (inputs.PAYER, reason_input("Why the payer changes.")),
        ("payer_paid_nothing",),
        needs=("balance_may_move",),
    ),
    Transition(
        "transfer_balance",
        "Transfer the balance",
        "Make another payer, or another coverage, responsible for the open part of an invoice. It has to be submitted to that payer, "
        "unless the agreement is kept.",
        "The transfer of the open part of an invoice to another payer.",
        _OPEN,
        (*_PENDING, *_AWAITING, *_COVERED),
        responsibility.transfer_balance,
        inputs.TRANSFER,
        ("sent_to_payer", "something_due"),
        needs=("balance_may_move",),
        # A kept agreement is covered at once where the new payer has paid already.
        moves=(
            *((status, S.PENDING_INVOICE) for status in _OPEN),
            *((S.PENDING_CHEQUE, end) for end in (*_AWAITING, *_COVERED)),
        ),
    ),
    Transition(
        "lapse_agreement",
        "Agreement lapsed",
        "A conditional agreement that was not paid by its day lapses.",
        "",
        _AWAITING,
        _REDUCING,
        negotiation.lapse_agreement,
        guards=("condition_passed", "nothing_in_time"),
        roles=_WORKER,
    ),
    Transition(
        "revive_agreement",
        "Agreement revived",
        "A lapsed agreement holds after all: money that was received in time has been recorded late.",
        "",
        _REDUCING,
        (*_AWAITING, *_COVERED),
        negotiation.revive_agreement,
        roles=_WORKER,
    ),
    Transition(
        "void_invoice",
        "Void",
        "Void an invoice that was issued in error, also one of 0.00 that was closed.",
        "The invoice to void.",
        # Nothing was received of a covered invoice only where there is nothing to pay.
        (*_PENDING, *_COVERED),
        (S.VOID,),
        closing.void,
        (reason_input("Why the invoice was issued in error."),),
        ("nothing_received",),
        _ADMIN,
    ),
    Transition(
        "replace_invoice",
        "Replace",
        "Replace an invoice with wrong lines: it becomes void, and another one bills the right lines. What was received is allocated "
        "to the new invoice, up to its amount.",
        "The invoice to replace, and the lines to bill instead.",
        _OPEN,
        (S.VOID,),
        closing.replace_invoice,
        inputs.REPLACEMENT,
        ("sent_with_lines", "case_open"),
        staff_guards=("nothing_to_move",),
    ),
    Transition(
        "write_off_invoice",
        "Write off",
        "Write off the outstanding balance of an invoice.",
        "The invoice to write off.",
        _OPEN,
        _WRITTEN_OFF,
        closing.write_off,
        (reason_input("Why it is uncollectible."),),
        ("something_due",),
        roles=_ADMIN,
    ),
    Transition(
        "reverse_write_off",
        "Reverse the write-off",
        "Reverse the write-off of an invoice: what was written off is due again.",
        "The write-off to reverse.",
        _WRITTEN_OFF,
        _OPEN,
        closing.reverse_write_off,
        (reason_input("Why it is collectible after all."),),
        ("case_open",),
        roles=_ADMIN,
    ),
    Transition(
        "close_small_balance",
        "Close a small balance",
        "Give up a balance that is within the clinic's tolerance, after a payment.",
        "The invoice whose small balance is given up.",
        _AWAITING,
        _COVERED,
        closing.close_small_balance,
        (),
        ("partly_paid", "no_small_balance", "small_balance"),
    ),
    Transition(
        "close_empty",
        "Close an empty invoice",
        "Close an invoice of 0.00, for which nothing is to be paid.",
        "The invoice of 0.00 to close.",
        _PENDING,
        _COVERED,
        closing.close_empty,
        (reason_input("Why the invoice is empty."),),
        ("empty",),
    ),
)
BY_NAME = {transition.name: transition for transition in TRANSITIONS}
# These record what others did; all other transitions of a person are decisions of the clinic.
OUTSIDE_FACTS = (
    *("record_cheque", "allocate_cheque", "post_remittance", "return_cheque", "record_denial", "record_adjustment"),
    *("correct_cheque", "move_allocation"),
)


def legal_from(status: InvoiceStatus, role: Role | None = None) -> tuple[str, ...]:
    """The names of the transitions that start in a state, in the order of the table; with a role, those permitted to it."""
    return tuple(row.name for row in TRANSITIONS if row.starts(status, role))


def legal_pairs() -> frozenset[tuple[InvoiceStatus, InvoiceStatus]]:
    """Every (from, to) status change that a transition makes: what the database's trigger allows."""
    return frozenset((start, end) for _, start, end in legal_steps() if start != end)


def legal_steps() -> frozenset[tuple[str, InvoiceStatus, InvoiceStatus]]:
    """Every (transition, from, to) that an invoice's history may contain."""
    return frozenset(
        (row.name, start, end)
        for row in TRANSITIONS
        for start in (*row.start, *row.admin_start)
        for end in row.ends(start)
    )
