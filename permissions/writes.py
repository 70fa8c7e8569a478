"""Decides which tables a role may write: what is appended, and which columns may change afterwards."""

from dataclasses import dataclass

from domain.people import Role

_STAFF = frozenset({Role.ADMIN, Role.BILLING})
_ADMIN = frozenset({Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Write:
    """What `roles` may write of a table: new rows, of old ones the columns in `changes`; rows go only where it `removes`."""

    roles: frozenset[Role] = _STAFF
    changes: tuple[str, ...] = ()
    removes: bool = False


_PARTY = ("name", "email", "phone", "name_fragments", "retired_at")

# What is looked up for a write and read by no field yet: prices are found in fee schedules.
LOOKED_UP = ("fee_schedules", "fee_schedule_rates")

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
    "invoice_events": Write(),
    "invoice_counters": Write(changes=("last_number",)),
    "reduction_offers": Write(changes=("status",)),
    "denials": Write(),
    "internal_notes": Write(),
    "holds": Write(changes=("released_at",)),
    "documents": Write(changes=("consumed_at", "stored_at", "sha256", "blob_key", "byte_size")),
    "cheques": Write(changes=("returned_on", "return_reason")),
    "cheque_allocations": Write(),
    "idempotency_keys": Write(changes=("operation", "input_hash", "recorded_at", "result_id")),
}
