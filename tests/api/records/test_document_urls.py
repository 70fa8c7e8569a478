"""Scans: one mutation uses a file, and only billing staff of its clinic download it by a signed URL."""

import asyncio
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from db.global_ids import make_id
from db.pools import Database
from domain.access.people import Role
from domain.documents.uploads import BEGINNINGS
from permissions.viewers import Viewer
from resolvers.commands.documents import find_kept
from server.database_urls import DatabaseUrls
from tests.storage.stores import Folder
from tests.support.api.scans import (
    PDF,
    RECORD,
    REQUEST,
    UNKNOWN,
    House,
    cheque_for,
    created,
    demo_clinic,
    demo_user,
    document,
    house_over,
    identity_of,
    is_refused,
    link,
    negotiable,
    other_user,
    recorded,
    sent,
    waiting,
)
from tests.support.databases import rows


@pytest.fixture(scope="module")
def house(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from house_over(address, Folder(tmp_path_factory.mktemp("home")))


# A mutation uses a file once.


def test_a_cheque_is_recorded_with_its_scan_and_the_scan_is_downloaded(house: House) -> None:
    body = BEGINNINGS["image/tiff"][1] + os.urandom(300_000)
    upload_id = sent(house.biller, body, fileName="cheque.tif", contentType="image/tiff")
    cheque = recorded(house.biller, upload_id)
    response = httpx.get(cheque["documentUrl"])
    assert (response.status_code, response.content) == (200, body)
    assert response.headers["content-type"] == "image/tiff"
    assert response.headers["content-length"] == str(len(body))
    assert response.headers["etag"] == f'"{hashlib.sha256(body).hexdigest()}"'
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-disposition"].startswith('attachment; filename="cheque.tif"')
    assert response.headers["cache-control"] == "no-store"


def test_other_staff_than_the_uploader_get_a_signed_url_of_their_own(house: House) -> None:
    cheque = recorded(house.biller, sent(house.biller))
    query = "query ($id: ID!) { node(id: $id) { ... on Cheque { documentUrl } } }"
    urls = [client.read(query, id=cheque["id"])["node"]["documentUrl"] for client in (house.biller, house.admin)]
    assert urls[0] != urls[1]
    assert [httpx.get(url).content for url in urls] == [PDF, PDF]


def test_a_page_of_cheques_has_a_signed_url_for_each_scan_and_none_for_imported_cheques(house: House) -> None:
    recorded(house.biller, sent(house.biller))
    query = "{ invoices(first: 200) { nodes { cheques { cheque { id documentUrl } } } } }"
    nodes = house.biller.read(query)["invoices"]["nodes"]
    urls = {part["cheque"]["id"]: part["cheque"]["documentUrl"] for node in nodes for part in node["cheques"]}
    scanned = rows(house.address, "select id from cheques where document_id is not null")
    assert {key for key, url in urls.items() if url} == {make_id("Cheque", row["id"]) for row in scanned} & set(urls)
    assert None in urls.values()
    assert {httpx.get(url).status_code for url in urls.values() if url} == {200}


@pytest.mark.parametrize("role_name", ["used", "another user's", "not sent", "unknown", "no document"])
def test_a_cheque_takes_only_an_own_uploaded_and_unused_file(house: House, role_name: str) -> None:
    used = sent(house.biller)
    recorded(house.biller, used)
    named = {
        "used": used,
        "another user's": sent(house.admin),
        "not sent": created(house.biller)["id"],
        "unknown": make_id("Upload", UNKNOWN),
        "no document": waiting(house.biller)["id"],
    }
    invoice, before = waiting(house.biller), rows(house.address, "select count(*) from cheques")
    payload = house.biller.read(RECORD, input=cheque_for(invoice, named[role_name]))["recordCheque"]
    assert (payload["cheque"], [error["path"] for error in payload["errors"]]) == (None, [["input", "documentId"]])
    assert payload["errors"][0]["message"] == "There is no such uploaded document, or it has already been used"
    assert rows(house.address, "select count(*) from cheques") == before


def test_a_refused_cheque_uses_up_no_file(house: House) -> None:
    upload_id, invoice = sent(house.biller), waiting(house.biller)
    refused = house.biller.read(RECORD, input=cheque_for(invoice, upload_id, amount="0.01"))["recordCheque"]
    assert refused["errors"]
    assert document(house, upload_id)["consumed_at"] is None
    assert recorded(house.biller, upload_id)


def test_a_reduction_takes_its_document_once_and_only_from_its_uploader(house: House) -> None:
    agreement, foreign = sent(house.biller), sent(house.admin)
    for document_id, is_good in ((foreign, False), (agreement, True), (agreement, False)):
        inputs = {"invoiceId": negotiable(house), "amount": "1.00", "documentId": document_id}
        payload = house.biller.read(REQUEST, input=inputs)["requestReduction"]
        assert [error["path"] for error in payload["errors"]] == ([] if is_good else [["input", "documentId"]])
        assert (payload["invoice"] is not None) == is_good
    offer = rows(house.address, "select document_id from reduction_offers where document_id is not null")
    assert [row["document_id"] for row in offer] == [identity_of(agreement)]


# Downloads.


def test_a_scan_is_sent_only_to_staff_of_its_clinic_and_all_others_get_one_answer(house: House) -> None:
    record = identity_of(sent(house.biller))
    own = demo_user(house, Role.BILLING)
    good = link(house, "documents", record, own)
    addresses = {
        "of another clinic": link(house, "documents", record, other_user(house, uuid4())),
        "of no user": link(house, "documents", record, replace(own, user_id=uuid4())),
        "for another purpose": link(house, "uploads", record, own).replace("/uploads/", "/documents/"),
        "of nothing": link(house, "documents", UNKNOWN, own),
        "of what was not sent": link(house, "documents", identity_of(created(house.biller)["id"]), own),
        "expired": link(house, "documents", record, demo_user(house, Role.BILLING, minutes=-1)),
        "unsigned": good.partition("?")[0],
        "of another record": good.replace(make_id("Upload", record), sent(house.biller)),
        **{
            f"of the {role}": link(house, "documents", record, demo_user(house, role))
            for role in (Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST)
        },
    }
    answers = {name: httpx.get(address) for name, address in addresses.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(addresses, 403)
    assert len({answer.content for answer in answers.values()}) == 1
    assert httpx.get(good).content == PDF


@pytest.mark.parametrize(
    "change",
    ["update users set active = false where id = $1", "update users set role = 'analyst' where id = $1"],
    ids=["deactivated", "of another role now"],
)
def test_a_signed_url_ends_with_the_account_or_the_role_of_its_user(house: House, change: str) -> None:
    bearer, upload_id = other_user(house), sent(house.biller)
    address = link(house, "documents", identity_of(upload_id), bearer)
    # Until a mutation uses it, a scan is visible to its uploader only.
    assert is_refused(httpx.get(address), 403)
    recorded(house.biller, upload_id)
    assert httpx.get(address).status_code == 200
    rows(house.address, change, bearer.user_id)
    assert is_refused(httpx.get(address), 403)


def entered_as(house: House, role: Role, clinic_id: UUID) -> Viewer:
    return Viewer(clinic_id, uuid4(), uuid4(), role, uuid4(), "", "", "", "", "UTC")


def test_the_database_alone_hides_documents_from_other_clinics_and_from_other_roles(house: House) -> None:
    upload_id, clinic_id = sent(house.biller), demo_clinic(house)
    record, sender = identity_of(upload_id), demo_user(house, Role.BILLING).user_id

    async def found(viewer: Viewer) -> bool:
        async with Database(house.address.login) as database, database.entered(viewer) as connection:
            return await find_kept(connection, clinic_id, record) is not None

    assert asyncio.run(found(replace(entered_as(house, Role.BILLING, clinic_id), user_id=sender)))
    assert not asyncio.run(found(entered_as(house, Role.BILLING, clinic_id)))
    recorded(house.biller, upload_id)
    assert asyncio.run(found(entered_as(house, Role.BILLING, clinic_id)))
    assert not asyncio.run(found(entered_as(house, Role.BILLING, uuid4())))
    for role in (Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(found(entered_as(house, role, clinic_id)))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_a_scan_is_downloaded_by_get_only(house: House, method: str) -> None:
    response = httpx.request(method, link(house, "documents", UNKNOWN, demo_user(house, Role.BILLING)))
    assert is_refused(response, 405)


def test_a_client_with_a_cached_scan_is_not_sent_it_again(house: House) -> None:
    address = link(house, "documents", identity_of(sent(house.biller)), demo_user(house, Role.BILLING))
    tag = httpx.get(address).headers["etag"]
    again = httpx.get(address, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    head = httpx.head(address)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PDF)))


def test_a_scan_is_sandboxed_in_a_browser(house: House) -> None:
    address = link(house, "documents", identity_of(sent(house.biller)), demo_user(house, Role.BILLING))
    assert httpx.get(address).headers["content-security-policy"] == "sandbox; default-src 'none'"


NAMES = [
    'a "quoted" name.pdf',
    "Scheck №5 \u2013 Müller (Straße).pdf",
    "line\r\nSet-Cookie: stolen=1\r\n\r\n<script>.pdf",
    "小切手.pdf",
    "back\\slash;name=x.pdf",
    "../../etc/passwd",
    "=cmd|' /C calc'!A0.pdf",
    "%22%0d%0a.pdf",
    "\u202egpj.exe",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_name_is_escaped_in_the_header_and_decoded_unchanged(house: House, name: str) -> None:
    address = link(house, "documents", identity_of(sent(house.biller, fileName=name)), demo_user(house, Role.BILLING))
    response = httpx.get(address)
    assert response.content == PDF
    assert "set-cookie" not in response.headers
    disposition = response.headers["content-disposition"]
    assert disposition.isascii()
    shape = re.fullmatch(r"attachment; filename=\"[A-Za-z0-9 ._-]*\"; filename\*=UTF-8''[A-Za-z0-9%._~-]*", disposition)
    assert shape, disposition
    message = Message()
    message["content-disposition"] = disposition.replace(re.search(r'filename="[^"]*"; ', disposition)[0], "")  # type: ignore[index]
    assert message.get_filename() == name


def test_no_file_name_becomes_a_path_in_the_store(house: House) -> None:
    row = document(house, sent(house.biller, fileName="../../etc/passwd"))
    assert re.fullmatch(rf"documents/{row['clinic_id']}/{row['id']}/[0-9a-f]{{32}}", row["blob_key"])
