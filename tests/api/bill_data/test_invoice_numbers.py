"""A clinic chooses what its invoice numbers begin with and the first of them, as long as no invoice has a number."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from db.global_ids import make_id
from db.verify import verify
from server.database_urls import DatabaseUrls
from tests.support.api.mutations import LINE, NEW, done, refused
from tests.support.client import Client, serving
from tests.support.databases import rows

YEAR = datetime.now(UTC).year
NUMBERING = "clinic { invoiceNumberPrefix firstInvoiceNumber }"
CHOSEN = {"invoiceNumberPrefix": "NW", "firstInvoiceNumber": 5001}


@pytest.fixture
def users(own_address: DatabaseUrls) -> Iterator[tuple[Client, Client]]:
    """An administrator and a biller of a clinic whose invoices are not numbered by the server: as if all were imported."""
    rows(
        own_address,
        "delete from invoice_counters where clinic_id = (select clinic_id from clinics where short_name = 'demo')",
    )
    rows(own_address, "update invoices set number = 'OLD' || substr(number, 4)")
    with ExitStack() as stack:
        anonymous = stack.enter_context(Client(stack.enter_context(serving(own_address))))
        names = ("admin@demo.example", "billing@demo.example")
        admin, biller = (stack.enter_context(anonymous.signed_in(name)) for name in names)
        yield admin, biller


def draft(address: DatabaseUrls, place: int = 0) -> dict[str, Any]:
    """The input of an invoice in one of the open cases."""
    [case] = rows(address, "select id from cases where status = 'open' order by id offset $1 limit 1", place)
    [payer] = rows(address, "select id from payers where kind = 'insurance' order by id limit 1")
    ids = {"caseId": make_id("Case", case["id"]), "payerId": make_id("Payer", payer["id"])}
    return {**ids, "serviceDate": "2026-03-02", "lines": [LINE], "confirmDuplicate": True}


async def test_numbers_begin_as_the_clinic_chose_and_neither_changes_afterwards(
    own_address: DatabaseUrls, users: tuple[Client, Client]
) -> None:
    admin, biller = users
    assert admin.read(f"{{ {NUMBERING} }}")["clinic"] == {"invoiceNumberPrefix": "INV", "firstInvoiceNumber": 1}
    assert done(admin, "updateClinic", NUMBERING, **CHOSEN) == CHOSEN
    made = [done(biller, "createInvoice", NEW, **draft(own_address, place))["number"] for place in range(2)]
    assert made == [f"NW-{YEAR}-005001", f"NW-{YEAR}-005002"]
    for field, value in {"invoiceNumberPrefix": "INV", "firstInvoiceNumber": 1}.items():
        error = refused(admin, "updateClinic", NUMBERING, **{field: value})
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", field])
    assert admin.read(f"{{ {NUMBERING} }}")["clinic"] == CHOSEN
    connection = await asyncpg.connect(own_address.owner)
    assert (await verify(connection)).breaches == ()
    await connection.close()


@pytest.mark.parametrize("prefix", [None, "", "ABCDE", "nw", "N1", "Ñ", "N-", " N"])
def test_a_prefix_that_is_not_one_to_four_capital_letters_is_refused(admin: Client, prefix: str | None) -> None:
    assert refused(admin, "updateClinic", NUMBERING, invoiceNumberPrefix=prefix)["code"] == "INVALID_INPUT"


@pytest.mark.parametrize("number", [None, 0, -1, 1_000_000])
def test_a_first_number_of_other_than_one_to_six_digits_is_refused(admin: Client, number: int | None) -> None:
    assert refused(admin, "updateClinic", NUMBERING, firstInvoiceNumber=number)["code"] == "INVALID_INPUT"
