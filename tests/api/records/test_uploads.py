"""Uploads: a scan is sent to a signed URL and stored whole and as the announced type, or not at all."""

import hashlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from domain.documents.uploads import BEGINNINGS, LARGEST_BYTES
from server.database_urls import DatabaseUrls
from tests.storage.stores import Folder
from tests.support.api.scans import (
    CREATE,
    PDF,
    UNKNOWN,
    House,
    announced,
    created,
    demo_user,
    document,
    house_over,
    identity_of,
    in_chunks,
    is_refused,
    link,
    other_user,
    sent,
)
from tests.support.databases import rows


@pytest.fixture(scope="module")
def house(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    yield from house_over(address, Folder(tmp_path_factory.mktemp("home")))


# Sending a file.


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_file_of_each_kind_is_stored_unchanged_with_its_sha256(house: House, kind: str) -> None:
    body = BEGINNINGS[kind][0] + os.urandom(100_000)
    row = document(house, sent(house.biller, body, contentType=kind))
    assert house.place.held()[row["blob_key"]] == body
    assert row["sha256"] == hashlib.sha256(body).digest()


def test_the_upload_url_is_the_server_s_own_and_expires_within_fifteen_minutes(house: House) -> None:
    upload = created(house.biller)
    assert upload["uploadUrl"].startswith(house.url.replace("graphql", "uploads") + "/" + upload["id"] + "?")
    left = datetime.fromisoformat(upload["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"byteSize": LARGEST_BYTES + 1}, "byteSize"),
        ({"byteSize": 0}, "byteSize"),
        ({"contentType": "text/html"}, "contentType"),
        ({"fileName": ""}, "fileName"),
        ({"fileName": "a\x00b"}, "fileName"),
    ],
)
def test_an_invalid_file_is_refused_when_it_is_announced(house: House, changes: dict[str, Any], field: str) -> None:
    before = rows(house.address, "select count(*) from documents")
    payload = house.biller.read(CREATE, input=announced() | changes)["createUpload"]
    assert (payload["upload"], payload["errors"][0]["path"]) == (None, ["input", field])
    assert rows(house.address, "select count(*) from documents") == before


def test_a_repeated_idempotency_key_is_one_upload(house: House) -> None:
    first, again = (created(house.biller, idempotencyKey="scan-1") for _ in range(2))
    assert (first["id"], first["expiresAt"]) == (again["id"], again["expiresAt"])
    assert httpx.put(again["uploadUrl"], content=PDF).status_code == 201


WRONG_BODIES: list[tuple[Any, int]] = [
    (PDF + b"x", 400),
    (PDF[:-1], 400),
    (b"", 400),
    (b"<!DOCTYPE html>" + PDF[15:], 415),
    (b"\x89PNG\r\n\x1a\n" + PDF[8:], 415),
]


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
@pytest.mark.parametrize(("body", "status"), WRONG_BODIES)
def test_a_body_of_another_length_or_kind_than_announced_is_refused_and_nothing_is_stored(
    house: House, body: bytes, status: int, chunked: bool
) -> None:
    upload, before = created(house.biller), house.place.held()
    response = httpx.put(upload["uploadUrl"], content=in_chunks(body, 7) if chunked else body)
    assert is_refused(response, status)
    assert (house.place.held(), document(house, upload["id"])["stored_at"]) == (before, None)
    assert httpx.put(upload["uploadUrl"], content=PDF).status_code == 201


def test_an_endless_body_is_refused_as_soon_as_it_is_longer_than_announced(house: House) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(2_000):
            yield PDF[:9] + bytes(65_527)

    upload = created(house.biller)
    # A client cannot always send what the server does not read any more.
    with suppress(httpx.TransportError):
        assert is_refused(httpx.put(upload["uploadUrl"], content=endless()), 400)
    assert document(house, upload["id"])["stored_at"] is None
    assert list((house.files.incoming).iterdir()) == []


def test_no_part_of_an_interrupted_body_is_stored(house: House) -> None:
    upload, before = created(house.biller, byteSize=5_000_000), house.place.held()
    parts = urlsplit(upload["uploadUrl"])
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 5000000\r\n\r\n"
        connection.sendall(head.encode() + PDF + bytes(2_000_000))
    # The server has seen the end of the connection when it answers a later request.
    house.biller.read("{ viewer { id } }")
    time.sleep(0.2)
    assert (house.place.held(), document(house, upload["id"])["stored_at"]) == (before, None)
    body = PDF + bytes(5_000_000 - len(PDF))
    assert httpx.put(upload["uploadUrl"], content=body).status_code == 201


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "PATCH", "OPTIONS"])
def test_an_upload_url_takes_a_file_by_put_only(house: House, method: str) -> None:
    upload = created(house.biller)
    response = httpx.request(method, upload["uploadUrl"], content=PDF if method in ("POST", "PATCH") else None)
    assert (response.status_code, response.headers["allow"]) == (405, "PUT")
    unknown = httpx.request(method, house.url.replace("graphql", "uploads/unknown"))
    assert (unknown.status_code, unknown.content) == (405, response.content)


def test_a_file_is_sent_once(house: House) -> None:
    upload = created(house.biller)
    assert httpx.put(upload["uploadUrl"], content=PDF).status_code == 201
    before = house.place.held()
    assert is_refused(httpx.put(upload["uploadUrl"], content=PDF), 403)
    assert house.place.held() == before


def test_of_concurrent_uploads_of_one_file_one_succeeds_and_the_others_leave_nothing(house: House) -> None:
    upload, before = created(house.biller), house.place.held()
    with ThreadPoolExecutor(8) as pool:
        statuses = [
            response.status_code
            for response in pool.map(lambda _: httpx.put(upload["uploadUrl"], content=PDF), range(8))
        ]
    assert sorted(statuses) == [201, *[403] * 7]
    key = document(house, upload["id"])["blob_key"]
    assert house.place.held() == before | {key: PDF}


# Only the exact signed URL works.


def test_another_user_s_an_unknown_an_expired_and_a_changed_url_get_one_answer(house: House) -> None:
    upload = created(house.biller)
    record, own = identity_of(upload["id"]), demo_user(house, Role.BILLING)
    addresses = {
        "of another user of the clinic": link(house, "uploads", record, demo_user(house, Role.ADMIN)),
        "of another clinic": link(house, "uploads", record, other_user(house, uuid4())),
        "of an attorney": link(house, "uploads", record, demo_user(house, Role.ATTORNEY)),
        "of no user": link(house, "uploads", record, replace(own, user_id=uuid4())),
        "for another purpose": link(house, "documents", record, own).replace("/documents/", "/uploads/"),
        "of nothing": link(house, "uploads", UNKNOWN, own),
        "expired": link(house, "uploads", record, demo_user(house, Role.BILLING, minutes=-1)),
        "unsigned": upload["uploadUrl"].partition("?")[0],
        "of another record": upload["uploadUrl"].replace(upload["id"], created(house.biller)["id"]),
        "of no record": upload["uploadUrl"].replace(upload["id"], "x"),
        "of another type": upload["uploadUrl"].replace(upload["id"], make_id("Cheque", record)),
    }
    answers = {name: httpx.put(address, content=PDF) for name, address in addresses.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(addresses, 403)
    assert len({answer.content for answer in answers.values()}) == 1
    assert document(house, upload["id"])["stored_at"] is None
    assert httpx.put(link(house, "uploads", record, own), content=PDF).status_code == 201


def test_an_upload_that_has_expired_in_the_database_is_refused(house: House) -> None:
    upload = created(house.biller)
    record = identity_of(upload["id"])
    rows(house.address, "update documents set expires_at = now() - interval '1 second' where id = $1", record)
    assert is_refused(httpx.put(upload["uploadUrl"], content=PDF), 403)


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_only_billing_staff_can_announce_a_file(house: House, role: Role | None) -> None:
    client = house.anonymous.signed_in(f"{role}@demo.example") if role else house.anonymous
    before = rows(house.address, "select count(*) from documents")
    assert client.refusals(CREATE, input=announced())
    assert rows(house.address, "select count(*) from documents") == before


# The memory that a large file takes.


def memory(name: str) -> int:
    """Bytes that this process, in which the server runs, has (VmRSS) or has had at most (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def highest_during(work: Callable[[], object]) -> int:
    """The bytes of memory that some work takes at most beyond those already in use."""
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    work()
    return memory("VmHWM") - before


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux reports the peak use of memory")
def test_a_file_of_20_mib_is_streamed_in_and_out_and_never_whole_in_memory(house: House) -> None:
    part = PDF + os.urandom(65_536 - len(PDF))
    digest = hashlib.sha256()

    def twenty_mib() -> Iterator[bytes]:
        for _ in range(LARGEST_BYTES // len(part)):
            digest.update(part)
            yield part

    def send(url: str) -> None:
        assert httpx.put(url, content=twenty_mib(), timeout=60).status_code == 201

    def fetch(url: str) -> None:
        got = hashlib.sha256()
        with httpx.stream("GET", url) as response:
            for chunk in response.iter_raw():
                got.update(chunk)
        assert got.digest() == document(house, upload["id"])["sha256"]

    # The first file also allocates what stays, such as buffers and code.
    send(created(house.biller, byteSize=LARGEST_BYTES)["uploadUrl"])
    digest = hashlib.sha256()
    upload = created(house.biller, byteSize=LARGEST_BYTES)
    address = link(house, "documents", identity_of(upload["id"]), demo_user(house, Role.BILLING))
    taken = [highest_during(lambda: send(upload["uploadUrl"])), highest_during(lambda: fetch(address))]
    assert document(house, upload["id"])["sha256"] == digest.digest()
    assert max(taken) < 15 * 1024 * 1024, taken
