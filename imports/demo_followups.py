"""Decides what staff of the demo clinic still have to do: reminders, some of them due, and holds."""

from datetime import date
from typing import Any
from uuid import UUID

from domain.invoices import CLOSED_BALANCE, OPEN
from domain.people import Role
from domain.reminders import ReminderStatus
from imports.batch import Batch
from imports.demo_cases import CaseFile
from imports.demo_clinic import DemoClinic
from imports.story import InvoiceStory
from imports.story_rows import noon_of

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
    """Leave reminders and holds on a case and its invoices, as they stand today."""
    for story in case.stories:
        if clinic.dice.chance(0.14):
            _remind(clinic, story, batch)
        if story.status in OPEN and clinic.dice.chance(0.05):
            _hold(clinic, batch, story.last_day, invoice_id=story.id)
    if case.row["status"] == "open" and clinic.dice.chance(0.01):
        _hold(clinic, batch, case.stories[-1].last_day, case_id=case.row["id"])


def hold_payers(clinic: DemoClinic, batch: Batch) -> None:
    """Two payers are on hold: a law firm that somebody speaks with, and an insurance."""
    since = clinic.dice.after(clinic.today, -20, -3)
    for payer_id in (clinic.lawyers[2].payer_id, clinic.insurances[1]):
        _hold(clinic, batch, since, payer_id=payer_id)


def _remind(clinic: DemoClinic, story: InvoiceStory, batch: Batch) -> None:
    """A reminder: open ones around today, half of them due; those of closed invoices are done or were cancelled."""
    dice, today = clinic.dice, clinic.today
    if story.status in CLOSED_BALANCE or dice.chance(0.25):
        done = dice.chance(0.6)
        target = dice.after(story.row["created_on"], 5, 60)
        closed = min(max(target, story.last_day) if not done else target, today)
        status = ReminderStatus.COMPLETED if done else ReminderStatus.CANCELLED
        _reminder(clinic, story, batch, target, status, closed)
    else:
        _reminder(clinic, story, batch, dice.after(today, -14, 21), ReminderStatus.SCHEDULED, None)


def _reminder(
    clinic: DemoClinic, story: InvoiceStory, batch: Batch, target: date, status: ReminderStatus, closed: date | None
) -> None:
    dice, billing = clinic.dice, clinic.users[Role.BILLING]
    made = max(story.row["created_on"], min(dice.after(target, -20, -5), closed or clinic.today, clinic.today))
    columns: dict[str, Any] = {"invoice_id": story.id, "target_date": target, "subject": dice.one_of(SUBJECTS)}
    columns |= {"notes": None, "status": status, "created_by": billing, "created_at": noon_of(made)}
    columns["assignee_id"] = dice.one_of((billing, clinic.users[Role.ADMIN], None))
    columns["outcome"] = dice.one_of(OUTCOMES) if status is ReminderStatus.COMPLETED else None
    columns["closed_at"] = noon_of(max(made, closed)) if closed else None
    clinic.add(batch, "reminders", made, **columns)


def _hold(clinic: DemoClinic, batch: Batch, since: date, **held: UUID) -> None:
    """A hold placed on a day: over the next weeks, or one that was released early."""
    released = clinic.dice.chance(0.2)
    columns: dict[str, Any] = {"invoice_id": None, "case_id": None, "payer_id": None, **held}
    columns |= {"until_on": clinic.dice.after(clinic.today, 5, 60), "reason": clinic.dice.one_of(HOLD_REASONS)}
    columns |= {"placed_by": clinic.users[Role.BILLING], "placed_at": noon_of(since)}
    columns["released_at"] = noon_of(clinic.today) if released else None
    clinic.add(batch, "holds", since, **columns)
