"""The rows that each role reaches, in plain SQL written by hand from the access table: the reference for both locks."""

from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from domain.access.people import Role
from permissions.viewers import Viewer
from server.database_urls import DatabaseUrls
from tests.support.databases import rows

_IN_CASES = "select id from cases where clinic_id = $1 and attorney_id = $2"
_BILLED = f"select * from invoices where clinic_id = $1 and status <> 'void' and case_id in ({_IN_CASES})"
_TREATED = "select * from invoices where clinic_id = $1 and physician_id = $2"
_VISITS = "select * from encounters where clinic_id = $1 and physician_id = $2"


def _parties(invoices: str) -> dict[str, str]:
    """The parties that some invoices name, and the lines of those invoices."""
    named = {f"{party}s": f"select {party}_id as id from ({invoices}) i" for party in ("payer", "physician")}
    return named | {
        "facilities": f"select facility_id as id from ({invoices}) i",
        "invoice_lines": f"select id from invoice_lines where clinic_id = $1 and invoice_id in (select id from ({invoices}) i)",
    }


# Deliveries to the law firm of the attorney, or to the attorney where there is no firm, in cases that the attorney represents now.
_DELIVERED = f"""select * from document_deliveries where clinic_id = $1 and case_id in ({_IN_CASES})
    and (firm_id = (select firm_id from attorneys where id = $2) or firm_id is null and attorney_id = $2)"""
# Role → table → the ids of the rows that a user of that role reaches: $1 is the clinic, $2 the attorney or physician, of staff the
# user; $3 the user of every role.
OWN: dict[Role, dict[str, str]] = {
    Role.ATTORNEY: {
        "invoices": _BILLED,
        "cases": _IN_CASES,
        "patients": "select patient_id as id from cases where clinic_id = $1 and attorney_id = $2",
        **_parties(_BILLED),
        "attorneys": "select id from attorneys where clinic_id = $1 and id = $2",
        "document_deliveries": _DELIVERED,
        "issued_documents": f"select document_id as id from ({_DELIVERED}) d",
    },
    Role.PHYSICIAN: {
        **_parties(_TREATED),
        "invoices": _TREATED,
        "cases": f"select case_id as id from ({_TREATED}) i union select case_id from ({_VISITS}) e",
        "patients": f"select patient_id as id from ({_TREATED}) i union select patient_id from ({_VISITS}) e",
        "physicians": "select $2::uuid as id from clinics where clinic_id = $1",
        "facilities": f"select facility_id as id from ({_TREATED}) i union select facility_id from ({_VISITS}) e",
        "encounters": _VISITS,
        "encounter_events": f"select id from encounter_events where clinic_id = $1 and encounter_id in (select id from ({_VISITS}) e)",
        "encounter_exams": f"select id from encounter_exams where clinic_id = $1 and encounter_id in (select id from ({_VISITS}) e)",
        "exam_types": "select id from exam_types where clinic_id = $1",
    },
}
_WHOLE_CLINIC = "select id from {} where clinic_id = $1"
_ANALYST = (
    *("invoices", "invoice_lines", "cases", "patients", "payers", "physicians", "facilities", "cpt_codes"),
    *("merged_patients", "merged_payers"),
)
_STAFF = (
    *_ANALYST,
    "agreements",
    "attorney_changes",
    "attorneys",
    "cheque_allocations",
    "cheques",
    "case_events",
    "coverage_events",
    "coverages",
    "denial_events",
    "denials",
    "deposits",
    "document_deliveries",
    "document_templates",
    "encounter_events",
    "encounter_exams",
    "encounters",
    "exam_types",
    "fee_schedule_rates",
    "fee_schedules",
    "firms",
    "holds",
    "internal_notes",
    "issued_document_invoices",
    "issued_documents",
    "invoice_adjustments",
    "invoice_events",
    "late_facts",
    "outbound_messages",
    "reason_codes",
    "reduction_offers",
    "provider_adjustments",
    "recoupment_answers",
    "recoupment_requests",
    "remittance_claims",
    "remittance_payments",
    "remittances",
    "refunds",
    "reminder_confirmations",
    "reminder_levels",
    "reminder_policies",
    "reminder_templates",
    "reminders",
    "representations",
    "responsibilities",
    "suppressed_addresses",
    "users",
    "write_offs",
)
_TODAY = "(now() at time zone 'America/New_York')::date"
_OPEN = "('pending_invoice', 'pending_reduction', 'pending_cheque')"
_LAST_STEPS = """select distinct on (invoice_id) * from invoice_events where clinic_id = $1 and (from_status <> to_status
    or transition in ('counter_reduction', 'submit_invoice')) order by invoice_id, seq desc"""
_LAST_PAYMENTS = (
    "select distinct on (invoice_id, cheque_id) * from cheque_allocations order by invoice_id, cheque_id, id desc"
)
_LAST_DENIALS = """select distinct on (invoice_id, line_id) * from denials where clinic_id = $1
    order by invoice_id, line_id, id desc"""
_FAILED = """select distinct on (l.message_id, l.invoice_id) l.id, l.invoice_id, m.due_on from message_invoices l
    join outbound_messages m on m.id = l.message_id and m.status = 'failed' where l.clinic_id = $1
    order by l.message_id, l.invoice_id, l.id"""
# In the demo clinic a payer has at most one coverage in a case, and none is exhausted by a decision of staff.
_LEFT = """select case_id, payer_id, limit_amount - coalesce(other_payments_amount, 0) - coalesce((select sum(amount)
    from cheque_allocations where coverage_id = coverages.id), 0) as rest from coverages where clinic_id = $1"""
_HELD = "held_from is not null and released_at is null and returned_on is null"
_UNUSED = f"""case when returned_on is null and not ({_HELD}) then amount else 0 end <>
    (select coalesce(sum(a.amount), 0) from cheque_allocations a where a.cheque_id = cheques.id)
    + (select coalesce(sum(r.amount), 0) from refunds r where r.cheque_id = cheques.id)
    - (select coalesce(sum(p.amount), 0) from provider_adjustments p where p.cheque_id = cheques.id)"""
# The action items of billing staff that are due by today.
_TO_DO = f"""select md5(r.id::text || i.id::text)::uuid as id from representations r join attorneys a on a.id = r.attorney_id
        join invoices i on i.case_id = r.case_id and i.status in {_OPEN} join payers p on p.id = i.payer_id and p.firm_id = a.firm_id
        where i.clinic_id = $1 and r.until_on > r.from_on and r.known_until is null
            and a.firm_id is distinct from (select firm_id from attorneys n where n.id = i.attorney_id)
    union select id from reminders where clinic_id = $1 and status = 'scheduled' and target_date <= {_TODAY}
    union select id from invoices where clinic_id = $1 and status = 'pending_cheque' and conditional_until < {_TODAY}
    union select e.id from ({_LAST_STEPS}) e join invoices i on i.id = e.invoice_id and i.status = 'pending_reduction'
        where e.transition = 'lapse_agreement'
    union select o.id from reduction_offers o join invoices i on i.id = o.invoice_id and i.status = 'pending_reduction'
        where o.clinic_id = $1 and o.status = 'open' and o.expires_on < {_TODAY}
    union select a.id from ({_LAST_PAYMENTS}) a join invoices i on i.id = a.invoice_id and i.status = 'pending_cheque'
        where a.clinic_id = $1 and a.amount < 0 and coalesce(a.reversal_kind, 'returned') = 'returned'
        and a.id > all (select id from cheque_allocations o
            where o.invoice_id = a.invoice_id and o.amount > 0)
    union select a.id from ({_LAST_PAYMENTS}) a join invoices i on i.id = a.invoice_id and i.status = 'written_off'
        join write_offs w on w.invoice_id = i.id and w.reversed_on is null and w.recorded_at < a.recorded_at
        where a.clinic_id = $1 and a.amount < 0 and coalesce(a.reversal_kind, 'returned') = 'returned'
        and a.id > all (select id from cheque_allocations o
            where o.invoice_id = a.invoice_id and o.amount > 0)
    union select remittance_id from remittance_claims where clinic_id = $1 and posted_at is null and closed_at is null
        and status <> 'duplicate'
    union select id from recoupment_requests where clinic_id = $1 and status = 'open' and due_on <= {_TODAY} + 7
    union select f.id from ({_FAILED}) f join invoices i on i.id = f.invoice_id and i.status in {_OPEN}
        where f.due_on <= {_TODAY} and f.due_on >= all (select m.due_on from message_invoices l join outbound_messages m
            on m.id = l.message_id and m.status <> 'failed' where l.invoice_id = f.invoice_id)
    union select d.id from ({_LAST_DENIALS}) d join invoices i on i.id = d.invoice_id
        where case when d.line_id is null then i.status = 'pending_invoice' and i.submitted_on is null else i.status in {_OPEN} end
            and d.appeal_due_on <= {_TODAY} + 14 and d.denied_on <= {_TODAY}
            and d.id not in (select e.denial_id from denial_events e)
    union select md5('filing_due' || i.id)::uuid from invoices i join coverages c on c.case_id = i.case_id and c.payer_id = i.payer_id
        and c.status in ('unverified', 'active') where i.clinic_id = $1 and i.status = 'pending_invoice' and i.created_on <= {_TODAY}
        and i.submitted_on is null and i.first_submitted_on is null and i.service_date + c.file_within_days <= {_TODAY} + 7
    union select md5('coverage_exhausted' || i.id)::uuid from ({_LEFT}) k join invoices i using (case_id, payer_id)
        where i.status in {_OPEN} and k.rest <= 0
    union select md5('coverage_nearly_exhausted' || i.id)::uuid from ({_LEFT}) k join invoices i using (case_id, payer_id)
        where i.status in {_OPEN} and k.rest > 0 and k.rest < (select sum(o.balance) from invoices o where o.case_id = i.case_id
            and o.payer_id = i.payer_id and o.status in {_OPEN} and (o.created_on, o.id) <= (i.created_on, i.id))
    union select id from cheques where clinic_id = $1 and {_UNUSED} and unapplied_amount * (select sum(unapplied_amount)
        from cheques o where o.payer_id = cheques.payer_id) > 0 and case when returned_on is null
        then received_on + 7 else returned_on end <= {_TODAY}
    union select id from cheques where clinic_id = $1 and {_HELD} and cheque_date <= {_TODAY}
    union select f.id from late_facts f where f.clinic_id = $1 and f.seq >= (select coalesce(max(e.seq), 0) from invoice_events e
        where e.invoice_id = f.invoice_id and e.transition not in ('lapse_agreement', 'revive_agreement', 'add_internal_note',
            'record_cheque', 'allocate_cheque', 'post_remittance', 'return_cheque', 'record_denial', 'record_adjustment'))
    union select e.id from encounters e where e.clinic_id = $1 and e.cancelled_at is null and e.service_date <= {_TODAY} - 7
        and not exists (select from invoices i where i.encounter_id = e.id and i.status <> 'void')"""
# A link of a merged record is of who reaches any record of its group by an own case or invoice; so is the record that stays.
for _role in (Role.ATTORNEY, Role.PHYSICIAN):
    for _kind in ("patients", "payers"):
        _named = OWN[_role][_kind]
        _links = f"from merged_{_kind} where clinic_id = $1 and group_ids && array({_named})"
        OWN[_role] |= {f"merged_{_kind}": f"select id {_links}", _kind: f"{_named} union select survivor_id {_links}"}
OWN[Role.ANALYST] = {table: _WHOLE_CLINIC.format(table) for table in _ANALYST}
OWN[Role.BILLING] = {
    **{table: _WHOLE_CLINIC.format(table) for table in _STAFF},
    # An action item has the id of the record that it comes from.
    "action_items": _TO_DO,
    # A document belongs to its uploader until a mutation uses it; an idempotency key belongs to its user for ever.
    "documents": "select id from documents where clinic_id = $1 and (uploaded_by = $2 or consumed_at is not null)",
    "idempotency_keys": "select id from idempotency_keys where clinic_id = $1 and user_id = $2",
    "invoice_selections": "select id from invoice_selections where clinic_id = $1 and user_id = $2",
}
OWN[Role.ADMIN] = OWN[Role.BILLING] | {
    table: _WHOLE_CLINIC.format(table) for table in ("audit_events", "sessions", "invitations", "merges")
}
_REQUESTED = "select id from exports where clinic_id = $1 and requested_by = $3 and $2::uuid is not null"
for _tables in OWN.values():
    _tables["exports"] = _REQUESTED
_NOTHING = "select $1::uuid as id where false"
_VIEWER = """select u.clinic_id, u.id as user_id, gen_random_uuid() as session_id, u.role, u.email, u.name,
        coalesce(u.attorney_id, u.physician_id) as person_id, c.short_name as clinic_short_name, c.name as clinic_name, c.time_zone
    from users u join clinics c using (clinic_id) where u.email = $1 || '@demo.example' and c.short_name = $2"""


def viewer_of(address: DatabaseUrls, role: Role, clinic: str = "demo") -> Viewer:
    """The demo user of a role in a clinic."""
    [row] = rows(address, _VIEWER, role.value, clinic)
    return Viewer(**{**dict(row), "role": Role(row["role"])})


@dataclass(frozen=True)
class Belongings:
    """The rows that belong to one viewer, by table."""

    address: DatabaseUrls
    viewer: Viewer

    def own(self, table: str) -> set[UUID]:
        """The ids of a table's rows that the viewer reaches."""
        query = OWN[self.viewer.role].get(table, _NOTHING)
        viewer = self.viewer
        values = [viewer.clinic_id, viewer.person_id or viewer.user_id, viewer.user_id]
        values = values[: max(place for place in (1, 2, 3) if f"${place}" in query)]
        return {row["id"] for row in rows(self.address, query, *values) if row["id"]}

    def listed(self, table: str) -> set[UUID]:
        """The ids of the rows that the viewer finds in a list: of merged records, the one that stays."""
        merged = f"merged_{table}"
        known = rows(self.address, f"select id from {merged}") if merged in ("merged_patients", "merged_payers") else []
        return self.own(table) - {row["id"] for row in known}

    def elsewhere(self, table: str) -> set[UUID]:
        """The ids of a table's rows in other clinics."""
        return {
            row["id"]
            for row in rows(self.address, f"select id from {table} where clinic_id <> $1", self.viewer.clinic_id)
        }

    def of_others(self, table: str) -> set[UUID]:
        """The ids of the rows in the viewer's clinic that belong to others."""
        here = {row["id"] for row in rows(self.address, _WHOLE_CLINIC.format(table), self.viewer.clinic_id)}
        return here - self.own(table)

    @cached_property
    def tables(self) -> frozenset[str]:
        """The tables of which the viewer reaches rows."""
        return frozenset(OWN[self.viewer.role])
