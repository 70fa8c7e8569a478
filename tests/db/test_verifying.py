"""Every rule of `billing verify` holds in the demo clinic, and a violation made by hand is found for each."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from db.global_ids import make_id
from db.ledger.restated import fill_missing
from db.verify import LAWS, Breach, find_deviations
from server.cli import main
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.db.violations.denials import DENIALS
from tests.db.violations.issued_documents import ISSUED_DOCUMENTS
from tests.db.violations.merges import MERGES
from tests.db.violations.recoupment import RECOUPMENT
from tests.db.violations.remittances import REMITTANCES
from tests.db.violations.violating import UNGUARD, after
from tests.support.databases import INVOICES, copied, rows

_IN = "select id from invoices where status = '{}' {} order by number limit 1"
_OPEN, _NEGOTIATED = _IN.format("pending_invoice", ""), _IN.format("pending_reduction", "")
_REDUCED = _IN.format("paid", "and agreed_amount < billed_amount")
_AGREED = _IN.format("pending_cheque", "and received_amount = 0")
_COVERED, _PAID = _IN.format("cheque_received", ""), _IN.format("paid", "")
_VOID, _GIVEN_UP = _IN.format("void", ""), _IN.format("written_off", "")
_LAST = "select id from invoices where number = (select max(number) from invoices)"
_SHARED = """select c.id from cheques c join cheque_allocations a on a.cheque_id = c.id where returned_on is null
    group by c.id having count(*) > 1 order by c.id limit 1"""
_RETURNED = "select id from cheques where returned_on is not null order by id limit 1"
_REVERSAL = "select id from cheque_allocations where amount < 0 order by id limit 1"
_UNDER = """select id from cheque_allocations where coverage_id is not null and cheque_id in (
    select cheque_id from cheque_allocations group by 1 having count(*) = 1) order by id limit 1"""
_VERIFIED = "select id from coverages where status = 'active' order by id limit 1"
_PAYER = "select payer_id from cheques where applied_amount > 0 order by id limit 1"
_HELD = "select id from cheques where held_from is not null and released_at is null order by id limit 1"
_DEPOSITED = "select id from cheques where cleared_on is not null order by id limit 1"
_REFUNDED = "select cheque_id as id from refunds order by id limit 1"
_SETTLED = "select id from cases where status = 'settled' order by number limit 1"
_UNSETTLED = """select c.id from cases c where status = 'open' and exists (select from invoices where case_id = c.id
    and status in ('pending_invoice', 'pending_reduction')) order by number limit 1"""
_REPRESENTED = "select case_id as id from representations where until_on is null order by id limit 1"
_SUBSTITUTED = "select case_id as id from representations where until_on is not null order by id limit 1"
_ATTORNEY = "select id from attorneys order by id limit 1"
_EVENTS = "from invoice_events where invoice_id = $"

_LAST_STATE, _FIRST_STATE = (
    f"(invoice_id, known_from) = (select invoice_id, {which}(known_from) from invoice_states where invoice_id = $ group by 1)"
    for which in ("max", "min")
)

_RECEIPT = "select min(id::text)::uuid from cheque_allocations where invoice_id = $"
# One state from the creation on, which is not the present one: nothing is received.
_RESTATED = """insert into restated_states (clinic_id, invoice_id, from_on, case_id, patient_id, payer_id, status, created_on,
    service_date, billed_amount, received_amount, written_off_amount) select clinic_id, id, created_on, case_id, patient_id,
    payer_id, status, created_on, service_date, billed_amount, 0, 0 from invoices where id = $"""

_EXPORT = """insert into exports (clinic_id, id, requested_by, role, kind, format, status, file_name, created_at, record_count)
    select clinic_id, $, id, role, 'invoices', 'csv', '{}', 'a.csv', now(), 1 from users limit 1"""

_BILLED_VISIT = "select id from encounters where invoice_id is not null order by id limit 1"
_UNBILLED_VISIT = "select id from encounters where invoice_id is null order by id limit 1"
_BILLING_VISIT = "select id from invoices where encounter_id is not null and status <> 'void' order by number limit 1"
_UNIQUE_LINE = """select l.id from invoice_lines l join invoices i on i.id = l.invoice_id where i.status <> 'void'
    and not l.is_repeated order by l.id desc limit 1"""

# The rule, the query for the record that is to break it ($ in the statement), and the statement that breaks it.
VIOLATIONS = [
    ("Received is the sum", _COVERED, "update invoices set received_amount = received_amount - 1 where id = $"),
    ("Received is the sum", _COVERED, "delete from cheque_allocations where invoice_id = $"),
    ("0 ≤ received", _AGREED, "update invoices set received_amount = -1 where id = $"),
    ("0 ≤ received", _COVERED, "update invoices set received_amount = agreed_amount + 1 where id = $"),
    ("0 ≤ received", _AGREED, "update invoices set agreed_amount = billed_amount + 0.01 where id = $"),
    ("0 ≤ received", _NEGOTIATED, "update invoices set received_amount = billed_amount + 0.01 where id = $"),
    ("0 ≤ received", _AGREED, "update invoices set earlier_received_amount = 0.01 where id = $"),
    ("Billed = received", _AGREED, """alter table invoices alter column balance drop expression;
     update invoices set balance = balance - 0.01 where id = $"""),
    ("The adjustments of", _COVERED, "update invoices set contractual_amount = 0.01 where id = $"),
    ("The adjustments of", _AGREED, """insert into invoice_adjustments (clinic_id, id, invoice_id, number, kind, amount, effective_on)
     select clinic_id, gen_random_uuid(), id, 1, 'small_balance', 0.01, created_on from invoices where id = $"""),
    ("The payer is that", _OPEN, "delete from responsibilities where invoice_id = $"),
    ("The payer is that", _OPEN, "update invoices set payer_id = (select p.id from payers p where p.id <> payer_id limit 1) where id = $"),
    ("The payer is that", _OPEN, "update invoices set responsible_since = responsible_since + 1 where id = $"),
    ("The payer is that", _OPEN, "update responsibilities set number = 2 where invoice_id = $"),
    ("An invoice is agreed upon", _AGREED, "delete from agreements where invoice_id = $"),
    ("An invoice is agreed upon", _AGREED, """insert into agreements (clinic_id, id, invoice_id, number, kind, agreed_on)
     select clinic_id, gen_random_uuid(), id, 99, 'full', agreed_on from invoices where id = $"""),
    ("An invoice is agreed upon", _AGREED, "update agreements set agreed_on = agreed_on - 1 where ended_by is null and invoice_id = $"),
    ("What is written off", _GIVEN_UP, "delete from write_offs where invoice_id = $"),
    ("What is written off", _OPEN, """insert into write_offs (clinic_id, id, invoice_id, number, written_off_on)
     select clinic_id, gen_random_uuid(), id, 1, created_on from invoices where id = $"""),
    (
        "The line of a denial",
        "select id from denials order by id limit 1",
        """update denials set line_id = (select l.id from invoice_lines l where l.clinic_id = denials.clinic_id
            and l.invoice_id <> denials.invoice_id limit 1) where id = $""",
    ),
    (
        "A denial is not before",
        "select invoice_id from denials order by id limit 1",
        "update denials set denied_on = '2001-01-01' where id = (select id from denials where invoice_id = $ limit 1)",
    ),
    (
        "An appeal is not due",
        "select invoice_id from denials order by id limit 1",
        "update denials set appeal_due_on = denied_on - 1 where id = (select id from denials where invoice_id = $ limit 1)",
    ),
    ("Billed is the sum", _OPEN, "delete from invoice_lines where invoice_id = $"),
    ("Billed is the sum", _OPEN, "update invoices set billed_amount = billed_amount + 0.01 where id = $"),
    ("A cheque pays no more", _SHARED, "update cheques set amount = 0.01 where id = $"),
    (
        "No invoice has a negative",
        _SHARED,
        "update cheque_allocations set amount = -amount where id = (select id from cheque_allocations where cheque_id = $ limit 1)",
    ),
    ("A returned cheque", _SHARED, "update cheques set returned_on = received_on where id = $"),
    (
        "A returned cheque",
        _RETURNED,
        "delete from cheque_allocations where id = (select id from cheque_allocations where cheque_id = $ and amount < 0 limit 1)",
    ),
    ("A reversal is", _REVERSAL, "update cheque_allocations set amount = amount - 0.01 where id = $"),
    ("A reversal is", _REVERSAL, "update cheque_allocations set reversal_kind = 'taken_back' where id = $"),
    ("A reversal counts", _REVERSAL, "update cheque_allocations set effective_on = effective_on - 1 where id = $"),
    ("A reversal counts", _REVERSAL,
     "update cheque_allocations set reversal_kind = 'moved', effective_on = effective_on + 1 where id = $"),
    ("Of a payment that was typed", _SHARED,
     "update cheques set returned_on = received_on, corrected_at = now(), return_kind = 'corrected' where id = $"),
    ("Of a payment that was typed", _SHARED, """update cheques set corrects_id = (select c.id from cheques c
     where c.id <> cheques.id and c.corrected_at is null limit 1), correction_reason = 'None' where id = $"""),
    ("An allocation is ordered", _REVERSAL,
     "update cheque_allocations set ordered_at = recorded_at + interval '1 second' where id = $"),
    ("An adjustment that undoes", _AGREED, """insert into invoice_adjustments (clinic_id, id, invoice_id, number, kind, amount,
     effective_on, undoes_number) select clinic_id, gen_random_uuid(), id, 2, 'small_balance', 0.01, created_on, 1
     from invoices where id = $"""),
    (
        "A cheque pays invoices",
        _SHARED,
        "update cheques set payer_id = (select p.id from payers p where p.id <> payer_id limit 1) where id = $",
    ),
    ("A payment counts", _UNDER, ("update cheque_allocations set coverage_id = (select id from coverages o where o.case_id <> "
     "(select case_id from coverages c where c.id = coverage_id) limit 1) where id = $")),
    ("A payment counts", _UNDER, ("update cheques set payer_id = (select id from payers p where p.id <> payer_id limit 1) "
     "where id = (select cheque_id from cheque_allocations where id = $)")),
    ("The coverage of a reversal", _REVERSAL, ("update cheque_allocations set coverage_id = (select case when coverage_id is null "
     "then (select id from coverages limit 1) end) where id = $")),
    ("A coverage's history", _VERIFIED, "update coverages set version = version + 1 where id = $"),
    ("A coverage's history", _VERIFIED, "delete from coverage_events where coverage_id = $ and seq = 1"),
    ("A coverage's history", _VERIFIED, "delete from coverage_events where coverage_id = $"),
    ("A coverage's history", _VERIFIED, "update coverage_events set action = 'updated' where coverage_id = $ and seq = 1"),
    ("A verified coverage", _VERIFIED, "update coverages set verified_at = null where id = $"),
    ("A payment is used for", _SHARED, "update cheques set applied_amount = applied_amount + 0.01 where id = $"),
    ("A payment is used for", _REFUNDED, "delete from refunds where cheque_id = $"),
    ("Payments that are money", _PAYER, """update cheques set applied_amount = 0 where id = (select id from cheques
     where payer_id = $ and applied_amount > 0 limit 1)"""),
    # What a returned payment has paid is reversed.
    ("Payments that are money", "select payer_id from cheques where returned_on is not null order by id limit 1",
     """delete from cheque_allocations where id = (select a.id from cheque_allocations a join cheques c on c.id = a.cheque_id
     where c.payer_id = $ and a.amount < 0 limit 1)"""),
    ("Only a payment", _SHARED, "update cheques set applied_amount = amount + 0.01 where id = $"),
    ("A held cheque is", _HELD, "update cheques set cleared_on = received_on where id = $"),
    ("A held cheque is", _HELD, """insert into cheque_allocations (clinic_id, id, cheque_id, invoice_id, amount, effective_on)
     select c.clinic_id, gen_random_uuid(), c.id, i.id, 1, c.received_on from cheques c, invoices i where c.id = $ limit 1"""),
    ("A payment is received", _SHARED, "update cheques set cheque_date = received_on + 1 where id = $"),
    ("A payment is received", _SHARED, "update cheques set received_on = recorded_at::date + 2 where id = $"),
    ("A payment is deposited", _DEPOSITED, "update cheques set received_on = received_on + 30, cleared_on = null where id = $"),
    ("A payment is deposited", _DEPOSITED, "update cheques set cleared_on = received_on - 1 where id = $"),
    ("A payment is deposited", _HELD, "update cheques set released_at = now() where id = $"),
    ("A payment replaces", _SHARED, """update cheques set replaces_id = (select id from cheques where returned_on is null
     and id <> $ limit 1) where id = $"""),
    ("A refund is not", "select id from refunds order by id limit 1", "update refunds set refunded_on = '2000-01-01' where id = $"),
    # An unknown bank equals every bank.
    ("No two payments", """select c.id from cheques c where c.id = (select max(id::text)::uuid from cheques
     where method = 'paper' and returned_on is null and payer_id = (select payer_id from cheques where method = 'paper'
     and returned_on is null group by payer_id having count(*) > 1 order by payer_id limit 1))""",
     """update cheques c set bank_key = 'a bank', number_key = (select o.number_key from cheques o where o.payer_id = c.payer_id
     and o.method = 'paper' and o.returned_on is null and o.id < c.id order by o.id limit 1) where c.id = $"""),
    *RECOUPMENT,
    *DENIALS,
    *ISSUED_DOCUMENTS,
    *MERGES,
    *REMITTANCES,
    ("The status agrees", _OPEN, "update invoices set agreed_amount = 1 where id = $"),
    ("The status agrees", _NEGOTIATED, "update invoices set open_status = 'pending_invoice' where id = $"),
    ("The status agrees", _AGREED, "update invoices set agreed_amount = null where id = $"),
    ("The status agrees", _AGREED, "update invoices set written_off_amount = 1 where id = $"),
    ("The status agrees", _COVERED, "update invoices set fully_paid_on = null where id = $"),
    ("The status agrees", _COVERED, "update invoices set paid_on = fully_paid_on where id = $"),
    ("The status agrees", _PAID, "update invoices set paid_on = null where id = $"),
    ("The status agrees", _VOID, "update invoices set agreed_amount = 1 where id = $"),
    ("The status agrees", _GIVEN_UP, "update invoices set written_off_amount = written_off_amount - 0.01 where id = $"),
    (
        "The balance is",
        _AGREED,
        """alter table invoices alter column balance drop expression;
        update invoices set balance = balance - 0.01 where id = $""",
    ),
    ("A history is numbered", _PAID, f"delete {_EVENTS} and seq = 3"),
    ("A history is numbered", _PAID, f"delete {_EVENTS} and seq = 1"),
    ("A history is numbered", _PAID, ("update invoice_events set seq = seq + 1 where invoice_id = $ and seq = "
     f"(select max(seq) {_EVENTS})")),
    ("A history begins", _PAID, f"delete {_EVENTS} and seq = 1"),
    ("A history begins", _PAID, "update invoice_events set transition = 'imported' where invoice_id = $ and seq = 1"),
    ("A history begins", _PAID, f"delete {_EVENTS} and seq = (select min(seq) {_EVENTS} and from_status <> to_status)"),
    ("A history begins", _PAID, "update invoice_events set transition = 'update_status' where invoice_id = $ and seq = 2"),
    ("A history begins", _PAID, "update invoice_events set from_status = null where invoice_id = $ and seq = 2"),
    ("A history begins", _OPEN, f"""insert into invoice_events (clinic_id, id, invoice_id, seq, at, transition, from_status, to_status)
     select clinic_id, gen_random_uuid(), invoice_id, seq + 1, at, 'add_internal_note', to_status, 'paid'
     {_EVENTS} order by seq desc limit 1"""),
    ("A history ends", _PAID, f"delete {_EVENTS}"),
    ("A history ends", _PAID, f"delete {_EVENTS} and seq = (select max(seq) {_EVENTS})"),
    ("A history ends", _OPEN, "update invoices set status = 'void' where id = $"),
    ("A version counts", _OPEN, "update invoices set version = version + 1 where id = $"),
    ("A version counts", _PAID, f"delete {_EVENTS}"),
    ("At most the newest", _PAID, """insert into reduction_offers (clinic_id, id, invoice_id, round, party, amount, status, made_at)
     select clinic_id, gen_random_uuid(), id, 99, 'payer', 1, 'open', now() from invoices where id = $"""),
    ("At most the newest", _NEGOTIATED, """insert into reduction_offers (clinic_id, id, invoice_id, round, party, amount, status, made_at)
     select clinic_id, gen_random_uuid(), id, nth, 'payer', 1, 'open', now() from invoices,
     (values (98), (99)) more (nth) where id = $"""),
    ("A negotiated amount", _REDUCED, "update reduction_offers set amount = amount - 0.01 where status = 'accepted' and invoice_id = $"),
    ("A negotiated amount", _REDUCED, "update reduction_offers set status = 'superseded' where invoice_id = $"),
    ("A settled or closed case", _SETTLED, "update cases set status = 'open', settled_on = null where id = $"),
    ("A settled or closed case", _UNSETTLED, "update cases set status = 'settled', settled_on = opened_on where id = $"),
    ("A settled or closed case", _UNSETTLED, "update cases set status = 'closed', closed_on = opened_on where id = $"),
    ("A settled or closed case", _SETTLED, "update invoices set status = 'cheque_received' where case_id = $"),
    ("A settled or closed case", "select id from cases where status = 'settled' order by number desc limit 1",
     "delete from invoices where case_id = $"),
    ("The numbers of", _LAST, "update invoices set number = 'INV-2026-900000' where id = $"),
    ("The numbers of", "select id from invoices where number = 'INV-2025-000002'",
     "delete from invoices where number = 'INV-2025-000001'"),
    ("A number has", _LAST, "update invoices set created_on = created_on - 400 where id = $"),
    ("The counter of", "select clinic_id as id from clinics",
     "update invoice_counters set last_number = last_number + 1 where year = 2026"),
    ("The counter of", "select clinic_id as id from clinics", "delete from invoice_counters where year = 2026"),
    ("An invoice has", _OPEN, "update invoices set attorney_id = null where id = $"),
    ("An invoice has", _OPEN, """update invoices i set patient_id = (select id from patients p where p.id <> i.patient_id limit 1)
     where id = $"""),
    ("The attorney of a case", _REPRESENTED, "update representations set until_on = from_on where case_id = $ and until_on is null"),
    ("The attorney of a case", _REPRESENTED, """insert into representations (clinic_id, id, case_id, attorney_id, from_on)
     select clinic_id, gen_random_uuid(), id, attorney_id, opened_on from cases where id = $"""),
    ("The periods in which", _SUBSTITUTED, "update representations set until_on = until_on + 1 where case_id = $ and until_on is not null"),
    ("The periods in which", _SUBSTITUTED, """insert into representations (clinic_id, id, case_id, attorney_id, from_on, until_on,
     known_from, known_until) select clinic_id, gen_random_uuid(), case_id, attorney_id, from_on, until_on, until_on, until_on + 1
     from representations where case_id = $ and until_on is not null"""),
    ("An attorney is found", _ATTORNEY, "update attorneys set name_fragments = array['another firm'] where id = $"),
    ("The totals of aging", _GIVEN_UP, """alter table invoices alter column balance drop expression;
     update invoices set balance = 1 where id = $"""),
    ("The past states", _COVERED, f"delete from invoice_states where {_LAST_STATE}"),
    ("The past states", _COVERED, "update invoices set known_from = known_from + 1 where id = $"),
    ("The state of an", _COVERED, f"update invoice_states set received_amount = 0.01 where {_LAST_STATE}"),
    ("The state of an", _COVERED, f"update invoice_states set status = 'void' where {_FIRST_STATE}"),
    ("An invoice with a fact", _COVERED, f"update cheque_allocations set effective_on = effective_on - 1 where id = ({_RECEIPT})"),
    ("The restated states", _COVERED, f"{_RESTATED}"),
    ("The restated states", _COVERED, f"{_RESTATED}; update restated_states set from_on = from_on - 1 where invoice_id = $"),
    ("The restated states", _COVERED, f"{_RESTATED}; update restated_states set until_on = from_on + 9 where invoice_id = $"),
    ("An account that has joined", "select id from users order by id limit 1", "delete from memberships where user_id = $"),
    ("An account that has joined", "select id from users order by id limit 1", "update users set email = 'x@x.example' where id = $"),
    ("The hash chain of", "select gen_random_uuid()", """insert into audit_chain (clinic_id, seq, event_id, hash, subjects)
     select clinic_id, 1, $, '', '{}' from clinics"""),
    ("The hash chain of", "select gen_random_uuid()", """insert into audit_events (clinic_id, id, role, operation, request_id, at)
     select clinic_id, $, 'admin', 'invoices', 'forged', now() from clinics"""),
    ("A finished export", "select gen_random_uuid()", f"{_EXPORT.format('ready')}"),
    ("A finished export", "select gen_random_uuid()", f"""{_EXPORT.format('running')}; insert into export_records
     (clinic_id, export_id, table_name, part, ids) select clinic_id, $, 'invoices', 0, array[$::uuid] from clinics"""),
    ("A visit is billed by at most", _BILLING_VISIT, """drop index uq_invoices_encounter; insert into invoices (clinic_id, id, number, case_id,
     patient_id, payer_id, encounter_id, created_on, service_date, billed_amount, known_from, responsible_since, updated_at)
     select clinic_id, gen_random_uuid(), 'A', case_id, patient_id, payer_id, encounter_id, created_on, service_date, 0, created_on,
     created_on, now() from invoices where id = $"""),
    ("A visit names the invoice", _BILLED_VISIT, "update encounters set invoice_id = null where id = $"),
    ("A visit names the invoice", _BILLED_VISIT, "update invoices set encounter_id = null where encounter_id = $"),
    ("A visit names the invoice", _BILLED_VISIT, "update invoices set status = 'void' where encounter_id = $"),
    ("A visit names the invoice", _UNBILLED_VISIT, "update encounters set invoice_id = gen_random_uuid() where id = $"),
    ("A cancelled visit", _BILLED_VISIT, "update encounters set cancelled_at = now() - interval '1 hour' where id = $"),
    ("An invoice bills a visit", _BILLING_VISIT,
     "update invoices set case_id = (select c.id from cases c where c.id <> case_id order by c.id limit 1) where id = $"),
    ("A visit is not before", _BILLED_VISIT, "update encounters set service_date = '2000-01-01' where id = $"),
    ("A line repeats", "select 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid", f"""insert into invoice_lines
     (clinic_id, id, invoice_id, position, code, label, units, bilateral, unit_price, amount, price_source, price_rate)
     select clinic_id, $, invoice_id, 99, code,
     label, units, bilateral, 0, 0, 'base_price', 0 from invoice_lines where id = ({_UNIQUE_LINE})"""),
    ("A visit's version", _BILLED_VISIT, "update encounters set version = 2 where id = $"),
    ("A visit's version", _BILLED_VISIT, """insert into encounter_events (clinic_id, id, encounter_id, at, action)
     select clinic_id, gen_random_uuid(), id, now(), 'update_encounter' from encounters where id = $"""),
    ("Past states of a visit", _BILLED_VISIT, """insert into encounter_states select clinic_id, id, recorded_at, now(), physician_id,
     facility_id, service_date from encounters where id = $"""),
    ("Past states of a visit", _BILLED_VISIT, """update encounters set changed_at = '2026-06-03' where id = $; insert into encounter_states
     select clinic_id, id, day, day + 2, physician_id, facility_id, service_date from encounters,
     unnest(array['2026-05-31'::date, '2026-06-01']) day where id = $"""),
    ("Treatment is not before", _BILLING_VISIT, "update invoices set service_date = '2000-01-01' where id = $"),
    ("An invoice is not created", _BILLING_VISIT, "update invoices set service_date = created_on + 1 where id = $"),
    ("An invoice is not submitted", "select id from invoices where submitted_on is not null order by number limit 1",
     "update invoices set submitted_on = created_on - 1 where id = $"),
]  # fmt: skip


@pytest.fixture(scope="module")
def unguarded(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """The demo clinic without the constraints that prevent violations; each violation is rolled back."""
    with copied(postgres_server, template_database) as copy:
        rows(copy, UNGUARD)
        yield copy


def law(start: str) -> Any:
    [found] = [law for law in LAWS if law.words.startswith(start)]
    return found


def test_every_rule_holds_in_the_demo_clinic(unguarded: DatabaseUrls) -> None:
    assert after(unguarded, "select") == (None, ())


@pytest.mark.parametrize(("start", "target", "violation"), VIOLATIONS)
def test_a_broken_rule_is_found_with_the_record_that_breaks_it(
    unguarded: DatabaseUrls, start: str, target: str, violation: str
) -> None:
    identity, breaches = after(unguarded, violation, target)
    assert identity is not None
    broken = law(start)
    [breach] = [breach for breach in breaches if breach.law is broken]
    assert (breach.count, breach.ids) == (1, (make_id(broken.kind, identity),))


def test_every_rule_has_a_violation() -> None:
    assert {law(start).words for start, _, _ in VIOLATIONS} == {law.words for law in LAWS}


def test_restated_states_that_do_not_follow_from_the_facts_are_found(own_address: DatabaseUrls) -> None:
    async def deviate() -> tuple[Any, tuple[Breach, ...], tuple[Breach, ...]]:
        connection = await asyncpg.connect(own_address.owner)
        try:
            identity = await connection.fetchval(_COVERED)
            late = f"update cheque_allocations set recorded_at = recorded_at + interval '1 day' where id = ({_RECEIPT})"
            await connection.execute(
                f"set session_replication_role = replica; {late.replace('$', repr(str(identity)))}"
            )
            assert await fill_missing(connection) == 1
            async with connection.transaction():
                filled = await find_deviations(connection)
                change = (
                    "update restated_states set received_amount = 0.01 where invoice_id = $1 and until_on is not null"
                )
                await connection.execute(change, identity)
                return identity, filled, await find_deviations(connection)
        finally:
            await connection.close()

    identity, filled, found = asyncio.run(deviate())
    assert (filled, [breach.ids for breach in found]) == ((), [(make_id("Invoice", identity),)])


def test_twenty_ids_are_reported_and_all_are_counted(unguarded: DatabaseUrls) -> None:
    _, [breach] = after(unguarded, "update invoices set version = version + 1")
    assert breach.count == INVOICES
    assert len(set(breach.ids)) == 20


def billing_verify(address: DatabaseUrls) -> tuple[int, str]:
    """The exit code and the output of `billing verify`."""
    answer = CliRunner().invoke(main, ["verify"], env={"DATABASE_URL": address.owner})
    return answer.exit_code, answer.output


def test_the_command_reports_that_all_rules_hold(address: DatabaseUrls) -> None:
    code, output = billing_verify(address)
    assert code == 0, output
    assert output.startswith(f"{len(LAWS)} of {len(LAWS)} laws hold: {INVOICES} invoices, ")


def test_the_command_fails_with_the_description_of_the_rule_and_the_ids(own_address: DatabaseUrls) -> None:
    [[identity]] = rows(own_address, f"update invoices set version = 99 where id = ({_OPEN}) returning id")
    code, output = billing_verify(own_address)
    assert code == 1
    assert f"changes in the history: broken by 1\n  {make_id('Invoice', identity)}\n" in output
    assert f"{len(LAWS) - 1} of {len(LAWS)} laws hold" in output


def test_the_command_asks_for_a_migration_first(own_address: DatabaseUrls) -> None:
    rows(own_address, "drop table cheque_allocations cascade")
    code, output = billing_verify(own_address)
    assert code == 1
    assert "billing migrate" in output
