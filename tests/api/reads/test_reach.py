"""A record out of reach is answered, byte for byte, like one that does not exist; four kinds of viewers for every record."""

import base64
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from graphql import GraphQLObjectType

from db.global_ids import make_id
from domain.access.people import Role
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.permissions.own_rows import Belongings, viewer_of
from tests.permissions.querying import NODES, PERSONAL, TABLES, ids_of_one, seen_by
from tests.support.api.records import add_merge, add_remittance
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, copied, rows
from tests.support.other_clinic import OTHER, add_other_clinic

FINDERS = {
    "invoice": "Invoice",
    "case": "Case",
    "patient": "Patient",
    "payer": "Payer",
    "export": "Export",
    "remittance": "Remittance",
}
SIGN_IN = "mutation ($i: SignInInput!) { signIn(input: $i) { token } }"


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """Two clinics with the same people under other ids."""
    with copied(postgres_server, template_database) as copy:
        add_merge(copy, "demo")
        add_remittance(copy)
        add_other_clinic(copy)
        yield copy


@pytest.fixture(scope="module")
def clients(address: DatabaseUrls) -> Iterator[dict[tuple[Role, str], Client]]:
    """A signed-in client of every role in both clinics."""
    with serving(address) as url, Client(url) as anonymous:
        found = {}
        for role in Role:
            for clinic in ("demo", OTHER):
                sign_in_input = {"email": f"{role}@demo.example", "password": PASSWORD, "clinic": clinic}
                found[role, clinic] = Client(url, anonymous.read(SIGN_IN, i=sign_in_input)["signIn"]["token"])
        yield found
        for client in found.values():
            client.http.close()


@pytest.fixture(params=list(Role))
def role(request: pytest.FixtureRequest) -> Role:
    found: Role = request.param
    return found


@pytest.fixture
def mine(address: DatabaseUrls, role: Role) -> Belongings:
    return Belongings(address, viewer_of(address, role))


@pytest.fixture
def client(clients: dict[tuple[Role, str], Client], role: Role) -> Client:
    return clients[role, "demo"]


def same(answers: list[httpx.Response]) -> bool:
    """Whether answers differ only in the request's id and the second."""
    heads = [
        {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
        for answer in answers
    ]
    return len({(answer.status_code, answer.content) for answer in answers}) == 1 and all(
        head == heads[0] for head in heads
    )


def finders(role: Role) -> list[tuple[str, str]]:
    """Every root field that finds a record by its id, with the record's type, as far as the role sees both."""
    schema = role_schemas()[role]
    assert schema.query_type
    by_type = [(finder, name) for finder, name in FINDERS.items() if finder in schema.query_type.fields]
    return by_type + [("node", name) for name in NODES if isinstance(schema.get_type(name), GraphQLObjectType)]


def test_a_record_is_found_only_by_users_who_have_it_in_reach(
    clients: dict[tuple[Role, str], Client], client: Client, mine: Belongings, role: Role
) -> None:
    for finder, type_name in finders(role):
        if f"{type_name}.id" not in seen_by(role):
            continue
        ids = {kind: identity for kind, identity in ids_of_one(mine, TABLES[type_name]).items() if identity}
        questions = {
            kind: f'{{ {finder}(id: "{make_id(type_name, each)}") {{ __typename id }} }}' for kind, each in ids.items()
        }
        own = client.read(questions.pop("own"))
        assert own == {finder: {"__typename": type_name, "id": make_id(type_name, ids["own"])}}
        answers = [client.post(question) for question in questions.values()]
        assert same(answers)
        assert answers[0].json() == {"data": {finder: None}}
        # The other clinic's own user finds it: the record is hidden here, not missing.
        if role in (Role.ADMIN, Role.BILLING, Role.ANALYST) and type_name not in PERSONAL:
            assert clients[role, OTHER].read(questions["elsewhere"])[finder]


def test_no_id_finds_a_record_of_a_type_that_the_role_does_not_have(
    address: DatabaseUrls, client: Client, mine: Belongings, role: Role
) -> None:
    hidden = [name for name in NODES if f"{name}.id" not in seen_by(role)]
    staff = Belongings(address, viewer_of(address, Role.ADMIN))
    for type_name in hidden:
        some = min(staff.own(TABLES[type_name]))
        questions = [f'{{ node(id: "{make_id(type_name, identity)}") {{ id }} }}' for identity in (some, uuid4())]
        unknown = f'{{ node(id: "{make_id("User", uuid4())}") {{ id }} }}'
        answers = [client.post(question) for question in (*questions, unknown)]
        assert same(answers)
        assert answers[0].json() == {"data": {"node": None}}
    # Only administrators merge records.
    assert hidden == {Role.ADMIN: [], Role.BILLING: ["Merge"]}.get(role, hidden or None)


@pytest.mark.parametrize("kind", ["others'", "elsewhere"])
def test_a_number_out_of_reach_is_answered_like_an_unknown_number(
    address: DatabaseUrls, client: Client, mine: Belongings, role: Role, kind: str
) -> None:
    query = "query ($n: String!) { invoiceByNumber(number: $n) { id } }"
    ids = ids_of_one(mine, "invoices")
    identity = ids[kind]
    if identity is None:
        # These roles reach every invoice of their clinic.
        assert role in (Role.ADMIN, Role.BILLING, Role.ANALYST)
        return
    # Each clinic has its own numbers, so that a number of the other clinic does not exist in this one.
    if kind == "elsewhere":
        rows(
            address,
            "update invoices set number = 'ELSE-' || substr(number, 5) where id = $1 and number not like 'ELSE-%'",
            identity,
        )
    [(number,)] = rows(address, "select number from invoices where id = $1", identity)
    answers = [client.post(query, n=text) for text in (number, "INV-2020-999999", number.lower() + "x")]
    assert same(answers)
    assert answers[0].json() == {"data": {"invoiceByNumber": None}}
    [(own,)] = rows(address, "select number from invoices where id = $1", ids["own"])
    assert client.read(query, n=own)["invoiceByNumber"]


def test_a_filter_by_an_id_out_of_reach_is_answered_like_one_by_an_unknown_id(
    client: Client, mine: Belongings, role: Role
) -> None:
    query = "query ($f: InvoiceFilter) { invoices(filter: $f, first: 5) { totalCount nodes { id } pageInfo { endCursor } } }"
    for name, table in (
        ("payerId", "payers"),
        ("caseId", "cases"),
        ("patientId", "patients"),
        ("physicianId", "physicians"),
    ):
        type_name = name[:-2].capitalize()
        ids = ids_of_one(mine, table)
        answers = [
            client.post(query, f={name: [make_id(type_name, identity)]})
            for kind, identity in ids.items()
            if identity and kind != "own"
        ]
        assert same(answers), (role, name)
        assert answers[0].json()["data"]["invoices"]["totalCount"] == 0


@pytest.mark.parametrize("field", ["invoices", "cases", "patients"])
def test_a_search_finds_no_record_out_of_reach(
    address: DatabaseUrls, clients: dict[tuple[Role, str], Client], field: str
) -> None:
    for role in (Role.ATTORNEY, Role.PHYSICIAN):
        mine = Belongings(address, viewer_of(address, role))
        names = {
            row["last_name"]
            for row in rows(
                address, "select last_name from patients where id = any($1)", list(mine.of_others("patients"))
            )
        } - {
            row["last_name"]
            for row in rows(address, "select last_name from patients where id = any($1)", list(mine.own("patients")))
        }
        query = f"query ($s: String) {{ {field}(filter: {{search: $s}}) {{ totalCount nodes {{ id }} }} }}"
        found = [clients[role, "demo"].read(query, s=name)[field]["totalCount"] for name in sorted(names)[:15]]
        all_found = [
            clients[Role.BILLING, "demo"].read(query, s=name)[field]["totalCount"] for name in sorted(names)[:15]
        ]
        assert sum(all_found) > 0
        # A part of one name may begin another person's, who is in reach.
        assert sum(found) < sum(all_found) / 4


def test_counts_and_sums_cover_only_records_in_reach(client: Client, mine: Belongings) -> None:
    count = client.read("{ invoices { totalCount } }")["invoices"]["totalCount"]
    assert count == len(mine.own("invoices"))
    page = client.read("{ invoices(last: 1) { pageInfo { hasPreviousPage hasNextPage } nodes { id } } }")["invoices"]
    assert len(page["nodes"]) == 1
    assert page["pageInfo"] == {"hasPreviousPage": count > 1, "hasNextPage": False}


def test_a_cursor_of_an_invoice_out_of_reach_is_a_position_and_gives_no_access(
    clients: dict[tuple[Role, str], Client], address: DatabaseUrls
) -> None:
    mine = Belongings(address, viewer_of(address, Role.ATTORNEY))
    edges = clients[Role.BILLING, "demo"].read("{ invoices(first: 500) { edges { cursor node { id } } } }")["invoices"][
        "edges"
    ]
    own = {make_id("Invoice", identity) for identity in mine.own("invoices")}
    for edge in edges[:: len(edges) // 10]:
        query = f'{{ invoices(first: 500, after: "{edge["cursor"]}") {{ totalCount nodes {{ id }} }} }}'
        page = clients[Role.ATTORNEY, "demo"].read(query)["invoices"]
        assert {node["id"] for node in page["nodes"]} <= own
        assert page["totalCount"] == len(own)


def hidden_from(role: Role, address: DatabaseUrls, table: str, column: str) -> set[str]:
    """The values of a column, as a cursor would contain them."""
    return {str(row[0]) for row in rows(address, f"select distinct {column} from {table}")}


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN])
def test_a_cursor_contains_nothing_that_its_reader_may_not_see(
    clients: dict[tuple[Role, str], Client], address: DatabaseUrls, role: Role
) -> None:
    edges = clients[role, "demo"].read("{ cases(first: 500) { edges { cursor } } }")["cases"]["edges"]
    plain = [base64.urlsafe_b64decode(edge["cursor"] + "==").decode() for edge in edges]
    opened = hidden_from(role, address, "cases", "opened_on") - hidden_from(role, address, "cases", "date_of_injury")
    assert plain
    assert not [text for text in plain if text.rpartition("|")[2] in opened]


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN])
def test_roles_that_cannot_see_the_opening_day_of_cases_read_them_by_the_day_of_injury(
    clients: dict[tuple[Role, str], Client], role: Role
) -> None:
    mine, staff = clients[role, "demo"], clients[Role.BILLING, "demo"]
    nodes = mine.read("{ cases(first: 500) { nodes { id dateOfInjury } } }")["cases"]["nodes"]
    days = [node["dateOfInjury"] for node in nodes]
    assert len(days) > 3
    assert days == sorted(days, reverse=True)
    pages, cursor = [], None
    while cursor is None or pages[-1]:
        query = "query ($c: String) { cases(first: 2, after: $c) { edges { cursor node { id } } } }"
        pages.append(mine.read(query, c=cursor)["cases"]["edges"])
        cursor = pages[-1][-1]["cursor"] if pages[-1] else cursor
    assert [edge["node"]["id"] for page in pages for edge in page] == [node["id"] for node in nodes]
    # The cursors of one order are not valid in the other.
    [theirs] = staff.read("{ cases(first: 1) { edges { cursor } } }")["cases"]["edges"]
    for client, foreign in ((mine, theirs["cursor"]), (staff, cursor)):
        assert (
            "is not a cursor of this list"
            in client.refusals("query ($c: String) { cases(after: $c) { totalCount nodes { id } } }", c=foreign)[0]
        )


@pytest.mark.prove
def test_a_foreign_id_takes_the_same_time_as_an_unknown_one(
    clients: dict[tuple[Role, str], Client], address: DatabaseUrls
) -> None:
    attorney = clients[Role.ATTORNEY, "demo"]
    mine = Belongings(address, viewer_of(address, Role.ATTORNEY))
    foreign = sorted(mine.of_others("invoices") | mine.elsewhere("invoices"))[:400]

    def seconds(identity: UUID) -> float:
        query = "query ($id: ID!) { invoice(id: $id) { id number status lines { label } } }"
        began = time.perf_counter()
        answer: Any = attorney.read(query, id=make_id("Invoice", identity))
        assert answer == {"invoice": None}
        return time.perf_counter() - began

    pairs = [(seconds(identity), seconds(uuid4())) for _ in range(3) for identity in foreign]
    slower = sum(one > other for one, other in pairs) / len(pairs)
    # Of two equal samples each is the slower one half of the time; six deviations are 0.09 of 1,200 pairs.
    assert abs(slower - 0.5) < 0.09
