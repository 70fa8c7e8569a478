"""What insurers of the demo clinic ask back, and how it was answered; a refund that came back, and one whose payment was returned."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol

from domain.access.people import Role
from domain.payments.cheques import PaymentMethod, ReturnKind
from domain.payments.recoupment import RecoupmentStatus, RecoupmentStep, RowReversal
from imports.demo.clinic import DemoClinic
from imports.history.batch import Batch
from imports.history.rows import ZERO, noon_of

Row = dict[str, Any]
# The columns of a payment that was typed right, by hand.
AS_TYPED = {"corrects_id": None, "correction_reason": None, "corrected_at": None, "is_remitted": False}


class _Desk(Protocol):
    clinic: DemoClinic

    def record(self, on: date, **columns: Any) -> Row: ...

    def pay_back(self, payment: Row, on: date, amount: Decimal) -> Row: ...


def ask_back(desk: _Desk, advance: Row, batch: Batch) -> list[Row]:
    """Three requests about an advance: one is refunded, one open again, one withheld; returns the further payments, to be written."""
    today = desk.clinic.today
    [refund] = batch.rows["refunds"][-1:]
    paid_on, returned_on = today - timedelta(days=9), today - timedelta(days=4)
    second = desk.pay_back(advance, paid_on, Decimal("100.00"))
    back = _reversal(desk, second, returned_on)
    advance["applied_amount"] -= second["amount"]
    batch.extend("refunds", (second, back))
    later = _payment(desk, "REMIT-1", advance["payer_id"], today - timedelta(days=6), "150.00")
    withheld = _withhold(desk, later, "50.00")
    batch.extend("provider_adjustments", (withheld,))
    for amount, due_in, status, answers in (
        ("200.00", -5, RecoupmentStatus.REFUNDED, ((RecoupmentStep.REFUND, refund),)),
        ("100.00", 5, RecoupmentStatus.OPEN, ((RecoupmentStep.REFUND, second), (RecoupmentStep.REOPENING, back))),
        ("50.00", 10, RecoupmentStatus.WITHHELD, ((RecoupmentStep.WITHHOLDING, withheld),)),
    ):
        _ask(desk, batch, advance, Decimal(amount), today + timedelta(days=due_in), status, answers)
    return [later, _bounced(desk, batch)]


def _payment(desk: _Desk, number: str, payer: Any, on: date, amount: str) -> Row:
    known = {"number": number, "number_key": number, "method": PaymentMethod.ACH, "received_on": on, "cheque_date": on}
    known |= {"payer_id": payer, "amount": Decimal(amount), "held_from": None, "deposit_id": None, "cleared_on": None}
    known |= {"returned_on": None, "return_reason": None, "return_kind": None, "returned_at": None, "replaces_id": None}
    known |= AS_TYPED
    return desk.record(on, **known, applied_amount=ZERO, document_id=None, imported=True)


def _bounced(desk: _Desk, batch: Batch) -> Row:
    """A payment that was returned after a part of it was refunded: the payer owes that part."""
    today = desk.clinic.today
    payment = _payment(desk, "ADVANCE-2", desk.clinic.insurances[1], today - timedelta(days=40), "320.00")
    batch.extend("refunds", (desk.pay_back(payment, today - timedelta(days=25), Decimal("120.00")),))
    on = today - timedelta(days=12)
    payment |= {"returned_on": on, "return_reason": "Not covered, says the bank"}
    return payment | {"return_kind": ReturnKind.NSF, "returned_at": noon_of(on)}


def _reversal(desk: _Desk, refund: Row, on: date) -> Row:
    kept = {name: refund[name] for name in ("cheque_id", "payee", "method", "document_id", "refunded_by")}
    reason = {"reason": "The address was unknown", "refunded_on": on}
    reversal = {"reverses_id": refund["id"], "reversal_kind": RowReversal.RETURNED}
    return desk.record(on, **kept, amount=-refund["amount"], **reason, **reversal)


def _withhold(desk: _Desk, payment: Row, amount: str) -> Row:
    """A row by which the payer lowers a payment."""
    on, by = payment["received_on"], desk.clinic.users[Role.BILLING]
    payment["applied_amount"] -= Decimal(amount)
    known = {"cheque_id": payment["id"], "code": "WO", "reference": "ADVANCE-1", "effective_on": on}
    return desk.record(on, **known, amount=Decimal(amount), recorded_by=by)


def _ask(
    desk: _Desk,
    batch: Batch,
    advance: Row,
    amount: Decimal,
    due_on: date,
    status: RecoupmentStatus,
    answers: tuple[tuple[RecoupmentStep, Mapping[str, Any]], ...],
) -> None:
    """A request, and its answers by the rows of refunds and of payments."""
    on, by = desk.clinic.today - timedelta(days=20), desk.clinic.users[Role.BILLING]
    about = {"payer_id": advance["payer_id"], "cheque_id": advance["id"], "reference": f"ASK-{amount:.0f}"}
    told = {"reason": "Paid by another insurer, too", "requested_on": on, "due_on": due_on, "recorded_by": by}
    answered = ZERO if status is RecoupmentStatus.OPEN else amount
    request = desk.record(on, **about, **told, amount=amount, status=status, answered_amount=answered)
    batch.extend("recoupment_requests", (request,))
    for number, (step, row) in enumerate(answers, 1):
        named = {"refund_id": None, "provider_adjustment_id": None}
        if step is RecoupmentStep.WITHHOLDING:
            named["provider_adjustment_id"] = row["id"]
        else:
            named["refund_id"] = row["reverses_id"] or row["id"]
        day = row["effective_on"] if "effective_on" in row else row["refunded_on"]
        said = {"request_id": request["id"], "number": number, "step": step, "answered_on": day, "answered_by": by}
        batch.extend("recoupment_answers", (desk.record(day, **said, **named, amount=row["amount"]),))
