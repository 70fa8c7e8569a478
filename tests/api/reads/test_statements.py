"""The number of SQL statements of a query: one for each root field, at any depth; counted on the wire."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLObjectType, GraphQLSchema

from db.fields import VIEWS
from db.global_ids import make_id
from domain.access.people import Role
from limits.query_cost import LIMITS
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.api.http.test_query_cost import deep
from tests.conftest import SignIn
from tests.support.api.records import add_merge, add_remittance
from tests.support.api.selections import everything, in_parts, root_type
from tests.support.api.wire_capture import Wire, captured_statements
from tests.support.client import Client, serving
from tests.support.databases import copied, rows

ADMIN = role_schemas()[Role.ADMIN]
LISTS = {
    "invoices": 'first: 7, orderBy: {field: BALANCE, direction: ASC}, filter: {billedMin: "1.00", denied: false}',
    "cases": "last: 4",
    "patients": 'first: 3, filter: {search: "a"}',
    "payers": "first: 3, filter: {kind: [INSURANCE]}",
    "firms": 'first: 3, search: "a"',
    "attorneys": "last: 2",
    "physicians": "first: 3",
    "facilities": 'first: 3, search: "s"',
    "cheques": "first: 3, filter: {returned: false, unapplied: false}",
    "recoupmentRequests": "first: 3, orderBy: {field: DUE_ON, direction: ASC}, filter: {status: [OPEN, REFUNDED]}",
    "issuedDocuments": "first: 3, orderBy: {field: NUMBER, direction: ASC}, filter: {isDelivered: false, kind: [INVOICE, BILLING_AFFIDAVIT]}",
    "documentTemplates": "first: 3, filter: {kind: [LIEN_NOTICE]}",
    "remittances": "first: 3, filter: {waiting: true, origin: [FILE, PAPER]}",
    "remittanceClaims": "first: 3, filter: {status: [UNMATCHED], isPosted: false}",
    "deposits": 'first: 3, filter: {depositedTo: "2026-06-30"}',
    "cptCodes": "first: 3, filter: {activeOnly: true}",
    "reasonCodes": "first: 3, filter: {activeOnly: false}",
    "examTypes": "activeOnly: false",
    "encounters": "first: 3, orderBy: {field: RECORDED_AT, direction: ASC}, filter: {billed: true}",
    "feeSchedules": "payerId: null",
    "actionItems": 'first: 3, asOf: "2026-06-30"',
    "reminderTemplates": "",
    "reminderPolicies": "",
    "outboundMessages": "first: 3, filter: {status: [SENT, QUEUED]}",
    "reminderConfirmations": "",
    "suppressedAddresses": "first: 3",
    "exports": "first: 3",
    "users": "first: 3",
    "auditTrail": "first: 3",
    "merges": "first: 3, filter: {undone: false}",
    "worklists": "",
}
ONES = ("invoice", "case", "patient", "payer", "export", "remittance")
REPORTS = {
    "aging": 'asOf: "2026-05-31", basis: SUBMITTED',
    "agingByPayer": 'asOf: "2026-05-31"',
    "agingByPayerPage": 'asOf: "2026-05-31", first: 3',
    "analytics": 'asOf: "2026-05-31", filter: {from: "2025-01-01", to: "2026-05-31"}',
}
ROOTS = [*LISTS, *ONES, "invoiceByNumber", *REPORTS]
# Exports belong to the user who created them; the id of a merged payer finds the payer that stays.
_READ_AS_THEMSELVES = {
    "Export": "where role = 'admin'",
    "Payer": "where id not in (select merged_payer_id from merges where merged_payer_id is not null)",
}
# All of them together, one level deeper, would exceed the query cost limits.
DEPTHS = (1, 2, 3, 4)
# The selections of an invoice, the longest of all, are the same by its id and by its number.
SELECTIONS = [
    pytest.param(name, depth, marks=pytest.mark.prove if (name, depth) == ("invoiceByNumber", 4) else ())
    for name in ROOTS
    for depth in DEPTHS
]
# With the root field itself, a document is then within the limit of fields; every pair of braces has two fields, so that it is
# within the limit of tokens as well.
MOST_FIELDS = min(LIMITS["expanded fields"], LIMITS["tokens"] // 2) - 40


def nodes_of(schema: GraphQLSchema) -> list[str]:
    """The types that can be read by an id alone."""
    return [
        name
        for name, named in schema.type_map.items()
        if isinstance(named, GraphQLObjectType) and any(face.name == "Node" for face in named.interfaces)
    ]


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """The demo clinic, with a merge and a remittance."""
    with copied(postgres_server, template_database) as copy:
        add_merge(copy, "demo")
        add_remittance(copy)
        yield copy


@pytest.fixture(scope="module")
def tapped(address: DatabaseUrls) -> Iterator[tuple[Wire, str]]:
    with captured_statements(address) as (through, wire), serving(through) as url:
        yield wire, url


@pytest.fixture(scope="module")
def wire(tapped: tuple[Wire, str]) -> Wire:
    return tapped[0]


@pytest.fixture(scope="module")
def server_url(tapped: tuple[Wire, str]) -> str:
    return tapped[1]


@pytest.fixture(scope="module")
def ids(address: DatabaseUrls) -> dict[str, str]:
    """The id of one record of every type that has an id of its own."""
    found = {}
    for name in nodes_of(ADMIN):
        own = _READ_AS_THEMSELVES.get(name, "")
        [[identity]] = rows(address, f"select id from {VIEWS[name].table.name} {own} order by id desc limit 1")
        found[name] = make_id(name, identity)
    return found


def statements_of(wire: Wire, client: Client, query: str) -> tuple[Any, list[list[str]]]:
    """The data of a query, and the statements of each transaction that it took when sent for the second time."""
    client.read(query)
    wire.executed.clear()
    return client.read(query), wire.transactions()


def root_field(name: str, selection: str, ids: dict[str, str], number: str = "INV") -> str:
    """A root field with its arguments and a selection."""
    if name in LISTS:
        arguments = f"({LISTS[name]})" if LISTS[name] else ""
        return f"{name}{arguments} {selection}"
    if name in REPORTS:
        return f"{name}({REPORTS[name]}) {selection}"
    argument = f'number: "{number}"' if name == "invoiceByNumber" else f'id: "{ids[root_type(ADMIN, name).name]}"'
    return f"{name}({argument}) {selection}"


def test_every_root_field_that_reads_the_clinic_is_in_this_test() -> None:
    assert ADMIN.query_type
    # A preview of a merge is no read: it runs the commands of the merge itself, each rule with its own statement, so that it announces
    # neither more nor less than they would refuse. How many statements that takes is in the test below.
    others = {"viewer", "node", "nodes", "explainAccess", "priceQuote", "clinic", "importMappings", "mergePreview"}
    # What the API says of itself.
    others |= {"labels", "transitions"}
    assert {*ROOTS, *others} == set(ADMIN.query_type.fields)


@pytest.mark.parametrize(("name", "depth"), SELECTIONS)
def test_a_root_field_is_one_statement_for_any_selection(
    wire: Wire, sign_in: SignIn, address: DatabaseUrls, ids: dict[str, str], name: str, depth: int
) -> None:
    [[number]] = rows(address, "select number from invoices order by id desc limit 1")
    for selection in in_parts(root_type(ADMIN, name), depth, MOST_FIELDS):
        query = f"{{ {root_field(name, selection, ids, number)} }}"
        data, transactions = statements_of(wire, sign_in(Role.ADMIN), query)
        assert data[name]
        assert [len(statements) for statements in transactions] == [1]


@pytest.mark.parametrize("name", nodes_of(ADMIN))
def test_a_node_of_any_type_is_one_statement(wire: Wire, sign_in: SignIn, ids: dict[str, str], name: str) -> None:
    query = f'{{ node(id: "{ids[name]}") {{ __typename id ... on {name} {everything(ADMIN.type_map[name], 3)} }} }}'
    data, transactions = statements_of(wire, sign_in(Role.ADMIN), query)
    assert (data["node"]["__typename"], data["node"]["id"]) == (name, ids[name])
    assert [len(statements) for statements in transactions] == [1]


@pytest.mark.parametrize("name", nodes_of(ADMIN))
def test_nodes_of_one_type_are_one_statement(wire: Wire, sign_in: SignIn, ids: dict[str, str], name: str) -> None:
    selection = f"{{ __typename id ... on {name} {everything(ADMIN.type_map[name], 3)} }}"
    client, unknown = sign_in(Role.ADMIN), make_id(name, UUID(int=0))
    query = f'{{ nodes(ids: ["{ids[name]}", "{unknown}", "{ids[name]}"]) {selection} }}'
    data, transactions = statements_of(wire, client, query)
    alone = client.read(f'{{ node(id: "{ids[name]}") {selection} }}')["node"]
    assert _unsigned(data["nodes"]) == _unsigned([alone, None, alone])
    assert [len(statements) for statements in transactions] == [1]


def _unsigned(data: Any) -> str:
    """An answer without the tokens of signed links, which are made for each answer."""
    return re.sub(r"[?/][A-Za-z0-9_=.-]{40,}", "", json.dumps(data))


def test_the_deepest_allowed_query_is_one_statement(wire: Wire, sign_in: SignIn) -> None:
    data, transactions = statements_of(wire, sign_in(Role.BILLING), deep(15))
    assert data["invoices"]["nodes"]
    assert [len(statements) for statements in transactions] == [1]


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_every_role_s_invoices_are_one_statement(wire: Wire, sign_in: SignIn, role: Role) -> None:
    schema = role_schemas()[role]
    query = f"{{ invoices(first: 20) {everything(root_type(schema, 'invoices'), 5)} }}"
    data, transactions = statements_of(wire, sign_in(role), query)
    assert data["invoices"]["nodes"]
    assert [len(statements) for statements in transactions] == [1]


def test_nodes_edges_count_and_page_info_come_from_one_statement(wire: Wire, sign_in: SignIn) -> None:
    query = """{ invoices(first: 3) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { number } } nodes { number case { invoices(first: 2) {
            totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id } } nodes { id } } } } } }"""
    data, transactions = statements_of(wire, sign_in(Role.BILLING), query)
    page = data["invoices"]
    assert [edge["node"]["number"] for edge in page["edges"]] == [node["number"] for node in page["nodes"]]
    assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
    assert [len(statements) for statements in transactions] == [1]


def test_several_root_fields_are_one_statement_each(wire: Wire, sign_in: SignIn, ids: dict[str, str]) -> None:
    # As many as one document may have, with `again` and `viewer`.
    names = list(LISTS)[: LIMITS["root fields"] - 2]
    query = (
        "{ "
        + " ".join(root_field(name, everything(root_type(ADMIN, name), 2), ids) for name in names)
        + " again: invoices { totalCount } viewer { id } }"
    )
    _, transactions = statements_of(wire, sign_in(Role.ADMIN), query)
    assert [len(statements) for statements in transactions] == [1] * (len(names) + 1)


def test_the_viewer_costs_no_statement(wire: Wire, sign_in: SignIn) -> None:
    assert statements_of(wire, sign_in(Role.BILLING), "{ viewer { email clinic { name } } }")[1] == []


def test_an_invalid_id_costs_no_statement(wire: Wire, sign_in: SignIn) -> None:
    wire.executed.clear()
    assert sign_in(Role.BILLING).refusals('{ invoice(id: "nothing") { id } }') == ["Argument id: is not a valid id"]
    assert wire.transactions() in ([], [[]])


def test_different_values_are_the_same_statement(wire: Wire, sign_in: SignIn) -> None:
    query = "query ($s: String, $f: InvoiceFilter) { invoices(filter: $f) { totalCount } patients(filter: {search: $s}) { totalCount } }"
    statements_by_value = []
    for search, amount in (("a", "1.00"), ("' or true --", "2.00"), ("%", "300000.00")):
        wire.executed.clear()
        sign_in(Role.BILLING).read(query, s=search, f={"billedMin": amount, "search": search})
        statements_by_value.append(sorted(statement for statements in wire.transactions() for statement in statements))
    assert statements_by_value[0] == statements_by_value[1] == statements_by_value[2]
    assert not any("true --" in statement for statement in statements_by_value[1])


def test_each_statement_runs_as_its_viewer(wire: Wire, sign_in: SignIn) -> None:
    sign_in(Role.ATTORNEY).read("{ viewer { id } }")
    wire.executed.clear()
    sign_in(Role.ATTORNEY).read("{ invoices { totalCount } cases { totalCount } }")
    begun = [statement for _, statement in wire.executed if statement.startswith("begin read only")]
    assert len(begun) == 2
    assert all(statement.startswith("begin read only; set local role clinic_attorney; ") for statement in begun)
    assert all("app.clinic_id" in statement and "app.person_id" in statement for statement in begun)


@pytest.mark.parametrize("kind", ["patients", "payers"])
def test_a_preview_of_a_merge_is_one_transaction_of_few_statements_however_much_is_counted(
    wire: Wire, sign_in: SignIn, address: DatabaseUrls, kind: str
) -> None:
    column = f"{kind[:-1]}_id"
    of = f"select p.id from {kind} p left join invoices i on i.clinic_id = p.clinic_id and i.{column} = p.id"
    query = f"{of} where p.merged_into_id is null group by p.id order by count(i.id)"
    found = [row["id"] for row in rows(address, query)]
    type_name, counted = kind[:-1].capitalize(), list[list[int]]()
    for merged, surviving in (found[:2], found[-2:]):
        inputs = f'{{kind: {type_name.upper()}, mergedId: "{make_id(type_name, merged)}", survivingId: "{make_id(type_name, surviving)}"}}'
        selections = "preview { counts { records merged surviving } refusals { message } }", "preview { attorneys }"
        for selection in selections:
            data, transactions = statements_of(
                wire, sign_in(Role.ADMIN), f"{{ mergePreview(input: {inputs}) {{ {selection} }} }}"
            )
            assert data["mergePreview"]["preview"]
            counted.append([len(statements) for statements in transactions])
    # Payers that go along with the patients take one more.
    assert {len(transactions) for transactions in counted} == {1}
    assert counted[:2] == [counted[0]] * 2
    assert counted[2:] == [counted[2]] * 2
    assert max(count for [count] in counted) <= 16
