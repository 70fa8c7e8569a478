"""Invalid and unusual input: an error that names the argument, or a literal search; never an internal error."""

import base64
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.plain_sql import Sql
from tests.support.client import Client
from tests.support.databases import rows

NO_CURSOR = "is not a cursor of this list in this order"
NO_ID = "is not a valid id"
NO_SIZE = "must be a number from 1 to 500"


@pytest.fixture(scope="module")
def billing(sign_in: SignIn) -> Client:
    return sign_in(Role.BILLING)


@pytest.fixture(scope="module")
def sql(address: DatabaseUrls) -> Sql:
    return Sql(address)


def refused(client: Client, query: str, **variables: Any) -> tuple[list[Any], str, str]:
    """The path, the argument and the message of a query that its resolver refused."""
    response = client.post(query, **variables)
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT", error
    argument = error["extensions"]["argument"]
    return error["path"], argument, error["message"].removeprefix(f"Argument {argument}: ")


@pytest.mark.parametrize("size", [0, -1, 501, 2_147_483_647, -2_147_483_648])
@pytest.mark.parametrize("argument", ["first", "last"])
@pytest.mark.parametrize(
    "field", ["invoices", "cases", "patients", "payers", "attorneys", "physicians", "facilities", "cptCodes"]
)
def test_a_page_size_out_of_range_is_refused_at_its_argument(
    billing: Client, field: str, argument: str, size: int
) -> None:
    assert refused(billing, f"{{ {field}({argument}: {size}) {{ totalCount }} }}") == ([field], argument, NO_SIZE)


@pytest.mark.parametrize("size", [1, 500])
@pytest.mark.parametrize("argument", ["first", "last"])
def test_the_smallest_and_the_largest_page_are_allowed(billing: Client, argument: str, size: int) -> None:
    query = f"query ($size: Int) {{ invoices({argument}: $size) {{ totalCount nodes {{ id }} }} }}"
    page = billing.read(query, size=size)["invoices"]
    assert len(page["nodes"]) == min(size, page["totalCount"])


def test_a_page_size_below_a_record_is_refused_too(billing: Client) -> None:
    path, argument, why = refused(billing, "{ cases(first: 1) { nodes { invoices(first: 501) { totalCount } } } }")
    assert (path[0], argument, why) == ("cases", "first", NO_SIZE)


@pytest.mark.parametrize("size", ["1.5", '"10"', "true", "99999999999", "[1, 2]"])
def test_a_page_size_that_is_no_integer_is_refused_by_validation(billing: Client, size: str) -> None:
    response = billing.post(f"{{ invoices(first: {size}) {{ totalCount }} }}")
    assert (response.status_code, "Int" in response.text) == (400, True)


def cursors(client: Client, argument: str) -> list[str]:
    edges = client.read(f"{{ {argument} {{ edges {{ cursor }} }} }}")
    return [edge["cursor"] for page in edges.values() for edge in page["edges"]]


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize(
    "other",
    [
        "invoices(first: 1, orderBy: {field: CREATED_ON, direction: ASC})",
        "invoices(first: 1, orderBy: {field: SERVICE_DATE, direction: DESC})",
        "invoices(first: 1, orderBy: {field: AGE, direction: ASC})",
        "invoices(first: 1, orderBy: {field: BALANCE, direction: DESC})",
        "cases(first: 1)",
        "patients(first: 1)",
        "payers(first: 1)",
    ],
)
def test_a_cursor_of_another_list_or_order_is_refused_at_its_argument(
    billing: Client, other: str, argument: str
) -> None:
    [cursor] = cursors(billing, other)
    query = f'{{ invoices({argument}: "{cursor}", first: 5) {{ nodes {{ id }} }} }}'
    assert refused(billing, query) == (["invoices"], argument, NO_CURSOR)


def test_a_cursor_is_valid_in_the_list_that_it_came_from(billing: Client) -> None:
    [cursor] = cursors(billing, "invoices(first: 1)")
    assert billing.read(f'{{ invoices(after: "{cursor}", first: 1) {{ nodes {{ id }} }} }}')["invoices"]["nodes"]


def forged(client: Client) -> list[str]:
    """Texts that resemble a cursor."""
    [good] = cursors(client, "invoices(first: 1)")
    flipped = [good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :] for place in (0, 9, 40)]
    return [
        "",
        "x",
        "=",
        "null",
        good[:-5],
        good + "A",
        good + "=",
        good[1:],
        "\u00e4",
        "A" * 10_000,
        good * 2,
        *flipped,
    ]


@pytest.mark.parametrize("argument", ["after", "before"])
def test_a_changed_cursor_is_refused_at_its_argument_or_is_another_position(billing: Client, argument: str) -> None:
    for text in forged(billing):
        query = f"query ($c: String) {{ invoices({argument}: $c, first: 3) {{ nodes {{ id }} }} }}"
        answer = billing.ask(query, c=text)
        # A character of the date or the id inside may have changed: that is another position in the same list.
        if "errors" in answer:
            assert refused(billing, query, c=text) == (["invoices"], argument, NO_CURSOR)
    assert "errors" in billing.ask("query ($c: String) { invoices(after: $c) { totalCount nodes { id } } }", c="x")


ENCODED = [
    ("BALANCE", "1e500000"),
    ("BALANCE", "1" * 500),
    ("BALANCE", "NaN"),
    ("BALANCE", "Infinity"),
    ("BALANCE", "-0.0000001"),
    ("BALANCE", " 1"),
    ("CREATED_ON", "10000-01-01"),
    ("CREATED_ON", "infinity"),
    ("NUMBER", "a\x00b"),
    ("NUMBER", "A" * 5_000),
]


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize(("field", "value"), ENCODED)
def test_a_well_formed_cursor_with_a_value_that_no_list_has_is_refused_at_its_argument(
    billing: Client, argument: str, field: str, value: str
) -> None:
    plain = f"Invoice.{field}.DESC|{UUID(int=1)}|{value}"
    cursor = base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")
    order = f"orderBy: {{field: {field}, direction: DESC}}"
    query = f"query ($c: String) {{ invoices({argument}: $c, first: 1, {order}) {{ nodes {{ id }} }} }}"
    assert refused(billing, query, c=cursor) == (["invoices"], argument, NO_CURSOR)


NO_IDS = [
    "",
    "x",
    "1",
    "null",
    "\u00e4",
    "=",
    "0" * 24,
    "A" * 24,
    "aW4=",
    "aW4B",
    "A" * 100_000,
    "-" * 24,
    "' or true --",
]
BY_ID = ["node", "invoice", "case", "patient", "payer"]


@pytest.mark.parametrize("field", BY_ID)
@pytest.mark.parametrize("text", NO_IDS, ids=lambda text: ascii(text)[:20])
def test_an_invalid_id_is_refused_at_its_argument(billing: Client, field: str, text: str) -> None:
    query = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    assert refused(billing, query, id=text) == ([field], "id", NO_ID)


@pytest.mark.parametrize("name", ["payerId", "physicianId", "facilityId", "attorneyId", "caseId", "patientId"])
def test_an_invalid_id_in_a_filter_is_refused_with_its_path(billing: Client, sql: Sql, name: str) -> None:
    good = make_id("Payer", sql.most_used("payer_id")[0])
    for ids in (["x"], [good, "x"], [""]):
        query = "query ($f: InvoiceFilter) { invoices(filter: $f) { totalCount } }"
        assert refused(billing, query, f={name: ids}) == (["invoices"], f"filter.{name}", NO_ID)


WRONG_VALUES = [
    ("createdFrom", "2026-02-30"),
    ("createdTo", "yesterday"),
    ("serviceFrom", "2026-1-1"),
    ("serviceTo", "2026-01-01T00:00:00Z"),
    ("createdFrom", 20260101),
    ("createdFrom", True),
    ("billedMin", 5),
    ("billedMin", 5.5),
    ("billedMin", "NaN"),
    ("billedMax", "1.005"),
    ("billedMax", "1e3"),
    ("billedMax", "Infinity"),
    ("billedMax", ""),
    ("billedMax", "9" * 40),
    ("status", ["Paid"]),
    ("status", ["paid"]),
    ("status", ["PAID "]),
    ("status", [1]),
    ("agingBucket", ["DAYS_0_31"]),
    ("denied", "yes"),
    ("denied", 1),
    ("payerId", [1.5]),
    ("payerId", [True]),
    ("search", 5),
    ("search", ["a"]),
    ("nothing", 1),
]


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES)
def test_a_value_of_another_type_is_refused_with_its_path_and_without_data(
    billing: Client, name: str, value: Any
) -> None:
    response = billing.post("query ($f: InvoiceFilter) { invoices(filter: $f) { totalCount } }", f={name: value})
    answer = response.json()
    assert (response.status_code, "data" in answer) == (400, False)
    assert any(f"at .{name}" in error["message"] or f"'{name}'" in error["message"] for error in answer["errors"]), (
        answer
    )


@pytest.mark.parametrize(
    "days", [("0001-01-01", "9999-12-31"), ("9999-12-31", "0001-01-01"), ("2026-02-28", "2026-02-28")]
)
def test_days_at_the_edges_of_the_calendar_are_days(billing: Client, days: tuple[str, str]) -> None:
    first, last = days
    query = "query ($f: InvoiceFilter) { invoices(filter: $f) { totalCount } }"
    everything = billing.read("{ invoices { totalCount } }")["invoices"]["totalCount"]
    found = billing.read(query, f={"createdFrom": first, "createdTo": last})["invoices"]["totalCount"]
    assert found == (everything if first < "1000" else 0) or days[0] == days[1]


@pytest.mark.parametrize("amount", ["-0.01", "-5.00", "9999999999.99"])
def test_amounts_that_no_invoice_has_find_none_or_all(billing: Client, amount: str) -> None:
    query = "query ($f: InvoiceFilter) { invoices(filter: $f) { totalCount } }"
    more = billing.read(query, f={"billedMin": amount})["invoices"]["totalCount"]
    less = billing.read(query, f={"billedMax": amount})["invoices"]["totalCount"]
    everything = billing.read("{ invoices { totalCount } }")["invoices"]["totalCount"]
    assert {more, less} == {0, everything}


@pytest.mark.parametrize("amount", ["0.00", "-0"])
def test_no_invoice_is_below_zero_in_any_spelling(billing: Client, amount: str) -> None:
    query = "query ($f: InvoiceFilter) { invoices(filter: $f) { totalCount nodes { billedAmount } } }"
    everything = billing.read("{ invoices { totalCount } }")["invoices"]["totalCount"]
    assert billing.read(query, f={"billedMin": amount})["invoices"]["totalCount"] == everything
    empty = billing.read(query, f={"billedMax": amount})["invoices"]
    assert {invoice["billedAmount"] for invoice in empty["nodes"]} == {"0.00"}
    assert 0 < empty["totalCount"] == len(empty["nodes"])


ODD = [
    "'",
    "''",
    '"',
    "\\",
    "\\'",
    "'; drop table invoices; --",
    "$1",
    "%s",
    ":value",
    "{0}",
    "%",
    "_",
    "(",
    "[a-z]*",
    "éé",
    "\ufffe",
    "\uffff",
    "\U0010ffff",
    "\U0001f600",
    "\nxqz\n",
    "\u2028\u00a0!",
    "\u0131\u0131",
    "ß" * 300,
    "<script>alert(1)</script>",
    "=1+1",
    "a" * 900_000,
    "é" * 200_000,
    " " * 100_000 + "zz9",
]
STRINGS = {
    "invoices(filter: {search: $s}) { totalCount nodes { id } }": 0,
    "cases(filter: {search: $s}) { totalCount nodes { id } }": 0,
    "patients(filter: {search: $s}) { totalCount nodes { id } }": 0,
    "payers(filter: {search: $s}) { totalCount nodes { id } }": 0,
    "cptCodes(filter: {code: $s}) { totalCount nodes { id } }": 0,
    "attorneys(search: $s) { totalCount nodes { id } }": 0,
    "physicians(search: $s) { totalCount nodes { id } }": 0,
    "facilities(search: $s) { totalCount nodes { id } }": 0,
    "invoiceByNumber(number: $s) { id }": 1,
}


@pytest.mark.parametrize("field", STRINGS)
def test_unusual_texts_are_searched_for_literally(billing: Client, field: str) -> None:
    head = "query ($s: String!)" if STRINGS[field] else "query ($s: String)"
    for text in ODD:
        response = billing.post(f"{head} {{ {field} }}", s=text)
        assert response.status_code == 200, ascii(text)[:50]
        [found] = response.json()["data"].values()
        assert found in (None, {"totalCount": 0, "nodes": []}), ascii(text)[:50]


@pytest.mark.parametrize("field", [field for field, is_needed in STRINGS.items() if not is_needed])
def test_a_search_by_what_is_not_seen_is_an_empty_search(billing: Client, field: str) -> None:
    query = f"query ($s: String) {{ {field} }}"
    for text in ("\u202e", "\ufeff", "\u200b "):
        assert billing.read(query, s=text) == billing.read(query, s=""), ascii(text)


@pytest.mark.parametrize("field", STRINGS)
def test_a_text_with_nul_is_refused_at_its_argument(billing: Client, field: str) -> None:
    head = "query ($s: String!)" if STRINGS[field] else "query ($s: String)"
    path, argument, why = refused(billing, f"{head} {{ {field} }}", s="a\0b")
    assert (path, why) == ([field.split("(", maxsplit=1)[0]], "contains a character that cannot be stored")
    assert argument in ("filter.search", "filter.code", "search", "number")


def test_unusual_texts_in_the_document_are_read_like_those_in_variables(billing: Client) -> None:
    for escaped in ("\\u0027", "\\\\", '\\"', "\\u{1F600}", "\\n!", "\\uD83D\\uDE00"):
        query = f'{{ invoices(filter: {{search: "{escaped}"}}) {{ totalCount }} }}'
        assert billing.read(query) == {"invoices": {"totalCount": 0}}
    assert refused(billing, '{ patients(filter: {search: "\\u0000"}) { totalCount } }')[1] == "filter.search"
    assert billing.post('{ patients(filter: {search: "\\uD800"}) { totalCount } }').status_code == 400


def test_a_sign_in_takes_any_text_literally(anonymous: Client) -> None:
    query = "mutation ($i: SignInInput!) { signIn(input: $i) { token errors { code } } }"
    for text in ("".join(ODD[:12]), "\0", "a\0"):
        answer = anonymous.read(query, i={"email": text, "password": text, "clinic": text})["signIn"]
        assert answer == {"token": None, "errors": [{"code": "INVALID_INPUT"}]}


@settings(max_examples=80, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_text_causes_an_internal_error(billing: Client, text: str) -> None:
    query = """query ($s: String, $n: String!, $i: ID!) { invoices(filter: {search: $s}, after: $s) { totalCount nodes { id } }
        patients(filter: {search: $s}) { totalCount } cptCodes(filter: {code: $s}) { totalCount }
        invoiceByNumber(number: $n) { id } node(id: $i) { id } }"""
    response = billing.post(query, s=text, n=text, i=text)
    assert response.status_code == 200
    codes = {error["extensions"]["code"] for error in response.json().get("errors", ())}
    assert codes <= {"BAD_USER_INPUT"}


def test_these_tests_have_changed_no_row(billing: Client, address: DatabaseUrls) -> None:
    [[count]] = rows(address, "select count(*) from invoices")
    assert billing.read("{ invoices { totalCount } }")["invoices"]["totalCount"] == count == 400
