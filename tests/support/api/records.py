"""Records for tests of mutations: those of the demo clinic and of a foreign one, and a digest of all tables."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import asyncpg

from db.global_ids import make_id, read_id
from domain.clinics import clinic_day
from server.database_urls import DatabaseUrls
from tests.support.databases import rows
from tests.support.issued_documents import add_document
from tests.support.owner_connection import ask

# These tables change by sign-ins, failed attempts, requests and idempotency keys; they are no records of the clinic.
_VOLATILE = ("sessions", "sign_in_attempts", "idempotency_keys", "alembic_version")
_AUDIT = "audit_"
_FOREIGN = "00000000-0000-7000-8000-000000000000"

Ids = dict[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """Global ids of the demo clinic's records, by type; `foreign` are those of another clinic (tenant)."""

    own: Ids
    foreign: Ids

    def unknown(self, type_name: str) -> str:
        """The id of a record that does not exist."""
        return make_id(type_name, uuid4())


def find_records(address: DatabaseUrls) -> Found:
    """Records for a test: an open case with its patient, physicians, facilities and payers, and a whole foreign clinic."""
    rows(
        address,
        """insert into holds (clinic_id, id, payer_id, until_on, reason, placed_at) select clinic_id, gen_random_uuid(), id,
        '2035-01-01', 'Quiet', now() from payers where kind = 'insurance' order by id limit 1""",
    )
    _add_foreign_clinic(address)
    rows(
        address,
        """insert into outbound_messages (clinic_id, id, recipient, subject, status, due_on) select clinic_id, gen_random_uuid(),
        'payer@example.test', 'Open', 'failed', '2026-06-01' from clinics where short_name = 'demo'""",
    )
    rows(
        address,
        """insert into sessions (clinic_id, id, user_id, token_hash, kind, name, expires_at) select clinic_id, gen_random_uuid(),
        id, uuid_send(id), 'api_token', 'Reports', now() + interval '9 days' from users where role = 'analyst'""",
    )
    rows(
        address,
        """insert into firms (clinic_id, id, name) select clinic_id, gen_random_uuid(), 'Idle & Quiet' from clinics
        where short_name = 'demo'""",
    )
    _suppress(address)
    # Two payments of which nothing is applied or deposited.
    for number in ("FOUND-1", "FOUND-2"):
        rows(
            address,
            """insert into cheques (clinic_id, id, payer_id, method, number, amount, cheque_date, received_on)
            select clinic_id, gen_random_uuid(), id, 'wire', $1, 90, '2026-06-01', '2026-06-01' from payers
            where clinic_id = (select clinic_id from clinics where short_name = 'demo') order by id limit 1""",
            number,
        )
    for clinic in ("demo", "foreign"):
        add_merge(address, clinic)
    add_remittance(address)
    for clinic in ("demo", "foreign"):
        add_document(address, clinic)
    found = Found(_demo_ids(address), _foreign_ids(address))
    rows(
        address,
        """insert into attorney_changes (clinic_id, id, case_id, attorney_id, effective_on, requested_at)
        select c.clinic_id, gen_random_uuid(), c.id, a.id, '2035-01-01', now() from cases c
        join attorneys a on a.clinic_id = c.clinic_id and a.id <> c.attorney_id where c.id = $1 order by a.id limit 1""",
        uuid_of(found.own["Case"]),
    )
    return found


def _suppress(address: DatabaseUrls) -> None:
    """An address of the demo clinic on the suppression list."""
    rows(
        address,
        """insert into suppressed_addresses (clinic_id, id, email, added_at) select clinic_id, gen_random_uuid(),
        'quiet@firm.example', now() from clinics where short_name = 'demo'""",
    )


def add_merge(address: DatabaseUrls, clinic: str) -> None:
    """A patient and three payers without records, of which two payers are merged, in the clinic of a short name."""
    of = f"(select clinic_id from clinics where short_name = '{clinic}')"
    rows(
        address,
        f"""insert into patients (clinic_id, id, mrn, mrn_key, first_name, last_name, sort_name)
        values ({of}, gen_random_uuid(), 'OTHER', 'other', 'Olga', 'Other', 'other olga')""",
    )
    for name in ("Other payer", "Merged payer", "Surviving payer"):
        rows(
            address,
            f"insert into payers (clinic_id, id, name, kind) values ({of}, gen_random_uuid(), '{name}', 'attorney')",
        )
    rows(
        address,
        """insert into merges (clinic_id, id, merged_payer_id, surviving_payer_id, before, merged_at)
        select m.clinic_id, gen_random_uuid(), m.id, s.id, json_build_object(
            'counts', json_build_object(m.id::text, '{}'::json, s.id::text, '{}'::json), 'across', 0,
            'record', json_build_object('name', s.name, 'kind', s.kind)), now()
        from payers m join payers s on s.clinic_id = m.clinic_id
        where m.clinic_id = (select clinic_id from clinics where short_name = $1) and m.name = 'Merged payer'
            and s.name = 'Surviving payer'""",
        clinic,
    )


def add_remittance(address: DatabaseUrls) -> None:
    """A remittance of two payments: one of an unknown payer, and one with a claim of an unknown invoice."""
    demo = "(select clinic_id from clinics where short_name = 'demo')"
    user = f"(select id from users where clinic_id = {demo} and role = 'billing' order by id limit 1)"
    payer = f"(select id from payers where clinic_id = {demo} and kind = 'insurance' order by id limit 1)"
    posted = "select from remittance_payments p where p.remittance_id = r.id and p.posted_at is not null"
    remittance = f"(select r.id from remittances r where r.clinic_id = {demo} and not exists ({posted}))"
    of_payment = "remittance_id, place, payer_id, trace, trace_key, method, amount, paid_on, status"
    for statement in (
        f"insert into remittances (clinic_id, id, origin, imported_by) values ({demo}, gen_random_uuid(), 'file', {user})",
        f"""insert into remittance_payments (clinic_id, id, {of_payment}, reason) values ({demo}, gen_random_uuid(), {remittance}, 1, null,
            'FOUND-R1', 'FOUND-R1', 'ach', 0, '2026-06-01', 'unmatched', 'Not known')""",
        f"""insert into remittance_payments (clinic_id, id, {of_payment}) values ({demo}, gen_random_uuid(), {remittance}, 2, {payer},
            'FOUND-R2', 'FOUND-R2', 'ach', 90, '2026-06-01', 'matched')""",
        f"""insert into remittance_claims (clinic_id, id, remittance_id, payment_id, place, number, status_code, charge_amount, paid_amount,
            patient_amount, status) select clinic_id, gen_random_uuid(), remittance_id, id, 1, 'FOUND', '1', 90, 90, 0, 'unmatched'
            from remittance_payments where clinic_id = {demo} and place = 2""",
    ):
        rows(address, statement)


def _demo_ids(address: DatabaseUrls) -> Ids:
    clinic = "clinic_id = (select clinic_id from clinics where short_name = 'demo')"
    case = rows(
        address,
        f"select id, patient_id from cases where {clinic} and status = 'open' and attorney_id is not null order by id limit 1",
    )[0]
    first = {
        # Not one of those that add_merge adds: their random ids may come before all others.
        "Payer": f"select id from payers where {clinic} and kind = 'attorney' and firm_id is not null order by id limit 1",
        "Attorney": f"select id from attorneys where {clinic} order by id limit 1",
        "Firm": f"select id from firms where {clinic} and name = 'Idle & Quiet'",
        "Physician": f"select id from physicians where {clinic} and active order by id limit 1",
        "Facility": f"select id from facilities where {clinic} and geographic_factor > 1 order by id limit 1",
        "Invoice": f"select id from invoices where {clinic} and status = 'pending_invoice' and first_submitted_on is null "
        "and floor_amount is null order by id limit 1",
        "Cheque": f"select id from cheques where {clinic} and number = 'FOUND-1'",
        "Refund": f"""select r.id from refunds r join cheques c on c.id = r.cheque_id and c.number = 'ADVANCE-1' where r.{clinic}
            and r.amount = 200""",
        "RecoupmentRequest": f"select id from recoupment_requests where {clinic} and status = 'open' order by id limit 1",
        "IssuedDocument": f"select id from issued_documents where {clinic} and kind = 'BILLING_AFFIDAVIT'",
        "DocumentTemplate": f"select id from document_templates where {clinic} and kind = 'LIEN_NOTICE'",
        "Remittance": f"select remittance_id as id from remittance_payments where {clinic} and trace = 'FOUND-R1'",
        "RemittancePayment": f"select id from remittance_payments where {clinic} and status = 'unmatched' order by id limit 1",
        "RemittanceClaim": f"select id from remittance_claims where {clinic} and number = 'FOUND'",
        "Deposit": f"select id from deposits where {clinic} and deposited_on >= '2026-06-01' order by id limit 1",
        "Denial": f"""select d.id from denials d join invoices i on i.id = d.invoice_id where d.{clinic} and i.status <> 'void'
            and not exists (select from denial_events e where e.denial_id = d.id) order by d.id limit 1""",
        "ReasonCode": f"select id from reason_codes where {clinic} and code = '45'",
        "Hold": f"select id from holds where {clinic} and until_on = '2035-01-01'",
        "Reminder": f"select id from reminders where {clinic} and status = 'scheduled' order by id limit 1",
        "ReminderTemplate": f"select id from reminder_templates where {clinic} order by id limit 1",
        "ReminderPolicy": f"select id from reminder_policies where {clinic} order by id limit 1",
        "OutboundMessage": f"select id from outbound_messages where {clinic} and status = 'failed' order by id limit 1",
        "Coverage": f"select id from coverages where {clinic} and status = 'unverified' order by id limit 1",
        "Merge": f"select id from merges where {clinic}",
        "User": f"select id from users where {clinic} and role = 'analyst'",
        "ApiToken": f"select id from sessions where {clinic} and kind = 'api_token'",
        "Export": f"select e.id from exports e join users u on u.id = e.requested_by where e.{clinic} and u.role = 'admin'",
    }
    found = {name: make_id(name, rows(address, query)[0]["id"]) for name, query in first.items()}
    for name, query in (
        ("OtherPatient", f"select id from patients where {clinic} and mrn = 'OTHER'"),
        ("OtherPayer", f"select id from payers where {clinic} and name = 'Other payer'"),
    ):
        found[name] = make_id(name.removeprefix("Other"), rows(address, query)[0]["id"])
    found["OtherCheque"] = make_id("Cheque", rows(address, "select id from cheques where number = 'FOUND-2'")[0]["id"])
    return {**found, "Case": make_id("Case", case["id"]), "Patient": make_id("Patient", case["patient_id"])}


def _foreign_ids(address: DatabaseUrls) -> Ids:
    tables = {
        "Case": "cases",
        "Patient": "patients",
        "Payer": "payers",
        "Attorney": "attorneys",
        "Firm": "firms",
        "Physician": "physicians",
        "Facility": "facilities",
        "Invoice": "invoices",
        "Cheque": "cheques",
        "Refund": "refunds",
        "RecoupmentRequest": "recoupment_requests",
        "IssuedDocument": "issued_documents",
        "DocumentTemplate": "document_templates",
        "Remittance": "remittances",
        "RemittancePayment": "remittance_payments",
        "RemittanceClaim": "remittance_claims",
        "Deposit": "deposits",
        "Denial": "denials",
        "ReasonCode": "reason_codes",
        "Hold": "holds",
        "Reminder": "reminders",
        "ReminderTemplate": "reminder_templates",
        "ReminderPolicy": "reminder_policies",
        "OutboundMessage": "outbound_messages",
        "Coverage": "coverages",
        "Encounter": "encounters",
        "User": "users",
        "Merge": "merges",
        "ApiToken": "sessions",
    }
    query = "select id from {table} where clinic_id = $1 limit 1"
    return {
        name: make_id(name, rows(address, query.format(table=table), UUID(_FOREIGN))[0]["id"])
        for name, table in tables.items()
    }


def _foreign_remittance(new: str, first: dict[str, str], day: str) -> Iterator[tuple[str, str, str]]:
    """A remittance of the foreign clinic, with a payment and a claim."""
    user, remittance, payment = (
        f"(select id from {table} where clinic_id = '{_FOREIGN}')"
        for table in ("users", "remittances", "remittance_payments")
    )
    yield "remittances", "id, origin, imported_by", f"{new}, 'file', {user}"
    of_payment = "id, remittance_id, place, payer_id, trace, trace_key, method, amount, paid_on, status"
    yield (
        "remittance_payments",
        of_payment,
        f"{new}, {remittance}, 1, {first['payers']}, 'F', 'F', 'ach', 1, {day}, 'matched'",
    )
    of_claim = (
        "id, remittance_id, payment_id, place, number, status_code, charge_amount, paid_amount, patient_amount, status"
    )
    yield "remittance_claims", of_claim, f"{new}, {remittance}, {payment}, 1, 'F-1', '1', 1, 1, 0, 'unmatched'"


def _foreign_follow_ups(new: str, first: dict[str, str], day: str) -> Iterator[tuple[str, str, str]]:
    """The foreign clinic's user, holds, reminders and messages: table, columns and values."""
    yield from (
        ("users", "id, email, name, role", f"{new}, 'analyst@foreign.clinic', 'Flora Foreign', 'analyst'"),
        ("invoice_counters", "year, last_number", "2026, 1"),
        (
            "holds",
            "id, payer_id, until_on, reason, placed_at",
            f"{new}, {first['payers']}, '2035-01-01', 'Quiet', now()",
        ),
        (
            "cheques",
            "id, payer_id, method, number, amount, cheque_date, received_on",
            f"{new}, {first['payers']}, 'wire', 'F-1', 90, {day}, {day}",
        ),
        (
            "refunds",
            "id, cheque_id, amount, payee, reason, refunded_on, method",
            f"{new}, {first['cheques']}, 1, 'Foreign', 'Paid twice', {day}, 'wire'",
        ),
        (
            "recoupment_requests",
            "id, payer_id, amount, reason, requested_on, due_on",
            f"{new}, {first['payers']}, 1, 'Paid twice', {day}, {day}",
        ),
        ("deposits", "id, bank_account, deposited_on", f"{new}, 'Foreign account', {day}"),
        *_foreign_remittance(new, first, day),
        (
            "reminders",
            "id, invoice_id, target_date, subject, created_at",
            f"{new}, {first['invoices']}, '2035-01-01', 'Call', now()",
        ),
        (
            "denials",
            "id, invoice_id, denied_on, reason_code, recorded_at",
            f"{new}, {first['invoices']}, {day}, 'X1', {day} + time '12:00'",
        ),
        ("reason_codes", "id, code, label", f"{new}, 'F-1', 'Foreign words'"),
        ("reminder_templates", "id, name, version, subject, body", f"{new}, 'Foreign', 1, 'Open', 'Open'"),
        ("reminder_policies", "id, name", f"{new}, 'Foreign'"),
        (
            "outbound_messages",
            "id, recipient, subject, status, due_on",
            f"{new}, 'f@foreign.example', 'Open', 'failed', {day}",
        ),
    )


def _add_foreign_clinic(address: DatabaseUrls) -> None:
    """Another clinic with one record of each kind."""
    new = "gen_random_uuid()"
    first = {table: f"(select id from {table} where clinic_id = '{_FOREIGN}')" for table in _PARTIES}
    day = "date '2026-06-01'"
    for table, columns, values in (
        ("clinics", "short_name, name", "'foreign', 'Foreign clinic'"),
        ("patients", "id, mrn, first_name, last_name, sort_name", f"{new}, 'F-1', 'Fay', 'Foreign', 'foreign fay'"),
        ("payers", "id, name, kind", f"{new}, 'Foreign insurance', 'insurance'"),
        ("attorneys", "id, name, firm", f"{new}, 'Fritz Foreign', 'Foreign & Foreign'"),
        ("physicians", "id, name", f"{new}, 'Dr. Foreign'"),
        ("facilities", "id, name", f"{new}, 'Foreign place'"),
        (
            "cases",
            "id, number, patient_id, date_of_injury, opened_on",
            f"{new}, 'F-1', {first['patients']}, {day}, {day}",
        ),
        (
            "coverages",
            "id, case_id, payer_id, kind, priority, balance_billing",
            f"{new}, {first['cases']}, {first['payers']}, 'pip', 1, 'allowed'",
        ),
        (
            "coverage_events",
            "id, coverage_id, seq, at, action",
            f"{new}, {first['coverages']}, 1, now(), 'added'",
        ),
        (
            "encounters",
            "id, case_id, patient_id, physician_id, service_date",
            f"{new}, {first['cases']}, {first['patients']}, {first['physicians']}, {day}",
        ),
        (
            "invoices",
            "id, number, case_id, patient_id, payer_id, created_on, service_date, billed_amount, updated_at",
            f"{new}, 'INV-2026-000001', {first['cases']}, {first['patients']}, {first['payers']}, {day}, {day}, 0, now()",
        ),
        (
            "responsibilities",
            "id, invoice_id, number, payer_id, from_on, reason",
            f"{new}, {first['invoices']}, 1, {first['payers']}, {day}, 'first'",
        ),
        (
            "invoice_events",
            "id, invoice_id, seq, at, transition, to_status",
            f"{new}, {first['invoices']}, 1, now(), 'create_invoice', 'pending_invoice'",
        ),
        *_foreign_follow_ups(new, first, day),
    ):
        rows(address, f"insert into {table} (clinic_id, {columns}) values ('{_FOREIGN}', {values})")


_PARTIES = ("patients", "payers", "attorneys", "physicians", "facilities", "cases", "coverages", "invoices", "cheques")


def today() -> date:
    """Today's date in the demo clinic."""
    return clinic_day(datetime.now(UTC), "America/New_York")


def uuid_of(text: str) -> UUID:
    """The UUID inside an id."""
    identity = read_id(text)
    assert identity
    return identity[1]


def standing(address: DatabaseUrls) -> dict[str, tuple[int, int]]:
    """A digest of every table: the number of its rows, and the sum of the ids of the transactions that wrote them.

    Every write, also of an unchanged row, is by a later transaction: with the same number of rows the sum is larger.
    Unlike a hash of the values, this does not read whole rows.
    """

    async def digest(connection: asyncpg.Connection) -> dict[str, tuple[int, int]]:
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        found = {row["tablename"] for row in tables if not row["tablename"].startswith(_AUDIT)}
        names = sorted(found - {*_VOLATILE})
        sums = "select '{0}', count(*), coalesce(sum(xmin::text::bigint), 0)::bigint from {0}"
        digests = await connection.fetch(" union all ".join(map(sums.format, names)))
        return {name: (count, total) for name, count, total in digests}

    standing: dict[str, tuple[int, int]] = ask(address.owner, digest)
    return standing


@contextmanager
def nothing_changes(address: DatabaseUrls) -> Iterator[None]:
    """Check that the body of this context leaves every row of every table unchanged."""
    before = standing(address)
    yield
    assert standing(address) == before


Change = Callable[[], object]


def changed_by(address: DatabaseUrls, change: Change) -> set[str]:
    """The tables that are different after a change."""
    before = standing(address)
    change()
    after = standing(address)
    return {name for name in after if after[name] != before[name]}
