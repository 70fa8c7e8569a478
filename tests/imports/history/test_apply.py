"""An invoice history allows exactly the transitions of the table, by their methods and by their names."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from domain.billing.coverages import AdjustmentGroup
from domain.billing.effects.corrections import Corrected
from domain.billing.invoices import OPEN, InvoiceStatus
from domain.billing.ledger.facts import ResponsibilityReason
from domain.billing.negotiation import Party, SubmissionMethod
from domain.billing.transition import Transition
from domain.billing.transitions import TRANSITIONS
from domain.errors import IllegalTransition
from imports.history.invoice_history import InvoiceHistory
from tests.imports.test_invoice_history import (
    CHEQUE,
    OTHER,
    USER,
    agreed,
    day,
    in_reduction,
    new_history,
    rows,
    submitted,
    void,
    written_off,
)

Status = InvoiceStatus


def lapsed() -> InvoiceHistory:
    history = agreed(until=day(5))
    history.lapse_agreement(day(6))
    history.counter_reduction(day(7), Party.CLINIC, Decimal("900.00"))
    return history


def with_small_balance() -> InvoiceHistory:
    history = agreed()
    history.apply_cheque(day(4), CHEQUE, Decimal("699.50"))
    history.apply(day(5), "close_small_balance")
    return history


def closed() -> InvoiceHistory:
    history = with_small_balance()
    history.apply(day(6), "close_case", reason="LOST")
    return history


IN_STATE: dict[InvoiceStatus, Callable[[], InvoiceHistory]] = {
    Status.PENDING_INVOICE: submitted,
    Status.PENDING_REDUCTION: lapsed,
    Status.PENDING_CHEQUE: lambda: agreed(until=day(5)),
    Status.CHEQUE_RECEIVED: with_small_balance,
    Status.PAID: closed,
    Status.VOID: void,
    Status.WRITTEN_OFF: written_off,
}
APPLY: dict[str, Callable[[InvoiceHistory], object]] = {
    "replace_invoice": lambda history: history.apply(
        day(10), "replace_invoice", reversals=[], reason="As it should be"
    ),
    "submit_invoice": lambda history: history.submit_invoice(day(10), SubmissionMethod.MAIL),
    "accept_in_full": lambda history: history.accept_in_full(day(10)),
    "request_reduction": lambda history: history.request_reduction(day(10), Decimal("400.00")),
    "counter_reduction": lambda history: history.counter_reduction(day(10), Party.CLINIC, Decimal("900.00")),
    "agree_reduction": lambda history: history.agree_reduction(day(10)),
    "decline_reduction": lambda history: history.decline_reduction(day(10), "Too little"),
    "reopen_reduction": lambda history: history.reopen_reduction(day(10), "Another lien"),
    "record_denial": lambda history: history.record_denial(day(10), "LATE"),
    "record_adjustment": lambda history: history.apply(
        day(10), "record_adjustment", group=AdjustmentGroup.CO, reason_code="45", amount=Decimal("0.50")
    ),
    "correct_cheque": lambda history: history.apply(
        day(10), "correct_cheque", corrected=Corrected(), reason="As it should be"
    ),
    "move_allocation": lambda history: history.apply(
        day(10), "move_allocation", corrected=Corrected(), reason="As it should be"
    ),
    "post_remittance": lambda history: history.apply(
        day(10), "post_remittance", adjustments=(), reversals=(), receipt=None, denials=()
    ),
    # As much as is given up of a covered invoice.
    "record_cheque": lambda history: history.apply_cheque(day(10), OTHER, Decimal("0.50")),
    "allocate_cheque": lambda history: history.allocate_cheque(day(10), OTHER, Decimal("0.50"), day(9)),
    "return_cheque": lambda history: history.return_cheque(day(10), CHEQUE, "Not covered"),
    "settle_case": lambda history: history.settle_case(day(10)),
    "reopen_case": lambda history: history.reopen_case(day(10), "Too early"),
    "change_payer": lambda history: history.change_payer(day(10), OTHER, "Wrong one"),
    "transfer_balance": lambda history: history.apply(
        day(10),
        "transfer_balance",
        payer_id=OTHER,
        reason=ResponsibilityReason.OTHER,
        keep_agreement=False,
        note="Refused",
    ),
    "revive_agreement": lambda history: history.apply(day(10), "revive_agreement", role=None),
    "lapse_agreement": lambda history: history.lapse_agreement(day(10)),
    "void_invoice": lambda history: history.void_invoice(day(10), "Twice"),
    "write_off_invoice": lambda history: history.write_off_invoice(day(10), "Lost"),
}
# Allowed by the table but refused by a guard in the statuses above: submitted already, nothing received, not empty.
REFUSED_BY_A_GUARD = {
    *(("submit_invoice", Status.PENDING_INVOICE), ("close_empty", Status.PENDING_INVOICE)),
    *(("return_cheque", status) for status in (*OPEN, Status.WRITTEN_OFF)),
    *(("close_small_balance", Status.PENDING_CHEQUE), ("void_invoice", Status.CHEQUE_RECEIVED)),
}


def _apply(history: InvoiceHistory, name: str) -> None:
    """Apply a transition by its method, or by its name where it has none."""
    if name in APPLY:
        APPLY[name](history)
    else:
        history.apply(day(10), name, reason="As it should be")


@pytest.mark.parametrize("status", InvoiceStatus)
@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda transition: transition.name)
def test_a_history_allows_exactly_the_transitions_of_the_table(transition: Transition, status: InvoiceStatus) -> None:
    history = IN_STATE[status]()
    assert history.status is status
    before = rows(history)
    before_text = json.dumps(before, default=str)
    starts = (*transition.start, *transition.admin_start)
    if status in starts and (transition.name, status) not in REFUSED_BY_A_GUARD:
        _apply(history, transition.name)
        assert history.status in transition.ends(status)
        event = rows(history)["invoice_events"][-1]
        assert (event["transition"], event["from_status"], event["to_status"]) == (
            transition.name,
            status,
            history.status,
        )
        assert event["seq"] == history.row["version"] == len(rows(history)["invoice_events"])
    else:
        with pytest.raises(IllegalTransition):
            _apply(history, transition.name)
        assert json.dumps(rows(history), default=str) == before_text
        assert history.by == USER


def test_a_transition_applied_by_its_name_has_the_same_rows_as_by_its_method() -> None:
    by_method, by_name = in_reduction(), new_history()
    by_method.agree_reduction(day(3), conditional_until=day(10))
    by_method.lapse_agreement(day(11))
    by_name.apply(day(1), "submit_invoice", submitted_on=day(1), method=SubmissionMethod.FAX)
    by_name.apply(day(2), "request_reduction", amount=Decimal("500.00"), reason="Limits", expires_on=day(20))
    by_name.apply(day(3), "agree_reduction", conditional_until=day(10))
    by_name.apply(day(11), "lapse_agreement", role=None)
    assert rows(by_name) == rows(by_method)
    assert by_name.row["first_submitted_on"] == day(1)
