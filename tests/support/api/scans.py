"""Uploads scans to a server with a file store, and makes signed URLs as the server does."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx

from db.global_ids import make_id, read_id
from domain.access.people import Role
from domain.access.signed_urls import Bearer, signer_of
from server.database_urls import DatabaseUrls
from server.stores import open_files
from storage.files import Files
from tests.storage.stores import Place
from tests.support.api.url_bearers import bearer_with_session
from tests.support.client import Client, serving
from tests.support.databases import CHEAP, PASSWORD, rows
from tests.support.logins import add_login

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
    """A server with its file store, and clients for billing staff and an administrator."""

    url: str
    address: DatabaseUrls
    place: Place
    files: Files
    anonymous: Client
    biller: Client
    admin: Client


def house_over(address: DatabaseUrls, place: Place) -> Iterator[House]:
    files = open_files(place.settings)
    with serving(address, files=files) as url, Client(url) as anonymous:
        biller, admin = (anonymous.signed_in(f"{name}@demo.example") for name in ("billing", "admin"))
        with biller, admin:
            yield House(url, address, place, files, anonymous, biller, admin)


def announced(body: bytes = PDF, name: str = "cheque.pdf", kind: str = "application/pdf") -> dict[str, Any]:
    return {"fileName": name, "contentType": kind, "byteSize": len(body)}


def created(client: Client, **values: Any) -> Any:
    payload = client.read(CREATE, input=announced() | values)["createUpload"]
    assert payload["errors"] == []
    return payload["upload"]


def sent(client: Client, body: bytes = PDF, **values: Any) -> str:
    """The id of a file that was announced and uploaded."""
    upload = created(client, byteSize=len(body), **values)
    assert httpx.put(upload["uploadUrl"], content=body).status_code == 201
    return str(upload["id"])


def document(house: House, upload_id: str) -> Any:
    found = read_id(upload_id)
    assert found
    return rows(house.address, "select * from documents where id = $1", found[1])[0]


def waiting(client: Client) -> Any:
    """An invoice that waits for a cheque."""
    return client.read(WAITING)["invoices"]["nodes"][0]


def cheque_for(invoice: Any, document_id: str, **values: Any) -> dict[str, Any]:
    part = {"invoiceId": invoice["id"], "amount": invoice["balance"]}
    days = {"chequeDate": "2026-06-01", "receivedOn": "2026-06-02"}
    facts = {"payerId": invoice["payer"]["id"], "number": uuid4().hex[:12], "amount": invoice["balance"]}
    return {**facts, **days, "documentId": document_id, "allocations": [part], **values}


def recorded(client: Client, document_id: str) -> Any:
    """A cheque that is recorded with a scan."""
    payload = client.read(RECORD, input=cheque_for(waiting(client), document_id))["recordCheque"]
    assert payload["errors"] == []
    return payload["cheque"]


def is_refused(response: httpx.Response, status: int) -> bool:
    """Whether an answer is a refusal with this status, and has only the reason."""
    (error,) = response.json()["errors"]
    assert response.headers["content-type"] == "application/json"
    assert set(error) == {"message", "extensions"}
    return response.status_code == status


def link(house: House, kind: str, record: UUID, bearer: Bearer) -> str:
    """A signed URL as the server makes it."""
    made = signer_of(house.files.link_key, kind, bearer)
    signed = urlencode({"token": made.token, "signature": made.signature(record)})
    return f"{house.url.removesuffix('/graphql')}/{kind}/{make_id('Upload', record)}?{signed}"


def in_chunks(body: bytes, size: int = 65_536) -> Iterator[bytes]:
    yield from (body[start : start + size] for start in range(0, len(body), size))


def other_user(house: House, clinic_id: UUID | None = None, role: str = "billing") -> Bearer:
    """A new user of the demo clinic or of another one, as the bearer of signed URLs."""
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
        "insert into users (clinic_id, id, email, name, role) values ($1, $2, $3, 'Other', $4)",
        clinic,
        user,
        f"{user}@example.com",
        role,
    )
    add_login(house.address, user, CHEAP.hash(PASSWORD))
    return bearer_with_session(house.address, user)


def demo_clinic(house: House) -> UUID:
    found: UUID = rows(house.address, "select clinic_id from users where email = 'billing@demo.example'")[0][
        "clinic_id"
    ]
    return found


def demo_user(house: House, role: Role, minutes: int = 5) -> Bearer:
    user = rows(house.address, "select id from users where email = $1", f"{role}@demo.example")[0]
    return bearer_with_session(house.address, user["id"], datetime.now(UTC) + timedelta(minutes=minutes))


def identity_of(global_id: str) -> UUID:
    found = read_id(global_id)
    assert found
    return found[1]


def negotiable(house: House) -> str:
    """The id of an invoice for which a reduction can be requested."""
    query = "select id from invoices where status = 'pending_invoice' and submitted_on is not null and billed_amount > 2 limit 1"
    return make_id("Invoice", rows(house.address, query)[0]["id"])
