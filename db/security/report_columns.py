"""The columns that reports aggregate, per role: more than the role may see of a single record."""

from collections import defaultdict

from domain.access.people import Role
from permissions.rules import STAFF

_KEYS = (
    "clinic_id",
    "payer_id",
    "physician_id",
    "facility_id",
    "status",
    "created_on",
    "service_date",
    "billed_amount",
)
_LEDGER = (*("submitted_on", "first_submitted_on", "agreed_on", "fully_paid_on", "agreed_amount", "received_amount"),)
_VISITS = {
    "encounters": ("clinic_id", "id", "physician_id", "facility_id", "service_date", "recorded_at"),
    "encounter_exams": ("clinic_id", "encounter_id", "units", "recorded_at"),
}
# The columns of a physician's own productivity report.
_OWN = {
    "invoices": (*_KEYS, "id", "encounter_id", "known_from"),
    "invoice_states": (*_KEYS, "invoice_id", "encounter_id", "known_from", "known_until"),
    **_VISITS,
}
_ALL = {
    **_OWN,
    "invoices": (*_OWN["invoices"], *_LEDGER),
    "invoice_states": (*_OWN["invoice_states"], *_LEDGER),
    "denials": ("clinic_id", "invoice_id", "recorded_at"),
}
# The columns by which only staff may filter invoices, also on a past day.
_CHOSEN_BY_STAFF = {
    "invoice_states": ("attorney_id",),
    "holds": ("recorded_at",),
    "reminders": ("recorded_at", "closed_at"),
}
# Root field or field → table → columns.
READS = {
    "Query.aging": {**_ALL, "invoice_states": (*_ALL["invoice_states"], "case_id", "patient_id")},
    "Query.analytics": _OWN,
    "Analytics.billed": _ALL,
}


def columns_of_reports(role: Role, seen: frozenset[str]) -> dict[str, set[str]]:
    """Table → columns that the reports visible to a role read."""
    found: dict[str, set[str]] = defaultdict(set)
    parts = [columns for coordinate, columns in READS.items() if coordinate in seen]
    for columns in [*parts, *([_CHOSEN_BY_STAFF] if parts and role in STAFF else [])]:
        for table, names in columns.items():
            found[table] |= set(names)
    return found


def columns_kept(role: Role | None) -> list[str]:
    """The columns of each invoice that a role's report carries through its subqueries."""
    own = ["id", "status", "created_on", "payer_id", "physician_id", "encounter_id", "billed_amount"]
    ledger = ["first_submitted_on", "fully_paid_on", "agreed_amount", "received_amount"]
    if role is Role.PHYSICIAN:
        return own
    return [*own, *ledger, *(["attorney_id"] if role in STAFF else [])]
