"""The rows of the transition table that record what payers paid and adjusted, and its corrections."""

from domain.billing.effects import adjustments, corrections, inputs, receipts, remittances
from domain.billing.invoices import InvoiceStatus
from domain.billing.transition import Transition

S = InvoiceStatus
_OPEN = (S.PENDING_INVOICE, S.PENDING_REDUCTION, S.PENDING_CHEQUE)
_COVERED, _PAID, _WRITTEN_OFF = (S.CHEQUE_RECEIVED,), (S.PAID,), (S.WRITTEN_OFF,)
_PAYABLE = (*_OPEN, *_COVERED, *_WRITTEN_OFF)
# A receipt keeps the status unless nothing is left to pay. Later money takes a small balance back that was given up.
_RECEIPT = (
    *((status, status) for status in (*_PAYABLE, *_PAID)),
    *((status, S.CHEQUE_RECEIVED) for status in (*_OPEN, *_WRITTEN_OFF)),
    # Of a written-off invoice a contract may have left nothing but a small balance.
    *((S.CHEQUE_RECEIVED, status) for status in (*_OPEN, *_WRITTEN_OFF)),
)
# What was paid is due again, or is written off again; a covered invoice stays so where an agreement holds without that payment. An
# open one is covered where a payment of before is returned that had left less of a small balance to give up.
_RETURN = (
    *((status, S.CHEQUE_RECEIVED) for status in _OPEN),
    *((status, status) for status in (*_PAYABLE, *_PAID)),
    *((status, end) for status in (*_COVERED, *_PAID) for end in (*_OPEN, *_WRITTEN_OFF)),
)
# Where nothing is left, an open invoice is covered, or waits to be closed as empty; what is taken back is due again.
_ADJUSTED = (
    *((status, status) for status in (*_OPEN, *_COVERED, *_WRITTEN_OFF)),
    *((status, S.CHEQUE_RECEIVED) for status in (*_OPEN, *_WRITTEN_OFF)),
    *((S.CHEQUE_RECEIVED, status) for status in (*_OPEN, *_WRITTEN_OFF)),
    (S.PENDING_REDUCTION, S.PENDING_INVOICE),
)
# As if it had been typed right: a receipt gives way to another one. An agreement lapses, or holds again, as the right days say.
_CORRECTION = (
    *((status, status) for status in (*_PAYABLE, *_PAID)),
    *((status, S.CHEQUE_RECEIVED) for status in (*_OPEN, *_WRITTEN_OFF)),
    *((status, end) for status in (*_COVERED, *_PAID) for end in (*_OPEN, *_WRITTEN_OFF)),
    (S.PENDING_CHEQUE, S.PENDING_REDUCTION),
    (S.PENDING_REDUCTION, S.PENDING_CHEQUE),
)
# Some claims are paid, others are taken back; nothing is taken back in a case that is settled.
_POSTING = tuple(
    (start, end)
    for start, end in dict.fromkeys((*_RECEIPT, *_RETURN, *_ADJUSTED))
    if start is not S.PAID or end is S.PAID
)

PAYMENT_TRANSITIONS = (
    Transition(
        "record_adjustment",
        "Record an adjustment",
        "Record a contractual adjustment: an amount that the payer does not pay by its contract with the clinic, and that is no longer "
        "due. A negative amount takes an adjustment back.",
        "A contractual adjustment of an invoice, or of one of its lines.",
        (*_OPEN, *_COVERED, *_WRITTEN_OFF),
        (*_OPEN, *_COVERED, *_WRITTEN_OFF),
        adjustments.record_adjustment,
        inputs.ADJUSTMENT,
        ("sent", "something_to_adjust"),
        moves=_ADJUSTED,
        needs=("adjustment_possible",),
    ),
    Transition(
        "record_cheque",
        "Record a cheque",
        "Record a received cheque or another payment, and allocate it to invoices.",
        "A cheque or another payment that was received.",
        _PAYABLE,
        (*_PAYABLE, *_PAID),
        receipts.receive,
        inputs.NEW_CHEQUE,
        ("sent", "something_unpaid"),
        admin_start=_PAID,
        record="cheque",
        moves=_RECEIPT,
        needs=("payer_with_something_left",),
    ),
    Transition(
        "allocate_cheque",
        "Allocate a cheque",
        "Allocate the rest of a cheque to further invoices.",
        "Further allocations of a cheque.",
        _PAYABLE,
        (*_PAYABLE, *_PAID),
        receipts.receive,
        (inputs.CHEQUE, inputs.ALLOCATIONS),
        ("sent", "something_unpaid"),
        admin_start=_PAID,
        record="cheque",
        moves=_RECEIPT,
        needs=("unapplied_cheque",),
    ),
    Transition(
        "post_remittance",
        "Post a remittance",
        "Post claims of a remittance, those of one payment together: the payment, its allocations, and what the payer adjusts, denies and "
        "takes back. What cannot be posted waits with its reason, and nothing is written off or transferred by itself.",
        "The remittance, and the claims to post.",
        _PAYABLE,
        (*_PAYABLE, *_PAID),
        remittances.post_remittance,
        inputs.POSTING,
        ("sent",),
        admin_start=_PAID,
        record="remittance",
        moves=_POSTING,
        needs=("waiting_remittance",),
    ),
    Transition(
        "return_cheque",
        "Record a returned cheque",
        "Record that a cheque was returned unpaid. The invoices that it paid are outstanding again.",
        "A cheque that was returned unpaid: by the bank, or because it was lost or replaced.",
        _PAYABLE,
        (*_PAYABLE, *_PAID),
        receipts.take_back,
        inputs.RETURN,
        ("something_received",),
        admin_start=_PAID,
        record="cheque",
        moves=_RETURN,
        needs=("returnable_cheque",),
    ),
    Transition(
        "correct_cheque",
        "Correct a payment",
        "Correct what was typed wrong of a payment: another one takes its place, and its invoices are as if it had been typed right. "
        "A correction is no return.",
        "What was typed wrong of a payment; what is not given stays as it is.",
        _PAYABLE,
        (*_PAYABLE, *_PAID),
        corrections.correct,
        inputs.CORRECTION,
        ("sent",),
        admin_start=_PAID,
        record="cheque",
        moves=_CORRECTION,
        needs=("paying_cheque",),
    ),
    Transition(
        "move_allocation",
        "Move an allocation",
        "Move what a payment pays of an invoice, or a part of it, to another invoice, or leave it unapplied. What is then not covered "
        "is due again.",
        "The allocation to move.",
        _PAYABLE,
        (*_PAYABLE, *_PAID),
        corrections.correct,
        inputs.MOVE,
        ("sent",),
        admin_start=_PAID,
        record="cheque",
        moves=_CORRECTION,
        needs=("returnable_cheque",),
    ),
)
