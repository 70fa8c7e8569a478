"""Decides how tests send scans to a server with a store of files, and how they sign links as the server would."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx

from db.identity import make_id, read_id
from domain.links import Bearer, seal
from domain.people import Role
from server.addresses import Address
from server.files import Files, open_files
from tests.client import Client, serving
from tests.databases import CHEAP, PASSWORD, rows
from tests.server.stores import Place

PDF = b"%PDF-1.7\n" + b"a scan of a cheque " * 500
CREATE = """mutation ($input: CreateUploadInput!) {
    createUpload(input: $input) { upload { id uploadUrl expiresAt } errors { message path code } } }"""
WAITING = """{ invoices(filter: {status: [PENDING_CHEQUE]}, first: 20) { nodes { id balance payer { id } } } }"""
RECORD = """mutation ($input: RecordChequeInput!) {
    recordCheque(input: $input) { cheque { id documentUrl } errors { message path } } }"""
REQUEST = """mutation ($input: RequestReductionInput!) {
    requestReduction(input: $input) { invoice { status } errors { message path } } }"""


UNKNOWN = UUID("01900000-0000-7000-8000-000000000000")


@dataclass
class House:
    """A server with its store, and two people of the clinic's billing staff."""

    url: str
    address: Address
    place: Place
    files: Files
    nobody: Client
    biller: Client
    admin: Client


def house_over(address: Address, place: Place) -> Iterator[House]:
    files = open_files(place.settings)
    with serving(address, files=files) as url, Client(url) as nobody:
        biller, admin = (nobody.signed_in(f"{name}@demo.clinic") for name in ("billing", "admin"))
        with biller, admin:
            yield House(url, address, place, files, nobody, biller, admin)


def announced(body: bytes = PDF, name: str = "cheque.pdf", kind: str = "application/pdf") -> dict[str, Any]:
    return {"fileName": name, "contentType": kind, "byteSize": len(body)}


def created(client: Client, **said: Any) -> Any:
    payload = client.read(CREATE, input=announced() | said)["createUpload"]
    assert payload["errors"] == []
    return payload["upload"]


def sent(client: Client, body: bytes = PDF, **said: Any) -> str:
    """The id of a file that was announced and sent."""
    upload = created(client, byteSize=len(body), **said)
    assert httpx.put(upload["uploadUrl"], content=body).status_code == 201
    return str(upload["id"])


def document(house: House, upload_id: str) -> Any:
    found = read_id(upload_id)
    assert found
    return rows(house.address, "select * from documents where id = $1", found[1])[0]


def waiting(client: Client) -> Any:
    """An invoice that waits for a cheque."""
    return client.read(WAITING)["invoices"]["nodes"][0]


def cheque_for(invoice: Any, document_id: str, **said: Any) -> dict[str, Any]:
    part = {"invoiceId": invoice["id"], "amount": invoice["balance"]}
    days = {"chequeDate": "2026-06-01", "receivedOn": "2026-06-02"}
    facts = {"payerId": invoice["payer"]["id"], "number": uuid4().hex[:12], "amount": invoice["balance"]}
    return {**facts, **days, "documentId": document_id, "allocations": [part], **said}


def recorded(client: Client, document_id: str) -> Any:
    """A cheque that was recorded with a scan."""
    payload = client.read(RECORD, input=cheque_for(waiting(client), document_id))["recordCheque"]
    assert payload["errors"] == []
    return payload["cheque"]


def is_refused(response: httpx.Response, status: int) -> bool:
    """Whether an answer is a refusal, and says nothing but why."""
    (error,) = response.json()["errors"]
    assert response.headers["content-type"] == "application/json"
    assert set(error) == {"message", "extensions"}
    return response.status_code == status


def link(house: House, kind: str, record: UUID, bearer: Bearer) -> str:
    """A link that the server itself would have signed."""
    made = seal(house.files.link_key, kind, bearer)
    signed = urlencode({"token": made.token, "signature": made.signature(record)})
    return f"{house.url.removesuffix('/graphql')}/{kind}/{make_id('Upload', record)}?{signed}"


def in_chunks(body: bytes, size: int = 65_536) -> Iterator[bytes]:
    yield from (body[start : start + size] for start in range(0, len(body), size))


def other_user(house: House, clinic_id: UUID | None = None, role: str = "billing") -> Bearer:
    """A new user, of the demo clinic or of another one; their links."""
    clinic, user = clinic_id or demo_clinic(house), uuid4()
    if clinic_id:
        rows(
            house.address,
            "insert into clinics (clinic_id, short_name, name) values ($1, $2, 'Other')",
            clinic,
            f"c{user}",
        )
    rows(
        house.address,
        "insert into users (clinic_id, id, email, name, role, password_hash) values ($1, $2, $3, 'Other', $4, $5)",
        clinic,
        user,
        f"{user}@example.com",
        role,
        CHEAP.hash(PASSWORD),
    )
    return Bearer(clinic, user, datetime.now(UTC) + timedelta(minutes=5))


def demo_clinic(house: House) -> UUID:
    found: UUID = rows(house.address, "select clinic_id from users where email = 'billing@demo.clinic'")[0]["clinic_id"]
    return found


def demo_user(house: House, role: Role, minutes: int = 5) -> Bearer:
    user = rows(house.address, "select clinic_id, id from users where email = $1", f"{role}@demo.clinic")[0]
    return Bearer(user["clinic_id"], user["id"], datetime.now(UTC) + timedelta(minutes=minutes))


def identity_of(global_id: str) -> UUID:
    found = read_id(global_id)
    assert found
    return found[1]


def negotiable(house: House) -> str:
    """The id of an invoice for which a reduction can be asked."""
    query = "select id from invoices where status = 'pending_invoice' and submitted_on is not null and billed_amount > 2 limit 1"
    return make_id("Invoice", rows(house.address, query)[0]["id"])
