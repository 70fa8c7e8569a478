"""The columns that each database role inserts and updates, and the tables from which it deletes, written by hand."""

from db.security.policies import AUDIT_ROLE, IMPORT_ROLE, SIGN_IN, WORKER_ROLE
from tests.db.rights.columns import (
    ADDRESS,
    CONFIRMED,
    COVERAGE,
    COVERAGE_ENDS,
    KEPT,
    LETTERHEAD,
    LEVEL,
    LINE,
    MASTER_DATA,
    POLICY,
    RESET_LINK,
    SUMS,
    SUPPRESSED,
    VISIT_BEFORE,
)

# Columns that an insert sets, besides the key and the time of recording.
_ADDED_BY_STAFF = {
    "agreements": "invoice_id number kind amount agreed_on conditional_until ended_on ended_at ended_by",
    "attorney_changes": "case_id attorney_id effective_on requested_by requested_at",
    "attorneys": "name firm firm_id email phone name_fragments",
    "case_events": "case_id at by_user_id action changes request_id",
    "cases": "number number_key status patient_id attorney_id date_of_injury opened_on",
    "cheque_allocations": "cheque_id invoice_id amount effective_on reverses_id reversal_kind ordered_at coverage_id",
    "cheques": """payer_id method bank bank_key number number_key amount cheque_date received_on held_from replaces_id document_id
        is_remitted corrects_id correction_reason returned_on return_reason return_kind returned_at deposit_id cleared_on
        released_at""",
    "coverage_events": "coverage_id seq at by_user_id action changes request_id",
    "coverages": f"case_id status letter_id {COVERAGE}",
    "deposits": "bank_account deposited_on recorded_by",
    "denial_events": "denial_id number status happened_on recovered_amount document_id note recorded_by",
    "denials": """invoice_id line_id cheque_id denied_on adjustment_group reason_code remark_codes amount note appeal_due_on
        recorded_by""",
    "documents": "uploaded_by file_name content_type byte_size expires_at",
    "encounter_events": "encounter_id at by_user_id action changes request_id",
    "encounter_exams": "encounter_id exam_type_id bilateral units position",
    "encounter_states": VISIT_BEFORE,
    "encounters": "case_id patient_id physician_id facility_id service_date before_injury_reason before_injury_by",
    "firms": f"name email phone fax address {ADDRESS} name_fragments",
    "holds": "invoice_id case_id payer_id until_on reason placed_by placed_at",
    "idempotency_keys": "user_id key operation input_hash",
    "import_mappings": "kind name mapping version changed_by changed_at",
    "invoice_selections": "user_id invoice_ids",
    "internal_notes": "invoice_id body written_by written_at",
    "invoice_adjustments": """invoice_id number kind amount effective_on undoes_number decided_by adjustment_group reason_code remark_codes
        line_id cheque_id note""",
    "invoice_counters": "year last_number",
    "invoice_events": "invoice_id seq at by_user_id transition from_status to_status changes request_id",
    "invoice_lines": f"""{LINE.removeprefix("clinic_id id")} unit_price price_source price_rate geographic_factor
        bilateral_factor override_reason price_schedule price_valid_from price_valid_to is_repeated repeat_confirmed_by""",
    "invoices": """number status created_on service_date billed_amount updated_at case_id patient_id payer_id
        physician_id facility_id encounter_id replaces_id responsible_since before_injury_reason before_injury_by""",
    "document_counters": "kind last_number",
    "document_deliveries": """document_id case_id method delivered_at recipient attorney_id firm_id tracking_number proof_id
        recorded_by""",
    "document_templates": "kind version texts created_by",
    "issued_document_invoices": "document_id invoice_id amount",
    "issued_documents": """kind origin number case_id recipient attorney_id template_id as_of good_through stated_amount contents
        data_hash issued_by issued_at supersedes_id is_final statement_id state document_id content_type file_status sha256 blob_key""",
    "outbound_messages": "recipient subject status due_on next_attempt_at issued_document_id attaches_document",
    "late_facts": "invoice_id seq fact fact_on decision decided_on",
    "patient_names": "fragment patient_id",
    "patients": f"mrn mrn_key first_name last_name sort_name birth_date sex phone phone_key email address {ADDRESS}",
    "payers": f"name kind email phone fax address {ADDRESS} patient_id attorney_id firm_id name_fragments",
    "reason_codes": "code adjustment_group label active",
    "provider_adjustments": "cheque_id code reference amount effective_on note reverses_id reversal_kind carries_id recorded_by",
    "remittances": "origin document_id imported_by problems",
    "remittance_payments": """remittance_id place payer_id payer_identifier payer_name payer_name_key trace trace_key method amount
        paid_on status reason broken_laws provider_adjustments""",
    "remittance_claims": """remittance_id payment_id place number status_code charge_amount paid_amount patient_amount payer_number
        adjustments remark_codes lines transfer_amount responsible_amount transfer_reason is_exhausted status reason invoice_id""",
    "recoupment_answers": """request_id number step amount answered_on refund_id provider_adjustment_id due_on note document_id
        answered_by""",
    "recoupment_requests": """payer_id cheque_id invoice_id reference amount reason requested_on due_on document_id
        recorded_by""",
    "reduction_offers": "invoice_id round party amount reason expires_on status document_id made_by made_at",
    "reminder_confirmations": CONFIRMED,
    "suppressed_addresses": SUPPRESSED,
    "reminder_levels": LEVEL,
    "reminder_policies": POLICY,
    "reminder_templates": "name version subject body created_by",
    "reminders": "invoice_id target_date moved_to subject notes assignee_id created_by created_at",
    "representations": "case_id attorney_id from_on until_on known_from",
    "responsibilities": "invoice_id number payer_id coverage_id from_on reason note document_id decided_by",
    "write_offs": "invoice_id number written_off_on reversed_on decided_by",
}
_AUDITED = {
    "audit_events": "user_id role operation entities fields filters row_count request_id at",
    "audit_pending": "event_ids",
}
# Every role may request and cancel an export.
_ADDED_BY_EVERY_ROLE = {
    **_AUDITED,
    "exports": "requested_by role kind format status filter columns deposit_id byte_order_mark file_name created_at",
}
_CHANGED_BY_EVERY_ROLE = {"exports": "status failure"}
_ADDED_BY_STAFF |= _ADDED_BY_EVERY_ROLE
# Day, physician and facility of a visit that is not billed, or its cancellation; the exams that a correction replaced.
_CHANGED_BY_WHO_TREATS = {
    "encounter_exams": "removed_at",
    "encounters": """physician_id facility_id service_date version changed_at cancelled_at before_injury_reason
        before_injury_by""",
}
_CHANGED_BY_STAFF = {
    "agreements": "ended_on ended_at ended_by",
    "attorney_changes": "status ended_by ended_at",
    "attorneys": "name firm firm_id email phone name_fragments is_duplicate retired_at",
    "cases": "attorney_id status settled_on closed_on closed_reason date_of_injury opened_on version",
    "firms": f"name email phone fax address {ADDRESS} name_fragments retired_at",
    "cheques": """returned_on return_reason return_kind returned_at deposit_id cleared_on received_on released_at
        corrected_at""",
    "coverages": f"letter_id {COVERAGE} {COVERAGE_ENDS} version",
    "document_counters": "last_number",
    "issued_documents": "status withdrawn_by withdrawn_at withdrawal_reason executed_on served_on",
    "documents": "consumed_at stored_at sha256 blob_key",
    **_CHANGED_BY_WHO_TREATS,
    "holds": "released_at",
    "idempotency_keys": "operation input_hash recorded_at result_id",
    "import_mappings": "mapping version changed_by changed_at",
    "invoice_counters": "last_number",
    "invoices": """status open_status version payer_id responsible_since service_date submitted_on submission_method agreed_on
        fully_paid_on paid_on billed_amount agreed_amount received_amount earlier_received_amount contractual_amount
        small_balance_amount recovered_amount written_off_amount floor_amount target_amount conditional_until updated_at""",
    "patients": f"mrn mrn_key first_name last_name sort_name birth_date sex phone phone_key email address {ADDRESS} is_duplicate retired_at",
    "payers": f"name kind email phone fax address {ADDRESS} patient_id attorney_id firm_id name_fragments retired_at",
    "reason_codes": "adjustment_group label active",
    "reduction_offers": "status",
    "outbound_messages": "recipient status attempts failure next_attempt_at",
    "reminder_confirmations": "ended_by ended_at",
    "suppressed_addresses": "removed_by removed_at",
    "reminder_levels": "template_id",
    "reminder_policies": POLICY,
    "recoupment_requests": "status answered_amount due_on",
    "remittance_payments": "payer_id status reason cheque_id is_attached posted_at posted_by",
    "remittance_claims": "status reason invoice_id lines coverage_id posted_at posted_by closed_at closed_by closing_reason",
    "reminders": "target_date moved_to subject notes assignee_id status outcome closed_at",
    "representations": "until_on known_until",
    "write_offs": "reversed_on",
    **_CHANGED_BY_EVERY_ROLE,
}
# By role: the columns that it inserts, the tables from which it deletes, and the columns that it updates.
ADDED = {
    "clinic_admin": {
        **_ADDED_BY_STAFF,
        "physicians": "name npi taxonomy licence_number licence_state name_fragments",
        "facilities": f"name geographic_factor npi place_of_service {ADDRESS} name_fragments",
        "cpt_codes": "code label base_price bilateral_policy active valid_from valid_to",
        "exam_types": "parent_id name code selection_rule position",
        "fee_schedules": "name name_key payer_id facility_id valid_from valid_to",
        "fee_schedule_rates": "fee_schedule_id code rate",
        "sessions": "user_id token_hash kind name expires_at",
        "users": "email name role attorney_id physician_id",
        "invitations": "user_id email role is_mailed expires_at next_attempt_at",
        "refunds": """cheque_id amount payee reason refunded_on method document_id refunded_by reverses_id reversal_kind carries_id
            provider_adjustment_id""",
        "merges": """merged_patient_id surviving_patient_id merged_payer_id surviving_payer_id part_of_id reason
            different_attorneys before merged_by merged_at""",
    },
    "clinic_billing": _ADDED_BY_STAFF,
    "clinic_physician": {
        table: _ADDED_BY_STAFF[table]
        for table in (
            *_ADDED_BY_EVERY_ROLE,
            *("encounter_events", "encounter_exams", "encounter_states", "encounters", "idempotency_keys"),
        )
    },
    "clinic_attorney": _ADDED_BY_EVERY_ROLE,
    "clinic_analyst": _ADDED_BY_EVERY_ROLE,
    SIGN_IN: {
        "sessions": "user_id token_hash kind last_used_at expires_at",
        "sign_in_attempts": "key failures since_at until_at by_account known_until known_accounts",
        # Only the migration makes a login for one clinic alone.
        "logins": "email password_hash oidc_subject email_verified_at",
        "memberships": "login_id user_id",
        "login_second_factors": "login_id secret confirmed_at last_step",
        "recovery_codes": "login_id code_hash",
        "reset_links": RESET_LINK,
    },
    AUDIT_ROLE: _AUDITED,
    # Users import the history of an invoice in their own names.
    IMPORT_ROLE: {
        "cheques": "payer_id method number number_key amount cheque_date received_on imported",
        "invoices": """number status created_on service_date billed_amount updated_at case_id patient_id payer_id physician_id
            facility_id encounter_id attorney_id version submitted_on first_submitted_on submission_method agreed_on
            fully_paid_on paid_on agreed_amount received_amount written_off_amount floor_amount target_amount
            conditional_until external_key known_from earlier_received_amount contractual_amount small_balance_amount
            recovered_amount open_status responsible_since""",
        "invoice_states": f"""{KEPT} {SUMS.replace(" balance", "")} case_id patient_id attorney_id paid_on written_off_amount
            small_balance_amount""",
    },
    WORKER_ROLE: {
        **_AUDITED,
        "case_events": _ADDED_BY_STAFF["case_events"],
        "audit_chain": "seq event_id hash subjects",
        "invoice_events": _ADDED_BY_STAFF["invoice_events"],
        "outbound_messages": "recipient copy_to subject status due_on next_attempt_at failure",
        "document_deliveries": "document_id case_id method delivered_at recipient attorney_id firm_id message_id",
        "message_invoices": "invoice_id message_id policy_id level template_id repetition counted_from",
        "export_records": "export_id table_name part ids",
        "representations": "case_id attorney_id from_on until_on known_from",
    },
}
REMOVED = {
    "clinic_admin": "import_mappings invoice_selections invoice_lines patient_names reminder_levels fee_schedule_rates",
    "clinic_billing": "import_mappings invoice_selections invoice_lines patient_names reminder_levels",
    SIGN_IN: "sign_in_attempts logins memberships login_second_factors recovery_codes reset_links",
    WORKER_ROLE: "documents audit_pending outbound_messages message_invoices export_records invoice_images",
}
CHANGED = {
    "clinic_admin": {
        **_CHANGED_BY_STAFF,
        "clinics": f"""name {LETTERHEAD} {MASTER_DATA} payment_terms_days small_balance_tolerance unbilled_after_days moves_to_working_days
            attaches_documents invoice_number_prefix first_invoice_number""",
        "physicians": "name npi taxonomy licence_number licence_state active name_fragments",
        "facilities": f"name geographic_factor npi place_of_service {ADDRESS} active name_fragments",
        "cpt_codes": "label base_price bilateral_policy active valid_from valid_to",
        "exam_types": "name code selection_rule position active",
        "fee_schedules": "name name_key valid_from valid_to",
        "sessions": "revoked_at",
        "users": "email name role attorney_id physician_id active joined_at",
        "invitations": "revoked_at",
        "merges": "undone_by undone_at",
    },
    "clinic_billing": _CHANGED_BY_STAFF,
    "clinic_physician": {
        "idempotency_keys": "operation input_hash recorded_at result_id",
        **_CHANGED_BY_WHO_TREATS,
        **_CHANGED_BY_EVERY_ROLE,
    },
    "clinic_attorney": _CHANGED_BY_EVERY_ROLE,
    "clinic_analyst": _CHANGED_BY_EVERY_ROLE,
    SIGN_IN: {
        "sessions": "last_used_at revoked_at",
        "clinics": "second_factor_roles",
        "users": "joined_at",
        "sign_in_attempts": "failures since_at until_at by_account known_until known_accounts",
        "logins": "password_hash oidc_subject only_clinic_id email_verified_at",
        "memberships": "login_id",
        "login_second_factors": "secret bound_clinic_id confirmed_at last_step",
        "reset_links": "used_at sent_at next_attempt_at",
        "invitations": "accepted_at sent_at next_attempt_at",
    },
    WORKER_ROLE: {
        "issued_documents": "file_status attempts sha256 blob_key byte_size page_count",
        "invoices": "status open_status version agreed_amount agreed_on conditional_until updated_at",
        "agreements": "ended_on ended_at ended_by",
        "cases": "attorney_id version",
        "representations": "until_on known_until",
        "attorney_changes": "status ended_at",
        "reduction_offers": "status",
        "documents": "stored_at",
        "clinics": "reminded_on",
        "outbound_messages": "subject body status sent_at next_attempt_at attempts accepted_for failure",
        "exports": """status failure attempts row_count rows_written byte_size sha256 billed_total received_total blob_key case_ids
            expires_at record_count""",
    },
}
