"""The row rules: for each table and role, which rows are in reach."""

from enum import StrEnum

from domain.access.people import Role


class Reach(StrEnum):
    """The set of rows of a table that a role may access, in words."""

    CLINIC = "every row of the user's clinic"
    REPRESENTED = "cases that the attorney represents now"
    REPRESENTED_NOT_VOID = "invoices of cases that the attorney represents now, except void ones"
    OF_REPRESENTED_CASE = "patients of cases that the attorney represents now"
    ON_REPRESENTED_INVOICE = "parties named on invoices that the attorney sees"
    OF_REPRESENTED_INVOICE = "lines of invoices that the attorney sees"
    TREATED = "the physician's treatments, and the invoices for them"
    OF_TREATED_CASE = "cases that the physician treats, and their patients"
    ON_TREATED_INVOICE = "parties named on invoices of the physician's treatments"
    OF_TREATED_INVOICE = "lines of invoices of the physician's treatments"
    OF_TREATED_ENCOUNTER = "exams and corrections of the physician's treatments"
    WHERE_TREATED = "places named on the physician's treatments and on invoices for them"
    SELF = "the user's own record"
    OWN = "the user's own rows"
    REQUESTED = "exports that the user requested"
    OF_REQUESTED_EXPORT = "the lists of records in exports that the user requested"
    IMPORTED_KINDS = "mappings of the kinds of files that the role may import"
    DELIVERED_TO_FIRM = "documents of cases that the attorney represents now that were delivered to the attorney's law firm, and these deliveries"
    UPLOADED_OR_USED = "files that the user uploaded, and those that a mutation has used"


_ADMIN, _BILLING, _PHYSICIAN, _ATTORNEY, _ANALYST = Role
_STAFF = {_ADMIN: Reach.CLINIC, _BILLING: Reach.CLINIC}
_CLINIC = {**_STAFF, _ANALYST: Reach.CLINIC}
_CASES = {_PHYSICIAN: Reach.OF_TREATED_CASE, _ATTORNEY: Reach.OF_REPRESENTED_CASE}
_PARTIES = {_PHYSICIAN: Reach.ON_TREATED_INVOICE, _ATTORNEY: Reach.ON_REPRESENTED_INVOICE}

# Table → role → reach. A role that is not named for a table reaches none of its rows.
ROWS: dict[str, dict[Role, Reach]] = {
    "invoices": {**_CLINIC, _PHYSICIAN: Reach.TREATED, _ATTORNEY: Reach.REPRESENTED_NOT_VOID},
    # What an invoice was before a recent transaction, by which a subscriber learns that it has left a list.
    "invoice_images": {**_CLINIC, _PHYSICIAN: Reach.TREATED, _ATTORNEY: Reach.REPRESENTED_NOT_VOID},
    "invoice_lines": {**_CLINIC, _PHYSICIAN: Reach.OF_TREATED_INVOICE, _ATTORNEY: Reach.OF_REPRESENTED_INVOICE},
    "cases": {**_CLINIC, **_CASES, _ATTORNEY: Reach.REPRESENTED},
    "patients": {**_CLINIC, **_CASES},
    "patient_names": {**_STAFF, **_CASES},
    "payers": {**_CLINIC, **_PARTIES},
    # The links of merged records are read by whoever reaches one of them, and are told to nobody.
    "merged_patients": {**_CLINIC, **_CASES},
    "merged_payers": {**_CLINIC, **_PARTIES},
    "merges": {_ADMIN: Reach.CLINIC},
    "facilities": {**_CLINIC, **_PARTIES, _PHYSICIAN: Reach.WHERE_TREATED},
    "physicians": {**_CLINIC, **_PARTIES, _PHYSICIAN: Reach.SELF},
    # Of visits, their exams, denials and past states, analysts see what their reports add up: permissions/reporting.py.
    "encounters": {**_STAFF, _PHYSICIAN: Reach.TREATED},
    "invoice_states": {**_STAFF, _PHYSICIAN: Reach.TREATED},
    "restated_states": {**_STAFF, _PHYSICIAN: Reach.TREATED},
    "denials": _STAFF,
    # Which law firm an attorney belongs to decides which deliveries are to that firm.
    "attorneys": {**_STAFF, _ATTORNEY: Reach.SELF},
    "issued_documents": {**_STAFF, _ATTORNEY: Reach.DELIVERED_TO_FIRM},
    "document_deliveries": {**_STAFF, _ATTORNEY: Reach.DELIVERED_TO_FIRM},
    "documents": dict.fromkeys(_STAFF, Reach.UPLOADED_OR_USED),
    "import_mappings": dict.fromkeys(_STAFF, Reach.IMPORTED_KINDS),
    "encounter_exams": {**_STAFF, _PHYSICIAN: Reach.OF_TREATED_ENCOUNTER},
    "encounter_events": {**_STAFF, _PHYSICIAN: Reach.OF_TREATED_ENCOUNTER},
    "encounter_states": {**_STAFF, _PHYSICIAN: Reach.OF_TREATED_ENCOUNTER},
    "exam_types": {**_STAFF, _PHYSICIAN: Reach.CLINIC},
    "idempotency_keys": dict.fromkeys((*_STAFF, _PHYSICIAN), Reach.OWN),
    "invoice_selections": dict.fromkeys(_STAFF, Reach.OWN),
    "sessions": {_ADMIN: Reach.CLINIC},
    "invitations": {_ADMIN: Reach.CLINIC},
    "exports": dict.fromkeys(Role, Reach.REQUESTED),
    "export_records": dict.fromkeys(Role, Reach.OF_REQUESTED_EXPORT),
    "treating_physicians": {_PHYSICIAN: Reach.TREATED},
    "cpt_codes": _CLINIC,
    "audit_events": {_ADMIN: Reach.CLINIC},
    "audit_chain": {_ADMIN: Reach.CLINIC},
    **dict.fromkeys(
        (
            "action_items",
            "agreements",
            "attorney_changes",
            "case_events",
            "cheque_allocations",
            "cheques",
            "clinics",
            "coverage_events",
            "coverages",
            "expected_payments",
            "denial_events",
            "deposits",
            "document_counters",
            "document_templates",
            "fee_schedule_rates",
            "fee_schedules",
            "firms",
            "holds",
            "internal_notes",
            "issued_document_invoices",
            "invoice_adjustments",
            "invoice_counters",
            "invoice_events",
            "late_facts",
            "message_invoices",
            "outbound_messages",
            "provider_adjustments",
            "recoupment_answers",
            "recoupment_requests",
            "reason_codes",
            "reduction_offers",
            "refunds",
            "reminder_confirmations",
            "reminder_levels",
            "reminder_policies",
            "reminder_templates",
            "reminders",
            "remittance_claims",
            "remittance_payments",
            "remittance_proposals",
            "remittances",
            "representations",
            "responsibilities",
            "suppressed_addresses",
            "users",
            "write_offs",
        ),
        _STAFF,
    ),
}
