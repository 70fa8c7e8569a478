"""Extra data in a database for comparisons: a second clinic, and rows with values at their limits."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from domain.ids import new_id
from domain.normal_forms import name_fragments, normal_key
from domain.parties import PATIENT
from imports.demo.load import load_demo
from imports.history.batch import Batch

EDGE_CASE_NAMES = (
    ("Zoë-Ann", "O'Brien-Núñez"),
    ("100%", "Under_Score"),
    ("Back\\slash", 'Quo"ted'),
    ("Straße", "ÀÉÎ"),
    ("李", "小龙"),
    ("Tab\there", "New\nline"),
    ("Same", "Name"),
    ("Same", "Name"),
    ("\U0001f9d1", "<script>"),
)
EDGE_CASE_TEXTS = (
    *(f"{first} {last}" for first, last in EDGE_CASE_NAMES),
    "",
    " ",
    "\u2028\x7f\x01",
    '{"a": null}',
    "é" * 300,
)
EDGE_CASE_NUMBERS = ("odd/lower-%d", "Odd_Mixed-%d", "ODD %d%%")
_MOMENT = datetime(2026, 3, 8, 6, 59, 59, 120300, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_MOVED_REMINDERS = """update reminders set moved_to = target_date + 2 where id in (
    select id from reminders where status = 'scheduled' order by id::text desc limit (select count(*) / 2 from reminders))"""
_LOGINS_FOR = """update logins set only_clinic_id = (select clinic_id from clinics where short_name = $1)
    where only_clinic_id is null"""


async def add_edge_cases(connection: asyncpg.Connection, today: date) -> None:
    """Add a second clinic with other data, and odd rows to the demo clinic; `connection` is the owner's."""
    await _add_second_clinic(connection, today)
    odd = _Odd(await _base_records(connection), today)
    odd.parties()
    odd.cases()
    odd.invoices()
    odd.holds()
    odd.messages()
    odd.codes()
    odd.exams()
    odd.sessions()
    await odd.batch.load(connection)
    # As in a clinic whose reminders move to working days.
    await connection.execute(_MOVED_REMINDERS)


async def _add_second_clinic(connection: asyncpg.Connection, today: date) -> None:
    """The demo of another seed under another name: the same kinds of records, all different."""
    rename = "update clinics set short_name = $2 where short_name = $1"
    await connection.execute(rename, "demo", "first")
    # The users of both have the same e-mails, each with a login for one clinic while the other is loaded.
    await connection.execute(_LOGINS_FOR, "first")
    await load_demo(connection, today=today, password_hash="", invoices=60, seed=2)
    await connection.execute(_LOGINS_FOR, "demo")
    await connection.execute(rename, "demo", "second")
    await connection.execute(rename, "first", "demo")


async def _base_records(connection: asyncpg.Connection) -> dict[str, Any]:
    """The records that the odd rows refer to: the demo clinic, its attorney and physician, one of their cases with an open invoice."""
    row = await connection.fetchrow(
        """select c.clinic_id, a.attorney_id, p.physician_id, b.id as user_id, i.case_id, i.patient_id, i.payer_id,
            i.id as invoice_id, i.facility_id, i.encounter_id, a.id as attorney_user_id, n.id as analyst_id
        from clinics c
        join users a on a.clinic_id = c.clinic_id and a.role = 'attorney'
        join users p on p.clinic_id = c.clinic_id and p.role = 'physician'
        join users b on b.clinic_id = c.clinic_id and b.role = 'billing'
        join users n on n.clinic_id = c.clinic_id and n.role = 'analyst'
        join invoices i on i.clinic_id = c.clinic_id and i.attorney_id = a.attorney_id and i.status = 'pending_invoice'
        where c.short_name = 'demo' order by i.id limit 1"""
    )
    assert row is not None
    return dict(row)


class _Odd:
    """Adds the odd rows of the demo clinic."""

    def __init__(self, base_records: dict[str, Any], today: date) -> None:
        self.base_records, self.today, self.batch = base_records, today, Batch()
        self.patients: list[UUID] = []
        self.payers: list[UUID] = []
        self.own_cases: list[UUID] = []
        self.odd_invoices: list[UUID] = []

    def add(self, table: str, **columns: Any) -> UUID:
        """Add one row; returns its id."""
        identity = new_id(_MOMENT)
        self.batch.add(table, clinic_id=self.base_records["clinic_id"], id=identity, **columns)
        return identity

    def parties(self) -> None:
        """Names with characters that are special in queries, patterns and sort orders."""
        for number, (first, last) in enumerate(EDGE_CASE_NAMES):
            contact = {"phone": None, "email": None, "address": EDGE_CASE_TEXTS[number] if number % 2 else None}
            patient = {"mrn": f"ODD-{number}", "first_name": first, "last_name": last, "birth_date": None, **contact}
            self.patients.append(self.add("patients", **patient, **PATIENT.follows(patient)))
            for fragment in name_fragments(first, last):
                key = {"clinic_id": self.base_records["clinic_id"], "patient_id": self.patients[-1]}
                self.batch.add("patient_names", fragment=fragment, **key)
            name = f"{first} {last}"
            kind = ("patient", "insurance", "attorney")[number % 3]
            self.payers.append(self.add("payers", name=name, kind=kind, name_fragments=name_fragments(name), **contact))
            self.add("physicians", name=name, npi=None, active=False, name_fragments=name_fragments(name))
            self.add("facilities", name=name, geographic_factor=Decimal("0.0001"), name_fragments=name_fragments(name))

    def cases(self) -> None:
        """Cases without invoices, without attorney, with numbers in any spelling, opened on one day."""
        for number, patient_id in enumerate(self.patients):
            attorney_id = self.base_records["attorney_id"] if number % 3 else None
            days = {"date_of_injury": date(1999, 12, 31), "opened_on": self.today, "settled_on": None}
            case_number = EDGE_CASE_NUMBERS[number % len(EDGE_CASE_NUMBERS)] % number
            parties = {"patient_id": patient_id, "attorney_id": attorney_id}
            numbers = {"number": case_number, "number_key": normal_key(case_number)}
            self.own_cases.append(self.add("cases", **numbers, status="open", **parties, **days))
        # A physician's case without an invoice.
        parties = {"case_id": self.own_cases[0], "patient_id": self.patients[0], "facility_id": None}
        self.add("encounters", physician_id=self.base_records["physician_id"], service_date=self.today, **parties)

    def invoices(self) -> None:
        """Amounts at their limits, no optional values, dates in the future, equal sort keys."""
        amounts = ("0.00", "0.01", "9999999999.99", "3.00", "3.00", "0.07", "1234.50", "7.00", "3.00")
        agreed = (None, "0.01", "3333333333.33", "1.00", "2.00", "0.03", None, "6.66", None)
        for number, (billed, settled) in enumerate(zip(amounts, agreed, strict=True)):
            is_void, has_party = number == 8, number % 2 == 0
            invoice_id = self.add(
                "invoices",
                number=f"INV-1999-{number:06d}",
                case_id=self.own_cases[number],
                patient_id=self.patients[number],
                payer_id=self.payers[number],
                physician_id=self.base_records["physician_id"] if has_party else None,
                facility_id=self.base_records["facility_id"] if has_party else None,
                status="void" if is_void else "pending_cheque" if settled else "pending_invoice",
                created_on=self.today + timedelta(days=(40, 0, -30, -31, -60, -61, -90, -120, -121)[number]),
                service_date=date(1999, 12, 31),
                billed_amount=Decimal(billed),
                agreed_amount=settled and Decimal(settled),
                updated_at=_MOMENT + timedelta(microseconds=number),
            )
            self.odd_invoices.append(invoice_id)
            self._past(invoice_id, EDGE_CASE_TEXTS[number])

    def _past(self, invoice_id: UUID, text: str) -> None:
        by = {"invoice_id": invoice_id, "at": _MOMENT, "by_user_id": None, "from_status": None}
        changes = (
            '[{"field": "a", "before": null, "after": "\\u00e9\\"\\\\"}, {"field": "b", "before": "", "after": null}]'
        )
        self.add("invoice_events", seq=2, transition=text, to_status="void", changes=changes, **by)
        self.add("invoice_events", seq=1, transition="create", to_status="pending_invoice", changes="[]", **by)
        for _ in range(2):
            self.add("internal_notes", invoice_id=invoice_id, body=text, written_by=None, written_at=_MOMENT)
            denied = {"denied_on": self.today, "reason_code": text, "amount": None, "note": None}
            self.add("denials", invoice_id=invoice_id, recorded_by=self.base_records["user_id"], **denied)

    def holds(self) -> None:
        """Holds over one invoice, its case and its payer at once; over, released, ending today, ending on one day."""
        held = [("invoice_id", "invoice_id"), ("case_id", "case_id"), ("payer_id", "payer_id")]
        for days, released_at in ((-1, None), (0, None), (9, None), (9, None), (99, _MOMENT)):
            for column, source in held:
                things = {name: None for name, _ in held} | {column: self.base_records[source]}
                when = {"until_on": self.today + timedelta(days=days), "placed_at": _MOMENT, "released_at": released_at}
                self.add("holds", reason=f"{column} {days}", placed_by=None, **things, **when)

    def messages(self) -> None:
        """Messages about several invoices; each has one invoice twice."""
        template_id = self.add("reminder_templates", name="Odd", version=1, subject="Odd", body="Odd")
        policy_id = self.add("reminder_policies", name="Odd", payer_kind=None, facility_id=None, active=False)
        when = {"after_days": 1, "in_status": "pending_invoice", "recipient": "payer"}
        self.add("reminder_levels", policy_id=policy_id, level=1, template_id=template_id, **when)
        level = {"policy_id": policy_id, "level": 1, "template_id": template_id}
        for number, status in enumerate(("queued", "sent", "failed", "sent")):
            sent_at = _MOMENT if status == "sent" else None
            subject = {"recipient": f"payer{number}@example.test", "copy_to": None, "subject": EDGE_CASE_TEXTS[number]}
            state = {"status": status, "due_on": self.today, "sent_at": sent_at, "attempts": number, "failure": None}
            message_id = self.add("outbound_messages", **subject, **state)
            for repetition, invoice_id in enumerate([self.base_records["invoice_id"]] * 2 + self.odd_invoices[:3]):
                link = {"message_id": message_id, "invoice_id": invoice_id, **level}
                self.add("message_invoices", repetition=number * 10 + repetition, **link)

    def codes(self) -> None:
        """Codes that were retired, that were made valid again, and that look like patterns."""
        spans = ((date(2000, 1, 1), date(2001, 1, 1), False), (date(2001, 1, 1), None, True))
        for code in ("%", "_", "ODD\\", "odd", "ODD"):
            for valid_from, valid_to, active in spans:
                validity = {"valid_from": valid_from, "valid_to": valid_to, "active": active}
                policy = "not_allowed" if active else "one_and_a_half"
                self.add("cpt_codes", code=code, label=code, base_price=0, bilateral_policy=policy, **validity)

    def exams(self) -> None:
        """Retired exams, with and without active sub-exams, at positions that other exams have, too."""
        for active in (True, False):
            main = self.add(
                "exam_types", parent_id=None, selection_rule="any", name="Odd", code=None, position=1, active=active
            )
            for part_active in (True, False):
                self.add(
                    "exam_types",
                    parent_id=main,
                    selection_rule="any",
                    name=EDGE_CASE_TEXTS[0],
                    code="ODD",
                    position=1,
                    active=part_active,
                )

    def sessions(self) -> None:
        """Sessions that are valid at noon, that were idle too long, that have expired or were revoked, and API tokens."""
        noon = datetime.combine(self.today, time(16), UTC)
        ages = ((0, 1, None), (0.4, 1, None), (0.6, 1, None), (0, -1, None), (0, 1, noon))
        users = [self.base_records[name] for name in ("user_id", "attorney_user_id", "analyst_id")]
        kinds = [(user_id, "session") for user_id in users] + [(self.base_records["analyst_id"], "api_token")]
        for number, (user_id, kind) in enumerate(kinds):
            name = "Odd 'token'" if kind == "api_token" else None
            for place, (idle, left, revoked_at) in enumerate(ages):
                used = None if kind == "api_token" and idle else noon - idle * _HOUR
                when = {"last_used_at": used, "expires_at": noon + left * _HOUR, "revoked_at": revoked_at}
                whose = {"user_id": user_id, "kind": kind, "name": name, "recorded_at": _MOMENT}
                self.add("sessions", token_hash=bytes([number, place]), **whose, **when)
