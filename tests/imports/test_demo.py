"""The demo clinic: it obeys every rule of the ledger, contains every kind of record, and is the same for the same seed."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from domain.access.people import Role
from domain.billing.invoices import OPEN, InvoiceStatus
from domain.billing.transitions import TRANSITIONS
from domain.normal_forms import normal_key
from domain.pricing.pricing import PriceSource
from domain.reports.aging import BUCKETS, age_days, bucket_of
from imports.demo.codes import CODES
from imports.demo.load import DemoSummary, load_demo
from server.embedded.postgres import EmbeddedPostgres
from tests.imports.database import TODAY, Database
from tests.imports.invariants import INVARIANTS
from tests.support.databases import copied


def load(database: Database, **options: Any) -> DemoSummary:
    """Load the demo clinic as of TODAY, unless the options say otherwise."""

    async def run() -> DemoSummary:
        connection = await asyncpg.connect(database.dsn)
        try:
            return await load_demo(connection, **{"today": TODAY, "password_hash": "no hash", **options})
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def clinic(postgres_server: EmbeddedPostgres, empty_template: str) -> Iterator[Database]:
    """A database with the demo clinic as a first start makes it: 400 invoices."""
    with copied(postgres_server, empty_template) as copy:
        load(Database(copy.owner))
        yield Database(copy.owner)


@pytest.fixture(scope="module")
def large_clinic(postgres_server: EmbeddedPostgres, empty_template: str) -> Iterator[Database]:
    """A demo clinic of 3,000 invoices, for reading."""
    with copied(postgres_server, empty_template) as copy:
        load(Database(copy.owner), invoices=3_000)
        yield Database(copy.owner)


@pytest.fixture(scope="module", params=[400, 3_000])
def clinics(
    request: pytest.FixtureRequest, postgres_server: EmbeddedPostgres, empty_template: str
) -> Iterator[Database]:
    """Demo clinics of more than one size."""
    with copied(postgres_server, empty_template) as copy:
        load(Database(copy.owner), invoices=request.param, seed=2)
        yield Database(copy.owner)


@pytest.mark.parametrize("rule", INVARIANTS)
def test_the_ledger_keeps_every_rule(clinics: Database, rule: str) -> None:
    assert clinics.rows(INVARIANTS[rule]) == []


VIOLATIONS = {
    "received is the sum of the allocations, reversals included": """
        delete from cheque_allocations where id = (select id from cheque_allocations where reverses_id is null limit 1)""",
    "billed is the sum of the lines": "update invoice_lines set amount = amount + 0.01 where position = 1",
    "a cheque pays no more than its amount": "update cheques set amount = 0.01",
    "the status agrees with the ledger": "update invoices set fully_paid_on = created_on where status = 'pending_cheque'",
    "a history begins with the creation and has legal transitions only, each from the status of the previous one": """
        delete from invoice_events where transition = 'request_reduction'""",
    "a history ends in the status of the invoice, and has as many events as the invoice has versions": """
        update invoices set version = version + 1 where status = 'paid'""",
    "numbers of a year have no gaps, and the counter holds the last": """
        update invoice_counters set last_number = last_number + 1""",
}


@pytest.mark.parametrize("rule", VIOLATIONS)
def test_a_rule_finds_a_violation(database: Database, rule: str) -> None:
    load(database, invoices=60)
    assert database.rows(INVARIANTS[rule]) == []
    database.execute(VIOLATIONS[rule])
    assert database.rows(INVARIANTS[rule]) != []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_four_hundred_invoices_are_in_all_states_and_in_all_buckets(database: Database, seed: int) -> None:
    load(database, seed=seed)
    assert database.value("select count(*) from invoices") == 400
    invoices = database.rows("select status, created_on from invoices")
    assert {row["status"] for row in invoices} == set(InvoiceStatus)
    buckets = {bucket_of(age_days(row["created_on"], TODAY)) for row in invoices if row["status"] in OPEN}
    assert buckets == set(BUCKETS)


EXPECTED_RECORDS = {
    "negotiations of three rounds and more": "select 1 from reduction_offers where round >= 3",
    "open offers": "select 1 from reduction_offers where status = 'open'",
    "expired offers": "select 1 from reduction_offers where status = 'expired'",
    "conditional agreements": "select 1 from invoices where conditional_until >= $1 and status = 'pending_cheque'",
    "lapsed agreements": "select 1 from invoice_events where transition = 'lapse_agreement'",
    "denials": "select 1 from denials where reason_code <> ''",
    "submissions after a denial": """
        select 1 from invoice_events d join invoice_events s using (clinic_id, invoice_id)
        where d.transition = 'record_denial' and s.transition = 'submit_invoice' and s.seq > d.seq""",
    "cheques for a part": "select 1 from invoices where status = 'pending_cheque' and received_amount > 0",
    "cheques over several invoices": """
        select 1 from cheque_allocations where amount > 0 group by cheque_id having count(distinct invoice_id) > 1""",
    "cheques with an unapplied rest": """
        select 1 from cheques c join cheque_allocations a on a.cheque_id = c.id group by c.clinic_id, c.id having sum(a.amount) < c.amount""",
    "a returned cheque": "select 1 from cheques where returned_on is not null",
    "a cheque that was typed wrong, and the right one": """
        select 1 from cheques w join cheques c on (c.clinic_id, c.corrects_id) = (w.clinic_id, w.id)
        where w.return_kind = 'corrected' and c.amount < w.amount and c.returned_on is null""",
    "an allocation that was moved to another invoice": """
        select 1 from cheque_allocations r join cheque_allocations a on (a.clinic_id, a.id) = (r.clinic_id, r.reverses_id)
        join cheque_allocations n on (n.clinic_id, n.cheque_id) = (r.clinic_id, r.cheque_id) and n.invoice_id <> r.invoice_id
        where r.reversal_kind = 'moved' and n.ordered_at = a.recorded_at""",
    "a posted claim of a remittance": """
        select 1 from remittance_claims k join remittance_payments p on (p.clinic_id, p.id) = (k.clinic_id, k.payment_id)
        join cheque_allocations a on (a.clinic_id, a.cheque_id, a.invoice_id) = (k.clinic_id, p.cheque_id, k.invoice_id)
        join invoice_adjustments j on (j.clinic_id, j.cheque_id, j.invoice_id) = (k.clinic_id, p.cheque_id, k.invoice_id)
        where k.posted_at is not null and k.paid_amount = a.amount""",
    "a claim that waits": "select 1 from remittance_claims where posted_at is null and status = 'unmatched'",
    "cheques entered after the day of receipt": "select 1 from cheques where recorded_at::date > received_on",
    "internal notes": "select 1 from internal_notes",
    "holds": "select 1 from holds where until_on > $1 and released_at is null and invoice_id is not null",
    "reminders that are due": "select 1 from reminders where status = 'scheduled' and target_date <= $1",
    "reminders for later": "select 1 from reminders where status = 'scheduled' and target_date > $1",
    "reminders that are done": "select 1 from reminders where status = 'completed' and outcome is not null",
    "settled cases": "select 1 from cases where status = 'settled'",
    "cases whose attorney changed": "select 1 from representations where until_on is not null",
    "what was changed in a case": """select 1 from case_events e join cases c on c.id = e.case_id
        where c.status = 'settled' and e.action = 'settle_case'""",
    "invoices in the place of others": "select 1 from invoices where replaces_id is not null",
    "invoices of nothing": "select 1 from invoices where billed_amount = 0 and status = 'cheque_received'",
    "cases without an attorney": "select 1 from cases where attorney_id is null",
    "patients who pay": "select 1 from invoices i join payers p on p.id = i.payer_id where p.kind = 'patient'",
    "insurances that pay": "select 1 from invoices i join payers p on p.id = i.payer_id where p.kind = 'insurance'",
    "firms that pay": "select 1 from invoices i join payers p on p.id = i.payer_id where p.kind = 'attorney'",
    "lines for both sides": "select 1 from invoice_lines where bilateral and bilateral_factor > 1",
    "lines of several units": "select 1 from invoice_lines where units > 1",
    "negotiated rates": "select 1 from invoice_lines where price_source = 'payer_rate'",
    "rates negotiated for a facility": "select 1 from invoice_lines where price_source = 'payer_facility_rate'",
    "prices of a facility": "select 1 from invoice_lines where price_source = 'facility_schedule'",
    "prices set by hand": "select 1 from invoice_lines where override_reason is not null",
    "apostrophes in names": "select 1 from patients where last_name like '%''%'",
    "accents in names": "select 1 from patients where first_name || last_name ~ '[^ -~]'",
    "hyphens in names": "select 1 from patients where last_name like '%-%'",
}


@pytest.mark.parametrize("kind", EXPECTED_RECORDS)
def test_the_demo_clinic_of_a_first_start_contains(clinic: Database, kind: str) -> None:
    values = (TODAY,) if "$1" in EXPECTED_RECORDS[kind] else ()
    assert clinic.rows(EXPECTED_RECORDS[kind], *values) != []


def test_every_transition_has_happened_somewhere_in_three_thousand_invoices(large_clinic: Database) -> None:
    happened = {row[0] for row in large_clinic.rows("select distinct transition from invoice_events")}
    assert happened == {"create_invoice", *(transition.name for transition in TRANSITIONS)}


def test_every_source_of_a_price_is_used_somewhere_in_three_thousand_invoices(large_clinic: Database) -> None:
    assert {row[0] for row in large_clinic.rows("select distinct price_source from invoice_lines")} == set(PriceSource)


def test_the_invoices_span_five_years_until_today_and_no_event_is_later(clinic: Database) -> None:
    first, last = clinic.rows("select min(created_on), max(created_on) from invoices")[0]
    assert first <= TODAY - timedelta(days=5 * 365 - 30)
    assert TODAY - timedelta(days=10) <= last <= TODAY
    latest = clinic.value("""select max(m) from (select max(at) as m from invoice_events
        union all select max(recorded_at) from cheques union all select max(recorded_at) from reminders) t""")
    assert latest.date() <= TODAY


def test_records_count_as_recorded_on_the_day_they_are_about(clinic: Database) -> None:
    assert clinic.rows("select 1 from invoices where recorded_at::date <> created_on") == []
    assert clinic.rows("select 1 from cases where recorded_at::date <> opened_on or opened_on < date_of_injury") == []
    assert clinic.rows("select 1 from encounters where recorded_at::date <> service_date") == []
    assert clinic.rows("select 1 from invoice_events where recorded_at <> at") == []


def test_no_expired_offer_is_open_and_no_expired_agreement_is_in_force(clinics: Database) -> None:
    assert clinics.rows("select 1 from reduction_offers where status = 'open' and expires_on < $1", TODAY) == []
    lapsed = "select 1 from invoices where status = 'pending_cheque' and received_amount = 0 and conditional_until < $1"
    assert clinics.rows(lapsed, TODAY) == []


def test_a_case_has_one_to_six_invoices_and_about_three(clinics: Database) -> None:
    counts = [row[0] for row in clinics.rows("select count(*) from invoices group by case_id")]
    assert (min(counts), max(counts)) == (1, 6)
    assert 2.5 <= sum(counts) / len(counts) <= 3.5


def test_each_role_has_a_demo_user(clinic: Database) -> None:
    users = clinic.rows(
        """select u.email, u.role, u.attorney_id, u.physician_id, u.joined_at, l.email as signs_in_with, l.password_hash, l.only_clinic_id
        from users u left join memberships m on m.user_id = u.id left join logins l on l.id = m.login_id"""
    )
    assert {row["email"] for row in users} == {f"{role}@demo.example" for role in Role}
    assert all(row["email"] == row["signs_in_with"] == f"{row['role']}@demo.example" for row in users)
    assert all((row["password_hash"], row["only_clinic_id"]) == ("no hash", None) and row["joined_at"] for row in users)


def check_attorneys_share(clinic: Database, low: float, high: float) -> None:
    """The attorney who signs in represents at least five cases, and that share of all."""
    cases = clinic.value("select count(*) from cases")
    own = clinic.value("select count(*) from cases join users using (clinic_id, attorney_id)")
    assert own >= 5
    assert low <= own / cases <= high


def test_the_attorney_who_signs_in_represents_a_twelfth_of_the_cases_and_at_least_five(
    database: Database, clinic: Database, large_clinic: Database
) -> None:
    load(database, invoices=20)
    check_attorneys_share(database, 0.3, 1.0)
    check_attorneys_share(clinic, 0.07, 0.11)
    check_attorneys_share(large_clinic, 0.07, 0.10)
    ended = "select 1 from representations r join users using (clinic_id, attorney_id) where until_on is not null"
    assert large_clinic.rows(ended) != []


def test_the_physician_of_the_demo_user_treats_patients(clinic: Database) -> None:
    own = clinic.value("select count(*) from encounters join users using (clinic_id, physician_id)")
    assert own >= 15


def test_about_one_case_in_ten_has_no_attorney(clinics: Database) -> None:
    share = clinics.value("select avg((attorney_id is null)::int)::float from cases")
    assert 0.07 <= share <= 0.12


def test_there_are_several_facilities_physicians_attorneys_and_payers(clinic: Database) -> None:
    [counts] = clinic.rows("""select (select count(distinct geographic_factor) from facilities) as places,
        (select count(*) from physicians) as physicians, (select count(*) from attorneys) as attorneys,
        (select count(*) from payers where kind = 'attorney' and attorney_id is not null) as firms,
        (select count(*) from exam_types) as exams, (select count(*) from exam_types where parent_id is not null) as parts,
        (select count(*) from fee_schedules where payer_id is null) as own,
        (select count(*) from fee_schedules where payer_id is not null) as negotiated""")
    assert counts["places"] >= 5
    assert counts["physicians"] >= 12
    assert counts["attorneys"] == counts["firms"] >= 15
    assert counts["exams"] >= 12
    assert counts["parts"] >= 6
    assert min(counts["own"], counts["negotiated"]) >= 1


def test_a_billed_exam_was_performed(clinic: Database) -> None:
    unbilled = """select e.id from encounter_exams e join exam_types t on t.id = e.exam_type_id
        left join invoices i on i.encounter_id = e.encounter_id
        left join invoice_lines l on l.invoice_id = i.id and (l.code, l.units, l.bilateral) = (t.code, e.units, e.bilateral)
        where l.id is null"""
    assert clinic.rows(unbilled) == []


def test_a_price_is_the_first_that_exists_on_the_service_date(clinics: Database) -> None:
    # An invoice keeps its prices when the payer changes, so the rates that the first payer had negotiated are left out here.
    wrong = """select l.id, l.price_source, l.price_rate, best.* from invoices i join invoice_lines l on l.invoice_id = i.id
        join facilities f on f.id = i.facility_id join cpt_codes c on c.code = l.code cross join lateral (
            select * from (select case when payer_id is not null and facility_id is not null then 'payer_facility_rate'
                when payer_id is not null then 'payer_rate' when facility_id is not null then 'facility_schedule'
                else 'clinic_schedule' end as source, rate, case when payer_id is null then f.geographic_factor else 1 end as factor
            from fee_schedules s join fee_schedule_rates r on r.fee_schedule_id = s.id
            where r.code = l.code and coalesce(s.payer_id, i.payer_id) = i.payer_id
            and coalesce(s.facility_id, i.facility_id) = i.facility_id
            and s.valid_from <= i.service_date and i.service_date < coalesce(s.valid_to, 'infinity')
            union all select 'base_price', c.base_price, f.geographic_factor) known
            order by array_position($1::text[], source) limit 1) best
        where (l.price_source, l.price_rate, l.geographic_factor) is distinct from (best.source, best.rate, best.factor)
        and l.price_source <> 'override' and not exists (
            select from invoice_events e where e.invoice_id = i.id and transition in ('change_payer', 'transfer_balance'))"""
    assert clinics.rows(wrong, list(PriceSource)) == []


def test_no_code_looks_like_a_cpt_code() -> None:
    assert all(not re.fullmatch(r"[0-9]{4}[0-9A-Z]", code.code) for code in CODES)


def test_names_are_found_by_every_word(clinic: Database) -> None:
    query = """select p.first_name || ' ' || p.last_name as name, array_agg(n.fragment) as fragments
        from patients p left join patient_names n on n.patient_id = p.id group by p.clinic_id, p.id"""
    for row in clinic.rows(query):
        for word in normal_key(row["name"]).split():
            assert any(fragment.startswith(word) for fragment in row["fragments"])
    assert clinic.rows("select 1 from attorneys where not lower(firm) = any(name_fragments) and firm !~ '[^ -~]'") == []
    assert clinic.rows("select 1 from payers where name_fragments = '{}'") == []


def test_the_same_seed_gives_the_same_rows(database: Database, other_database: Database) -> None:
    first = load(database, invoices=150, seed=5)
    assert load(other_database, invoices=150, seed=5) == first
    assert database.content() == other_database.content()


def test_another_seed_gives_another_clinic(database: Database, other_database: Database) -> None:
    assert load(database, invoices=50, seed=5).billed != load(other_database, invoices=50, seed=6).billed


def test_a_second_load_changes_nothing_and_reports_it(database: Database) -> None:
    assert load(database, invoices=50).loaded
    before = database.content()
    again = load(database, invoices=80, seed=9)
    assert not again.loaded
    assert "nothing was changed" in str(again)
    assert database.content() == before


def test_a_load_that_fails_is_rolled_back(database: Database) -> None:
    def break_off(written: int, total: int) -> None:
        if written:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(database, invoices=50, progress=break_off)
    assert database.is_empty()


def test_the_summary_matches_the_database(database: Database) -> None:
    progress_calls: list[tuple[int, int]] = []
    summary = load(database, invoices=120, progress=lambda written, total: progress_calls.append((written, total)))
    [row] = database.rows("select count(*), sum(billed_amount), sum(received_amount) from invoices")
    assert (summary.invoices, summary.billed, summary.received) == tuple(row)
    assert summary.cases == database.value("select count(*) from cases")
    assert summary.cheques == database.value("select count(*) from cheques")
    assert f"{summary.billed:,}" in str(summary)
    assert progress_calls[-1] == (120, 120)


def test_the_smallest_clinic_has_one_invoice(database: Database) -> None:
    assert load(database, invoices=1).billed > Decimal(0)
    for count in (0, -5):
        with pytest.raises(ValueError, match="at least one"):
            load(database, invoices=count)
