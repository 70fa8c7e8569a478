"""The worker's table privileges: no more than its jobs need, in one clinic (tenant) at a time, on behalf of no user."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """The privileges that jobs need on a table: columns to select, to update and to insert, and whether rows are deleted."""

    reads: tuple[str, ...]
    changes: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    removes: bool = False


_KEY = ("clinic_id", "id")
_OF_INVOICE = (*_KEY, "invoice_id")
_PERIOD = (*_KEY, *"case_id attorney_id from_on until_on".split())
_EVENT = (
    *_KEY,
    *"user_id role operation entities fields filters row_count request_id at".split(),
)

_MESSAGE = (*_KEY, *"recipient copy_to subject status due_on next_attempt_at".split())
_DELIVERY = (*_KEY, *"document_id case_id method delivered_at recipient attorney_id firm_id message_id".split())
_LINK = (*_OF_INVOICE, *"message_id policy_id level template_id repetition counted_from".split())

# The tables that the worker reads across all clinics: which clinics exist, their time zones, and which of them have events that
# wait for the hash chain of the audit log.
ACROSS_CLINICS = {
    "clinics": (
        *("clinic_id", "short_name", "name", "time_zone", "reminded_on", "small_balance_tolerance"),
        "moves_to_working_days",
        "logo",
        *("address", "phone", "sender_name", "sender_address", "reply_to"),
    ),
    "audit_pending": (*_KEY, "event_ids"),
}

# Table → need. The worker has no privileges on a table that is not named here.
WORKER: dict[str, Need] = {
    "invoices": Need(
        (
            *_KEY,
            "number",
            "case_id",
            "payer_id",
            "attorney_id",
            "facility_id",
            "balance",
            "status",
            "version",
            "created_on",
            "submitted_on",
            "submission_method",
            "agreed_on",
            "fully_paid_on",
            "paid_on",
            "billed_amount",
            "agreed_amount",
            "received_amount",
            "written_off_amount",
            "earlier_received_amount",
            "contractual_amount",
            "small_balance_amount",
            "recovered_amount",
            "open_status",
            "responsible_since",
            "replaces_id",
            "first_submitted_on",
            "patient_id",
            "recorded_at",
            "updated_at",
            "floor_amount",
            "target_amount",
            "conditional_until",
        ),
        # The columns that a lapse changes, and none of the billed or paid amounts.
        changes=("status", "open_status", "version", "agreed_amount", "agreed_on", "conditional_until", "updated_at"),
    ),
    # Changes of attorney that take effect: the case's attorney, and its periods of representation.
    "cases": Need(
        (*_KEY, "number", "status", "attorney_id", "version", "date_of_injury"), changes=("attorney_id", "version")
    ),
    "representations": Need(
        (*_PERIOD, "known_until"), changes=("until_on", "known_until"), adds=(*_PERIOD, "known_from", "recorded_at")
    ),
    "attorney_changes": Need(
        (*_KEY, "case_id", "attorney_id", "effective_on", "status"), changes=("status", "ended_at")
    ),
    "case_events": Need(
        (), adds=(*_KEY, "case_id", "at", "by_user_id", "action", "changes", "request_id", "recorded_at")
    ),
    "invoice_lines": Need(_OF_INVOICE),
    # Erased after some minutes, and never read.
    "invoice_images": Need(("clinic_id", "recorded_at"), removes=True),
    # The facts behind the amounts: whether an agreement was paid in time.
    "cheque_allocations": Need(
        (
            *_OF_INVOICE,
            *"cheque_id coverage_id amount effective_on recorded_at ordered_at reverses_id reversal_kind".split(),
        )
    ),
    "cheques": Need((*_KEY, "payer_id", "corrected_at")),
    "responsibilities": Need((*_OF_INVOICE, *"number payer_id coverage_id from_on reason recorded_at".split())),
    "agreements": Need(
        (
            *_OF_INVOICE,
            *"number kind amount agreed_on conditional_until ended_on ended_at ended_by recorded_at".split(),
        ),
        changes=("ended_on", "ended_at", "ended_by"),
    ),
    "invoice_adjustments": Need(
        (
            *_OF_INVOICE,
            *"number kind amount effective_on recorded_at adjustment_group reason_code line_id cheque_id undoes_number".split(),
        )
    ),
    "write_offs": Need((*_OF_INVOICE, *"number written_off_on reversed_on recorded_at".split())),
    # Whether an invoice has restated states, which change with it.
    "restated_states": Need(("clinic_id", "invoice_id", "until_on")),
    "reduction_offers": Need((*_OF_INVOICE, "round", "amount", "status", "expires_on"), changes=("status",)),
    "reminders": Need((*_OF_INVOICE, "status")),
    "invoice_events": Need(
        (*_OF_INVOICE, "seq"),
        adds=(
            *_OF_INVOICE,
            "recorded_at",
            "seq",
            "at",
            "by_user_id",
            "transition",
            "from_status",
            "to_status",
            "changes",
            "request_id",
        ),
    ),
    # The dunning schedules, and the recipients and addresses of messages; no notes or other texts about an invoice.
    "clinics": Need((), changes=("reminded_on",)),
    **dict.fromkeys(("merged_patients", "merged_payers"), Need((*_KEY, "survivor_id", "group_ids"))),
    "payers": Need((*_KEY, "kind", "listed_name", "email", "attorney_id", "patient_id")),
    "attorneys": Need((*_KEY, "name", "email", "firm_id")),
    "users": Need((*_KEY, "name", "email", "active")),
    "holds": Need((*_OF_INVOICE, "case_id", "payer_id", "until_on", "released_at")),
    "reminder_confirmations": Need((*_KEY, "ended_at")),
    "suppressed_addresses": Need((*_KEY, "email", "removed_at")),
    "reminder_templates": Need((*_KEY, "subject", "body")),
    "reminder_policies": Need((*_KEY, "name", "payer_kind", "facility_id", "billing_lead_id", "active")),
    "reminder_levels": Need(
        (
            *_KEY,
            *"policy_id level after_days in_status template_id recipient recipient_address copy_to copy_address".split(),
            *"minimum_balance repeat_days repeat_times".split(),
        )
    ),
    "outbound_messages": Need(
        (*_MESSAGE, "sent_at", "accepted_for", "attempts", "failure", "issued_document_id", "attaches_document"),
        changes=tuple("subject body status sent_at next_attempt_at attempts accepted_for failure".split()),
        adds=(*_MESSAGE, "failure", "recorded_at"),
        removes=True,
    ),
    "message_invoices": Need(_LINK, adds=(*_LINK, "recorded_at"), removes=True),
    # The files of issued documents, drawn from their contents; and deliveries by e-mail.
    "issued_documents": Need(
        (
            *_KEY,
            *"kind number case_id recipient attorney_id template_id contents issued_by status file_status attempts blob_key".split(),
        ),
        changes=tuple("file_status attempts sha256 blob_key byte_size page_count".split()),
    ),
    "document_templates": Need((*_KEY, "texts")),
    "document_deliveries": Need((), adds=(*_DELIVERY, "recorded_at")),
    # Unused uploads, to delete them; neither their names nor their storage keys.
    "documents": Need((*_KEY, "recorded_at", "stored_at", "consumed_at"), changes=("stored_at",), removes=True),
    # Requested exports; their rows are read under the role of the user who requested them.
    "exports": Need(
        (
            *_KEY,
            *"requested_by role kind format status filter columns deposit_id byte_order_mark attempts expires_at row_count".split(),
        ),
        changes=tuple(
            (
                "status failure attempts row_count rows_written byte_size sha256 billed_total received_total blob_key "
                "case_ids expires_at record_count"
            ).split()
        ),
    ),
    # Written with a finished file, deleted with it, and never read.
    "export_records": Need(
        ("clinic_id", "export_id"), adds=("clinic_id", "export_id", "table_name", "part", "ids"), removes=True
    ),
    # The worker's own operations are added to the audit log, and all events are added to its hash chain.
    "audit_events": Need(_EVENT, adds=(*_EVENT, "recorded_at")),
    "audit_pending": Need((), adds=(*_KEY, "event_ids"), removes=True),
    "audit_chain": Need(
        ("clinic_id", "seq", "event_id", "hash"), adds=("clinic_id", "seq", "event_id", "hash", "subjects")
    ),
}
