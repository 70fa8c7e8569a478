"""Aging by payer in pages is the same as the whole list: the largest amounts first, patients together or one by one."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.access.people import Role
from tests.conftest import SignIn
from tests.support.api.mutations import done
from tests.support.api.scenarios import Clinic
from tests.support.client import Client

_PARTS = "buckets { bucket invoiceCount outstanding } invoiceCount outstanding medianDaysToPay"
_OF_STAFF = f"payer {{ id kind }} unappliedAmount {_PARTS}"
_OF_ANALYST = f"payer {{ id }} {_PARTS}"


def _whole(client: Client, row: str = _OF_STAFF, **values: Any) -> list[dict[str, Any]]:
    given, sent = _given(values)
    found: list[dict[str, Any]] = client.read(f"query {given} {{ agingByPayer{sent} {{ {row} }} }}", **values)[
        "agingByPayer"
    ]
    return found


def _page(client: Client, row: str = _OF_STAFF, **values: Any) -> dict[str, Any]:
    given, sent = _given(values)
    parts = f"totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {row} }}"
    found: dict[str, Any] = client.read(f"query {given} {{ agingByPayerPage{sent} {{ {parts} }} }}", **values)[
        "agingByPayerPage"
    ]
    return found


_TYPES = {
    **dict.fromkeys(("restated", "patientsSeparately"), "Boolean"),
    "asOf": "Date",
    "basis": "AgingBasis",
    "filter": "InvoiceFilter",
    "first": "Int",
    "after": "String",
}


def _given(values: dict[str, Any]) -> tuple[str, str]:
    """The variables of a document and the arguments of its field, for the values that are given."""
    if not values:
        return "", ""
    variables = ", ".join(f"${name}: {_TYPES[name]}" for name in values)
    return f"({variables})", f"({', '.join(f'{name}: ${name}' for name in values)})"


def _walked(client: Client, first: int, row: str = _OF_STAFF, **values: Any) -> list[dict[str, Any]]:
    """All rows, page by page."""
    page = _page(client, row, first=first, **values)
    found = page["nodes"]
    while page["pageInfo"]["hasNextPage"]:
        assert len(page["nodes"]) == first
        page = _page(client, row, first=first, after=page["pageInfo"]["endCursor"], **values)
        found += page["nodes"]
    assert len(found) == page["totalCount"]
    return list(found)


def _by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["payer"]["id"]))


def _total(rows: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


def _is_largest_first(rows: list[dict[str, Any]]) -> bool:
    amounts = [Decimal(row["outstanding"]) for row in rows]
    return amounts == sorted(amounts, reverse=True)


@pytest.fixture(scope="module", autouse=True)
def equals(clinic: Clinic) -> list[str]:
    """Payers with equal amounts, two of them patients."""
    case, payers = clinic.case(), []
    for kind in ("INSURANCE", "INSURANCE", "ATTORNEY", "PATIENT", "PATIENT"):
        values = {"name": f"Equal {uuid4().hex}", "kind": kind}
        clinic.payer = done(clinic.billing, "createPayer", "payer { id }", **values)["id"]
        clinic.invoice("777.00", case)
        payers.append(clinic.payer)
    return payers


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"basis": "SERVICE"},
        {"asOf": "2026-05-31"},
        {"asOf": "2026-05-31", "restated": True},
        {"filter": {"agingBucket": ["DAYS_31_60", "DAYS_121_PLUS"]}},
    ],
    ids=["today", "from service", "a past day", "a restated day", "filtered"],
)
def test_the_pages_of_single_payers_are_the_whole_list(billing: Client, values: dict[str, Any]) -> None:
    whole = _whole(billing, **values)
    assert len(whole) > 5
    for first in (1, 4, 500):
        walked = _walked(billing, first, patientsSeparately=True, **values)
        assert _is_largest_first(walked)
        assert _by_id(walked) == _by_id(whole)


@pytest.mark.parametrize("values", [{}, {"asOf": "2026-05-31"}, {"asOf": "2026-05-31", "restated": True}])
def test_all_patients_are_one_row_by_default_with_the_sums_of_theirs(billing: Client, values: dict[str, Any]) -> None:
    whole = _whole(billing, **values)
    patients = [row for row in whole if row["payer"]["kind"] == "PATIENT"]
    others = [row for row in whole if row["payer"]["kind"] != "PATIENT"]
    walked = _walked(billing, 3, **values)
    assert _is_largest_first(walked)
    [together] = [row for row in walked if row["payer"] is None]
    assert _by_id([row for row in walked if row["payer"]]) == _by_id(others)
    assert len(patients) > 1
    for name in ("invoiceCount", "outstanding", "unappliedAmount"):
        assert Decimal(together[name]) == _total(patients, name)
    for place, bucket in enumerate(together["buckets"]):
        alike = [row["buckets"][place] for row in patients]
        assert (Decimal(bucket["outstanding"]), Decimal(bucket["invoiceCount"])) == (
            _total(alike, "outstanding"),
            _total(alike, "invoiceCount"),
        )


def test_the_median_of_all_patients_is_that_of_their_invoices(billing: Client) -> None:
    payers = billing.read("{ payers(first: 500) { nodes { id kind } } }")["payers"]["nodes"]
    patients = [payer["id"] for payer in payers if payer["kind"] == "PATIENT"]
    paid = billing.read(
        """query ($of: [ID!]) { analytics(filter: {from: "2000-01-01", to: "2100-01-01", payerId: $of}) { daysInAr { median } } }""",
        of=patients,
    )
    [together] = [row for row in _walked(billing, 500) if row["payer"] is None]
    assert together["medianDaysToPay"] == paid["analytics"]["daysInAr"]["median"] is not None


def test_equal_amounts_keep_their_places_from_page_to_page(billing: Client, equals: list[str]) -> None:
    values: dict[str, Any] = {"filter": {"payerId": equals}}
    walks = [[row["payer"]["id"] for row in _walked(billing, n, patientsSeparately=True, **values)] for n in (1, 2, 3)]
    assert walks[0] == walks[1] == walks[2]
    assert sorted(walks[0]) == sorted(equals)
    rows = _walked(billing, 1, **values)
    assert [(row["outstanding"], row["payer"] is None) for row in rows] == [
        ("1554.00", True),
        *[("777.00", False)] * 3,
    ]


def test_an_analyst_gets_the_pages_without_unapplied_money(billing: Client, sign_in: SignIn) -> None:
    analyst = sign_in(Role.ANALYST)
    rows = _walked(analyst, 2, _OF_ANALYST)
    assert _total(rows, "outstanding") == _total(_whole(billing), "outstanding")
    assert sum(row["payer"] is None for row in rows) == 1
    assert _by_id(_walked(analyst, 500, _OF_ANALYST, patientsSeparately=True)) == _by_id(_whole(analyst, _OF_ANALYST))
    assert analyst.refusals("{ agingByPayerPage { nodes { unappliedAmount } } }")


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY])
def test_who_sees_no_aging_has_no_pages_of_it(sign_in: SignIn, role: Role) -> None:
    assert sign_in(role).refusals("{ agingByPayerPage { totalCount } }")


def test_a_cursor_of_another_list_is_refused(billing: Client) -> None:
    cursor = billing.read("{ invoices(first: 1) { pageInfo { endCursor } } }")["invoices"]["pageInfo"]["endCursor"]
    for after in (cursor, "nonsense"):
        [message] = billing.refusals(f'{{ agingByPayerPage(after: "{after}") {{ nodes {{ outstanding }} }} }}')
        assert "after" in message
