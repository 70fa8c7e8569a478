"""What happens to the demo clinic's payments besides paying invoices: their methods, deposits, refunds, and cheques that are held."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.ids import new_id
from domain.payments.cheques import PaymentMethod
from imports.demo.clinic import NAME, DemoClinic
from imports.demo.recoupment import AS_TYPED, ask_back
from imports.demo.seeded_random import SeededRandom
from imports.history.batch import Batch
from imports.history.rows import ZERO, noon_of

BANK_ACCOUNT = "Operating account"
_FRIDAY = 4
_CLEARED_AFTER, _REFUNDED_AFTER = timedelta(days=3), timedelta(days=45)
_FIRST_NUMBER = 88_001


def method_of(clinic: DemoClinic, payer_id: UUID, number: int) -> PaymentMethod:
    """Insurers also pay electronically, the others by paper cheque."""
    if payer_id not in clinic.insurances:
        return PaymentMethod.PAPER
    return (PaymentMethod.ACH, PaymentMethod.PAPER, PaymentMethod.PAPER, PaymentMethod.VIRTUAL_CARD)[number % 4]


def payment_row(number: str, method: PaymentMethod, received_on: date, **columns: Any) -> dict[str, Any]:
    """The columns of a payment that nothing has been done with yet."""
    row = {"number": number, "number_key": number, "method": method, "received_on": received_on, "held_from": None}
    row |= {"deposit_id": None, "cleared_on": None, "replaces_id": None, "applied_amount": ZERO}
    row |= {"returned_on": None, "return_reason": None, "return_kind": None, "returned_at": None, **AS_TYPED}
    return row | {"document_id": None, "imported": True, **columns}


class PaymentDesk:
    """Deposits and refunds payments. Its random generator is its own, so that the clinic's cases do not depend on it."""

    def __init__(self, clinic: DemoClinic) -> None:
        self.clinic, self._random = clinic, SeededRandom(len(NAME) + 1)

    def follow(self, payments: Sequence[dict[str, Any]], batch: Batch) -> None:
        """Refund and deposit payments that are written with the batch; their `applied_amount` is that of their allocations."""
        batch.extend("refunds", [refund for payment in payments if (refund := self._refund(payment))])
        by_day = defaultdict[date, list[dict[str, Any]]](list)
        for payment in payments:
            day = payment["received_on"]
            by_day[day + timedelta(days=(_FRIDAY - day.weekday()) % 7)].append(payment)
        for friday, received in sorted(by_day.items()):
            self._deposit(friday, [one for one in received if (one["returned_on"] or friday) >= friday], batch)

    def add_others(self, batch: Batch) -> int:
        """Cheques that are held, an advance of an insurer, of which a part was refunded, and what insurers ask back; returns their number."""
        today, firm, insurer = self.clinic.today, self.clinic.lawyers[0].payer_id, self.clinic.insurances[0]
        payments = []
        for place, (arrived, dated) in enumerate(((15, -1), (5, 20))):
            day = today - timedelta(days=arrived)
            paper = payment_row(str(_FIRST_NUMBER + place), PaymentMethod.PAPER, day, held_from=day)
            held = {"payer_id": firm, "amount": Decimal("750.00"), "cheque_date": today + timedelta(days=dated)}
            payments.append(self.record(day, **paper, **held))
        day = today - timedelta(days=30)
        advance = payment_row("ADVANCE-1", PaymentMethod.ACH, day, payer_id=insurer, cheque_date=day)
        payments.append(self.record(day, **advance, amount=Decimal("500.00")))
        batch.extend("refunds", [self.pay_back(payments[-1], today - timedelta(days=10), Decimal("200.00"))])
        payments += ask_back(self, payments[-1], batch)
        self._deposit(day, payments[2:3], batch)
        batch.extend("cheques", payments)
        return len(payments)

    def _refund(self, payment: dict[str, Any]) -> dict[str, Any] | None:
        """Some overpayments are paid back after a while."""
        rest, on = payment["amount"] - payment["applied_amount"], payment["received_on"] + _REFUNDED_AFTER
        is_left = payment["returned_on"] is not None or int(payment["number"]) % 2
        if rest == 0 or is_left or on > self.clinic.today:
            return None
        return self.pay_back(payment, on, rest)

    def pay_back(self, payment: dict[str, Any], on: date, amount: Decimal) -> dict[str, Any]:
        """The row of a refund of a payment."""
        payment["applied_amount"] += amount
        told = {"payee": "The payer", "reason": "Paid more than was owed", "method": PaymentMethod.PAPER}
        by = {"refunded_by": self.clinic.users[Role.ADMIN], "document_id": None}
        reversal = {"reverses_id": None, "reversal_kind": None}
        return self.record(on, cheque_id=payment["id"], amount=amount, refunded_on=on, **told, **by, **reversal)

    def _deposit(self, on: date, payments: Sequence[dict[str, Any]], batch: Batch) -> None:
        if not payments or on > self.clinic.today:
            return
        by = self.clinic.users[Role.BILLING]
        deposit = self.record(on, bank_account=BANK_ACCOUNT, deposited_on=on, recorded_by=by)
        batch.extend("deposits", (deposit,))
        cleared_on = on + _CLEARED_AFTER
        for payment in payments:
            payment["deposit_id"] = deposit["id"]
            if payment["returned_on"] is None and cleared_on <= self.clinic.today:
                payment["cleared_on"] = cleared_on

    def record(self, on: date, **columns: Any) -> dict[str, Any]:
        """A row of the clinic that was recorded on a day."""
        identity = new_id(noon_of(on), self._random.getrandbits)
        return {"clinic_id": self.clinic.clinic_id, "id": identity, "recorded_at": noon_of(on), **columns}
