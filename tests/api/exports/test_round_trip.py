"""An export of one clinic can be imported by another one, whose export is the same file."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.api.billing.test_machine import breaches
from tests.storage.stores import Folder
from tests.support.client import Client
from tests.support.databases import PASSWORD, rows
from tests.support.files.export_files import EXPORT, Bureau, bureau_over
from tests.support.files.import_files import CONTENT_TYPES, imported_invoices
from tests.support.other_clinic import OTHER, add_other_clinic

SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"
ASK = f"mutation ($input: ExportInvoicesInput!) {{ exportInvoices(input: $input) {{ {EXPORT} }} }}"
NEXT = (
    "mutation ($input: CreateInvoiceInput!) { createInvoice(input: $input) { invoice { number } errors { message } } }"
)
# Invoices that are open and were never negotiated.
WANTED = {"status": ["PENDING_INVOICE", "PENDING_REDUCTION"], "denied": False}
# Every table of invoices, and none of patients and cases.
_EMPTIED = """message_invoices outbound_messages reminders holds internal_notes denials reduction_offers cheque_allocations cheques
    invoice_events invoice_lines invoice_states responsibilities agreements invoice_adjustments write_offs invoices
    invoice_counters""".split()
# A name that an export escapes, and that an import has to restore.
_ODD_NAME = """update patients set first_name = '=1+1', last_name = 'Doe' where id in (select patient_id from invoices
    where status = 'pending_invoice') and clinic_id = (select clinic_id from clinics where short_name = 'demo')"""


@pytest.fixture
def bureau(own_address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """Two clinics with the same people and cases, of which the second has no invoices."""
    rows(own_address, "update cases set status = 'open', settled_on = null, closed_on = null, closed_reason = null")
    rows(own_address, _ODD_NAME)
    with bureau_over(own_address, Folder(tmp_path_factory.mktemp("home"))) as found:
        rows(own_address, "delete from sign_in_attempts")
        asyncio.run(_empty(own_address, add_other_clinic(own_address)))
        yield found


async def _empty(address: DatabaseUrls, clinic: Any) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        await connection.execute("set session_replication_role = replica")
        for table in _EMPTIED:
            await connection.execute(f"delete from {table} where clinic_id = $1", clinic)
    finally:
        await connection.close()


@pytest.fixture
def elsewhere(bureau: Bureau) -> Iterator[Client]:
    """A client of the other clinic's billing staff."""
    sign_in_input = {"email": "billing@demo.example", "password": PASSWORD, "clinic": OTHER}
    with Client(bureau.url) as anonymous:
        token = anonymous.read(SIGN_IN, input=sign_in_input)["signIn"]["token"]
    with Client(bureau.url, token) as client:
        yield client


def exported(client: Client, form: str) -> bytes:
    export = client.read(ASK, input={"format": form, "filter": WANTED})["exportInvoices"]["export"]
    assert export["status"] == "READY"
    return httpx.get(export["downloadUrl"]).content


@pytest.mark.parametrize("form", sorted(CONTENT_TYPES))
def test_open_invoices_imported_into_an_empty_clinic_export_as_the_same_file(
    bureau: Bureau, elsewhere: Client, form: str
) -> None:
    mine, broken = bureau.people[Role.BILLING], breaches(bureau.address)
    body = exported(mine, form)
    report = imported_invoices(elsewhere, body, form)["report"]
    assert report["badCells"] == []
    assert report["written"]
    assert report["rows"] == report["added"] > 10
    # A workbook contains its creation time; its rows are those of the CSV file.
    assert exported(elsewhere, "CSV") == exported(mine, "CSV")
    again = imported_invoices(elsewhere, body, form)["report"]
    assert (again["added"], again["unchanged"], again["badRows"]) == (0, report["rows"], 0)
    # Open cases with paid invoices, as this test has made them, break laws of their own.
    assert breaches(bureau.address) <= broken
    [(number,)] = rows(
        bureau.address,
        """select max(number) from invoices where number like 'INV-' || extract(year from now()) || '-%'
        and clinic_id = (select clinic_id from clinics where short_name = $1)""",
        OTHER,
    )
    [(counted,)] = rows(
        bureau.address,
        """select max(last_number) from invoice_counters where year = extract(year from now())
        and clinic_id = (select clinic_id from clinics where short_name = $1)""",
        OTHER,
    )
    assert number is None or int(number.rpartition("-")[2]) == counted
