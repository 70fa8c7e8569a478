"""The open work of the demo clinic's staff: reminders, some of them due, and holds."""

from datetime import date
from typing import Any
from uuid import UUID

from domain.access.people import Role
from domain.billing.invoices import CLOSED_BALANCE, OPEN
from domain.reminders.reminders import ReminderStatus
from imports.demo.cases import CaseFile
from imports.demo.clinic import DemoClinic
from imports.history.batch import Batch
from imports.history.invoice_history import InvoiceHistory
from imports.history.rows import noon_of

SUBJECTS = (
    "Call the adjuster",
    "Ask the firm when the case settles",
    "Check whether the fax arrived",
    "Send the records again",
    "Find out who pays now",
)
OUTCOMES = ("Reached them; they will answer by letter", "Sent once more", "Cheque is in the mail, they say")
HOLD_REASONS = (
    "Negotiation by telephone, no letters please",
    "Waiting for the other carrier",
    "Patient asked for a pause",
)


def follow_up(clinic: DemoClinic, case: CaseFile, batch: Batch) -> None:
    """Create reminders and holds for a case and its invoices, as of today."""
    for history in case.histories:
        if clinic.random.chance(0.14):
            _remind(clinic, history, batch)
        if history.status in OPEN and clinic.random.chance(0.05):
            _hold(clinic, batch, history.last_day, invoice_id=history.id)
    if case.row["status"] == "open" and clinic.random.chance(0.01):
        _hold(clinic, batch, case.histories[-1].last_day, case_id=case.row["id"])


def hold_payers(clinic: DemoClinic, batch: Batch) -> None:
    """Two payers are on hold: a law firm with which staff are negotiating, and an insurer."""
    since = clinic.random.after(clinic.today, -20, -3)
    for payer_id in (clinic.lawyers[2].payer_id, clinic.insurances[1]):
        _hold(clinic, batch, since, payer_id=payer_id)


def _remind(clinic: DemoClinic, history: InvoiceHistory, batch: Batch) -> None:
    """A reminder: open ones around today, half of them due; those of closed invoices are completed or cancelled."""
    random, today = clinic.random, clinic.today
    if history.status in CLOSED_BALANCE or random.chance(0.25):
        done = random.chance(0.6)
        target = random.after(history.row["created_on"], 5, 60)
        closed = min(max(target, history.last_day) if not done else target, today)
        status = ReminderStatus.COMPLETED if done else ReminderStatus.CANCELLED
        _reminder(clinic, history, batch, target, status, closed)
    else:
        _reminder(clinic, history, batch, random.after(today, -14, 21), ReminderStatus.SCHEDULED, None)


def _reminder(
    clinic: DemoClinic, history: InvoiceHistory, batch: Batch, target: date, status: ReminderStatus, closed: date | None
) -> None:
    random, billing = clinic.random, clinic.users[Role.BILLING]
    made = max(history.row["created_on"], min(random.after(target, -20, -5), closed or clinic.today, clinic.today))
    columns: dict[str, Any] = {"invoice_id": history.id, "target_date": target, "subject": random.one_of(SUBJECTS)}
    columns |= {"notes": None, "status": status, "created_by": billing, "created_at": noon_of(made)}
    columns["assignee_id"] = random.one_of((billing, clinic.users[Role.ADMIN], None))
    columns["outcome"] = random.one_of(OUTCOMES) if status is ReminderStatus.COMPLETED else None
    columns["closed_at"] = noon_of(max(made, closed)) if closed else None
    clinic.add(batch, "reminders", made, **columns)


def _hold(clinic: DemoClinic, batch: Batch, since: date, **held: UUID) -> None:
    """A hold placed on a day: active for the next weeks, or released early."""
    released = clinic.random.chance(0.2)
    columns: dict[str, Any] = {"invoice_id": None, "case_id": None, "payer_id": None, **held}
    columns |= {"until_on": clinic.random.after(clinic.today, 5, 60), "reason": clinic.random.one_of(HOLD_REASONS)}
    columns |= {"placed_by": clinic.users[Role.BILLING], "placed_at": noon_of(since)}
    columns["released_at"] = noon_of(clinic.today) if released else None
    clinic.add(batch, "holds", since, **columns)
