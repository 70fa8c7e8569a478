"""The columns that mutations read besides those that they change: columns by which rows are found, and facts for the rules."""

from domain.records.addresses import columns_of

# The columns that mutations of billing staff read besides those that they change, whether a field shows them or not: columns
# by which rows are found, facts for the rules, and prices.
LOOKED_UP: dict[str, tuple[str, ...]] = {
    "agreements": ("recorded_at",),
    "attorneys": ("name_key", "firm_id"),
    "cases": ("number", "number_key", "patient_id", "opened_on", "date_of_injury"),
    "cheque_allocations": (
        "cheque_id",
        "invoice_id",
        "coverage_id",
        "amount",
        "effective_on",
        "recorded_at",
        "ordered_at",
        "reverses_id",
        "reversal_kind",
    ),
    "clinics": (
        *("legal_name", "fax", "email", "tin", "npi", "taxonomy", "logo"),
        *columns_of("physical"),
        *columns_of("remit"),
        "payment_terms_days",
        "small_balance_tolerance",
        "unbilled_after_days",
        "moves_to_working_days",
        "time_zone",
        "attaches_documents",
        "invoice_number_prefix",
        "first_invoice_number",
        "name",
        "address",
        "phone",
    ),
    "cheques": (
        *("payer_id", "method", "number", "number_key", "number_likeness", "amount", "cheque_date", "received_on"),
        *(
            "held_from",
            "unapplied_amount",
            "is_duplicate",
            "bank_key",
            "is_remitted",
            "recorded_at",
            "corrected_at",
        ),
    ),
    "coverage_events": ("coverage_id", "seq"),
    "coverages": ("case_id", "payer_id"),
    "cpt_codes": ("code", "label", "base_price", "bilateral_policy", "active", "valid_from", "valid_to"),
    "documents": ("uploaded_by", "file_name", "content_type", "byte_size", "expires_at"),
    "document_counters": ("kind", "last_number"),
    "document_deliveries": ("message_id", "recorded_at"),
    "document_templates": ("kind", "version", "texts"),
    "encounter_exams": ("encounter_id", "exam_type_id", "bilateral", "units", "position", "removed_at"),
    "encounters": (
        *("case_id", "patient_id", "physician_id", "facility_id", "service_date", "recorded_at", "invoice_id"),
        *("changed_at", "cancelled_at", "version", "before_injury_reason", "before_injury_by"),
    ),
    "exam_types": ("parent_id", "name", "code", "selection_rule", "position", "active"),
    "facilities": ("geographic_factor", "name_key"),
    "firms": ("name_key",),
    "fee_schedule_rates": ("fee_schedule_id", "code", "rate"),
    "fee_schedules": ("payer_id", "facility_id", "name", "name_key", "valid_from", "valid_to"),
    "holds": ("case_id", "invoice_id", "payer_id", "until_on"),
    "idempotency_keys": ("user_id", "key"),
    "import_mappings": ("kind", "name", "mapping", "version", "changed_by", "changed_at"),
    "invoice_counters": ("year",),
    "invoice_events": ("invoice_id", "seq"),
    "invoice_selections": ("user_id", "invoice_ids", "recorded_at"),
    "invoice_lines": ("invoice_id", "position", "code", "units", "bilateral"),
    "invoices": (
        *("number", "case_id", "patient_id", "physician_id", "facility_id", "created_on", "first_submitted_on"),
        *("before_injury_reason", "before_injury_by", "recorded_at"),
    ),
    "issued_documents": ("attorney_id", "content_type", "sha256", "blob_key", "file_status", "status", "supersedes_id"),
    "invoice_adjustments": (
        *("invoice_id", "number", "kind", "amount", "effective_on", "recorded_at"),
        *("adjustment_group", "reason_code", "line_id", "cheque_id", "undoes_number"),
    ),
    "late_facts": ("invoice_id", "seq", "fact", "fact_on", "decision", "decided_on", "recorded_at"),
    **dict.fromkeys(("merged_patients", "merged_payers"), ("survivor_id", "group_ids")),
    "patient_names": ("fragment", "patient_id"),
    "patients": ("merged_into_id",),
    "outbound_messages": ("issued_document_id", "recorded_at"),
    "payers": ("name_key", "kind", "patient_id", "merged_into_id"),
    "physicians": ("name_key",),
    "reason_codes": ("code", "active"),
    "reduction_offers": ("invoice_id", "round", "amount"),
    "reminder_levels": ("policy_id", "template_id"),
    "remittance_claims": (
        *("remittance_id", "payment_id", "place", "number", "status_code", "charge_amount", "paid_amount"),
        *("patient_amount", "payer_number", "adjustments", "remark_codes", "transfer_amount", "responsible_amount"),
        *("transfer_reason", "is_exhausted"),
    ),
    "remittance_payments": (
        *("remittance_id", "place", "payer_identifier", "payer_name_key", "trace", "trace_key", "method", "amount"),
        *("paid_on", "provider_adjustments"),
    ),
    "remittances": ("document_id",),
    "representations": ("case_id",),
    # Whether an invoice has restated states, which change with it.
    "restated_states": ("invoice_id", "until_on"),
    # Whether an attorney has an account.
    "users": ("attorney_id", "active", "joined_at"),
    "write_offs": ("invoice_id", "number", "written_off_on", "recorded_at"),
    "attorney_changes": ("case_id",),
}

# The columns that mutations of administrators alone read besides: what two records had when they were merged.
LOOKED_UP_BY_ADMINISTRATORS: dict[str, tuple[str, ...]] = {"merges": ("before",)}

# The columns that mutations of physicians read besides: idempotency keys, so that a visit is recorded once, and what a correction
# of a visit depends on.
LOOKED_UP_BY_PHYSICIANS: dict[str, tuple[str, ...]] = {
    "encounters": ("recorded_at",),
    "idempotency_keys": ("user_id", "key"),
}

# The columns that are read for attorneys when they download a document that was delivered to their law firm.
LOOKED_UP_BY_ATTORNEYS: dict[str, tuple[str, ...]] = {
    "issued_documents": ("case_id", "content_type", "sha256", "blob_key", "file_status", "status", "supersedes_id"),
}

# The columns that are read for every role when a user downloads an export; case_ids by servers of the release before.
LOOKED_UP_BY_EVERYBODY: dict[str, tuple[str, ...]] = {
    "exports": ("role", "blob_key", "byte_order_mark", "case_ids", "deposit_id", "record_count"),
    "export_records": ("export_id", "table_name", "ids"),
}
