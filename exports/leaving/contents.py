"""Leaving: what a clinic takes along, as tables: what is written, what is left out and why, and which files belong to it."""

from collections.abc import Mapping
from dataclasses import dataclass

# Tables whose rows of the clinic are written, all columns but those below. A table that is in neither list fails a test.
WRITTEN = frozenset(
    """agreements attorney_changes attorneys audit_chain audit_events case_events cases cheque_allocations cheques clinics
    coverage_events coverages cpt_codes denial_events denials deposits document_counters document_deliveries document_templates
    documents encounter_events encounter_exams encounter_states encounters exam_types exports facilities fee_schedule_rates
    fee_schedules firms holds import_mappings internal_notes invoice_adjustments invoice_counters invoice_events invoice_lines
    invoice_states invoices issued_document_invoices issued_documents late_facts merged_patients merged_payers merges
    message_invoices outbound_messages patients payers physicians provider_adjustments reason_codes recoupment_answers
    recoupment_requests reduction_offers refunds reminder_confirmations reminder_levels reminder_policies reminder_templates
    reminders remittance_claims remittance_payments remittances representations responsibilities restated_states
    suppressed_addresses treating_physicians users write_offs""".split()
)
# Table → why its rows are not written.
LEFT_OUT: Mapping[str, str] = {
    "audit_pending": "A queue of the audit log, whose events are written.",
    "export_records": "Which records an exported file shows, for its download here alone; the audit log has the exports.",
    "idempotency_keys": "Keys of requests that were sent to this server.",
    "invoice_images": "What invoices were before changes of the last minutes, for subscribers of this server.",
    "invitations": "One-time links to accounts of this server.",
    "invoice_selections": "What users chose for steps on many invoices, which is kept for a day.",
    "memberships": "Logins belong to persons and not to the clinic; its users are written.",
    "patient_names": "An index of the patients' names, which are written.",
    "second_factors": "Secrets of second factors.",
    "sessions": "Tokens of sessions and programs.",
}
# Table → column → why it is not written.
LEFT_OUT_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "documents": {"blob_key": "The address of the file in this server's storage; the file itself is written."},
    "issued_documents": {"blob_key": "The address of the PDF in this server's storage; the PDF itself is written."},
    "exports": {
        "blob_key": "The address of the file in this server's storage, which is made anew from the records.",
        "case_ids": "Of an earlier release, and read by no code.",
    },
    "users": {
        "password_hash": "A password, of an earlier release.",
        "oidc_subject": "The account at an identity provider, of an earlier release.",
    },
}


@dataclass(frozen=True, slots=True)
class StoredFiles:
    """The files of a table's rows in the storage: the folder for them, and the SQL of those that exist, with $1 the clinic.

    It selects, in the order of the ids, id, blob_key, content_type and sha256 (null if it was not kept).
    """

    folder: str
    find: str


# Table with files → where they go; of those in the other table, why they are not written. In the alphabetical order of the folders.
STORED_FILES: Mapping[str, StoredFiles] = {
    "documents": StoredFiles(
        "documents",
        """select id, blob_key, content_type, sha256 from documents where clinic_id = $1 and blob_key is not null
            and stored_at is not null order by id""",
    ),
    "issued_documents": StoredFiles(
        "issued_documents",
        """select id, blob_key, coalesce(content_type, 'application/pdf') as content_type, sha256 from issued_documents
            where clinic_id = $1 and blob_key is not null order by id""",
    ),
}
FILES_LEFT_OUT: Mapping[str, str] = {"exports": "They are made anew from the records, and expire."}
