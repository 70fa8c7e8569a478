"""Decides that the schemas alone keep everybody to their own rows and fields: the database lets every role read everything here."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest
from graphql import get_named_type

from db.identity import make_id
from db.pools import Database
from domain.people import Role
from permissions.viewers import Viewer
from schema.whole import role_schemas
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.api.selections import everything
from tests.client import Client, serving
from tests.databases import PASSWORD, copied, rows
from tests.other_clinic import add_other_clinic
from tests.permissions.asking import (
    ADMIN,
    FINDERS,
    NAMELESS,
    NODES,
    TABLES,
    coordinates,
    ids_in,
    question,
    seen_by,
    someone,
)
from tests.permissions.own_rows import Belongings, viewer_of

assert ADMIN.query_type
# Every list at the root, as the schema has it: in pages, or whole.
ROOTS = tuple(name for name, field in ADMIN.query_type.fields.items() if "first" in field.args)
WHOLE = ("examTypes", "feeSchedules")


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    """Two clinics in a database without row security, of which every role may read every column."""
    with copied(postgres_server, template_database) as copy:
        add_other_clinic(copy)
        for [table] in rows(copy, "select tablename from pg_tables where schemaname = 'public'"):
            rows(copy, f"alter table {table} disable row level security")
        for role in Role:
            rows(copy, f"grant select on all tables in schema public to clinic_{role}")
        yield copy


@pytest.fixture(scope="module")
def unlocked(address: Address) -> Iterator[dict[Role, Client]]:
    """Everybody of the demo clinic, signed in to a server over that database."""
    query = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"
    with serving(address) as url, Client(url) as nobody:
        clients = {}
        for role in Role:
            given = {"email": f"{role}@demo.clinic", "password": PASSWORD, "clinic": "demo"}
            clients[role] = Client(url, nobody.read(query, i=given)["signIn"]["token"])
        yield clients
        for client in clients.values():
            client.http.close()


def test_the_database_s_lock_is_really_open(address: Address) -> None:
    async def count(viewer: Viewer) -> asyncpg.Record | None:
        async with Database(address.login) as database:
            return await database.read(
                viewer, "select to_json(count(*)) from invoices, (select count(password_hash) from users) u", []
            )

    viewer = replace(viewer_of(address, Role.ATTORNEY), clinic_id=uuid4())
    [[everything_there_is]] = rows(address, "select count(*) from invoices")
    [seen] = asyncio.run(count(viewer)) or [None]
    assert seen == str(everything_there_is).encode()


@pytest.mark.parametrize("role", list(Role))
def test_without_the_database_s_rules_every_list_holds_exactly_what_is_own(
    address: Address, unlocked: dict[Role, Client], role: Role
) -> None:
    mine = Belongings(address, viewer_of(address, role))
    query_type = role_schemas()[role].query_type
    assert query_type
    for root in (root for root in ROOTS if root in query_type.fields):
        page = unlocked[role].read(f"{{ {root}(first: 500) {{ totalCount nodes {{ id }} }} }}")[root]
        [(table, found)] = ids_in(page).items()
        own = mine.own(table)
        # What was asked just now is written down while this is compared.
        assert found == own or (table == "audit_events" and found < own)
        assert page["totalCount"] == len(found)


@pytest.mark.parametrize("role", list(Role))
def test_without_the_database_s_rules_a_list_that_comes_whole_holds_what_is_own_alone(
    address: Address, unlocked: dict[Role, Client], role: Role
) -> None:
    mine = Belongings(address, viewer_of(address, role))
    query_type = role_schemas()[role].query_type
    assert query_type
    for root in (root for root in WHOLE if root in query_type.fields):
        below = "subExams(activeOnly: false) { id }" if root == "examTypes" else "rates { totalCount }"
        [(table, found)] = ids_in(unlocked[role].read(f"{{ {root} {{ id {below} }} }}")).items()
        assert found == mine.own(table)


@pytest.mark.parametrize("role", list(Role))
def test_without_the_database_s_rules_everything_that_a_schema_can_say_is_about_own_records(
    address: Address, unlocked: dict[Role, Client], role: Role
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
def test_without_the_database_s_rules_an_id_of_somebody_else_is_answered_like_one_that_nobody_has(
    address: Address, unlocked: dict[Role, Client], role: Role
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
            for kind, identity in someone(mine, TABLES[type_name]).items()
            if identity
        }
        assert answers.pop("own").json()["data"][finder], (finder, type_name)
        assert {(answer.status_code, answer.content) for answer in answers.values()} == {
            (200, f'{{"data":{{"{finder}":null}}}}'.encode())
        }


@pytest.mark.parametrize("role", list(Role))
def test_without_the_database_s_rules_every_field_is_unknown_or_tells_of_own_rows_alone(
    address: Address,
    unlocked: dict[Role, Client],
    role: Role,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    mine = Belongings(address, viewer_of(address, role))
    own = {table: mine.own(table) for table in {*TABLES.values()} if table not in ("changes", "clinics")}
    for type_name, field_name in coordinates():
        response = unlocked[role].post(question(role, type_name, field_name))
        if f"{type_name}.{field_name}" not in seen_by(role):
            assert (response.status_code, "data" in response.json()) == (400, False)
            continue
        assert response.status_code == 200
        found = ids_in(response.json())
        assert found or type_name in NAMELESS, (type_name, field_name)
        # Asking is itself looked at.
        own["audit_events"] = mine.own("audit_events") if "audit_events" in found else set()
        assert not {table for table, ids in found.items() if not ids <= own[table]}, (type_name, field_name)
    # One answer is about own rows, those of others and another clinic's, all of which the database would give.
    cases = 3 * len(coordinates())
    record_property("cases", cases)
    with capsys.disabled():
        print(f"\n{role}: {len(coordinates())} fields through GraphQL alone, {cases} cases, 0 leaks")  # noqa: T201


def test_without_the_database_s_rules_an_analyst_still_reads_no_patient_s_name(
    address: Address, unlocked: dict[Role, Client]
) -> None:
    answer = unlocked[Role.ANALYST].post(f"{{ payers(first: 500) {everything(ADMIN.type_map['PayerConnection'], 1)} }}")
    assert answer.status_code == 200
    listed = unlocked[Role.ANALYST].post(
        "{ payers(first: 500) { nodes { name } } invoices(first: 500) { nodes { payer { name } } } }"
    )
    names = rows(address, "select name from payers where kind = 'patient'")
    assert names
    assert not [name for [name] in names if name in listed.text]


def test_a_number_that_two_clinics_have_is_each_clinic_s_own(address: Address, unlocked: dict[Role, Client]) -> None:
    query = """select i.number, i.id from invoices i join clinics c using (clinic_id) where short_name = 'demo'
        and attorney_id is not null and i.status <> 'void' order by i.id limit 5"""
    for number, identity in rows(address, query):
        [[count]] = rows(address, "select count(*) from invoices where number = $1", number)
        assert count == 2
        found = unlocked[Role.BILLING].read("query ($n: String!) { invoiceByNumber(number: $n) { id } }", n=number)
        assert found == {"invoiceByNumber": {"id": make_id("Invoice", identity)}}
