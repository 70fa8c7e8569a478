"""The schemas alone restrict every role to its own rows and fields: here the database lets every role read everything."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest
from graphql import get_named_type

from db.global_ids import make_id
from db.pools import Database
from domain.access.people import Role
from permissions.viewers import Viewer
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.db.rights.own_statements import MERGED, REMITTED
from tests.permissions.own_rows import Belongings, viewer_of
from tests.permissions.querying import (
    ADMIN,
    FINDERS,
    NODES,
    REPORTS,
    TABLES,
    coordinates,
    ids_in,
    ids_of_one,
    query_for,
    seen_by,
)
from tests.support.api.selections import everything
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, copied, rows
from tests.support.other_clinic import add_other_clinic

assert ADMIN.query_type
# Every list at the root of the schema: with pages, or whole.
# Lists of records; a report in pages has no records of its own.
ROOTS = tuple(
    name for name, field in ADMIN.query_type.fields.items() if "first" in field.args and name != "agingByPayerPage"
)
WHOLE = ("examTypes", "feeSchedules")


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """Two clinics in a database without row-level security, of which every role may read every column."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        for statement in (*MERGED, *REMITTED):
            rows(copy, statement)
        for [table] in rows(copy, "select tablename from pg_tables where schemaname = 'public'"):
            rows(copy, f"alter table {table} disable row level security")
        for role in Role:
            rows(copy, f"grant select on all tables in schema public to clinic_{role}")
        yield copy


@pytest.fixture(scope="module")
def unlocked(address: DatabaseUrls) -> Iterator[dict[Role, Client]]:
    """A client of every role of the demo clinic, signed in to a server over that database."""
    query = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
    with serving(address) as url, Client(url) as anonymous:
        clients = {}
        for role in Role:
            sign_in_input = {"email": f"{role}@demo.example", "password": PASSWORD, "clinic": "demo"}
            clients[role] = Client(url, anonymous.read(query, i=sign_in_input)["signIn"]["token"])
        yield clients
        for client in clients.values():
            client.http.close()


def test_the_database_s_rules_are_switched_off(address: DatabaseUrls) -> None:
    async def count(viewer: Viewer) -> asyncpg.Record | None:
        async with Database(address.login) as database:
            return await database.read(
                viewer, "select to_json(count(*)) from invoices, (select count(password_hash) from logins) l", []
            )

    viewer = replace(viewer_of(address, Role.ATTORNEY), clinic_id=uuid4())
    [[row_count]] = rows(address, "select count(*) from invoices")
    [seen] = asyncio.run(count(viewer)) or [None]
    assert seen == str(row_count).encode()


@pytest.mark.parametrize("role", list(Role))
def test_without_the_database_s_rules_every_list_has_exactly_the_viewer_s_own_rows(
    address: DatabaseUrls, unlocked: dict[Role, Client], role: Role
) -> None:
    mine = Belongings(address, viewer_of(address, role))
    query_type = role_schemas()[role].query_type
    assert query_type
    for root in (root for root in ROOTS if root in query_type.fields):
        page = unlocked[role].read(f"{{ {root}(first: 500) {{ totalCount nodes {{ id }} }} }}")[root]
        [(table, found)] = ids_in(page).items()
        own = mine.listed(table)
        # The audit event of this query is written while it is compared.
        assert found == own or (table == "audit_events" and found < own)
        assert page["totalCount"] == len(found)


@pytest.mark.parametrize("role", list(Role))
def test_without_the_database_s_rules_a_list_without_pages_has_exactly_the_viewer_s_own_rows(
    address: DatabaseUrls, unlocked: dict[Role, Client], role: Role
) -> None:
    mine = Belongings(address, viewer_of(address, role))
    query_type = role_schemas()[role].query_type
    assert query_type
    for root in (root for root in WHOLE if root in query_type.fields):
        below = "subExams(activeOnly: false) { id }" if root == "examTypes" else "rates { totalCount }"
        [(table, found)] = ids_in(unlocked[role].read(f"{{ {root} {{ id {below} }} }}")).items()
        assert found == mine.own(table)


@pytest.mark.parametrize("role", list(Role))
def test_without_the_database_s_rules_every_selection_of_a_schema_returns_own_records_only(
    address: DatabaseUrls, unlocked: dict[Role, Client], role: Role
) -> None:
    mine = Belongings(address, viewer_of(address, role))
    schema = role_schemas()[role]
    assert schema.query_type
    tables = set()
    for root in (root for root in ROOTS if root in schema.query_type.fields):
        named = get_named_type(schema.query_type.fields[root].type)
        size = 20 if role in (Role.ADMIN, Role.BILLING) else 500
        found = ids_in(unlocked[role].read(f"{{ {root}(first: {size}) {everything(named, 4)} }}"))
        for table, ids in found.items():
            assert ids <= (mine.own(table) if table != "clinics" else {mine.viewer.clinic_id})
        tables |= set(found)
    assert {"invoices", "payers"} <= tables


@pytest.mark.parametrize("role", list(Role))
def test_without_the_database_s_rules_an_id_of_another_viewer_is_answered_like_an_unknown_one(
    address: DatabaseUrls, unlocked: dict[Role, Client], role: Role
) -> None:
    mine = Belongings(address, viewer_of(address, role))
    query_type = role_schemas()[role].query_type
    assert query_type
    finders = {name: kind for name, kind in FINDERS.items() if name in query_type.fields}
    for finder, type_name in [*finders.items(), *(("node", name) for name in NODES)]:
        if f"{type_name}.id" not in seen_by(role):
            continue
        answers = {
            kind: unlocked[role].post(f'{{ {finder}(id: "{make_id(type_name, identity)}") {{ id }} }}')
            for kind, identity in ids_of_one(mine, TABLES[type_name]).items()
            if identity
        }
        assert answers.pop("own").json()["data"][finder], (finder, type_name)
        assert {(answer.status_code, answer.content) for answer in answers.values()} == {
            (200, f'{{"data":{{"{finder}":null}}}}'.encode())
        }


@pytest.mark.parametrize("role", list(Role))
def test_without_the_database_s_rules_every_field_is_unknown_or_returns_own_rows_only(
    address: DatabaseUrls,
    unlocked: dict[Role, Client],
    role: Role,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    mine = Belongings(address, viewer_of(address, role))
    own = {table: mine.own(table) for table in {*TABLES.values()} if table not in ("changes", "clinics")}
    for type_name, field_name in coordinates():
        response = unlocked[role].post(query_for(role, type_name, field_name))
        if f"{type_name}.{field_name}" not in seen_by(role):
            assert (response.status_code, "data" in response.json()) == (400, False)
            continue
        assert response.status_code == 200, (type_name, field_name, response.text)
        found = ids_in(response.json())
        assert found or type_name in REPORTS, (type_name, field_name)
        # The query itself leaves an audit event.
        own["audit_events"] = mine.own("audit_events") if "audit_events" in found else set()
        assert not {table for table, ids in found.items() if not ids <= own[table]}, (type_name, field_name)
    # One answer covers own rows, those of others and another clinic's, all of which the database would return.
    cases = 3 * len(coordinates())
    record_property("cases", cases)
    with capsys.disabled():
        print(f"\n{role}: {len(coordinates())} fields through GraphQL alone, {cases} cases, 0 leaks")  # noqa: T201


def test_without_the_database_s_rules_an_analyst_still_reads_no_patient_s_name(
    address: DatabaseUrls, unlocked: dict[Role, Client]
) -> None:
    answer = unlocked[Role.ANALYST].post(f"{{ payers(first: 500) {everything(ADMIN.type_map['PayerConnection'], 1)} }}")
    assert answer.status_code == 200
    listed = unlocked[Role.ANALYST].post(
        "{ payers(first: 500) { nodes { name } } invoices(first: 500) { nodes { payer { name } } } }"
    )
    names = rows(address, "select name from payers where kind = 'patient'")
    assert names
    assert not [name for [name] in names if name in listed.text]


def test_a_number_that_two_clinics_have_finds_each_clinic_s_own_record(
    address: DatabaseUrls, unlocked: dict[Role, Client]
) -> None:
    query = """select i.number, i.id from invoices i join clinics c using (clinic_id) where short_name = 'demo'
        and attorney_id is not null and i.status <> 'void' order by i.id limit 5"""
    for number, identity in rows(address, query):
        [[count]] = rows(address, "select count(*) from invoices where number = $1", number)
        assert count == 2
        found = unlocked[Role.BILLING].read("query ($n: String!) { invoiceByNumber(number: $n) { id } }", n=number)
        assert found == {"invoiceByNumber": {"id": make_id("Invoice", identity)}}
