"""A remittance of the demo clinic: one claim is posted to its invoice, and one waits, because no invoice has its number."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from domain.access.people import Role
from domain.billing.coverages import AdjustmentGroup
from domain.billing.invoices import InvoiceStatus
from domain.billing.ledger.facts import Adjustment, AdjustmentKind, Receipt
from domain.billing.money import round_money
from domain.ids import new_id
from domain.normal_forms import code_form, normal_key
from domain.payments.cheques import PaymentMethod
from domain.remittances.matching import NO_INVOICE
from domain.remittances.posting import plan_of, proposed_by
from domain.remittances.remittance import RemittedAdjustment, RemittedClaim
from domain.remittances.statuses import RemittanceOrigin, RemittanceStatus
from imports.demo.cases import CaseFile
from imports.demo.clinic import NAME, DemoClinic
from imports.demo.names import INSURANCES
from imports.demo.payments import payment_row
from imports.demo.seeded_random import SeededRandom
from imports.history.batch import Batch
from imports.history.invoice_history import InvoiceHistory
from imports.history.rows import noon_of

Row = dict[str, Any]
CO, PR = AdjustmentGroup.CO, AdjustmentGroup.PR
_TRACE = "ERA-70001"
# What the contract takes off, and what the policy leaves to the patient, in percent of the claim.
_CONTRACT, _SHARE = 20, 16
# A claim of another clinic that came along.
_STRAY = RemittedClaim(
    2, "INV-1999-000001", "1", Decimal("180.00"), Decimal("120.00"), payer_number="ICN-70002",
    adjustments=(RemittedAdjustment(CO, "45", Decimal("60.00")),),
)  # fmt: skip
_ANSWERED_AFTER, _LATEST = timedelta(days=14), timedelta(days=20)


class RemittanceDesk:
    """Posts one remittance, to the first invoice that it fits; its ids leave the rest of the clinic as it is."""

    def __init__(self, clinic: DemoClinic) -> None:
        self.clinic, self._random, self._is_posted = clinic, SeededRandom(len(NAME) + 4), False

    def follow(self, case: CaseFile, batch: Batch) -> Iterator[Row]:
        """Post the remittance, unless it is, to an invoice of the case; returns the row of its payment."""
        covered = {row["case_id"] for row in batch.rows.get("coverages", ())}
        for history in case.histories:
            on = history.last_day + _ANSWERED_AFTER
            if self._is_posted or case.row["id"] in covered or on + _LATEST > self.clinic.today:
                return
            if self._fits(history):
                self._is_posted = True
                yield self._post(history, on, batch)

    def _fits(self, history: InvoiceHistory) -> bool:
        """Whether an insurer has received the invoice and not answered yet."""
        known = history.facts.known
        is_sent = history.status is InvoiceStatus.PENDING_INVOICE and history.row["submitted_on"] is not None
        is_first = not (known.agreements or known.adjustments or len(known.responsibilities) > 1 or history.denials)
        is_insured = history.row["payer_id"] in self.clinic.insurances
        return is_sent and is_first and is_insured and history.unpaid == history.billed > 100

    def _post(self, history: InvoiceHistory, on: date, batch: Batch) -> Row:
        claim, by, payer = _claim(history), self.clinic.users[Role.BILLING], history.row["payer_id"]
        history.by = by
        cheque = payment_row(_TRACE, PaymentMethod.ACH, on, payer_id=payer, cheque_date=on)
        cheque |= {"amount": claim.paid + _STRAY.paid, "applied_amount": claim.paid, "cleared_on": on}
        cheque |= {"id": self._id(on), "clinic_id": self.clinic.clinic_id, "is_remitted": True, "imported": False}
        at = self._pay(history, on, claim, cheque["id"])
        cheque["recorded_at"] = at
        remittance = {**self._record(at), "origin": RemittanceOrigin.FILE, "document_id": None, "imported_by": by}
        batch.extend("remittances", [remittance | {"problems": "[]"}])
        posted = {"posted_at": at, "posted_by": by}
        payment = {**self._record(at), "remittance_id": remittance["id"], **self._said(cheque), **posted}
        batch.extend("remittance_payments", [payment])
        of = {"remittance_id": remittance["id"], "payment_id": payment["id"]}
        found = {"status": RemittanceStatus.MATCHED, "reason": None, "invoice_id": history.id, **posted}
        waits = {"status": RemittanceStatus.UNMATCHED, "reason": NO_INVOICE, "invoice_id": None}
        waits |= {"posted_at": None, "posted_by": None}
        rows = ((claim, found), (_STRAY, waits))
        batch.extend("remittance_claims", [{**self._record(at), **of, **_told(one), **what} for one, what in rows])
        return cheque

    def _pay(self, history: InvoiceHistory, on: date, claim: RemittedClaim, cheque: UUID) -> datetime:
        """The step of the invoice; returns its moment."""
        plan, at, kind = plan_of(claim, ()), history.next_moment(on), AdjustmentKind.CONTRACTUAL
        of = [(one.amount, on, at, one.group, one.reason_code, (), None, cheque) for one in plan.adjustments]
        receipt = Receipt(self._id(on), history.row["payer_id"], plan.paid, on, at)
        adjustments = [Adjustment(0, kind, *one) for one in of]
        with history.drawing(self._random):
            posted: dict[str, Any] = {"adjustments": adjustments, "receipt": receipt}
            history.apply(on, "post_remittance", **posted, reversals=(), denials=())
            history.add_allocation(cheque, receipt)
        history.received_by_cheque[cheque] = receipt.amount
        return at

    def _said(self, cheque: Row) -> Row:
        """What the payer says of the payment, and what was found of it."""
        name = INSURANCES[self.clinic.insurances.index(cheque["payer_id"]) % len(INSURANCES)]
        said = {name: cheque[name] for name in ("payer_id", "method", "amount")}
        said |= {"place": 1, "trace": _TRACE, "trace_key": code_form(_TRACE), "paid_on": cheque["received_on"]}
        said |= {"payer_identifier": None, "payer_name": name, "payer_name_key": normal_key(name)}
        found = {"status": RemittanceStatus.MATCHED, "reason": None, "cheque_id": cheque["id"], "is_attached": False}
        return said | found | {"broken_laws": "[]", "provider_adjustments": "[]"}

    def _record(self, at: datetime) -> Row:
        identity = new_id(at, self._random.getrandbits)
        return {"clinic_id": self.clinic.clinic_id, "id": identity, "recorded_at": at}

    def _id(self, on: date) -> UUID:
        return new_id(noon_of(on), self._random.getrandbits)


def _claim(history: InvoiceHistory) -> RemittedClaim:
    """The invoice as its insurer pays it."""
    charge = history.billed
    contract, share = (round_money(charge * percent / 100) for percent in (_CONTRACT, _SHARE))
    adjustments = (RemittedAdjustment(CO, "45", contract), RemittedAdjustment(PR, "2", share))
    amounts = (charge, charge - contract - share, share)
    return RemittedClaim(1, history.row["number"], "1", *amounts, payer_number="ICN-70001", adjustments=adjustments)


def _told(claim: RemittedClaim) -> Row:
    """What the payer says of a claim, and what it proposes."""
    proposed, names = proposed_by(claim), ("place", "number", "status_code", "patient_amount", "payer_number")
    row = {name: getattr(claim, name) for name in names}
    row |= {"charge_amount": claim.charge, "paid_amount": claim.paid, "remark_codes": "[]", "lines": "[]"}
    found = [
        {"group": one.group.name, "reason_code": one.reason_code, "amount": str(one.amount), "quantity": None}
        for one in claim.adjustments
    ]
    row |= {"adjustments": orjson.dumps(found).decode(), "transfer_amount": proposed.transfer_amount}
    return row | {
        "responsible_amount": proposed.responsible_amount,
        "is_exhausted": proposed.is_exhausted,
        "transfer_reason": proposed.reason,
    }
