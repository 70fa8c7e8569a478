"""Which changes of status money and adjustments can make of an invoice: where the end depends on the start and the amounts."""

from domain.billing.invoices import InvoiceStatus

S = InvoiceStatus
PENDING, REDUCING, AWAITING = (S.PENDING_INVOICE,), (S.PENDING_REDUCTION,), (S.PENDING_CHEQUE,)
OPEN = (*PENDING, *REDUCING, *AWAITING)
COVERED, PAID, WRITTEN_OFF = (S.CHEQUE_RECEIVED,), (S.PAID,), (S.WRITTEN_OFF,)
PAYABLE = (*OPEN, *COVERED, *WRITTEN_OFF)
# A receipt keeps the status unless nothing is left to pay. Later money takes a small balance back that was given up.
RECEIPT = (
    *((status, status) for status in (*PAYABLE, *PAID)),
    *((status, S.CHEQUE_RECEIVED) for status in (*OPEN, *WRITTEN_OFF)),
    # Of a written-off invoice a contract may have left nothing but a small balance.
    *((S.CHEQUE_RECEIVED, status) for status in (*OPEN, *WRITTEN_OFF)),
)
# What was paid is due again, or is written off again; a covered invoice stays so where an agreement holds without that payment. An
# open one is covered where a payment of before is returned that had left less of a small balance to give up.
RETURN = (
    *((status, S.CHEQUE_RECEIVED) for status in OPEN),
    *((status, status) for status in (*PAYABLE, *PAID)),
    *((status, end) for status in (*COVERED, *PAID) for end in (*OPEN, *WRITTEN_OFF)),
)
# Where nothing is left, an open invoice is covered, or waits to be closed as empty; what is taken back is due again.
ADJUSTED = (
    *((status, status) for status in (*OPEN, *COVERED, *WRITTEN_OFF)),
    *((status, S.CHEQUE_RECEIVED) for status in (*OPEN, *WRITTEN_OFF)),
    *((S.CHEQUE_RECEIVED, status) for status in (*OPEN, *WRITTEN_OFF)),
    (S.PENDING_REDUCTION, S.PENDING_INVOICE),
)

# As if it had been typed right: a receipt gives way to another one. An agreement lapses, or holds again, as the right days say.
CORRECTION = (
    *((status, status) for status in (*PAYABLE, *PAID)),
    *((status, S.CHEQUE_RECEIVED) for status in (*OPEN, *WRITTEN_OFF)),
    *((status, end) for status in (*COVERED, *PAID) for end in (*OPEN, *WRITTEN_OFF)),
    (S.PENDING_CHEQUE, S.PENDING_REDUCTION),
    (S.PENDING_REDUCTION, S.PENDING_CHEQUE),
)

# Some claims are paid, others are taken back; nothing is taken back in a case that is settled.
POSTING = tuple(
    (start, end) for start, end in dict.fromkeys((*RECEIPT, *RETURN, *ADJUSTED)) if start is not S.PAID or end is S.PAID
)
# A denial of one line, of a day before the agreement, or by an earlier payer, is a record alone.
DENIAL = (
    *((status, S.PENDING_INVOICE) for status in OPEN),
    *((status, status) for status in (*REDUCING, *AWAITING)),
)
# A kept agreement is covered at once where the new payer has paid already.
TRANSFER = (
    *((status, S.PENDING_INVOICE) for status in OPEN),
    *((S.PENDING_CHEQUE, end) for end in (*AWAITING, *COVERED)),
)
