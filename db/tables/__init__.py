"""All tables of the database, in one namespace."""

from db.tables.audit import audit_chain, audit_entities, audit_events, audit_pending
from db.tables.base import metadata
from db.tables.cases import attorney_changes, case_events, cases, representations, treating_physicians
from db.tables.cheques import cheque_allocations, cheques, deposits, documents, refunds
from db.tables.clinics import clinics, idempotency_keys, sessions, users
from db.tables.coverages import coverage_events, coverages
from db.tables.encounters import encounter_events, encounter_exams, encounter_states, encounters
from db.tables.invoices import (
    changes,
    denials,
    internal_notes,
    invoice_counters,
    invoice_events,
    invoice_lines,
    invoice_states,
    invoices,
    reduction_offers,
)
from db.tables.ledger import agreements, invoice_adjustments, responsibilities, write_offs
from db.tables.parties import attorneys, facilities, firms, patient_names, patients, payers, physicians
from db.tables.policy_version import policy_version
from db.tables.pricing import cpt_codes, exam_types, fee_schedule_rates, fee_schedules
from db.tables.records import export_records, exports, import_mappings
from db.tables.reminders import (
    holds,
    message_invoices,
    outbound_messages,
    reminder_confirmations,
    reminder_levels,
    reminder_policies,
    reminder_templates,
    reminders,
    suppressed_addresses,
)
from db.tables.sign_in import (
    invitations,
    login_second_factors,
    logins,
    memberships,
    recovery_codes,
    reset_links,
    second_factors,
    sign_in_attempts,
)

__all__ = [
    "agreements",
    "attorney_changes",
    "attorneys",
    "audit_chain",
    "audit_entities",
    "audit_events",
    "audit_pending",
    "case_events",
    "cases",
    "changes",
    "cheque_allocations",
    "cheques",
    "clinics",
    "coverage_events",
    "coverages",
    "cpt_codes",
    "denials",
    "deposits",
    "documents",
    "encounter_events",
    "encounter_exams",
    "encounter_states",
    "encounters",
    "exam_types",
    "export_records",
    "exports",
    "facilities",
    "fee_schedule_rates",
    "fee_schedules",
    "firms",
    "holds",
    "idempotency_keys",
    "import_mappings",
    "internal_notes",
    "invitations",
    "invoice_adjustments",
    "invoice_counters",
    "invoice_events",
    "invoice_lines",
    "invoice_states",
    "invoices",
    "login_second_factors",
    "logins",
    "memberships",
    "message_invoices",
    "metadata",
    "outbound_messages",
    "patient_names",
    "patients",
    "payers",
    "physicians",
    "policy_version",
    "recovery_codes",
    "reduction_offers",
    "refunds",
    "reminder_confirmations",
    "reminder_levels",
    "reminder_policies",
    "reminder_templates",
    "reminders",
    "representations",
    "reset_links",
    "responsibilities",
    "second_factors",
    "sessions",
    "sign_in_attempts",
    "suppressed_addresses",
    "treating_physicians",
    "users",
    "write_offs",
]
