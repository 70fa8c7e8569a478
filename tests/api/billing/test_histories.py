"""The history of an invoice is for people: it has names where the database has ids, whatever release has written the row."""

import re
from typing import Any

import pytest

from tests.support.api.mutations import done
from tests.support.api.records import uuid_of
from tests.support.api.scenarios import TODAY, Clinic
from tests.support.databases import rows

UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAMES = ("Lakeside Mutual", "Late Settlers LLP")


@pytest.fixture
def payers(clinic: Clinic) -> list[str]:
    """The ids of two payers."""
    return [done(clinic.billing, "createPayer", "payer { id }", name=name, kind="INSURANCE")["id"] for name in _NAMES]


def last(clinic: Clinic, invoice: str) -> dict[str, Any]:
    """The changes of the last event: field → values before and after."""
    event = clinic.look(invoice)["history"][-1]
    return {change["field"]: (change["before"], change["after"]) for change in event["changes"]}


def test_a_change_of_the_payer_shows_names_and_the_row_keeps_the_ids(clinic: Clinic, payers: list[str]) -> None:
    first, second = payers
    invoice = clinic.invoice("100.00")
    clinic.step("changePayer", invoice, payerId=first, reason="The adjuster moved it")
    clinic.step("changePayer", invoice, payerId=second, reason="And again")
    assert last(clinic, invoice)["payer"] == _NAMES
    stored = rows(
        clinic.address,
        "select changes::text as changes from invoice_events where invoice_id = $1 order by seq desc limit 1",
        uuid_of(invoice),
    )
    assert str(uuid_of(first)) in stored[0]["changes"]


def test_a_transfer_shows_the_names_of_both_payers_as_they_are_called_now(clinic: Clinic, payers: list[str]) -> None:
    first, second = payers
    invoice = clinic.submitted("100.00")
    for payer in (first, second):
        values: dict[str, Any] = {"payerId": payer, "reason": "OTHER", "note": "Its payer", "keepAgreement": False}
        clinic.step("transferBalance", invoice, **values)
        clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="MAIL")
    event = next(one for one in reversed(clinic.look(invoice)["history"]) if one["transition"] == "transfer_balance")
    assert {"field": "payer", "before": _NAMES[0], "after": _NAMES[1]} in event["changes"]
    done(clinic.billing, "updatePayer", "payer { id }", payerId=first, name="Lakeside Renamed")
    event = next(one for one in reversed(clinic.look(invoice)["history"]) if one["transition"] == "transfer_balance")
    assert {"field": "payer", "before": "Lakeside Renamed", "after": _NAMES[1]} in event["changes"]


def test_no_history_of_the_clinic_shows_a_database_id(clinic: Clinic, payers: list[str]) -> None:
    invoice = clinic.submitted("100.00")
    values: dict[str, Any] = {"payerId": payers[0], "reason": "OTHER", "note": "Its payer", "keepAgreement": False}
    clinic.step("transferBalance", invoice, **values)
    query = """query ($after: String) { invoices(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
        nodes { history { transition changes { field before after } } encounter { history { changes { field before after } } }
            case { history { changes { field before after } } coverages { history { changes { field before after } } } } } } }"""
    after, seen = None, 0
    while True:
        page = clinic.billing.read(query, after=after)["invoices"]
        seen += len(page["nodes"])
        assert UUID.findall(str(page["nodes"])) == []
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"] or seen >= 1_000:
            break
    assert seen > 100
