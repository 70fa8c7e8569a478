"""Corrections in the history of an invoice: what a payment paid gives way to what is right, in the rows that the commands write."""

from collections.abc import Iterable
from datetime import date, datetime
from random import Random
from uuid import UUID

from domain.billing.effects.corrections import Corrected
from domain.billing.ledger.facts import Receipt
from domain.ids import new_id
from domain.payments.cheques import ReversalKind
from imports.history.invoice_history import InvoiceHistory
from imports.history.rows import ZERO, noon_of, reversal_of

_STEPS = {ReversalKind.CORRECTED: "correct_cheque", ReversalKind.MOVED: "move_allocation"}

# A receipt with the payment to which it belongs.
Paid = tuple[UUID, Receipt]


def correct(
    history: InvoiceHistory,
    on: date,
    kind: ReversalKind,
    reason: str,
    rng: Random,
    *,
    removed: Iterable[Paid] = (),
    added: Iterable[Paid] = (),
) -> datetime:
    """Receipts give way to others, which have the moments of those that were wrong; returns the moment of the correction.

    `kind` is CORRECTED or MOVED. All new ids come from `rng`. It raises what the methods of the history raise.
    """
    removed, added = tuple(removed), tuple(added)
    wrong = (frozenset(one.id for _, one in removed), frozenset(one.recorded_at for _, one in removed))
    with history.drawing(rng):
        corrected = Corrected(*wrong, tuple(one for _, one in added))
        moment = history.apply(on, _STEPS[kind], corrected=corrected, reason=reason)
        for cheque, one in removed:
            identity = new_id(noon_of(on), rng.getrandbits)
            history.add_allocation(cheque, reversal_of(one, identity, one.effective_on, moment), kind)
            history.received_by_cheque[cheque] -= one.amount
        for cheque, one in added:
            history.add_allocation(cheque, one, recorded_at=moment)
            history.received_by_cheque[cheque] = history.received_by_cheque.get(cheque, ZERO) + one.amount
    return moment
