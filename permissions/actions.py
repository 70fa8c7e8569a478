"""The rule (permission) of every mutation, and of every kind of file import."""

from domain.access.people import Role
from domain.billing.transitions import TRANSITIONS
from domain.imports import ImportKind

_RULE_OF = {frozenset({Role.ADMIN, Role.BILLING}): "staff", frozenset({Role.ADMIN}): "administration"}

_STAFF = """
    create_invoice replace_invoice_lines set_negotiation_limits add_internal_note place_hold release_hold
    schedule_reminder update_reminder complete_reminder cancel_reminder
    select_invoices submit_invoices schedule_reminders add_internal_notes place_holds
    save_reminder_template preview_reminder_template save_reminder_policy preview_reminders confirm_reminders stop_reminders
    suppress_address allow_address resend_message create_case update_case assign_attorney cancel_attorney_change
    create_firm update_firm retire_firm transfer_from_former_firm
    add_coverage update_coverage verify_coverage close_coverage
    create_patient update_patient retire_patient create_payer update_payer retire_payer create_attorney update_attorney retire_attorney
    import_records import_preview save_import_mapping delete_import_mapping
    create_reason_code update_reason_code retire_reason_code appeal_denial close_denial
    import_remittance record_remittance identify_remittance_payer match_remittance_claim close_remittance_claim
    preview_document issue_document record_document deliver_document withdraw_document record_execution save_document_template
    create_deposit deposit_cheques clear_cheque record_recoupment_request answer_recoupment_request
""".split()
_ADMINISTRATION = """
    create_physician update_physician retire_physician create_facility update_facility retire_facility
    create_cpt_code update_cpt_code retire_cpt_code create_exam_type update_exam_type retire_exam_type
    create_fee_schedule update_fee_schedule retire_fee_schedule
    update_clinic create_user invite_user_again update_user create_api_token revoke_api_token
    reset_second_factor set_second_factor_roles refund_cheque return_refund cover_refund give_up_refund
    merge_patients merge_payers undo_merge
""".split()

_ANONYMOUS = """
    sign_in accept_invitation request_password_reset reset_password remove_lost_second_factor
""".split()
_OWN = """
    sign_out extend_session change_password revoke_session switch_clinic join_logins
    enrol_second_factor confirm_second_factor remove_second_factor renew_recovery_codes
""".split()

# Mutation (in snake case) → rule. Transitions take the roles of the table in the domain; those of the worker have no mutation.
ACTIONS: dict[str, str] = {
    **dict.fromkeys(_ANONYMOUS, "public"),
    **dict.fromkeys(_OWN, "oneself"),
    "create_upload": "staff",
    **dict.fromkeys(("export_invoices", "cancel_export"), "signed_in"),
    **dict.fromkeys(("export_payments", "export_adjustments", "export_quickbooks_invoices"), "records"),
    **dict.fromkeys(("record_encounter", "update_encounter", "cancel_encounter"), "treatment"),
    **dict.fromkeys(_STAFF, "staff"),
    **dict.fromkeys(_ADMINISTRATION, "administration"),
    **{row.name: _RULE_OF[row.roles] for row in TRANSITIONS if row.roles},
}

# Kind of file → rule: a role that may create records of a kind one by one may also import them.
IMPORTS: dict[ImportKind, str] = {
    **dict.fromkeys((ImportKind.CODES, ImportKind.FEE_SCHEDULES, ImportKind.EXAM_TYPES), "administration"),
    **dict.fromkeys((ImportKind.PHYSICIANS, ImportKind.FACILITIES), "administration"),
    **dict.fromkeys((ImportKind.PAYERS, ImportKind.ATTORNEYS, ImportKind.REASON_CODES), "staff"),
    **dict.fromkeys((ImportKind.PATIENTS, ImportKind.CASES, ImportKind.INVOICES), "staff"),
}
