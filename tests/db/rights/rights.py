"""The columns that each database role may read, written by hand, to be compared with PostgreSQL's catalog."""

from domain.access.people import Role
from tests.db.rights.columns import (
    ADDRESS,
    CASE,
    CHEQUE,
    CONFIRMED,
    COVERAGE,
    COVERAGE_ENDS,
    DELIVERY,
    EXAM,
    FETCHED,
    FILE,
    FILE_AND_RECEIVED,
    IMAGE,
    INVOICE,
    ISSUED,
    KEPT,
    LETTERHEAD,
    LEVEL,
    LINE,
    LINK,
    MASTER_DATA,
    PARTY,
    POLICY,
    RECORDS,
    RESET_LINK,
    RESTATED,
    SUMS,
    SUPPRESSED,
    VISIT,
    VISIT_BEFORE,
)

Columns = dict[str, set[str]]

STAFF_COLUMNS = {
    "agreements": "clinic_id id invoice_id number kind amount agreed_on conditional_until ended_on ended_by ended_at recorded_at",
    "attorney_changes": "clinic_id id case_id attorney_id effective_on status requested_by requested_at | ended_by ended_at",
    "attorneys": "clinic_id id name firm_id email phone name_fragments retired_at | firm name_key is_duplicate",
    "case_events": "clinic_id id case_id at by_user_id action changes",
    "cases": f"{CASE} opened_on attorney_id settled_on closed_on closed_reason status version",
    "cheque_allocations": """clinic_id id cheque_id invoice_id coverage_id amount effective_on recorded_at reverses_id
        reversal_kind | ordered_at""",
    "cheques": f"""{CHEQUE} corrected_at corrects_id correction_reason | return_reason bank_key number_key number_likeness is_duplicate
        is_remitted""",
    "clinics": f"""clinic_id small_balance_tolerance | {MASTER_DATA} payment_terms_days unbilled_after_days moves_to_working_days
        time_zone attaches_documents invoice_number_prefix first_invoice_number name address phone""",
    "coverage_events": "clinic_id id coverage_id seq at by_user_id action changes",
    "coverages": f"clinic_id id case_id {COVERAGE} letter_id {COVERAGE_ENDS} version recorded_at",
    "cpt_codes": "clinic_id id code label base_price bilateral_policy active valid_from valid_to",
    "deposits": "clinic_id id bank_account deposited_on recorded_by",
    "denial_events": """clinic_id id denial_id number status happened_on recovered_amount document_id note recorded_by
        recorded_at""",
    "denials": """clinic_id id invoice_id line_id cheque_id denied_on adjustment_group reason_code remark_codes amount note
        appeal_due_on recorded_by recorded_at""",
    "document_counters": "| clinic_id kind last_number",
    "document_deliveries": f"{DELIVERY} recorded_at | message_id",
    "document_templates": "clinic_id id kind version texts created_by recorded_at",
    "documents": """clinic_id id expires_at uploaded_by consumed_at file_name |
        stored_at sha256 blob_key byte_size content_type file_name""",
    "encounter_events": "clinic_id id encounter_id at by_user_id action changes",
    "encounter_exams": f"{EXAM} recorded_at",
    "encounter_states": f"clinic_id {VISIT_BEFORE}",
    "encounters": f"{VISIT} invoice_id before_injury_reason | before_injury_by",
    "exam_types": "clinic_id id parent_id name code selection_rule position active",
    "exports": FILE_AND_RECEIVED,
    "export_records": f"| {RECORDS}",
    "facilities": f"clinic_id id name geographic_factor npi place_of_service {ADDRESS} active name_fragments | name_key",
    "fee_schedule_rates": "clinic_id id fee_schedule_id code rate",
    "fee_schedules": "clinic_id id name payer_id facility_id valid_from valid_to | name_key",
    "firms": f"clinic_id id name email phone fax address {ADDRESS} name_fragments retired_at | name_key",
    "holds": "clinic_id id invoice_id case_id payer_id placed_by placed_at reason released_at until_on recorded_at",
    "idempotency_keys": "| clinic_id id user_id key operation input_hash recorded_at result_id",
    "invoice_selections": "| clinic_id id user_id invoice_ids recorded_at",
    "import_mappings": "| clinic_id id kind name mapping version changed_by changed_at",
    "internal_notes": "clinic_id id invoice_id body written_by written_at",
    "invoice_adjustments": """clinic_id id invoice_id number kind amount effective_on adjustment_group reason_code remark_codes
        line_id cheque_id note decided_by recorded_at undoes_number""",
    "invoice_counters": "| clinic_id year last_number",
    "invoice_events": "clinic_id id invoice_id seq at by_user_id transition from_status to_status changes",
    "invoice_lines": f"""{LINE} unit_price price_source price_rate geographic_factor bilateral_factor override_reason
        price_schedule price_valid_from price_valid_to is_repeated repeat_confirmed_by""",
    "invoice_images": f"{IMAGE} attorney_id denial_statuses reminder_due_on held_until",
    "invoice_states": f"{KEPT} {SUMS} case_id patient_id attorney_id written_off_amount small_balance_amount",
    "invoices": f"""{INVOICE} {SUMS} known_from attorney_id encounter_id version submitted_on fully_paid_on paid_on agreed_amount
        received_amount written_off_amount small_balance_amount replaces_id floor_amount target_amount conditional_until updated_at
        before_injury_reason | submission_method open_status before_injury_by recorded_at""",
    "issued_document_invoices": "clinic_id id document_id invoice_id amount",
    "issued_documents": f"{ISSUED} recorded_at | attorney_id blob_key content_type",
    "late_facts": "| clinic_id id invoice_id seq fact fact_on decision decided_on recorded_at",
    **dict.fromkeys(("merged_patients", "merged_payers"), "clinic_id id survivor_id group_ids"),
    "message_invoices": "clinic_id id message_id invoice_id policy_id level template_id repetition",
    "outbound_messages": """clinic_id id recipient copy_to subject body status due_on sent_at next_attempt_at attempts failure
        | issued_document_id recorded_at""",
    "patient_names": "clinic_id fragment patient_id",
    "patients": f"""clinic_id id mrn mrn_key first_name last_name sort_name birth_date sex phone phone_key email address {ADDRESS} retired_at
        | is_duplicate merged_into_id""",
    "payers": f"""clinic_id id kind name email phone fax address {ADDRESS} firm_id name_fragments retired_at
        patient_id | attorney_id name_key merged_into_id""",
    "physicians": "clinic_id id name npi taxonomy licence_number licence_state active name_fragments | name_key",
    "reason_codes": "clinic_id id code adjustment_group label active",
    "reduction_offers": "clinic_id id invoice_id round party amount reason expires_on status made_by made_at",
    "provider_adjustments": """clinic_id id cheque_id code reference amount effective_on note reverses_id reversal_kind carries_id
        recorded_by recorded_at""",
    "remittances": "clinic_id id origin document_id imported_by problems recorded_at",
    "remittance_payments": """clinic_id id remittance_id place payer_id payer_identifier payer_name trace method amount paid_on status
        reason broken_laws provider_adjustments cheque_id is_attached posted_at posted_by | payer_name_key trace_key""",
    "remittance_claims": """clinic_id id remittance_id payment_id place number status_code charge_amount paid_amount patient_amount
        payer_number adjustments remark_codes lines status reason invoice_id coverage_id posted_at posted_by closed_at closed_by
        closing_reason responsible_amount | transfer_amount transfer_reason is_exhausted""",
    "recoupment_answers": """clinic_id id request_id number step amount answered_on refund_id provider_adjustment_id due_on note
        document_id answered_by""",
    "recoupment_requests": """clinic_id id payer_id cheque_id invoice_id reference amount answered_amount reason requested_on due_on
        document_id status recorded_by recorded_at""",
    "refunds": """clinic_id id cheque_id amount payee reason refunded_on method document_id refunded_by recorded_at reverses_id
        reversal_kind carries_id provider_adjustment_id""",
    "reminder_confirmations": f"clinic_id id {CONFIRMED} ended_by ended_at",
    "suppressed_addresses": f"clinic_id id {SUPPRESSED} removed_by removed_at",
    "reminder_levels": f"clinic_id id {LEVEL}",
    "reminder_policies": f"clinic_id id {POLICY}",
    "reminder_templates": "clinic_id id name version subject body created_by recorded_at",
    "reminders": "clinic_id id invoice_id subject notes target_date moved_to status outcome assignee_id created_by created_at closed_at recorded_at",
    "representations": "clinic_id id case_id attorney_id from_on until_on known_from known_until",
    "restated_states": f"{RESTATED} {SUMS} case_id patient_id",
    "responsibilities": """clinic_id id invoice_id number payer_id coverage_id from_on reason note document_id decided_by
        recorded_at""",
    "users": "clinic_id id name | attorney_id active joined_at",
    "write_offs": "| clinic_id id invoice_id number written_off_on reversed_on recorded_at",
}
# Columns that only administrators see, without the hashes of passwords and tokens; and the audit log, which they search for
# the records of a patient.
ADMINISTRATION_COLUMNS = {
    "clinics": f"""clinic_id small_balance_tolerance | {LETTERHEAD} {MASTER_DATA} payment_terms_days unbilled_after_days moves_to_working_days
        time_zone attaches_documents invoice_number_prefix first_invoice_number name""",
    "audit_chain": "clinic_id event_id",
    "audit_events": "clinic_id id user_id role operation entities fields filters row_count request_id at",
    "merges": """clinic_id id merged_patient_id surviving_patient_id merged_payer_id surviving_payer_id part_of_id reason
        different_attorneys merged_by merged_at undone_by undone_at | before""",
    "users": "clinic_id id name email role active attorney_id physician_id recorded_at joined_at",
    "invitations": "clinic_id user_id expires_at accepted_at revoked_at | id",
    "sessions": "clinic_id id user_id kind name recorded_at last_used_at expires_at revoked_at",
}
WRITTEN_BY_HAND: dict[Role, dict[str, str]] = {
    Role.ADMIN: {**STAFF_COLUMNS, **ADMINISTRATION_COLUMNS},
    Role.BILLING: STAFF_COLUMNS,
    Role.ATTORNEY: {
        "exports": f"{FILE} | {FETCHED}",
        "export_records": RECORDS,
        # Documents that were delivered to the own law firm, and which firm that is.
        "attorneys": "clinic_id id firm_id",
        "document_deliveries": "clinic_id id document_id case_id method delivered_at attorney_id firm_id",
        "issued_documents": """clinic_id id kind number issued_at file_status case_id
            | content_type sha256 blob_key status supersedes_id""",
        "invoices": f"{INVOICE} attorney_id",
        "invoice_images": f"{IMAGE} attorney_id",
        "invoice_lines": LINE,
        "cases": f"{CASE} attorney_id status",
        **dict.fromkeys(("merged_patients", "merged_payers"), LINK),
        "patients": "clinic_id id first_name last_name sort_name",
        "patient_names": "clinic_id fragment patient_id",
        "payers": PARTY,
        "physicians": PARTY,
        "facilities": PARTY,
    },
    Role.PHYSICIAN: {
        "exports": f"{FILE} | {FETCHED}",
        "export_records": RECORDS,
        "invoices": f"{INVOICE} encounter_id known_from",
        "invoice_images": IMAGE,
        "invoice_states": KEPT,
        "restated_states": RESTATED,
        "invoice_lines": LINE,
        "cases": CASE,
        **dict.fromkeys(("merged_patients", "merged_payers"), LINK),
        "patients": "clinic_id id first_name last_name sort_name mrn mrn_key birth_date phone phone_key email address",
        "patient_names": "clinic_id fragment patient_id",
        "payers": PARTY,
        "physicians": PARTY,
        "facilities": PARTY,
        "treating_physicians": "clinic_id physician_id case_id patient_id",
        # Encounters and their exam types.
        "encounter_exams": f"{EXAM} recorded_at",
        "encounter_events": "clinic_id id",
        "encounter_states": f"clinic_id {VISIT_BEFORE}",
        "encounters": VISIT,
        "exam_types": "clinic_id id parent_id name code selection_rule position active",
        "idempotency_keys": "clinic_id id user_id key operation input_hash recorded_at result_id",
    },
    Role.ANALYST: {
        "exports": FILE_AND_RECEIVED,
        "export_records": f"| {RECORDS}",
        # Analysts do not search.
        "invoice_images": IMAGE.replace(" number", ""),
        "invoices": f"{INVOICE} agreed_amount received_amount written_off_amount balance",
        "invoice_lines": LINE,
        "cases": "clinic_id id",
        **dict.fromkeys(("merged_patients", "merged_payers"), LINK),
        "patients": "clinic_id id",
        # The name under which a payer is listed; payers that are patients have none.
        "payers": "clinic_id id listed_name",
        "physicians": PARTY,
        "facilities": PARTY,
        "cpt_codes": "clinic_id id code label",
    },
}

# Columns that reports of analysts add up; analysts see single values of few of them.
_ADDED_UP = """first_submitted_on fully_paid_on agreed_amount received_amount balance earlier_received_amount contractual_amount
    recovered_amount responsible_since"""
READ_BY_REPORTS = {
    # By kind of coverage, and who was responsible for an invoice on a day.
    "agreements": "clinic_id invoice_id number kind agreed_on ended_on ended_at recorded_at",
    "cheque_allocations": "clinic_id invoice_id coverage_id amount effective_on recorded_at",
    "coverages": "clinic_id id case_id payer_id kind recorded_at",
    "invoice_adjustments": "clinic_id invoice_id kind amount effective_on recorded_at",
    "responsibilities": "clinic_id invoice_id number payer_id coverage_id from_on recorded_at",
    "invoices": f"{KEPT.replace('invoice_id', 'id').replace(' known_until', '')} case_id {_ADDED_UP}",
    "invoice_states": f"{KEPT} case_id {_ADDED_UP}",
    "restated_states": f"{RESTATED} case_id {_ADDED_UP}",
    "denials": "clinic_id id invoice_id denied_on reason_code recorded_at",
    "denial_events": "clinic_id denial_id number status happened_on recovered_amount recorded_at",
    # Issued documents by kind.
    "issued_documents": "clinic_id id kind issued_at withdrawn_at recorded_at",
    "document_deliveries": "clinic_id document_id recorded_at",
    "encounters": "clinic_id id physician_id facility_id service_date recorded_at changed_at cancelled_at",
    "encounter_exams": "clinic_id encounter_id units recorded_at removed_at",
    "encounter_states": f"clinic_id {VISIT_BEFORE}",
    # All patients who pay are one row.
    "payers": "clinic_id id kind listed_name",
    **dict.fromkeys(("merged_patients", "merged_payers"), LINK),
    "physicians": PARTY,
}

# Columns that the worker reads: for lapsing agreements, for unused uploads, for requested exports, and for
# reminders (dunning).
READ_BY_THE_WORKER = {
    "clinics": f"clinic_id short_name name time_zone reminded_on small_balance_tolerance moves_to_working_days logo {LETTERHEAD}",
    "payers": "clinic_id id kind listed_name email attorney_id patient_id",
    **dict.fromkeys(("merged_patients", "merged_payers"), LINK),
    "attorneys": "clinic_id id name email firm_id",
    "document_templates": "clinic_id id texts",
    "issued_documents": """clinic_id id kind number case_id recipient attorney_id template_id contents issued_by status file_status
        attempts blob_key""",
    "users": "clinic_id id name email active",
    "holds": "clinic_id id invoice_id case_id payer_id until_on released_at",
    "reminders": "clinic_id id invoice_id status",
    "reminder_confirmations": "clinic_id id ended_at",
    "suppressed_addresses": "clinic_id id email removed_at",
    "reminder_templates": "clinic_id id subject body",
    "reminder_policies": f"clinic_id id {POLICY}",
    "reminder_levels": f"clinic_id id {LEVEL}",
    "outbound_messages": """clinic_id id recipient copy_to subject status due_on sent_at next_attempt_at accepted_for attempts
        failure issued_document_id attaches_document""",
    "message_invoices": "clinic_id id invoice_id message_id policy_id level template_id repetition counted_from",
    "invoices": """clinic_id id number case_id payer_id attorney_id facility_id balance status version created_on submitted_on
        submission_method agreed_on fully_paid_on paid_on billed_amount agreed_amount received_amount written_off_amount floor_amount target_amount
        conditional_until earlier_received_amount contractual_amount small_balance_amount recovered_amount open_status
        responsible_since replaces_id first_submitted_on patient_id recorded_at updated_at""",
    "cases": "clinic_id id number status attorney_id version date_of_injury",
    "representations": "clinic_id id case_id attorney_id from_on until_on known_until",
    "attorney_changes": "clinic_id id case_id attorney_id effective_on status",
    "invoice_lines": "clinic_id id invoice_id",
    "cheque_allocations": """clinic_id id invoice_id cheque_id coverage_id amount effective_on recorded_at reverses_id reversal_kind
        ordered_at""",
    "cheques": "clinic_id id payer_id corrected_at",
    "responsibilities": "clinic_id id invoice_id number payer_id coverage_id from_on reason recorded_at",
    "agreements": """clinic_id id invoice_id number kind amount agreed_on conditional_until ended_on ended_at ended_by
        recorded_at""",
    "invoice_adjustments": """clinic_id id invoice_id number kind amount effective_on recorded_at adjustment_group reason_code
        line_id cheque_id undoes_number""",
    "write_offs": "clinic_id id invoice_id number written_off_on reversed_on recorded_at",
    "restated_states": "clinic_id invoice_id until_on",
    "reduction_offers": "clinic_id id invoice_id round amount status expires_on",
    "invoice_events": "clinic_id id invoice_id seq",
    "documents": "clinic_id id recorded_at stored_at consumed_at",
    "exports": """clinic_id id requested_by role kind format status filter columns deposit_id byte_order_mark attempts expires_at
        row_count""",
    "export_records": "clinic_id export_id",
    "invoice_images": "clinic_id recorded_at",
    "audit_events": ADMINISTRATION_COLUMNS["audit_events"],
    "audit_pending": "clinic_id id event_ids",
    "audit_chain": "clinic_id seq event_id hash",
}
# Columns that pricing reads for roles that see only a total.
READ_BY_PRICING = {
    "cpt_codes": "clinic_id id code label base_price bilateral_policy active valid_from valid_to",
    "exam_types": "clinic_id id parent_id name code selection_rule active",
    "facilities": "clinic_id id geographic_factor",
    "fee_schedule_rates": "clinic_id fee_schedule_id code rate",
    "fee_schedules": "clinic_id id name payer_id facility_id valid_from valid_to",
    "payers": "clinic_id id",
    "merged_payers": LINK,
}
READ_BY_SIGNING_IN = {
    "clinics": f"clinic_id short_name name time_zone second_factor_roles {LETTERHEAD}",
    "users": "clinic_id id email name role attorney_id physician_id active joined_at",
    "sessions": "clinic_id id user_id token_hash kind name recorded_at last_used_at expires_at revoked_at",
    "sign_in_attempts": "key failures since_at until_at by_account known_until known_accounts",
    "logins": "id email password_hash oidc_subject only_clinic_id email_verified_at",
    "memberships": "login_id clinic_id user_id",
    "login_second_factors": "login_id secret bound_clinic_id confirmed_at last_step",
    "recovery_codes": "login_id code_hash",
    "reset_links": RESET_LINK,
    "invitations": "clinic_id id user_id email role is_mailed expires_at accepted_at revoked_at sent_at next_attempt_at",
    "attorneys": "clinic_id id retired_at",
    "physicians": "clinic_id id active",
}


def column_sets(columns: dict[str, str]) -> Columns:
    """The columns as a set for each table, without the bar."""
    return {table: set(names.split()) - {"|"} for table, names in columns.items()}
