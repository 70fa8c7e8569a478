"""What a clinic lacks for what it does for the first time, found by one SQL statement."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

import asyncpg

from db.reminders.plan import REMINDERS_ARE_ON
from domain.records.addresses import columns_of
from domain.records.readiness import ReadinessGap

_CODE_TODAY = """c.clinic_id = $1 and c.active and c.valid_from <= $2 and (c.valid_to is null or c.valid_to > $2)"""


def _none(table: str, condition: str = "true") -> str:
    return f"not exists (select from {table} t where t.clinic_id = $1 and {condition})"


def _is_whole(prefix: str) -> str:
    """Whether an address in parts has all that a letter needs: the second line may be missing."""
    needed = [f"t.{name}" for name in columns_of(prefix) if not name.endswith("_line2")]
    return f"num_nulls({', '.join(needed)}) = 0"


def _clinic_lacks(*columns: str) -> str:
    """Whether the clinic has none of the columns."""
    return f"exists (select from clinics t where t.clinic_id = $1 and num_nonnulls({', '.join(columns)}) = 0)"


# Gap → whether a clinic, bound as $1, has it on the day $2.
CONDITIONS: Mapping[ReadinessGap, str] = {
    ReadinessGap.NO_CODE: f"not exists (select from cpt_codes c where {_CODE_TODAY})",
    ReadinessGap.NO_EXAM: _none("exam_types", "t.active and t.code is not null"),
    ReadinessGap.EXAM_WITHOUT_PRICE: f"""exists (select from exam_types t where t.clinic_id = $1 and t.active and t.code is not null
        and not exists (select from cpt_codes c where {_CODE_TODAY} and c.code = t.code))""",
    ReadinessGap.NO_PHYSICIAN: _none("physicians", "t.active"),
    ReadinessGap.NO_FACILITY: _none("facilities", "t.active"),
    ReadinessGap.NO_PAYER_IN_USE: _none("payers", "t.retired_at is null"),
    ReadinessGap.NO_CASE: _none("cases"),
    ReadinessGap.NO_BILLER: _none("users", "t.active and t.joined_at is not null and t.role = 'billing'"),
    ReadinessGap.NO_LEGAL_NAME: _clinic_lacks("legal_name"),
    ReadinessGap.NO_PHYSICAL_ADDRESS: _none("clinics", _is_whole("physical")),
    ReadinessGap.NO_CLINIC_PHONE: _clinic_lacks("phone"),
    ReadinessGap.NO_CLINIC_TIN: _clinic_lacks("tin"),
    ReadinessGap.NO_GROUP_NPI: _clinic_lacks("npi"),
    ReadinessGap.NO_CLINIC_TAXONOMY: _clinic_lacks("taxonomy"),
    ReadinessGap.PHYSICIAN_WITHOUT_NPI: "exists (select from physicians t where t.clinic_id = $1 and t.active and t.npi is null)",
    ReadinessGap.FACILITY_WITHOUT_PLACE: f"""exists (select from facilities t where t.clinic_id = $1 and t.active
        and (t.place_of_service is null or not {_is_whole("address")}))""",
    ReadinessGap.PATIENT_WITHOUT_BIRTH_DATE: """exists (select from patients t where t.clinic_id = $1 and t.retired_at is null
        and t.merged_into_id is null and t.birth_date is null)""",
    ReadinessGap.NO_INSURER: _none(
        "payers", f"t.retired_at is null and t.kind = 'insurance' and (t.address is not null or {_is_whole('address')})"
    ),
    ReadinessGap.NO_COVERAGE_YET: _none("coverages"),
    ReadinessGap.NO_REASON_CODE: _none("reason_codes", "t.active"),
    ReadinessGap.NO_ADDRESS_IN_MESSAGES: _clinic_lacks("address"),
    ReadinessGap.NO_REPLY_ADDRESS: _clinic_lacks("reply_to", "sender_address"),
    ReadinessGap.NO_PAYER_EMAIL: _none("payers", "t.retired_at is null and t.email is not null"),
    ReadinessGap.NO_REMINDER_POLICY: _none("reminder_policies", "t.active"),
    ReadinessGap.REMINDERS_ARE_OFF: f"not {REMINDERS_ARE_ON}",
    ReadinessGap.NOTHING_TO_EXPORT: _none("invoices", "t.status <> 'void'"),
}
_QUERY = f"select {', '.join(f'{condition} as {gap}' for gap, condition in CONDITIONS.items())}"


async def find_gaps(connection: asyncpg.Connection, clinic_id: UUID, today: date) -> frozenset[ReadinessGap]:
    """The gaps of a clinic."""
    found = await connection.fetchrow(_QUERY, clinic_id, today)
    assert found is not None
    return frozenset(gap for gap in ReadinessGap if found[gap.value])
