"""Statements that write to a whole table, and the tables to which each role of users may apply them."""

from domain.access.people import Role

_STAFF_ADD = """
    agreements attorney_changes attorneys case_events cases cheque_allocations cheques coverage_events coverages denial_events
    denials deposits
    document_counters document_deliveries document_templates
    documents encounter_events encounter_exams encounter_states encounters firms holds idempotency_keys import_mappings
    internal_notes invoice_adjustments invoice_counters invoice_selections
    invoice_events invoice_lines invoices issued_document_invoices issued_documents late_facts outbound_messages patient_names patients payers
    remittance_claims remittance_payments remittances
    provider_adjustments recoupment_answers recoupment_requests reason_codes reduction_offers
    reminder_confirmations reminder_levels reminder_policies reminder_templates reminders representations responsibilities
    suppressed_addresses write_offs
""".split()
# Every role may request an export.
_EVERY_ROLE_ADDS = {"audit_events", "audit_pending", "exports"}
ADDED: dict[Role, set[str]] = {
    **dict.fromkeys(Role, _EVERY_ROLE_ADDS),
    Role.BILLING: {*_EVERY_ROLE_ADDS, *_STAFF_ADD},
    Role.ADMIN: {
        *_EVERY_ROLE_ADDS,
        *_STAFF_ADD,
        *(
            "physicians",
            "facilities",
            "cpt_codes",
            "exam_types",
            "fee_schedules",
            "fee_schedule_rates",
            "sessions",
            "users",
            "invitations",
            "refunds",
            "merges",
        ),
    },
    Role.PHYSICIAN: {
        *(_EVERY_ROLE_ADDS | {"encounters", "encounter_events", "encounter_exams", "encounter_states"}),
        "idempotency_keys",
    },
}
REMOVED: dict[Role, set[str]] = {
    **{role: set() for role in Role},
    Role.BILLING: {"import_mappings", "invoice_selections", "invoice_lines", "patient_names", "reminder_levels"},
    Role.ADMIN: {
        "import_mappings",
        "invoice_selections",
        "invoice_lines",
        "patient_names",
        "reminder_levels",
        "fee_schedule_rates",
    },
}
ATTEMPTS: dict[str, tuple[str, dict[Role, set[str]]]] = {
    "insert": ("insert into {0} default values", ADDED),
    # No role may change the clinic of a row.
    "update": ("update {0} set clinic_id = clinic_id", {role: set() for role in Role}),
    "delete": ("delete from {0} where false", REMOVED),
    "truncate": ("truncate {0} cascade", {role: set() for role in Role}),
    # PostgreSQL lets a role lock a whole table if it may delete from it.
    "lock": ("lock table {0} in exclusive mode", REMOVED),
}
