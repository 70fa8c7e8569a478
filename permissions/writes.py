"""Decides which tables a role may write: what is appended, which columns may change afterwards, and what is looked up for it."""

from dataclasses import dataclass

from domain.people import Role

_STAFF = frozenset({Role.ADMIN, Role.BILLING})
_ADMIN = frozenset({Role.ADMIN})
_TREATING = _STAFF | {Role.PHYSICIAN}


@dataclass(frozen=True, slots=True)
class Write:
    """What `roles` may write of a table: new rows, of old ones the columns in `changes`; rows go only where it `removes`.

    `by` is the column that names who adds a row: nobody adds one in somebody else's name. Where it is `own`, nobody changes
    or removes somebody else's rows either. Who reaches only some rows adds only such, and
    only below a row in reach: `below` is the column that names that, and its table.
    """

    roles: frozenset[Role] = _STAFF
    changes: tuple[str, ...] = ()
    removes: bool = False
    by: str | None = None
    own: bool = False
    below: tuple[str, str] | None = None


_PARTY = ("name", "email", "phone", "name_fragments", "retired_at")

# What the steps of billing staff look up besides the columns that they change, whether a field shows it or not: under which
# columns rows are found, what the rules ask of them, and prices.
LOOKED_UP: dict[str, tuple[str, ...]] = {
    "cases": ("number", "patient_id", "opened_on"),
    "cheque_allocations": ("cheque_id", "invoice_id", "amount"),
    "cheques": ("payer_id", "number", "amount", "received_on"),
    "cpt_codes": ("code", "label", "base_price", "bilateral_policy", "active", "valid_from", "valid_to"),
    "documents": ("uploaded_by", "file_name", "content_type", "byte_size", "expires_at"),
    "encounter_exams": ("encounter_id", "exam_type_id", "bilateral", "units", "position"),
    "encounters": ("case_id", "physician_id", "facility_id", "service_date"),
    "exam_types": ("parent_id", "name", "code", "selection_rule", "position", "active"),
    "facilities": ("geographic_factor",),
    "fee_schedule_rates": ("fee_schedule_id", "code", "rate"),
    "fee_schedules": ("payer_id", "facility_id", "name", "valid_from", "valid_to"),
    "holds": ("case_id", "invoice_id", "payer_id", "until_on"),
    "idempotency_keys": ("user_id", "key"),
    "invoice_counters": ("year",),
    "invoice_events": ("invoice_id", "seq"),
    "invoice_lines": ("invoice_id", "position", "code", "units", "bilateral"),
    "invoices": ("number", "case_id", "facility_id", "created_on"),
    "patient_names": ("fragment", "patient_id"),
    "reduction_offers": ("invoice_id", "round", "amount"),
    "representations": ("case_id",),
}

# What physicians look up besides, to record what they did once.
LOOKED_UP_BY_PHYSICIANS: dict[str, tuple[str, ...]] = {"idempotency_keys": ("user_id", "key")}

# A table that is not named here is written by nobody but the owner, such as an import.
WRITES: dict[str, Write] = {
    "patients": Write(
        changes=("mrn", "first_name", "last_name", "sort_name", "birth_date", "phone", "email", "address", "retired_at")
    ),
    "patient_names": Write(removes=True),
    "payers": Write(changes=(*_PARTY, "kind", "address", "patient_id", "attorney_id")),
    "attorneys": Write(changes=(*_PARTY, "firm")),
    "physicians": Write(_ADMIN, ("name", "npi", "active", "name_fragments")),
    "facilities": Write(_ADMIN, ("name", "geographic_factor", "active", "name_fragments")),
    "cpt_codes": Write(_ADMIN, ("label", "base_price", "bilateral_policy", "active", "valid_from", "valid_to")),
    "exam_types": Write(_ADMIN, ("name", "code", "selection_rule", "position", "active")),
    "fee_schedules": Write(_ADMIN, ("name", "valid_from", "valid_to")),
    "fee_schedule_rates": Write(_ADMIN, removes=True),
    "encounters": Write(_TREATING, below=("case_id", "cases")),
    "encounter_exams": Write(_TREATING),
    "cases": Write(changes=("attorney_id", "status", "settled_on", "version")),
    "representations": Write(changes=("until_on",)),
    "invoices": Write(
        changes=(
            "status",
            "version",
            "payer_id",
            "service_date",
            "submitted_on",
            "submission_method",
            "agreed_on",
            "fully_paid_on",
            "paid_on",
            "billed_amount",
            "agreed_amount",
            "received_amount",
            "written_off_amount",
            "floor_amount",
            "target_amount",
            "conditional_until",
            "updated_at",
        )
    ),
    "invoice_lines": Write(removes=True),
    "invoice_events": Write(by="by_user_id"),
    "invoice_counters": Write(changes=("last_number",)),
    "reduction_offers": Write(changes=("status",), by="made_by"),
    "denials": Write(by="recorded_by"),
    "internal_notes": Write(by="written_by"),
    "holds": Write(changes=("released_at",), by="placed_by"),
    "documents": Write(changes=("consumed_at", "stored_at", "sha256", "blob_key"), by="uploaded_by", own=True),
    "cheques": Write(changes=("returned_on", "return_reason")),
    "cheque_allocations": Write(),
    "idempotency_keys": Write(
        _TREATING, ("operation", "input_hash", "recorded_at", "result_id"), by="user_id", own=True
    ),
}
