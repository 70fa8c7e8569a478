"""The columns that reports aggregate: more than a role may see of a single record.

The roles whose reports show whole months do not read these columns themselves: their reports run under the report role.
"""

from collections import defaultdict
from collections.abc import Mapping

from db.security.column_grants import columns_read
from domain.access.people import Role
from permissions.reporting import BY_MONTH
from permissions.rules import STAFF

_LINKS = dict.fromkeys(("merged_patients", "merged_payers"), ("clinic_id", "id", "survivor_id", "group_ids"))
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
_LEDGER = (
    *("first_submitted_on", "fully_paid_on", "agreed_amount", "received_amount", "balance"),
    *("earlier_received_amount", "contractual_amount", "recovered_amount"),
)
_STATES = ("invoices", "invoice_states", "restated_states")
_VISITS = {
    "encounters": (
        *("clinic_id", "id", "physician_id", "facility_id", "service_date", "recorded_at"),
        *("changed_at", "cancelled_at"),
    ),
    "encounter_exams": ("clinic_id", "encounter_id", "units", "recorded_at", "removed_at"),
    "encounter_states": (
        *("clinic_id", "encounter_id", "known_from", "known_until"),
        *("physician_id", "facility_id", "service_date"),
    ),
}
# The columns of a physician's own productivity report.
_OWN = {
    "invoices": (*_KEYS, "id", "encounter_id", "known_from"),
    "invoice_states": (*_KEYS, "invoice_id", "encounter_id", "known_from", "known_until"),
    "restated_states": (*_KEYS, "invoice_id", "encounter_id", "from_on", "until_on"),
    **_VISITS,
    # Of merged payers, the one that stays has the figures of both.
    **_LINKS,
}
_ALL = {
    **_OWN,
    "invoices": (*_OWN["invoices"], *_LEDGER),
    "invoice_states": (*_OWN["invoice_states"], *_LEDGER),
    "restated_states": (*_OWN["restated_states"], *_LEDGER),
    "denials": ("clinic_id", "invoice_id", "denied_on", "recorded_at"),
}
_OWED_BY = ("clinic_id", "invoice_id", "number", "payer_id", "coverage_id", "from_on", "recorded_at")
# Who was responsible when the agreement was made that the present payer keeps.
_KEPT_AGREEMENTS = {
    "agreements": ("clinic_id", "invoice_id", "number", "kind", "agreed_on", "ended_on", "ended_at", "recorded_at"),
    "responsibilities": _OWED_BY,
}
_LIVES = {
    "denials": ("clinic_id", "id", "invoice_id", "denied_on", "reason_code", "recorded_at"),
    "denial_events": ("clinic_id", "denial_id", "number", "status", "happened_on", "recovered_amount", "recorded_at"),
    "responsibilities": _OWED_BY,
}
# Who was responsible for an invoice on the day of its full payment.
_DAYS_TO_PAY = {"responsibilities": _OWED_BY, **dict.fromkeys(_STATES, ("responsible_since",))}
# Payments, and what was done with them.
_UNAPPLIED = {
    "cheques": (
        *("clinic_id", "id", "payer_id", "amount", "unapplied_amount", "held_from", "released_at", "returned_on"),
        *("returned_at", "received_on", "recorded_at", "corrected_at"),
    ),
    "cheque_allocations": ("clinic_id", "cheque_id", "amount", "effective_on", "recorded_at"),
    "refunds": ("clinic_id", "cheque_id", "amount", "refunded_on", "recorded_at"),
    "provider_adjustments": ("clinic_id", "cheque_id", "amount", "effective_on", "recorded_at"),
}
# The columns by which only staff may filter invoices, also on a past day.
_CHOSEN_BY_STAFF = {
    "invoice_states": ("attorney_id", "case_id", "patient_id"),
    "restated_states": ("case_id", "patient_id"),
    # Who represented the case on a restated day.
    "representations": ("clinic_id", "case_id", "attorney_id", "from_on", "until_on", "known_until"),
    "holds": ("recorded_at",),
    "reminders": ("recorded_at", "closed_at"),
}
# Root field, field or argument's value → table → columns.
READS: dict[str, Mapping[str, tuple[str, ...]]] = {
    "Query.aging": _ALL,
    "Query.analytics": _OWN,
    "Analytics.billed": _ALL,
    # Who represented the case on the day of an agreement.
    "Analytics.reductionsByAttorney": {
        "representations": (
            *("clinic_id", "case_id", "attorney_id", "from_on", "until_on", "known_from", "known_until"),
        ),
        **_KEPT_AGREEMENTS,
        **dict.fromkeys(_STATES, ("case_id", "agreed_on")),
    },
    "Analytics.reductionsByPayer": _KEPT_AGREEMENTS,
    # The coverage that paid each part of an invoice, or that owes it.
    "Analytics.amountsByCoverageKind": {
        "coverages": ("clinic_id", "id", "case_id", "payer_id", "kind", "recorded_at"),
        "cheque_allocations": ("clinic_id", "invoice_id", "coverage_id", "amount", "effective_on", "recorded_at"),
        "invoice_adjustments": ("clinic_id", "invoice_id", "kind", "amount", "effective_on", "recorded_at"),
        "responsibilities": _OWED_BY,
        **dict.fromkeys(_STATES, ("case_id",)),
    },
    # What became of the denials of the cohort's invoices.
    **dict.fromkeys(
        (
            *("Analytics.appeals", "MonthlyAnalytics.appeals", "Analytics.denialsByPayer"),
            "Analytics.denialsByReason",
        ),
        _LIVES,
    ),
    # Issued documents by kind: nothing of what they say, of whom or to whom.
    "Analytics.documentsByKind": {
        "issued_documents": ("clinic_id", "id", "kind", "issued_at", "withdrawn_at", "recorded_at"),
        "document_deliveries": ("clinic_id", "document_id", "recorded_at"),
    },
    # Which payers are patients, who are one row.
    "Query.agingByPayerPage": {"payers": ("clinic_id", "id", "kind")},
    **dict.fromkeys(("PayerAging.medianDaysToPay", "PayerGroupAging.medianDaysToPay"), _DAYS_TO_PAY),
    **dict.fromkeys(("PayerAging.unappliedAmount", "PayerGroupAging.unappliedAmount"), _UNAPPLIED),
    # What was written off and given up, by the days on which it was.
    "Mutation.exportAdjustments": {"invoice_states": ("written_off_amount", "small_balance_amount")},
    "AgingBasis.SUBMITTED": dict.fromkeys(_STATES, ("submitted_on",)),
    "AgingBasis.AGREED": dict.fromkeys(_STATES, ("agreed_on",)),
    "AgingBasis.RESPONSIBILITY": dict.fromkeys(_STATES, ("responsible_since",)),
}
# The records that a report names.
_NAMED = ("Payer.", "Physician.")


def columns_of_reports(role: Role, seen: frozenset[str]) -> dict[str, set[str]]:
    """Table → columns that a role reads for its reports itself."""
    return {} if role in BY_MONTH else _read_by(role, seen)


def _read_by(role: Role, seen: frozenset[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    parts = [columns for coordinate, columns in READS.items() if coordinate in seen]
    for columns in [*parts, *([_CHOSEN_BY_STAFF] if parts and role in STAFF else [])]:
        for table, names in columns.items():
            found[table] |= set(names)
    return found


def columns_of_report_role(seen: Mapping[Role, frozenset[str]]) -> dict[str, set[str]]:
    """Table → columns that the report role reads, for all roles whose reports run under it."""
    found: dict[str, set[str]] = defaultdict(set)
    for role in sorted(BY_MONTH & set(seen)):
        named = frozenset(name for name in seen[role] if name.startswith(_NAMED))
        added_up: dict[str, set[str]] = _read_by(role, seen[role])
        for columns in (added_up, columns_read(role, named)):
            for table, names in columns.items():
                found[table] |= names
    return found


def columns_kept(role: Role | None) -> list[str]:
    """The columns of each invoice that a role's report carries through its subqueries."""
    own = ["id", "status", "created_on", "payer_id", "physician_id", "encounter_id", "billed_amount"]
    ledger = [*_LEDGER]
    if role is Role.PHYSICIAN:
        return own
    return [*own, *ledger, "case_id", "responsible_since", *(["attorney_id", "agreed_on"] if role in STAFF else [])]
