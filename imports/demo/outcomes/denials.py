"""What insurers of the demo clinic do not pay: contractual adjustments, and what becomes of denials; and its list of reason codes."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from domain.access.people import Role
from domain.billing.claims.denials import DenialStatus
from domain.billing.coverages import AdjustmentGroup
from domain.billing.invoices import OPEN
from domain.billing.money import round_money
from domain.ids import new_id
from imports.demo.clinic import DemoClinic
from imports.demo.seeded_random import SeededRandom
from imports.history.batch import Batch
from imports.history.invoice_history import InvoiceHistory
from imports.history.rows import noon_of

CO, PR, OA, PI = AdjustmentGroup
# The clinic's own words; a group where payers always send the same.
REASON_CODES: tuple[tuple[str, AdjustmentGroup | None, str], ...] = (
    ("1", PR, "Deductible of the policy"),
    ("2", PR, "Share that the policy leaves to the patient"),
    ("3", PR, "Fixed share for each visit"),
    ("16", None, "Something is missing, see the remark codes"),
    ("18", None, "Sent a second time"),
    ("22", None, "Another insurer comes first"),
    ("29", CO, "Sent after the filing limit"),
    ("45", CO, "Above the fee of our contract"),
    ("50", None, "Said not to be needed"),
    ("96", None, "Not in the policy"),
    ("97", CO, "Paid with another line"),
    ("109", None, "Sent to the wrong insurer"),
    ("119", None, "The limit of the policy is used up"),
    ("197", None, "Nobody asked for approval first"),
    ("253", CO, "Cut of a public payer"),
    ("NO-COVERAGE", None, "The policy had ended"),
    ("MISSING-RECORDS", None, "Records of the visit are asked for"),
    ("NOT-RELATED", None, "Said not to follow from the accident"),
    ("LATE", CO, "Sent after the filing limit, by phone"),
    ("DUPLICATE", None, "Billed twice, by phone"),
)
# One of so many open invoices of insurers is adjusted.
_EVERY, _PERCENT = 4, 8
_OUTCOMES = (DenialStatus.UPHELD, DenialStatus.OVERTURNED, DenialStatus.UPHELD, DenialStatus.PARTIAL)


class DenialDesk:
    """Adjusts some invoices, and appeals and closes some denials; its choices and ids leave the rest of the clinic as it is."""

    def __init__(self, clinic: DemoClinic) -> None:
        self.clinic, self._random, self._count = clinic, SeededRandom(len(REASON_CODES)), 0

    def list_codes(self, batch: Batch) -> None:
        """The clinic's list of reason codes."""
        for code, group, label in REASON_CODES:
            row = {**self._record(self.clinic.first_day), "code": code, "adjustment_group": group, "label": label}
            batch.extend("reason_codes", ({**row, "active": True},))

    def follow(self, history: InvoiceHistory, batch: Batch) -> None:
        """The last steps of an invoice, before it is written."""
        for denial in history.denials:
            batch.extend(
                "denial_events", [self._event(denial, *step) for step in enumerate(self._life(history, denial), 1)]
            )
        is_insured = history.row["payer_id"] in self.clinic.insurances
        if is_insured and history.status in OPEN and history.row["first_submitted_on"] and history.unpaid > 1:
            self._count += 1
            if self._count % _EVERY == 0:
                self._adjust(history)

    def _adjust(self, history: InvoiceHistory) -> None:
        """The insurer's letter says what it takes off by the contract."""
        on = history.last_day + timedelta(days=self._random.between(5, 15))
        if on <= self.clinic.today:
            amount = round_money(history.unpaid * _PERCENT / 100)
            history.by = self.clinic.users[Role.BILLING]
            with history.drawing(self._random):
                history.apply(on, "record_adjustment", amount=amount, group=CO, reason_code="45")

    def _life(self, history: InvoiceHistory, denial: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """An appeal in time and its outcome some weeks later, as far as that is past; or nothing is done."""
        random, denied_on, due_on = self._random, denial["denied_on"], denial["appeal_due_on"]
        if due_on is None or random.chance(0.25):
            return
        appealed_on = min(random.after(denied_on, 3, 25), due_on)
        if appealed_on > self.clinic.today:
            return
        yield _step(DenialStatus.APPEALED, appealed_on)
        closed_on = random.after(appealed_on, 15, 60)
        if closed_on > self.clinic.today:
            return
        status, denied = random.one_of(_OUTCOMES), denial["amount"] or history.billed
        won = {DenialStatus.OVERTURNED: denied, DenialStatus.PARTIAL: round_money(denied * 40 / 100)}.get(status)
        yield _step(status, closed_on, won)

    def _event(self, denial: dict[str, Any], number: int, step: dict[str, Any]) -> dict[str, Any]:
        by = {"document_id": None, "note": None, "recorded_by": self.clinic.users[Role.BILLING]}
        return {**self._record(step["happened_on"]), "denial_id": denial["id"], "number": number, **step, **by}

    def _record(self, on: date) -> dict[str, Any]:
        at = noon_of(on)
        return {"clinic_id": self.clinic.clinic_id, "id": new_id(at, self._random.getrandbits), "recorded_at": at}


def _step(status: DenialStatus, on: date, recovered: Decimal | None = None) -> dict[str, Any]:
    return {"status": status.value, "happened_on": on, "recovered_amount": recovered}
