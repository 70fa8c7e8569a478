"""The columns that each database role may read and write, written by hand, to be compared with PostgreSQL's catalog."""

from db.security.policies import AUDIT_ROLE, IMPORT_ROLE, SIGN_IN, WORKER_ROLE
from domain.access.people import Role

Columns = dict[str, set[str]]

_PARTY = "clinic_id id name"
_LINE = "clinic_id id invoice_id position code label units bilateral amount"
# The columns behind the fields of the access table, and those by which rows are found and sorted (number_key, position).
_INVOICE = """clinic_id id number status billed_amount created_on service_date
    case_id patient_id payer_id physician_id facility_id"""
# Columns that reports aggregate, of invoices now and in the past.
_SUMS = """submitted_on first_submitted_on agreed_on fully_paid_on agreed_amount received_amount balance earlier_received_amount
    contractual_amount recovered_amount responsible_since"""
_KEPT = """clinic_id invoice_id encounter_id payer_id physician_id facility_id status created_on service_date billed_amount
    known_from known_until"""
_VISIT = """clinic_id id case_id patient_id physician_id facility_id service_date recorded_at version cancelled_at is_billed
    changed_at"""
# What the visit was before a correction.
_VISIT_BEFORE = "encounter_id known_from known_until physician_id facility_id service_date"
_EXAM = "clinic_id id encounter_id exam_type_id bilateral units position removed_at"
_CASE = "clinic_id id number number_key date_of_injury patient_id"
# Exports; after the bar, the columns that a download reads.
_FILE = """clinic_id id requested_by kind format status filter columns file_name row_count rows_written byte_size sha256
    billed_total failure created_at expires_at record_count"""
_FETCHED = "role blob_key byte_order_mark case_ids deposit_id"
_FILE_AND_RECEIVED = f"{_FILE} received_total | {_FETCHED}"
# The records that an export shows: where single ones can leave the reach of a role, its list of exports asks for them, too.
_RECORDS = "clinic_id export_id table_name ids"
_SUPPRESSED = "email reason added_by added_at"
_LETTERHEAD = "address phone sender_name sender_address reply_to"
_CONFIRMED = "confirmed_by confirmed_at day message_count invoice_count"
_COVERAGE = """payer_id kind priority policy_number claim_number insured_name insured_relationship adjuster_name adjuster_phone
    adjuster_email effective_from effective_to limit_amount deductible_amount pays_percent other_payments_amount other_payments_on
    file_within_days balance_billing"""
_COVERAGE_ENDS = "status exhausted_on closed_on closing_reason closing_letter_id verified_by verified_at"
_POLICY = "name payer_kind facility_id billing_lead_id active"
_LEVEL = """policy_id level after_days in_status template_id recipient recipient_address copy_to copy_address minimum_balance
    repeat_days repeat_times"""
_CHEQUE = """clinic_id id payer_id method bank number amount cheque_date received_on held_from released_at deposit_id cleared_on
    returned_on return_kind returned_at replaces_id document_id unapplied_amount recorded_at"""
# Columns that billing staff see; after the bar, those that their mutations look up and read back.
STAFF_COLUMNS = {
    "agreements": "clinic_id id invoice_id number kind amount agreed_on conditional_until ended_on ended_by | ended_at recorded_at",
    "attorney_changes": "clinic_id id case_id attorney_id effective_on status requested_by requested_at | ended_by ended_at",
    "attorneys": "clinic_id id name firm_id email phone name_fragments retired_at | firm name_key is_duplicate",
    "case_events": "clinic_id id case_id at by_user_id action changes",
    "cases": f"{_CASE} opened_on attorney_id settled_on closed_on closed_reason status version",
    "cheque_allocations": "clinic_id id cheque_id invoice_id coverage_id amount effective_on recorded_at | reverses_id",
    "cheques": f"{_CHEQUE} | return_reason number_likeness is_duplicate",
    "clinics": "clinic_id small_balance_tolerance | payment_terms_days unbilled_after_days",
    "coverage_events": "clinic_id id coverage_id seq at by_user_id action changes",
    "coverages": f"clinic_id id case_id {_COVERAGE} letter_id {_COVERAGE_ENDS} version recorded_at",
    "cpt_codes": "clinic_id id code label base_price bilateral_policy active valid_from valid_to",
    "deposits": "clinic_id id bank_account deposited_on recorded_by",
    "denials": "clinic_id id invoice_id denied_on reason_code amount note appeal_due_on recorded_by recorded_at",
    "documents": """clinic_id id expires_at uploaded_by consumed_at |
        stored_at sha256 blob_key byte_size content_type file_name""",
    "encounter_events": "clinic_id id encounter_id at by_user_id action changes",
    "encounter_exams": f"{_EXAM} recorded_at",
    "encounter_states": f"clinic_id {_VISIT_BEFORE}",
    "encounters": f"{_VISIT} invoice_id before_injury_reason | before_injury_by",
    "exam_types": "clinic_id id parent_id name code selection_rule position active",
    "exports": _FILE_AND_RECEIVED,
    "export_records": f"| {_RECORDS}",
    "facilities": "clinic_id id name geographic_factor active name_fragments | name_key",
    "fee_schedule_rates": "clinic_id id fee_schedule_id code rate",
    "fee_schedules": "clinic_id id name payer_id facility_id valid_from valid_to | name_key",
    "firms": "clinic_id id name email phone address name_fragments retired_at | name_key",
    "holds": "clinic_id id invoice_id case_id payer_id placed_by placed_at reason released_at until_on recorded_at",
    "idempotency_keys": "| clinic_id id user_id key operation input_hash recorded_at result_id",
    "import_mappings": "| clinic_id id kind name mapping version changed_by changed_at",
    "internal_notes": "clinic_id id invoice_id body written_by written_at",
    "invoice_adjustments": "| clinic_id id invoice_id number kind amount effective_on recorded_at",
    "invoice_counters": "| clinic_id year last_number",
    "invoice_events": "clinic_id id invoice_id seq at by_user_id transition from_status to_status changes",
    "invoice_lines": f"""{_LINE} unit_price price_source price_rate geographic_factor bilateral_factor override_reason
        price_schedule price_valid_from price_valid_to is_repeated repeat_confirmed_by""",
    "invoice_states": f"{_KEPT} {_SUMS} case_id patient_id attorney_id",
    "invoices": f"""{_INVOICE} {_SUMS} known_from attorney_id encounter_id version submitted_on fully_paid_on paid_on agreed_amount
        received_amount written_off_amount small_balance_amount replaces_id floor_amount target_amount conditional_until updated_at
        before_injury_reason | submission_method open_status recorded_at""",
    "message_invoices": "clinic_id id message_id invoice_id policy_id level template_id repetition",
    "outbound_messages": "clinic_id id recipient copy_to subject body status due_on sent_at next_attempt_at attempts failure",
    "patient_names": "clinic_id fragment patient_id",
    "patients": """clinic_id id mrn mrn_key first_name last_name sort_name birth_date phone phone_key email address retired_at
        | is_duplicate""",
    "payers": "clinic_id id kind name email phone address firm_id name_fragments retired_at | patient_id attorney_id name_key",
    "physicians": "clinic_id id name npi active name_fragments | name_key",
    "reduction_offers": "clinic_id id invoice_id round party amount reason expires_on status made_by made_at",
    "refunds": "clinic_id id cheque_id amount payee reason refunded_on method document_id refunded_by recorded_at",
    "reminder_confirmations": f"clinic_id id {_CONFIRMED} ended_by ended_at",
    "suppressed_addresses": f"clinic_id id {_SUPPRESSED} removed_by removed_at",
    "reminder_levels": f"clinic_id id {_LEVEL}",
    "reminder_policies": f"clinic_id id {_POLICY}",
    "reminder_templates": "clinic_id id name version subject body created_by recorded_at",
    "reminders": "clinic_id id invoice_id subject notes target_date status outcome assignee_id created_by created_at closed_at recorded_at",
    "representations": "clinic_id id case_id attorney_id from_on until_on known_from known_until",
    "responsibilities": """clinic_id id invoice_id number payer_id coverage_id from_on reason note document_id decided_by
        recorded_at""",
    "users": "clinic_id id name",
    "write_offs": "| clinic_id id invoice_id number written_off_on reversed_on recorded_at",
}
# Columns that only administrators see, without the hashes of passwords and tokens; and the audit log, which they search for
# the records of a patient.
ADMINISTRATION_COLUMNS = {
    "clinics": f"clinic_id small_balance_tolerance | {_LETTERHEAD} payment_terms_days unbilled_after_days",
    "audit_chain": "clinic_id event_id",
    "audit_events": "clinic_id id user_id role operation entities fields filters row_count request_id at",
    "payers": STAFF_COLUMNS["payers"].replace("| patient_id", "patient_id |"),
    "users": "clinic_id id name email role active attorney_id physician_id recorded_at joined_at",
    "invitations": "clinic_id user_id expires_at accepted_at revoked_at | id",
    "sessions": "clinic_id id user_id kind name recorded_at last_used_at expires_at revoked_at",
}
WRITTEN_BY_HAND: dict[Role, dict[str, str]] = {
    Role.ADMIN: {**STAFF_COLUMNS, **ADMINISTRATION_COLUMNS},
    Role.BILLING: STAFF_COLUMNS,
    Role.ATTORNEY: {
        "exports": f"{_FILE} | {_FETCHED}",
        "export_records": _RECORDS,
        "invoices": f"{_INVOICE} attorney_id",
        "invoice_lines": _LINE,
        "cases": f"{_CASE} attorney_id",
        "patients": "clinic_id id first_name last_name sort_name",
        "patient_names": "clinic_id fragment patient_id",
        "payers": _PARTY,
        "physicians": _PARTY,
        "facilities": _PARTY,
    },
    Role.PHYSICIAN: {
        "exports": f"{_FILE} | {_FETCHED}",
        "export_records": _RECORDS,
        "invoices": f"{_INVOICE} encounter_id known_from",
        "invoice_states": _KEPT,
        "invoice_lines": _LINE,
        "cases": _CASE,
        "patients": "clinic_id id first_name last_name sort_name mrn mrn_key birth_date phone phone_key email address",
        "patient_names": "clinic_id fragment patient_id",
        "payers": _PARTY,
        "physicians": _PARTY,
        "facilities": _PARTY,
        "treating_physicians": "clinic_id physician_id case_id patient_id",
        # Encounters and their exam types.
        "encounter_exams": f"{_EXAM} recorded_at",
        "encounter_events": "clinic_id id",
        "encounter_states": f"clinic_id {_VISIT_BEFORE}",
        "encounters": _VISIT,
        "exam_types": "clinic_id id parent_id name code selection_rule position active",
        "idempotency_keys": "clinic_id id user_id key operation input_hash recorded_at result_id",
    },
    Role.ANALYST: {
        "exports": _FILE_AND_RECEIVED,
        "export_records": f"| {_RECORDS}",
        "invoices": f"{_INVOICE} agreed_amount received_amount written_off_amount balance",
        "invoice_lines": _LINE,
        "cases": "clinic_id id",
        "patients": "clinic_id id",
        # The name under which a payer is listed; payers that are patients have none.
        "payers": "clinic_id id listed_name",
        "physicians": _PARTY,
        "facilities": _PARTY,
        "cpt_codes": "clinic_id id code label",
    },
}

# Columns that reports of analysts add up; analysts see single values of few of them.
_ADDED_UP = """first_submitted_on fully_paid_on agreed_amount received_amount balance earlier_received_amount contractual_amount
    recovered_amount"""
READ_BY_REPORTS = {
    "invoices": f"{_KEPT.replace('invoice_id', 'id').replace(' known_until', '')} {_ADDED_UP}",
    "invoice_states": f"{_KEPT} {_ADDED_UP}",
    "denials": "clinic_id invoice_id recorded_at",
    "encounters": "clinic_id id physician_id facility_id service_date recorded_at changed_at cancelled_at",
    "encounter_exams": "clinic_id encounter_id units recorded_at removed_at",
    "encounter_states": f"clinic_id {_VISIT_BEFORE}",
    "payers": "clinic_id id listed_name",
    "physicians": _PARTY,
}

# Columns that the worker reads: for lapsing agreements, for unused uploads, for requested exports, and for
# reminders (dunning).
READ_BY_THE_WORKER = {
    "clinics": f"clinic_id short_name name time_zone reminded_on small_balance_tolerance {_LETTERHEAD}",
    "payers": "clinic_id id kind listed_name email attorney_id patient_id",
    "attorneys": "clinic_id id name email",
    "users": "clinic_id id name email active",
    "holds": "clinic_id id invoice_id case_id payer_id until_on released_at",
    "reminders": "clinic_id id invoice_id status",
    "reminder_confirmations": "clinic_id id ended_at",
    "suppressed_addresses": "clinic_id id email removed_at",
    "reminder_templates": "clinic_id id subject body",
    "reminder_policies": f"clinic_id id {_POLICY}",
    "reminder_levels": f"clinic_id id {_LEVEL}",
    "outbound_messages": "clinic_id id recipient copy_to subject status due_on sent_at next_attempt_at accepted_for attempts",
    "message_invoices": "clinic_id id invoice_id message_id policy_id level template_id repetition counted_from",
    "invoices": """clinic_id id number case_id payer_id attorney_id facility_id balance status version created_on submitted_on
        submission_method agreed_on fully_paid_on paid_on billed_amount agreed_amount received_amount written_off_amount floor_amount target_amount
        conditional_until earlier_received_amount contractual_amount small_balance_amount recovered_amount open_status
        responsible_since first_submitted_on patient_id recorded_at updated_at""",
    "cases": "clinic_id id number status attorney_id version date_of_injury",
    "representations": "clinic_id id case_id attorney_id from_on until_on known_until",
    "attorney_changes": "clinic_id id case_id attorney_id effective_on status",
    "invoice_lines": "clinic_id id invoice_id",
    "cheque_allocations": "clinic_id id invoice_id cheque_id coverage_id amount effective_on recorded_at reverses_id",
    "cheques": "clinic_id id payer_id",
    "responsibilities": "clinic_id id invoice_id number payer_id coverage_id from_on reason recorded_at",
    "agreements": """clinic_id id invoice_id number kind amount agreed_on conditional_until ended_on ended_at ended_by
        recorded_at""",
    "invoice_adjustments": "clinic_id id invoice_id number kind amount effective_on recorded_at",
    "write_offs": "clinic_id id invoice_id number written_off_on reversed_on recorded_at",
    "reduction_offers": "clinic_id id invoice_id round amount status expires_on",
    "invoice_events": "clinic_id id invoice_id seq",
    "documents": "clinic_id id recorded_at stored_at consumed_at",
    "exports": """clinic_id id requested_by role kind format status filter columns deposit_id byte_order_mark attempts expires_at
        row_count""",
    "export_records": "clinic_id export_id",
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
}
_RESET_LINK = "id email kind asked_in_clinic_id expires_at used_at sent_at next_attempt_at"
READ_BY_SIGNING_IN = {
    "clinics": f"clinic_id short_name name time_zone second_factor_roles {_LETTERHEAD}",
    "users": "clinic_id id email name role attorney_id physician_id active joined_at",
    "sessions": "clinic_id id user_id token_hash kind name recorded_at last_used_at expires_at revoked_at",
    "sign_in_attempts": "key failures since_at until_at by_account known_until known_accounts",
    "logins": "id email password_hash oidc_subject only_clinic_id email_verified_at",
    "memberships": "login_id clinic_id user_id",
    "login_second_factors": "login_id secret bound_clinic_id confirmed_at last_step",
    "recovery_codes": "login_id code_hash",
    "reset_links": _RESET_LINK,
    "invitations": "clinic_id id user_id email role is_mailed expires_at accepted_at revoked_at sent_at next_attempt_at",
    "attorneys": "clinic_id id retired_at",
    "physicians": "clinic_id id active",
}

# Columns that an insert sets, besides the key and the time of recording.
_ADDED_BY_STAFF = {
    "agreements": "invoice_id number kind amount agreed_on conditional_until ended_on ended_at ended_by",
    "attorney_changes": "case_id attorney_id effective_on requested_by requested_at",
    "attorneys": "name firm firm_id email phone name_fragments",
    "case_events": "case_id at by_user_id action changes request_id",
    "cases": "number number_key status patient_id attorney_id date_of_injury opened_on",
    "cheque_allocations": "cheque_id invoice_id amount effective_on reverses_id coverage_id",
    "cheques": "payer_id method bank bank_key number number_key amount cheque_date received_on held_from replaces_id document_id",
    "coverage_events": "coverage_id seq at by_user_id action changes request_id",
    "coverages": f"case_id status letter_id {_COVERAGE}",
    "deposits": "bank_account deposited_on recorded_by",
    "denials": "invoice_id denied_on reason_code amount note appeal_due_on recorded_by",
    "documents": "uploaded_by file_name content_type byte_size expires_at",
    "encounter_events": "encounter_id at by_user_id action changes request_id",
    "encounter_exams": "encounter_id exam_type_id bilateral units position",
    "encounter_states": _VISIT_BEFORE,
    "encounters": "case_id patient_id physician_id facility_id service_date before_injury_reason before_injury_by",
    "firms": "name email phone address name_fragments",
    "holds": "invoice_id case_id payer_id until_on reason placed_by placed_at",
    "idempotency_keys": "user_id key operation input_hash",
    "import_mappings": "kind name mapping version changed_by changed_at",
    "internal_notes": "invoice_id body written_by written_at",
    "invoice_adjustments": "invoice_id number kind amount effective_on decided_by",
    "invoice_counters": "year last_number",
    "invoice_events": "invoice_id seq at by_user_id transition from_status to_status changes request_id",
    "invoice_lines": f"""{_LINE.removeprefix("clinic_id id")} unit_price price_source price_rate geographic_factor
        bilateral_factor override_reason price_schedule price_valid_from price_valid_to is_repeated repeat_confirmed_by""",
    "invoices": """number status created_on service_date billed_amount updated_at case_id patient_id payer_id
        physician_id facility_id encounter_id replaces_id before_injury_reason before_injury_by""",
    "patient_names": "fragment patient_id",
    "patients": "mrn mrn_key first_name last_name sort_name birth_date phone phone_key email address",
    "payers": "name kind email phone address patient_id attorney_id firm_id name_fragments",
    "reduction_offers": "invoice_id round party amount reason expires_on status document_id made_by made_at",
    "reminder_confirmations": _CONFIRMED,
    "suppressed_addresses": _SUPPRESSED,
    "reminder_levels": _LEVEL,
    "reminder_policies": _POLICY,
    "reminder_templates": "name version subject body created_by",
    "reminders": "invoice_id target_date subject notes assignee_id created_by created_at",
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
    "firms": "name email phone address name_fragments retired_at",
    "cheques": "returned_on return_reason return_kind returned_at deposit_id cleared_on received_on released_at",
    "coverages": f"letter_id {_COVERAGE} {_COVERAGE_ENDS} version",
    "documents": "consumed_at stored_at sha256 blob_key",
    **_CHANGED_BY_WHO_TREATS,
    "holds": "released_at",
    "idempotency_keys": "operation input_hash recorded_at result_id",
    "import_mappings": "mapping version changed_by changed_at",
    "invoice_counters": "last_number",
    "invoices": """status open_status version payer_id responsible_since service_date submitted_on submission_method agreed_on
        fully_paid_on paid_on billed_amount agreed_amount received_amount earlier_received_amount contractual_amount
        small_balance_amount recovered_amount written_off_amount floor_amount target_amount conditional_until updated_at""",
    "patients": "mrn mrn_key first_name last_name sort_name birth_date phone phone_key email address is_duplicate retired_at",
    "payers": "name kind email phone address patient_id attorney_id firm_id name_fragments retired_at",
    "reduction_offers": "status",
    "outbound_messages": "recipient status attempts failure next_attempt_at",
    "reminder_confirmations": "ended_by ended_at",
    "suppressed_addresses": "removed_by removed_at",
    "reminder_levels": "template_id",
    "reminder_policies": _POLICY,
    "reminders": "target_date subject notes assignee_id status outcome closed_at",
    "representations": "until_on known_until",
    "write_offs": "reversed_on",
    **_CHANGED_BY_EVERY_ROLE,
}
# By role: the columns that it inserts, the tables from which it deletes, and the columns that it updates.
ADDED = {
    "clinic_admin": {
        **_ADDED_BY_STAFF,
        "physicians": "name npi name_fragments",
        "facilities": "name geographic_factor name_fragments",
        "cpt_codes": "code label base_price bilateral_policy active valid_from valid_to",
        "exam_types": "parent_id name code selection_rule position",
        "fee_schedules": "name name_key payer_id facility_id valid_from valid_to",
        "fee_schedule_rates": "fee_schedule_id code rate",
        "sessions": "user_id token_hash kind name expires_at",
        "users": "email name role attorney_id physician_id",
        "invitations": "user_id email role is_mailed expires_at next_attempt_at",
        "refunds": "cheque_id amount payee reason refunded_on method document_id refunded_by",
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
        "reset_links": _RESET_LINK,
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
        "invoice_states": f"""{_KEPT} {_SUMS.replace(" balance", "")} case_id patient_id attorney_id paid_on written_off_amount
            small_balance_amount""",
    },
    WORKER_ROLE: {
        **_AUDITED,
        "case_events": _ADDED_BY_STAFF["case_events"],
        "audit_chain": "seq event_id hash subjects",
        "invoice_events": _ADDED_BY_STAFF["invoice_events"],
        "outbound_messages": "recipient copy_to subject status due_on next_attempt_at failure",
        "message_invoices": "invoice_id message_id policy_id level template_id repetition counted_from",
        "export_records": "export_id table_name part ids",
        "representations": "case_id attorney_id from_on until_on known_from",
    },
}
REMOVED = {
    "clinic_admin": "import_mappings invoice_lines patient_names reminder_levels fee_schedule_rates",
    "clinic_billing": "import_mappings invoice_lines patient_names reminder_levels",
    SIGN_IN: "sign_in_attempts logins memberships login_second_factors recovery_codes reset_links",
    WORKER_ROLE: "documents audit_pending outbound_messages message_invoices export_records",
}
CHANGED = {
    "clinic_admin": {
        **_CHANGED_BY_STAFF,
        "clinics": f"{_LETTERHEAD} payment_terms_days small_balance_tolerance unbilled_after_days",
        "physicians": "name npi active name_fragments",
        "facilities": "name geographic_factor active name_fragments",
        "cpt_codes": "label base_price bilateral_policy active valid_from valid_to",
        "exam_types": "name code selection_rule position active",
        "fee_schedules": "name name_key valid_from valid_to",
        "sessions": "revoked_at",
        "users": "email name role attorney_id physician_id active joined_at",
        "invitations": "revoked_at",
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


def column_sets(columns: dict[str, str]) -> Columns:
    """The columns as a set for each table, without the bar."""
    return {table: set(names.split()) - {"|"} for table, names in columns.items()}
