"""The columns that only an import may insert: those of opening balances, with amounts from another system and cheques without scan."""

# Table → columns. An importing user's transaction switches to the import role for three statements; the invoices' events are
# inserted under the user's own role.
IMPORTING: dict[str, tuple[str, ...]] = {
    "invoices": (
        *(
            "clinic_id",
            "id",
            "number",
            "case_id",
            "patient_id",
            "payer_id",
            "physician_id",
            "facility_id",
            "encounter_id",
        ),
        *("attorney_id", "status", "version", "created_on", "service_date", "submitted_on", "first_submitted_on"),
        *(
            "submission_method",
            "agreed_on",
            "fully_paid_on",
            "paid_on",
            "billed_amount",
            "agreed_amount",
            "received_amount",
        ),
        *("written_off_amount", "floor_amount", "target_amount", "conditional_until", "external_key", "known_from"),
        *("earlier_received_amount", "contractual_amount", "small_balance_amount", "recovered_amount"),
        *("open_status", "responsible_since", "updated_at", "recorded_at"),
    ),
    # Cheques received before the import have no scanned document and are marked as imported.
    "cheques": (
        *("clinic_id", "id", "payer_id", "method", "number", "number_key", "amount", "cheque_date", "received_on"),
        *("imported", "recorded_at"),
    ),
    "invoice_states": (
        *("clinic_id", "invoice_id", "known_from", "known_until", "case_id", "patient_id", "payer_id", "physician_id"),
        *("facility_id", "encounter_id", "attorney_id", "status", "created_on", "service_date", "submitted_on"),
        *("first_submitted_on", "agreed_on", "fully_paid_on", "paid_on", "billed_amount", "agreed_amount"),
        *("earlier_received_amount", "contractual_amount", "small_balance_amount", "recovered_amount"),
        *("received_amount", "written_off_amount", "responsible_since"),
    ),
}
