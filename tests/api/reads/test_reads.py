"""Filters, searches and orders of lists: the same rows as plain SQL finds, each once, and clear errors for invalid ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import make_id
from db.pools import Database
from domain.access.people import Role
from domain.normal_forms import name_fragments
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.conftest import SignIn
from tests.support.api.assembled_server import assembled, served
from tests.support.api.clinic_clock import ClinicClock
from tests.support.api.plain_sql import LISTED, Sql
from tests.support.client import Client
from tests.support.databases import TODAY, copied, rows

NAMES = [("Zoë", "O'Brien-Müller"), ("Per%cent", "Under_score"), ("Back\\slash", "d'Arc"), ("Straße", "İstanbul")]
_PATIENT = """insert into patients (clinic_id, id, mrn, first_name, last_name, sort_name)
    select clinic_id, $1, $2, $3, $4, lower($4) from clinics"""
_NAME = (
    "insert into patient_names (clinic_id, fragment, patient_id) select clinic_id, unnest($2::text[]), $1 from clinics"
)


@pytest.fixture(scope="module")
def clock() -> ClinicClock:
    return ClinicClock()


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """The demo clinic, and four patients whose names are hard to search for."""
    with copied(postgres_server, template_database) as copy:
        for number, (first, last) in enumerate(NAMES):
            patient_id = uuid4()
            rows(copy, _PATIENT, patient_id, f"hard-{number}", first, last)
            rows(copy, _NAME, patient_id, name_fragments(first, last))
        yield copy


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls, clock: ClinicClock) -> Iterator[str]:
    with served(assembled(Database(address.login), clock=clock)) as url:
        yield url


@pytest.fixture(scope="module")
def billing(sign_in: SignIn) -> Client:
    return sign_in(Role.BILLING)


@pytest.fixture(scope="module")
def sql(address: DatabaseUrls) -> Sql:
    return Sql(address)


INVOICES = "query ($f: InvoiceFilter) { invoices(first: 500, filter: $f) { totalCount nodes { number } } }"


def invoices(client: Client, **conditions: Any) -> set[str]:
    """The numbers of the invoices that a filter finds; none occurs twice, and the count agrees."""
    page = client.read(INVOICES, f=conditions)["invoices"]
    numbers = [node["number"] for node in page["nodes"]]
    assert len(numbers) == len(set(numbers)) == page["totalCount"]
    return set(numbers)


OPEN = "status in ('pending_invoice', 'pending_reduction', 'pending_cheque')"
BUCKETS = {
    "DAYS_0_30": "between 0 and 30",
    "DAYS_31_60": "between 31 and 60",
    "DAYS_61_90": "between 61 and 90",
    "DAYS_91_120": "between 91 and 120",
    "DAYS_121_PLUS": "> 120",
}
HELD = """exists (select from holds h where h.released_at is null and h.until_on >= :today
    and (h.invoice_id = i.id or h.case_id = i.case_id or h.payer_id = i.payer_id))"""
DUE = (
    "exists (select from reminders r where r.invoice_id = i.id and r.status = 'scheduled' and r.target_date <= :today)"
)
DENIED = "exists (select from denials d where d.invoice_id = i.id)"
LAST_YEAR, THIS_YEAR = (TODAY - timedelta(days=500)).isoformat(), (TODAY - timedelta(days=100)).isoformat()
CONDITIONS: list[tuple[dict[str, Any], str]] = [
    ({"status": ["PENDING_CHEQUE"]}, "status = 'pending_cheque'"),
    ({"status": ["PAID", "VOID", "PAID"]}, "status in ('paid', 'void')"),
    ({"createdFrom": THIS_YEAR}, f"created_on >= '{THIS_YEAR}'"),
    ({"createdTo": THIS_YEAR}, f"created_on <= '{THIS_YEAR}'"),
    ({"serviceFrom": THIS_YEAR}, f"service_date >= '{THIS_YEAR}'"),
    ({"serviceTo": LAST_YEAR}, f"service_date <= '{LAST_YEAR}'"),
    ({"createdFrom": LAST_YEAR, "createdTo": THIS_YEAR}, f"created_on between '{LAST_YEAR}' and '{THIS_YEAR}'"),
    ({"billedMin": "1500.00"}, "billed_amount >= 1500"),
    ({"billedMax": "1500"}, "billed_amount <= 1500"),
    ({"billedMin": "400.50", "billedMax": "2500.25"}, "billed_amount between 400.50 and 2500.25"),
    ({"hasDueReminder": True}, DUE),
    ({"hasDueReminder": False}, f"not {DUE}"),
    ({"denied": True}, DENIED),
    ({"denied": False}, f"not {DENIED}"),
    ({"onHold": True}, HELD),
    ({"onHold": False}, f"not {HELD}"),
    ({"denied": True, "status": ["PENDING_INVOICE", "PENDING_CHEQUE"], "createdFrom": LAST_YEAR},
     f"{DENIED} and status in ('pending_invoice', 'pending_cheque') and created_on >= '{LAST_YEAR}'"),
    *(({"agingBucket": [name]}, f"{OPEN} and :today - created_on {days}") for name, days in BUCKETS.items()),
    ({"agingBucket": ["DAYS_0_30", "DAYS_121_PLUS"]},
     f"{OPEN} and (:today - created_on <= 30 or :today - created_on > 120)"),
]  # fmt: skip


@pytest.mark.parametrize(("filter_", "where"), CONDITIONS, ids=[str(filter_) for filter_, _ in CONDITIONS])
def test_a_filter_finds_what_plain_sql_finds(billing: Client, sql: Sql, filter_: dict[str, Any], where: str) -> None:
    expected = sql.numbers(where)
    assert 0 < len(expected) < 400
    assert invoices(billing, **filter_) == expected


@pytest.mark.parametrize("field", ["payerId", "physicianId", "facilityId", "attorneyId", "caseId", "patientId"])
def test_a_filter_by_ids_finds_the_invoices_of_each_id(billing: Client, sql: Sql, field: str) -> None:
    column, type_name = f"{field[:-2]}_id", field[:-2].capitalize()
    found = sql.most_used(column, 2)
    ids = [make_id(type_name, identity) for identity in found]
    for count in (1, 2):
        expected = sql.numbers(f"{column} = any($1)", found[:count])
        assert 0 < len(expected) < 400
        assert invoices(billing, **{field: ids[:count]}) == expected
    assert invoices(billing, **{field: [make_id(type_name, uuid4())]}) == set()


def test_a_condition_that_is_null_is_no_condition_and_an_empty_list_finds_nothing(billing: Client, sql: Sql) -> None:
    everything = sql.numbers("true")
    nulls = dict.fromkeys(
        ["status", "agingBucket", "payerId", "createdFrom", "billedMin", "search", "onHold", "denied"]
    )
    assert invoices(billing, **nulls) == everything
    assert invoices(billing) == everything
    for name in ("status", "agingBucket", "payerId", "caseId"):
        assert invoices(billing, **{name: []}) == set()


def test_a_filter_in_the_document_finds_the_same_as_one_in_variables(billing: Client, sql: Sql) -> None:
    query = '{ invoices(first: 500, filter: {status: PAID, billedMin: "1500.00"}) { nodes { number } } }'
    numbers = {node["number"] for node in billing.read(query)["invoices"]["nodes"]}
    assert numbers == sql.numbers("status = 'paid' and billed_amount >= 1500") != set()


@dataclass(frozen=True)
class Found:
    """A list, a filter or an argument, and the SQL that finds the same rows."""

    field: str
    argument: str
    sql: str


OTHER_LISTS = [
    Found("cases", "filter: {status: [SETTLED]}", "select id from cases where status = 'settled'"),
    Found("cases", f'filter: {{openedFrom: "{THIS_YEAR}"}}', f"select id from cases where opened_on >= '{THIS_YEAR}'"),
    Found("cases", f'filter: {{openedTo: "{LAST_YEAR}"}}', f"select id from cases where opened_on <= '{LAST_YEAR}'"),
    Found("payers", "filter: {kind: [INSURANCE]}", "select id from payers where kind = 'insurance'"),
    Found("payers", "filter: {kind: [PATIENT, ATTORNEY]}", "select id from payers where kind <> 'insurance'"),
    Found("cptCodes", 'filter: {code: "SCAN"}', "select id from cpt_codes where code like 'SCAN%'"),
    Found("cptCodes", "filter: {activeOnly: true}", "select id from cpt_codes where active"),
    Found("cptCodes", "filter: {activeOnly: false}", "select id from cpt_codes"),
    Found("patients", "", "select id from patients"),
    Found("attorneys", "", "select id from attorneys"),
    Found("physicians", "", "select id from physicians"),
    Found("facilities", "", "select id from facilities"),
]


def ids_of(client: Client, field: str, argument: str = "", **variables: Any) -> list[str]:
    head = "query ($s: String) " if variables else ""
    answer = client.read(f"{head}{{ {field}(first: 500 {argument}) {{ totalCount nodes {{ id }} }} }}", **variables)[
        field
    ]
    ids = [node["id"] for node in answer["nodes"]]
    assert len(ids) == len(set(ids)) == answer["totalCount"]
    return ids


@pytest.mark.parametrize("found", OTHER_LISTS, ids=lambda found: f"{found.field} {found.argument}")
def test_every_other_list_and_its_filters_find_what_plain_sql_finds(billing: Client, sql: Sql, found: Found) -> None:
    expected = {make_id(LISTED[found.field], identity) for identity in sql.column(found.sql)}
    assert set(ids_of(billing, found.field, found.argument)) == expected != set()


@pytest.mark.parametrize(
    ("field", "argument", "column"), [("patientId", "Patient", "patient_id"), ("attorneyId", "Attorney", "attorney_id")]
)
def test_cases_are_found_by_patient_and_by_attorney(
    billing: Client, sql: Sql, field: str, argument: str, column: str
) -> None:
    [wanted] = sql.column(
        f"select {column} from cases where {column} is not null group by 1 order by count(*) desc, 1 limit 1"
    )
    expected = {
        make_id("Case", identity) for identity in sql.column(f"select id from cases where {column} = $1", wanted)
    }
    assert set(ids_of(billing, "cases", f'filter: {{{field}: ["{make_id(argument, wanted)}"]}}')) == expected


def test_an_id_of_another_type_finds_nothing(billing: Client, sql: Sql) -> None:
    [payer] = sql.most_used("payer_id")
    assert invoices(billing, physicianId=[make_id("Payer", payer)]) == set()
    assert billing.read(f'{{ invoice(id: "{make_id("Payer", payer)}") {{ id }} }}') == {"invoice": None}


SEARCHES = [
    "zoë",
    "ZOË",
    "Zoë O'Brien",
    "o'brien-müller zo",
    "O'",
    "d'arc",
    "per%",
    "PER%CENT",
    "under_",
    "back\\s",
    "STRASSE",
    "strasse",
    "  zoë   o'b",
    "zoe",
    "i̇stanbul",
]


@pytest.mark.parametrize("text", SEARCHES)
def test_a_name_is_found_by_the_prefix_of_any_word_regardless_of_case_and_accents(
    billing: Client, sql: Sql, text: str
) -> None:
    hard = {make_id("Patient", identity) for identity in sql.column("select id from patients where mrn like 'hard-%'")}
    assert len(set(ids_of(billing, "patients", "filter: {search: $s}", s=text)) & hard) == 1


@pytest.mark.parametrize(
    "text", ["brien", "üller", "arc", "%", "_", "cent", "score", "oë", "slash", "o brien", "*", "z.*"]
)
def test_characters_from_the_middle_and_wildcards_find_no_patient(billing: Client, sql: Sql, text: str) -> None:
    hard = {make_id("Patient", identity) for identity in sql.column("select id from patients where mrn like 'hard-%'")}
    assert not set(ids_of(billing, "patients", "filter: {search: $s}", s=text)) & hard


def test_an_empty_search_finds_every_patient_with_a_name(billing: Client, sql: Sql) -> None:
    assert len(ids_of(billing, "patients", "filter: {search: $s}", s="  ")) == len(
        sql.column("select id from patients")
    )


def test_invoices_are_searched_by_number_case_and_patient_s_name(billing: Client, sql: Sql) -> None:
    [(number, case_number, first, last)] = rows(
        sql.address,
        """select i.number, c.number, p.first_name, p.last_name from invoices i join cases c on c.id = i.case_id
        join patients p on p.id = i.patient_id order by i.id limit 1""",
    )
    named = """patient_id in (select id from patients where first_name || ' ' || last_name ~* ('(^| )' || $1))"""
    for text, where, value in (
        (number, "number = $1", number),
        (number[:-2].lower(), "number like $1", f"{number[:-2]}%"),
        (case_number, "case_id in (select id from cases where number like $1)", f"{case_number}%"),
        (case_number.lower(), "case_id in (select id from cases where number like $1)", f"{case_number}%"),
        (last, named, last),
        (first[:3], named, first[:3]),
    ):
        expected = sql.numbers(where, value)
        assert 0 < len(expected) < 400
        assert invoices(billing, search=text) == expected
    assert invoices(billing, search=number) == {number}
    assert invoices(billing, search="%") == invoices(billing, search="_") == set()


def test_cases_are_searched_by_number_and_by_patient(billing: Client, sql: Sql) -> None:
    [(identity, number, last)] = rows(
        sql.address,
        "select c.id, c.number, p.last_name from cases c join patients p on p.id = c.patient_id order by c.id limit 1",
    )
    assert ids_of(billing, "cases", "filter: {search: $s}", s=number.lower()) == [make_id("Case", identity)]
    of_name = sql.column(
        "select id from cases where patient_id in (select id from patients where last_name = $1)", last
    )
    assert {make_id("Case", each) for each in of_name} <= set(
        ids_of(billing, "cases", "filter: {search: $s}", s=last.upper())
    )


@pytest.mark.parametrize(("field", "argument"), [("payers", "filter: {search: $s}"), ("attorneys", "search: $s"),
                                                 ("physicians", "search: $s"), ("facilities", "search: $s")])  # fmt: skip
def test_parties_are_searched_by_the_prefix_of_any_word_of_their_name(
    billing: Client, sql: Sql, field: str, argument: str
) -> None:
    [name] = sql.column(f"select name from {field} order by id limit 1")
    for word in (name, name.split()[-1], name.upper()[:-1]):
        pattern = r"(^|\s)" + word.lower().replace(".", r"\.").replace("(", r"\(")
        firm = ", firm" if field == "attorneys" else ""
        expected = sql.column(f"select id from {field} where lower(concat_ws(' ', name{firm})) ~ $1", pattern)
        assert expected
        assert {make_id(LISTED[field], each) for each in expected} == set(ids_of(billing, field, argument, s=word))
    assert ids_of(billing, field, argument, s="no such name") == []
