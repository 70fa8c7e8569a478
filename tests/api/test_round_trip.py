"""What one clinic takes away as a file, another one brings in, and takes away as the same file again."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest

from domain.people import Role
from server.addresses import Address
from tests.api.files import EXPORT, Bureau, bureau_over
from tests.api.test_machine import breaches
from tests.client import Client
from tests.databases import PASSWORD, rows
from tests.other_clinic import OTHER, add_other_clinic
from tests.server.stores import Folder

SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"
UPLOAD = "mutation ($input: CreateUploadInput!) { createUpload(input: $input) { upload { id uploadUrl } errors { message } } }"
IMPORT = """mutation ($input: ImportRecordsInput!) { importRecords(input: $input) {
    importReport { rows added unchanged badRows badCells { line column reason } isWritten } errors { message } } }"""
ASK = f"mutation ($input: ExportInvoicesInput!) {{ exportInvoices(input: $input) {{ {EXPORT} }} }}"
NEXT = (
    "mutation ($input: CreateInvoiceInput!) { createInvoice(input: $input) { invoice { number } errors { message } } }"
)
# Open, and never negotiated.
WANTED = {"status": ["PENDING_INVOICE", "PENDING_REDUCTION"], "denied": False}
KINDS = {"CSV": "text/csv", "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
# Whatever there is of invoices, and nothing of people and cases.
_EMPTIED = """message_invoices outbound_messages reminders holds internal_notes denials reduction_offers cheque_allocations cheques
    invoice_events invoice_lines invoice_states invoices invoice_counters""".split()
# A name that an export guards, and an import has to have again as it was.
_ODD_NAME = """update patients set first_name = '=1+1', last_name = 'Doe' where id in (select patient_id from invoices
    where status = 'pending_invoice') and clinic_id = (select clinic_id from clinics where short_name = 'demo')"""


@pytest.fixture
def bureau(own_address: Address, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """Two clinics of the same people and cases, of which the other one has no invoices."""
    rows(own_address, "update cases set status = 'open', settled_on = null")
    rows(own_address, _ODD_NAME)
    with bureau_over(own_address, Folder(tmp_path_factory.mktemp("home"))) as found:
        rows(own_address, "delete from sign_in_attempts")
        asyncio.run(_empty(own_address, add_other_clinic(own_address)))
        yield found


async def _empty(address: Address, clinic: Any) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        await connection.execute("set session_replication_role = replica")
        for table in _EMPTIED:
            await connection.execute(f"delete from {table} where clinic_id = $1", clinic)
    finally:
        await connection.close()


@pytest.fixture
def elsewhere(bureau: Bureau) -> Iterator[Client]:
    """Somebody of the other clinic's billing staff."""
    given = {"email": "billing@demo.clinic", "password": PASSWORD, "clinic": OTHER}
    with Client(bureau.url) as nobody:
        token = nobody.read(SIGN_IN, input=given)["signIn"]["token"]
    with Client(bureau.url, token) as client:
        yield client


def taken_away(client: Client, form: str) -> bytes:
    export = client.read(ASK, input={"format": form, "filter": WANTED})["exportInvoices"]["export"]
    assert export["status"] == "READY"
    return httpx.get(export["downloadUrl"]).content


def brought_in(client: Client, body: bytes, form: str) -> Any:
    said = {"fileName": f"invoices.{form.lower()}", "contentType": KINDS[form], "byteSize": len(body)}
    upload = client.read(UPLOAD, input=said)["createUpload"]["upload"]
    assert httpx.put(upload["uploadUrl"], content=body).status_code == 201
    return client.read(IMPORT, input={"kind": "INVOICES", "documentId": upload["id"]})["importRecords"]


@pytest.mark.parametrize("form", KINDS)
def test_open_invoices_move_to_an_empty_clinic_and_are_the_same_file_there(
    bureau: Bureau, elsewhere: Client, form: str
) -> None:
    mine, broken = bureau.people[Role.BILLING], breaches(bureau.address)
    body = taken_away(mine, form)
    report = brought_in(elsewhere, body, form)["importReport"]
    assert report["badCells"] == []
    assert report["isWritten"]
    assert report["rows"] == report["added"] > 10
    # A workbook says when it was made; its rows are those of the CSV.
    assert taken_away(elsewhere, "CSV") == taken_away(mine, "CSV")
    again = brought_in(elsewhere, body, form)["importReport"]
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
