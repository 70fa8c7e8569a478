"""Decides what the worker reads and writes: it acts for nobody, in one clinic at a time, and has no more than its jobs need."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """What jobs need of a table: the columns that they read, change and give new rows, and whether they take rows away."""

    reads: tuple[str, ...]
    changes: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    removes: bool = False


_KEY = ("clinic_id", "id")
_OF_INVOICE = (*_KEY, "invoice_id")
_EVENT = (
    *_KEY,
    *"user_id role operation entities fields filters row_count request_id at".split(),
)

# What tells the worker which clinics there are, which day it is there, and in which of them something waits for the chain of the
# audit trail: the one thing that it reads of all of them at once.
ACROSS_CLINICS = {"clinics": ("clinic_id", "time_zone"), "audit_pending": (*_KEY, "event_ids")}

# Table → need. A table that is not named here is closed to the worker.
WORKER: dict[str, Need] = {
    "invoices": Need(
        (
            *_KEY,
            "number",
            "case_id",
            "payer_id",
            "status",
            "version",
            "created_on",
            "submitted_on",
            "submission_method",
            "agreed_on",
            "fully_paid_on",
            "paid_on",
            "billed_amount",
            "agreed_amount",
            "received_amount",
            "written_off_amount",
            "floor_amount",
            "target_amount",
            "conditional_until",
        ),
        # What a lapse changes, and nothing of what was billed or paid.
        changes=("status", "version", "agreed_amount", "agreed_on", "conditional_until", "updated_at"),
    ),
    "cases": Need((*_KEY, "status")),
    "invoice_lines": Need(_OF_INVOICE),
    "cheque_allocations": Need(_OF_INVOICE),
    "reduction_offers": Need((*_OF_INVOICE, "round", "amount", "status"), changes=("status",)),
    "invoice_events": Need(
        (*_OF_INVOICE, "seq"),
        adds=(
            *_OF_INVOICE,
            "recorded_at",
            "seq",
            "at",
            "by_user_id",
            "transition",
            "from_status",
            "to_status",
            "changes",
            "request_id",
        ),
    ),
    # Of uploads, those that no step has named: neither what they are called nor where they are.
    "documents": Need((*_KEY, "recorded_at", "stored_at", "consumed_at"), changes=("stored_at",), removes=True),
    # What it does itself is written down, and what everybody did is chained.
    "audit_events": Need(_EVENT, adds=(*_EVENT, "recorded_at")),
    "audit_pending": Need((), adds=(*_KEY, "event_ids"), removes=True),
    "audit_chain": Need(
        ("clinic_id", "seq", "event_id", "hash"), adds=("clinic_id", "seq", "event_id", "hash", "subjects")
    ),
}
