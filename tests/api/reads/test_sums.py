"""The sums of a list are those of all its invoices that the role sees, whatever page is read and however it is filtered."""

from decimal import Decimal
from typing import Any

import pytest

from domain.access.people import Role
from tests.conftest import SignIn
from tests.support.client import Client

LEDGER = "billed received balance"
ALL = """query ($filter: InvoiceFilter, $after: String) { invoices(filter: $filter, first: 500, after: $after) {
    totalCount sums { %s } pageInfo { hasNextPage endCursor } nodes { status billedAmount %s } } }"""


def read_all(client: Client, fields: str, more: str, **filter_: Any) -> tuple[Any, list[Any]]:
    """The sums of a list, and all of its invoices."""
    found, after = list[Any](), None
    while True:
        page = client.read(ALL % (fields, more), filter=filter_, after=after)["invoices"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert len(found) == page["totalCount"]
            return page["sums"], found


def total(invoices: list[Any], name: str) -> str:
    """The sum of an amount."""
    return f"{sum((Decimal(one[name]) for one in invoices), Decimal('0.00'))}"


@pytest.mark.parametrize(
    "filter_",
    [
        {},
        {"status": ["PENDING_CHEQUE", "PENDING_REDUCTION"]},
        {"status": ["VOID"]},
        {"search": "no such invoice"},
        {"agingBucket": ["DAYS_121_PLUS"]},
        {"billedMin": "500.00", "createdFrom": "2025-06-01"},
    ],
    ids=str,
)
def test_the_sums_are_those_of_the_whole_list(sign_in: SignIn, filter_: dict[str, Any]) -> None:
    sums, invoices = read_all(sign_in(Role.BILLING), LEDGER, "receivedAmount balance", **filter_)
    billed = [one for one in invoices if one["status"] != "VOID"]
    assert sums == {
        "billed": total(billed, "billedAmount"),
        "received": total(invoices, "receivedAmount"),
        "balance": total(invoices, "balance"),
    }


@pytest.mark.parametrize("role", [Role.ATTORNEY, Role.PHYSICIAN])
def test_a_role_sums_up_what_it_sees_and_no_more(sign_in: SignIn, role: Role) -> None:
    client = sign_in(role)
    sums, invoices = read_all(client, "billed", "")
    assert invoices
    assert sums == {"billed": total([one for one in invoices if one["status"] != "VOID"], "billedAmount")}
    [message] = client.refusals("{ invoices { sums { balance } } }")
    assert "Cannot query field 'balance'" in message


def test_the_invoices_of_a_case_and_of_a_payer_have_sums_of_their_own(sign_in: SignIn) -> None:
    query = """{ cases(first: 20) { nodes { billedTotal outstanding invoices(first: 1) { sums { billed balance } } } }
        payers(first: 5) { nodes { invoices(first: 1) { a_response_key: sums { __typename billed } } } } }"""
    found = sign_in(Role.BILLING).read(query)
    for one in found["cases"]["nodes"]:
        assert one["invoices"]["sums"] == {"billed": one["billedTotal"], "balance": one["outstanding"]}
    assert all(one["invoices"]["a_response_key"]["__typename"] == "InvoiceSums" for one in found["payers"]["nodes"])


def test_sums_of_which_nothing_is_selected_are_one_object(sign_in: SignIn) -> None:
    query = """query ($no: Boolean!) { invoices { sums { __typename billed @include(if: $no) } }
        worklists { name count @include(if: $no) } }"""
    found = sign_in(Role.BILLING).read(query, no=False)
    assert found["invoices"]["sums"] == {"__typename": "InvoiceSums"}
    assert all(set(one) == {"name"} for one in found["worklists"])
