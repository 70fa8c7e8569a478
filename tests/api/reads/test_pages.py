"""The order and the keyset pagination of lists: every row once, forwards and backwards, also when rows are added meanwhile."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from db.global_ids import make_id
from db.pools import Database
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.assembled_server import assembled, served
from tests.support.api.plain_sql import LISTED, Sql
from tests.support.client import Client
from tests.support.databases import TODAY, rows


@pytest.fixture(scope="module")
def billing(sign_in: SignIn) -> Client:
    return sign_in(Role.BILLING)


@pytest.fixture(scope="module")
def sql(address: DatabaseUrls) -> Sql:
    return Sql(address)


KEYS = {
    "CREATED_ON": "created_on",
    "SERVICE_DATE": "service_date",
    "NUMBER": 'number collate "C"',
    "BILLED_AMOUNT": "billed_amount",
    "BALANCE": "balance",
    "AGE": "created_on",
}
SORTED = {
    "cases": "select id from cases order by opened_on desc, id desc",
    "patients": 'select id from patients order by sort_name collate "C", id',
    "payers": 'select id from payers order by name collate "C", id',
    "attorneys": 'select id from attorneys order by name collate "C", id',
    "physicians": 'select id from physicians order by name collate "C", id',
    "facilities": 'select id from facilities order by name collate "C", id',
    "cptCodes": 'select id from cpt_codes order by code collate "C", id',
}
PAGE = "nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


def expected_order(sql: Sql, order: str, direction: str) -> list[str]:
    """The ids of all invoices as sorted by plain SQL; the id breaks ties in the direction of the column."""
    down = (direction == "DESC") != (order == "AGE")
    way = "desc" if down else "asc"
    found = sql.column(f"select id from invoices order by {KEYS[order]} {way}, id {way}")
    return [make_id("Invoice", identity) for identity in found]


def forwards(client: Client, field: str, argument: str, size: int) -> Iterator[Any]:
    """Every page of a list from its beginning."""
    after = ""
    while True:
        page = client.read(f"{{ {field}(first: {size} {after} {argument}) {{ {PAGE} }} }}")[field]
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = f'after: "{page["pageInfo"]["endCursor"]}"'


def backwards(client: Client, field: str, argument: str, size: int) -> Iterator[Any]:
    """Every page of a list from its end."""
    before = ""
    while True:
        page = client.read(f"{{ {field}(last: {size} {before} {argument}) {{ {PAGE} }} }}")[field]
        yield page
        if not page["pageInfo"]["hasPreviousPage"]:
            return
        before = f'before: "{page["pageInfo"]["startCursor"]}"'


def visited(page: Any) -> list[str]:
    """The ids of a page, which are the same in its nodes and its edges."""
    ids = [node["id"] for node in page["nodes"]]
    assert [edge["node"]["id"] for edge in page["edges"]] == ids
    if ids:
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
    return ids


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("order", KEYS)
def test_pages_in_both_directions_visit_every_invoice_once_in_order(
    billing: Client, sql: Sql, order: str, direction: str
) -> None:
    argument = f"orderBy: {{field: {order}, direction: {direction}}}"
    whole = expected_order(sql, order, direction)
    pages = list(forwards(billing, "invoices", argument, 90))
    assert [identity for page in pages for identity in visited(page)] == whole
    assert [page["pageInfo"]["hasPreviousPage"] for page in pages] == [False] + [True] * (len(pages) - 1)
    pages = list(backwards(billing, "invoices", argument, 90))
    assert [identity for page in reversed(pages) for identity in visited(page)] == whole
    assert [page["pageInfo"]["hasNextPage"] for page in pages] == [False] + [True] * (len(pages) - 1)


@pytest.mark.parametrize("field", SORTED)
def test_every_other_list_has_one_order_and_pages_in_both_directions(billing: Client, sql: Sql, field: str) -> None:
    whole = [make_id(LISTED[field], identity) for identity in sql.column(SORTED[field])]
    size = max(len(whole) // 3, 1)
    assert [identity for page in forwards(billing, field, "", size) for identity in visited(page)] == whole
    pages = list(backwards(billing, field, "", size))
    assert [identity for page in reversed(pages) for identity in visited(page)] == whole


def test_invoices_come_newest_first_and_fifty_a_page_by_default(billing: Client, sql: Sql) -> None:
    page = billing.read("{ invoices { nodes { id } } }")["invoices"]
    assert [node["id"] for node in page["nodes"]] == expected_order(sql, "CREATED_ON", "DESC")[:50]


def test_after_and_before_limit_a_page_from_both_sides(billing: Client, sql: Sql) -> None:
    whole = expected_order(sql, "CREATED_ON", "DESC")
    [page] = [billing.read(f"{{ invoices(first: 30) {{ {PAGE} }} }}")["invoices"]]
    after, before = page["edges"][4]["cursor"], page["edges"][20]["cursor"]

    def window(argument: str) -> tuple[list[str], bool, bool]:
        found = billing.read(f'{{ invoices(after: "{after}", before: "{before}", {argument}) {{ {PAGE} }} }}')[
            "invoices"
        ]
        return visited(found), found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]

    assert window("first: 500")[0] == whole[5:20]
    assert window("first: 4")[0] == whole[5:9]
    assert window("last: 4")[0] == whole[16:20]
    assert window("first: 6, last: 2")[0] == whole[9:11]
    assert window("first: 4")[2] is True
    assert window("last: 4")[1] is True


def test_a_page_shows_whether_there_are_more_rows(billing: Client, sql: Sql) -> None:
    wanted, where = "{status: [VOID]}", "status = 'void'"
    count = len(sql.numbers(where))
    for first, more in ((count, False), (count - 1, True), (count + 1, False)):
        info = billing.read(f"{{ invoices(first: {first}, filter: {wanted}) {{ pageInfo {{ hasNextPage }} }} }}")
        assert info["invoices"]["pageInfo"]["hasNextPage"] is more


def test_an_empty_page_has_no_cursors(billing: Client) -> None:
    page = billing.read(f'{{ invoices(filter: {{search: "nothing"}}) {{ totalCount {PAGE} }} }}')["invoices"]
    nothing = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    assert page == {"totalCount": 0, "nodes": [], "edges": [], "pageInfo": nothing}


def test_lists_below_a_case_and_a_payer_have_the_same_pagination(billing: Client, sql: Sql) -> None:
    [payer] = sql.most_used("payer_id")
    whole = sql.column("select id from invoices where payer_id = $1 order by balance, id", payer)
    seen, after = [], ""
    while True:
        query = f"""{{ payer(id: "{make_id("Payer", payer)}") {{ invoices(
            first: 5 {after} orderBy: {{field: BALANCE, direction: ASC}}) {{ totalCount {PAGE} }} }} }}"""
        page = billing.read(query)["payer"]["invoices"]
        assert page["totalCount"] == len(whole)
        seen += visited(page)
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = f'after: "{page["pageInfo"]["endCursor"]}"'
    assert seen == [make_id("Invoice", identity) for identity in whole]
    [case] = sql.most_used("case_id")
    query = f"""{{ case(id: "{make_id("Case", case)}") {{ invoices(last: 2, filter: {{status: [PAID, PENDING_INVOICE, VOID,
        PENDING_CHEQUE, PENDING_REDUCTION, CHEQUE_RECEIVED, WRITTEN_OFF]}}) {{ nodes {{ id }} }} }} }}"""
    last = sql.column("select id from invoices where case_id = $1 order by created_on desc, id desc", case)[-2:]
    nodes = billing.read(query)["case"]["invoices"]["nodes"]
    assert [node["id"] for node in nodes] == [make_id("Invoice", identity) for identity in last]


_COPY_OF_AN_INVOICE = """insert into invoices (clinic_id, id, number, case_id, patient_id, payer_id, status, created_on, service_date,
        billed_amount, updated_at)
    select clinic_id, $1, $2, case_id, patient_id, payer_id, 'pending_invoice', $3, service_date, $4, updated_at
    from invoices order by id limit 1"""


@pytest.mark.parametrize("pages_of", [forwards, backwards])
@pytest.mark.parametrize("argument", ["", "orderBy: {field: BILLED_AMOUNT, direction: ASC}"])
def test_rows_added_between_pages_neither_repeat_nor_hide_other_rows(
    own_address: DatabaseUrls, argument: str, pages_of: Callable[..., Iterator[Any]]
) -> None:
    with (
        served(assembled(Database(own_address.login))) as url,
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example") as billing,
    ):
        there = {make_id("Invoice", identity) for [identity] in rows(own_address, "select id from invoices")}
        seen: list[str] = []
        for number, page in enumerate(pages_of(billing, "invoices", argument, 70)):
            seen += visited(page)
            for place, day, amount in (
                ("a", TODAY, 1),
                ("b", TODAY - timedelta(days=4_000), 90_000),
                ("c", TODAY, 900),
            ):
                rows(own_address, _COPY_OF_AN_INVOICE, uuid4(), f"NEW-{number}-{place}", day, amount)
    assert len(seen) == len(set(seen))
    assert there <= set(seen)
