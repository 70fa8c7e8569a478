"""Decides, in plain SQL written by hand from the access table, which rows belong to whom: what both locks are compared with."""

from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from domain.people import Role
from permissions.viewers import Viewer
from server.addresses import Address
from tests.databases import rows

_IN_CASES = "select id from cases where clinic_id = $1 and attorney_id = $2"
_BILLED = f"select * from invoices where clinic_id = $1 and status <> 'void' and case_id in ({_IN_CASES})"
_TREATED = "select * from invoices where clinic_id = $1 and physician_id = $2"
_VISITS = "select * from encounters where clinic_id = $1 and physician_id = $2"


def _parties(invoices: str) -> dict[str, str]:
    """Whoever is named on some invoices, and the lines of those."""
    named = {f"{party}s": f"select {party}_id as id from ({invoices}) i" for party in ("payer", "physician")}
    return named | {
        "facilities": f"select facility_id as id from ({invoices}) i",
        "invoice_lines": f"select id from invoice_lines where clinic_id = $1 and invoice_id in (select id from ({invoices}) i)",
    }


# Role → table → the ids of the rows that somebody of that role reaches: $1 is the clinic, $2 the attorney or physician, of staff the user.
OWN: dict[Role, dict[str, str]] = {
    Role.ATTORNEY: {
        "invoices": _BILLED,
        "cases": _IN_CASES,
        "patients": "select patient_id as id from cases where clinic_id = $1 and attorney_id = $2",
        **_parties(_BILLED),
    },
    Role.PHYSICIAN: {
        **_parties(_TREATED),
        "invoices": _TREATED,
        "cases": f"select case_id as id from ({_TREATED}) i union select case_id from ({_VISITS}) e",
        "patients": f"select patient_id as id from ({_TREATED}) i union select patient_id from ({_VISITS}) e",
        "physicians": "select $2::uuid as id from clinics where clinic_id = $1",
        "facilities": f"select facility_id as id from ({_TREATED}) i union select facility_id from ({_VISITS}) e",
        "encounters": _VISITS,
        "encounter_exams": f"select id from encounter_exams where clinic_id = $1 and encounter_id in (select id from ({_VISITS}) e)",
        "exam_types": "select id from exam_types where clinic_id = $1",
    },
}
_WHOLE_CLINIC = "select id from {} where clinic_id = $1"
_ANALYST = ("invoices", "invoice_lines", "cases", "patients", "payers", "physicians", "facilities", "cpt_codes")
# Of visits, what was done in them and denials, an analyst reads what figures are made of: which there are, of whom and when.
_COUNTED = ("encounters",)
_STAFF = (
    *_ANALYST,
    "attorneys",
    "cheque_allocations",
    "cheques",
    "denials",
    "encounter_exams",
    "encounters",
    "exam_types",
    "fee_schedule_rates",
    "fee_schedules",
    "holds",
    "internal_notes",
    "invoice_events",
    "outbound_messages",
    "reduction_offers",
    "reminders",
    "representations",
    "users",
)
OWN[Role.ANALYST] = {table: _WHOLE_CLINIC.format(table) for table in (*_ANALYST, *_COUNTED)}
OWN[Role.BILLING] = {
    **{table: _WHOLE_CLINIC.format(table) for table in _STAFF},
    # A file is its uploader's until a step names it; a key is its user's for ever.
    "documents": "select id from documents where clinic_id = $1 and (uploaded_by = $2 or consumed_at is not null)",
    "idempotency_keys": "select id from idempotency_keys where clinic_id = $1 and user_id = $2",
}
OWN[Role.ADMIN] = OWN[Role.BILLING] | {table: _WHOLE_CLINIC.format(table) for table in ("audit_events", "sessions")}
_NOTHING = "select $1::uuid as id where false"
_VIEWER = """select u.clinic_id, u.id as user_id, gen_random_uuid() as session_id, u.role, u.email, u.name,
        coalesce(u.attorney_id, u.physician_id) as person_id, c.short_name as clinic_short_name, c.name as clinic_name, c.time_zone
    from users u join clinics c using (clinic_id) where u.email = $1 || '@demo.clinic' and c.short_name = $2"""


def viewer_of(address: Address, role: Role, clinic: str = "demo") -> Viewer:
    """The demo user of a role in a clinic."""
    [row] = rows(address, _VIEWER, role.value, clinic)
    return Viewer(**{**dict(row), "role": Role(row["role"])})


@dataclass(frozen=True)
class Belongings:
    """What belongs to one viewer, by table."""

    address: Address
    viewer: Viewer

    def own(self, table: str) -> set[UUID]:
        """The ids of a table's rows that the viewer reaches."""
        query = OWN[self.viewer.role].get(table, _NOTHING)
        values = [self.viewer.clinic_id, self.viewer.person_id or self.viewer.user_id][: 2 if "$2" in query else 1]
        return {row["id"] for row in rows(self.address, query, *values) if row["id"]}

    def elsewhere(self, table: str) -> set[UUID]:
        """The ids of a table's rows in other clinics."""
        return {
            row["id"]
            for row in rows(self.address, f"select id from {table} where clinic_id <> $1", self.viewer.clinic_id)
        }

    def of_others(self, table: str) -> set[UUID]:
        """The ids of the rows in the viewer's clinic that are somebody else's."""
        here = {row["id"] for row in rows(self.address, _WHOLE_CLINIC.format(table), self.viewer.clinic_id)}
        return here - self.own(table)

    @cached_property
    def tables(self) -> frozenset[str]:
        """The tables of which the viewer reaches rows."""
        return frozenset(OWN[self.viewer.role])
