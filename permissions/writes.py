"""The write privileges of the roles: which columns of a table they may insert, update and look up, and where they may delete."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.access.people import Role
from domain.billing.coverages import CoverageStatus
from domain.billing.invoices import InvoiceStatus
from domain.exports import ExportStatus
from domain.issuing.documents import DocumentStatus
from domain.records.addresses import columns_of

_STAFF = frozenset({Role.ADMIN, Role.BILLING})
_ADMIN = frozenset({Role.ADMIN})
_TREATING = _STAFF | {Role.PHYSICIAN}
_EVERYBODY = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Write:
    """The write privileges of `roles` on a table: inserts of the columns in `adds`, updates of those in `changes`, deletes if `removes`.

    The key and `recorded_at` can always be inserted. A role that writes a column may read it, too, unless it is in `conceals`.
    If it is `in_reach`, a row that is written must be one that the role may read. `by` is the column with the user who inserts
    a row: it must be the acting user. Where it is `own`, updates and deletes are limited to the user's own rows as well. `only`
    are values that every written row must have, `begins` those of a new row. A new row has a value in a column of `only_with`
    only where it has one in that column's other column, too.
    A role with limited reach inserts only rows in its reach, and only below a parent row in reach: `below` is the column that
    refers to the parent, and its table.
    """

    roles: frozenset[Role] = _STAFF
    adds: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    conceals: frozenset[str] = frozenset()
    removes: bool = False
    by: str | None = None
    own: bool = False
    in_reach: bool = False
    only: Mapping[str, str] = field(default_factory=dict)
    begins: Mapping[str, str] = field(default_factory=dict)
    below: tuple[str, str] | None = None
    only_with: Mapping[str, str] = field(default_factory=dict)


def _columns(names: str) -> tuple[str, ...]:
    return tuple(names.split())


_ADDRESS = columns_of("address")
_FIRST_STATE = InvoiceStatus.PENDING_INVOICE
_PATIENT = (
    *_columns("mrn mrn_key phone_key first_name last_name sort_name birth_date sex phone email address"),
    *_ADDRESS,
)
_CONTACT = _columns("name email phone name_fragments")
_PAYER = (*_CONTACT, *_ADDRESS, *_columns("kind fax address patient_id attorney_id firm_id"))
_FIRM = (*_CONTACT, *_ADDRESS, *_columns("fax address"))
_ATTORNEY = (*_CONTACT, *_columns("firm firm_id"))
_PHYSICIAN = _columns("name npi taxonomy licence_number licence_state name_fragments")
_COVERAGE = _columns("""payer_id kind priority policy_number claim_number insured_name insured_relationship adjuster_name
    adjuster_phone adjuster_email effective_from effective_to limit_amount deductible_amount pays_percent other_payments_amount
    other_payments_on file_within_days balance_billing letter_id""")
_FACILITY = (*_columns("name geographic_factor npi place_of_service name_fragments"), *_ADDRESS)
_CODE = _columns("label base_price bilateral_policy active valid_from valid_to")
_REASON = _columns("adjustment_group label active")
_EXAM = _columns("name code selection_rule position")
_SCHEDULE = _columns("name name_key valid_from valid_to")
_POLICY = _columns("name payer_kind facility_id billing_lead_id active")
_USER = _columns("email name role attorney_id physician_id")

# The tables of the audit log: every role inserts the events of its own operations, and reads none of them by that.
AUDITED = ("audit_events", "audit_pending")
_KEY = frozenset({"clinic_id", "id"})
_EVENT = _columns("user_id role operation entities fields filters row_count request_id at")

# A table that is not named here is written only by its owner.
WRITES: dict[str, Write] = {
    "patients": Write(adds=_PATIENT, changes=(*_PATIENT, "is_duplicate", "retired_at")),
    "patient_names": Write(adds=_columns("patient_id fragment"), removes=True),
    "payers": Write(adds=_PAYER, changes=(*_PAYER, "retired_at")),
    # Only what is undone changes; a trigger keeps the links that follow from it.
    "merges": Write(
        _ADMIN,
        _columns("""merged_patient_id surviving_patient_id merged_payer_id surviving_payer_id part_of_id reason
            different_attorneys before merged_by merged_at"""),
        _columns("undone_by undone_at"),
        by="merged_by",
    ),
    "firms": Write(adds=_FIRM, changes=(*_FIRM, "retired_at")),
    "attorneys": Write(adds=_ATTORNEY, changes=(*_ATTORNEY, "is_duplicate", "retired_at")),
    "physicians": Write(_ADMIN, _PHYSICIAN, (*_PHYSICIAN, "active")),
    "facilities": Write(_ADMIN, _FACILITY, (*_FACILITY, "active")),
    # An account joins a login by the invited person alone, under the sign-in role; administrators only take that back.
    "users": Write(_ADMIN, _USER, (*_USER, "active", "joined_at")),
    "invitations": Write(
        _ADMIN, _columns("user_id email role is_mailed expires_at next_attempt_at"), _columns("revoked_at")
    ),
    # Administrators cannot create sessions for users: they insert only API tokens, which the database limits to analysts.
    "sessions": Write(
        _ADMIN,
        _columns("user_id token_hash kind name expires_at"),
        ("revoked_at",),
        conceals=frozenset({"token_hash"}),
        begins={"kind": "api_token"},
    ),
    "cases": Write(
        adds=_columns("number number_key status patient_id attorney_id date_of_injury opened_on"),
        changes=_columns("attorney_id status settled_on closed_on closed_reason date_of_injury opened_on version"),
    ),
    "case_events": Write(adds=_columns("case_id at by_user_id action changes request_id"), by="by_user_id"),
    "clinics": Write(
        _ADMIN,
        changes=(
            *columns_of("physical"),
            *columns_of("remit"),
            *_columns("name legal_name fax email tin npi taxonomy logo"),
            *_columns("""address phone sender_name sender_address reply_to payment_terms_days small_balance_tolerance
                unbilled_after_days moves_to_working_days attaches_documents invoice_number_prefix first_invoice_number"""),
        ),
    ),
    "cpt_codes": Write(_ADMIN, (*_CODE, "code"), _CODE),
    "reason_codes": Write(adds=(*_REASON, "code"), changes=_REASON),
    "exam_types": Write(_ADMIN, (*_EXAM, "parent_id"), (*_EXAM, "active")),
    "fee_schedules": Write(_ADMIN, (*_SCHEDULE, "payer_id", "facility_id"), _SCHEDULE),
    "fee_schedule_rates": Write(_ADMIN, _columns("fee_schedule_id code rate"), removes=True),
    "encounters": Write(
        _TREATING,
        _columns("case_id patient_id physician_id facility_id service_date before_injury_reason before_injury_by"),
        _columns("""physician_id facility_id service_date version changed_at cancelled_at before_injury_reason
            before_injury_by"""),
        conceals=frozenset({"before_injury_reason", "before_injury_by"}),
        in_reach=True,
        below=("case_id", "cases"),
    ),
    "encounter_exams": Write(
        _TREATING, _columns("encounter_id exam_type_id bilateral units position"), ("removed_at",), in_reach=True
    ),
    "encounter_states": Write(
        _TREATING, _columns("encounter_id known_from known_until physician_id facility_id service_date"), in_reach=True
    ),
    "encounter_events": Write(
        _TREATING, _columns("encounter_id at by_user_id action changes request_id"), by="by_user_id", in_reach=True
    ),
    "representations": Write(
        adds=_columns("case_id attorney_id from_on until_on known_from"), changes=_columns("until_on known_until")
    ),
    "attorney_changes": Write(
        adds=_columns("case_id attorney_id effective_on requested_by requested_at"),
        changes=_columns("status ended_by ended_at"),
        by="requested_by",
    ),
    "invoices": Write(
        adds=_columns("""number status case_id patient_id payer_id physician_id facility_id encounter_id created_on
            service_date billed_amount before_injury_reason before_injury_by replaces_id responsible_since updated_at"""),
        changes=_columns("""status open_status version payer_id responsible_since service_date submitted_on submission_method agreed_on
            fully_paid_on paid_on billed_amount agreed_amount received_amount earlier_received_amount contractual_amount
            small_balance_amount recovered_amount written_off_amount floor_amount target_amount conditional_until updated_at"""),
        begins={"status": _FIRST_STATE},
    ),
    "invoice_lines": Write(
        adds=_columns("""invoice_id position code label units bilateral unit_price amount price_source price_rate
            geographic_factor bilateral_factor override_reason price_schedule price_valid_from price_valid_to is_repeated repeat_confirmed_by"""),
        removes=True,
    ),
    "invoice_events": Write(
        adds=_columns("invoice_id seq at by_user_id transition from_status to_status changes request_id"),
        by="by_user_id",
    ),
    "invoice_counters": Write(adds=_columns("year last_number"), changes=("last_number",)),
    "reduction_offers": Write(
        adds=_columns("invoice_id round party amount reason expires_on status made_by made_at document_id"),
        changes=("status",),
        by="made_by",
    ),
    "responsibilities": Write(
        adds=_columns("invoice_id number payer_id coverage_id from_on reason note document_id decided_by")
    ),
    "agreements": Write(
        adds=_columns("invoice_id number kind amount agreed_on conditional_until ended_on ended_at ended_by"),
        changes=_columns("ended_on ended_at ended_by"),
    ),
    "invoice_adjustments": Write(
        adds=_columns("""invoice_id number kind amount effective_on decided_by adjustment_group reason_code remark_codes line_id
            cheque_id note undoes_number"""),
        by="decided_by",
    ),
    "write_offs": Write(
        adds=_columns("invoice_id number written_off_on reversed_on decided_by"),
        changes=("reversed_on",),
        by="decided_by",
    ),
    "late_facts": Write(adds=_columns("invoice_id seq fact fact_on decision decided_on")),
    "denials": Write(
        adds=_columns("""invoice_id line_id cheque_id denied_on adjustment_group reason_code remark_codes amount note
            appeal_due_on recorded_by"""),
        by="recorded_by",
    ),
    "denial_events": Write(
        adds=_columns("denial_id number status happened_on recovered_amount document_id note recorded_by"),
        by="recorded_by",
    ),
    "internal_notes": Write(adds=_columns("invoice_id body written_by written_at"), by="written_by"),
    "holds": Write(
        adds=_columns("invoice_id case_id payer_id until_on reason placed_by placed_at"),
        changes=("released_at",),
        by="placed_by",
    ),
    "reminders": Write(
        adds=_columns("invoice_id target_date moved_to subject notes assignee_id created_by created_at"),
        changes=_columns("target_date moved_to subject notes assignee_id status outcome closed_at"),
        by="created_by",
    ),
    # A version of a template is immutable.
    "reminder_templates": Write(adds=_columns("name version subject body created_by"), by="created_by"),
    "reminder_confirmations": Write(
        adds=_columns("confirmed_by confirmed_at day message_count invoice_count"),
        changes=_columns("ended_by ended_at"),
        by="confirmed_by",
    ),
    "suppressed_addresses": Write(
        adds=_columns("email reason added_by added_at"), changes=_columns("removed_by removed_at"), by="added_by"
    ),
    "reminder_policies": Write(adds=_POLICY, changes=_POLICY),
    "reminder_levels": Write(
        adds=_columns(
            "policy_id level after_days in_status template_id recipient recipient_address copy_to copy_address "
            "minimum_balance repeat_days repeat_times"
        ),
        changes=("template_id",),
        removes=True,
    ),
    # Staff queue only messages that send an issued document; the worker queues reminders.
    "outbound_messages": Write(
        adds=_columns("recipient subject status due_on next_attempt_at issued_document_id attaches_document"),
        changes=_columns("recipient status attempts failure next_attempt_at"),
        only_with={"recipient": "issued_document_id"},
    ),
    # What a document says is frozen by a trigger.
    "issued_documents": Write(
        adds=_columns("""kind origin number case_id recipient attorney_id template_id as_of good_through stated_amount contents
            data_hash issued_by issued_at supersedes_id is_final statement_id state document_id content_type file_status sha256
            blob_key"""),
        changes=_columns("status withdrawn_by withdrawn_at withdrawal_reason executed_on served_on"),
        by="issued_by",
        begins={"status": DocumentStatus.ISSUED},
    ),
    "issued_document_invoices": Write(adds=_columns("document_id invoice_id amount")),
    "document_deliveries": Write(
        adds=_columns(
            "document_id case_id method delivered_at recipient attorney_id firm_id tracking_number proof_id recorded_by"
        ),
        by="recorded_by",
    ),
    "document_counters": Write(adds=_columns("kind last_number"), changes=("last_number",)),
    # A version of the texts of a kind is immutable.
    "document_templates": Write(adds=_columns("kind version texts created_by"), by="created_by"),
    "documents": Write(
        adds=_columns("uploaded_by file_name content_type byte_size expires_at"),
        changes=_columns("consumed_at stored_at sha256 blob_key"),
        by="uploaded_by",
        own=True,
    ),
    "cheques": Write(
        adds=_columns("""payer_id method bank bank_key number number_key amount cheque_date received_on held_from replaces_id
            document_id is_remitted corrects_id correction_reason returned_on return_reason return_kind returned_at deposit_id cleared_on
            released_at"""),
        changes=_columns("""returned_on return_reason return_kind returned_at deposit_id cleared_on received_on
            released_at corrected_at"""),
        # A new payment was returned only if it takes the place of one that was.
        only_with={"returned_on": "corrects_id", "return_reason": "corrects_id"},
    ),
    # What a payer says is inserted once; what becomes of it changes.
    "remittances": Write(adds=_columns("origin document_id imported_by problems"), by="imported_by"),
    "remittance_payments": Write(
        adds=_columns("""remittance_id place payer_id payer_identifier payer_name payer_name_key trace trace_key method amount paid_on
            status reason broken_laws provider_adjustments"""),
        changes=_columns("payer_id status reason cheque_id is_attached posted_at posted_by"),
    ),
    "remittance_claims": Write(
        adds=_columns("""remittance_id payment_id place number status_code charge_amount paid_amount patient_amount payer_number
            adjustments remark_codes lines transfer_amount responsible_amount transfer_reason is_exhausted status reason invoice_id"""),
        changes=_columns("""status reason invoice_id lines coverage_id posted_at posted_by closed_at closed_by
            closing_reason"""),
    ),
    "deposits": Write(adds=_columns("bank_account deposited_on recorded_by"), by="recorded_by"),
    "refunds": Write(
        _ADMIN,
        _columns("""cheque_id amount payee reason refunded_on method document_id refunded_by reverses_id reversal_kind carries_id
            provider_adjustment_id"""),
        by="refunded_by",
    ),
    "provider_adjustments": Write(
        adds=_columns(
            "cheque_id code reference amount effective_on note reverses_id reversal_kind carries_id recorded_by"
        ),
        by="recorded_by",
    ),
    "recoupment_requests": Write(
        adds=_columns(
            "payer_id cheque_id invoice_id reference amount reason requested_on due_on document_id recorded_by"
        ),
        changes=_columns("status answered_amount due_on"),
        by="recorded_by",
    ),
    "recoupment_answers": Write(
        adds=_columns("""request_id number step amount answered_on refund_id provider_adjustment_id due_on note document_id
            answered_by"""),
        by="answered_by",
    ),
    "cheque_allocations": Write(
        adds=_columns("cheque_id invoice_id amount effective_on reverses_id reversal_kind ordered_at coverage_id")
    ),
    # A coverage belongs to its case for good, and is a new one that nobody has verified.
    "coverages": Write(
        adds=(*_COVERAGE, "case_id", "status"),
        changes=(
            *_COVERAGE,
            *_columns("status exhausted_on closed_on closing_reason closing_letter_id verified_by verified_at version"),
        ),
        begins={"status": CoverageStatus.UNVERIFIED},
    ),
    "coverage_events": Write(adds=_columns("coverage_id seq at by_user_id action changes request_id"), by="by_user_id"),
    "import_mappings": Write(
        adds=_columns("kind name mapping version changed_by changed_at"),
        changes=_columns("mapping version changed_by changed_at"),
        removes=True,
        by="changed_by",
        in_reach=True,
    ),
    "idempotency_keys": Write(
        _TREATING,
        adds=_columns("user_id key operation input_hash"),
        changes=_columns("operation input_hash recorded_at result_id"),
        by="user_id",
        own=True,
    ),
    "invoice_selections": Write(adds=_columns("user_id invoice_ids"), removes=True, by="user_id", own=True),
    "exports": Write(
        _EVERYBODY,
        _columns("requested_by role kind format status filter columns deposit_id byte_order_mark file_name created_at"),
        ("status", "failure"),
        by="requested_by",
        own=True,
        begins={"status": ExportStatus.QUEUED},
    ),
    "audit_events": Write(_EVERYBODY, _EVENT, by="user_id", conceals=_KEY),
    "audit_pending": Write(_EVERYBODY, ("event_ids",), conceals=_KEY),
}
