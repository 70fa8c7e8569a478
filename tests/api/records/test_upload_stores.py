"""File stores: unused uploads are deleted, and an S3 object store serves like a folder."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from db.pools import Database
from resolvers.commands.documents import drop_stale_uploads
from server.database_urls import DatabaseUrls
from tests.storage.stores import Bucket, Folder, s3_client, s3_server
from tests.support.api.scans import (
    PDF,
    RECORD,
    REQUEST,
    WAITING,
    House,
    cheque_for,
    created,
    document,
    house_over,
    identity_of,
    in_chunks,
    is_refused,
    negotiable,
    recorded,
    sent,
    waiting,
)
from tests.support.databases import rows


@pytest.fixture
def own_house(own_address: DatabaseUrls, tmp_path: Path) -> Iterator[House]:
    yield from house_over(own_address, Folder(tmp_path))


# Unused uploads are deleted.


def drop_stale(house: House, moment: datetime) -> int:
    async def run() -> int:
        async with Database(house.address.login) as database:
            return await drop_stale_uploads(database, lambda: moment, house.files.store.drop_folder)

    return asyncio.run(run())


def test_files_unused_for_a_day_are_deleted_and_all_others_stay(own_house: House) -> None:
    house = own_house
    named, agreement, unnamed, never_sent = (
        sent(house.biller),
        sent(house.biller),
        sent(house.biller),
        created(house.biller)["id"],
    )
    recorded(house.biller, named)
    house.biller.read(REQUEST, input={"invoiceId": negotiable(house), "amount": "1.00", "documentId": agreement})
    now, every = datetime.now(UTC), house.place.held()
    assert (drop_stale(house, now + timedelta(hours=23)), house.place.held()) == (0, every)
    assert drop_stale(house, now + timedelta(hours=25)) == 2
    left = {document(house, kept)["blob_key"]: PDF for kept in (named, agreement)}
    assert house.place.held() == left
    gone = [identity_of(unnamed), identity_of(never_sent)]
    assert rows(house.address, "select id from documents where id = any($1)", gone) == []
    assert drop_stale(house, now + timedelta(hours=25)) == 0
    payload = house.biller.read(RECORD, input=cheque_for(waiting(house.biller), unnamed))["recordCheque"]
    assert [error["path"] for error in payload["errors"]] == [["input", "documentId"]]


def test_a_file_whose_store_is_down_cannot_be_used_and_is_deleted_when_the_store_is_back(own_house: House) -> None:
    house, later = own_house, datetime.now(UTC) + timedelta(hours=25)
    unnamed = sent(house.biller)

    async def broken(folder: str) -> None:
        raise OSError(folder)

    async def run() -> None:
        async with Database(house.address.login) as database:
            await drop_stale_uploads(database, lambda: later, broken)

    with pytest.raises(OSError, match="documents"):
        asyncio.run(run())
    payload = house.biller.read(RECORD, input=cheque_for(waiting(house.biller), unnamed))["recordCheque"]
    assert payload["errors"]
    assert (drop_stale(house, later), house.place.held()) == (1, {})


# The same with an S3 object store.


@pytest.fixture
def s3_house(own_address: DatabaseUrls, tmp_path: Path) -> Iterator[House]:
    with s3_server() as endpoint:
        yield from house_over(own_address, Bucket(tmp_path, endpoint, f"clinic/{uuid4().hex}", s3_client(endpoint)))


def test_with_s3_a_scan_is_uploaded_and_downloaded_and_no_answer_names_the_store(s3_house: House) -> None:
    house, body = s3_house, PDF + os.urandom(11_000_000)
    upload = created(house.biller, byteSize=len(body))
    taken = httpx.put(upload["uploadUrl"], content=body)
    assert taken.status_code == 201
    cheque = recorded(house.biller, upload["id"])
    fetched = httpx.get(cheque["documentUrl"])
    assert (fetched.status_code, fetched.content) == (200, body)
    assert list(house.place.held().values()) == [body]
    answers = repr([upload, cheque, taken.text, taken.headers, fetched.headers])
    place = house.place
    assert isinstance(place, Bucket)
    for secret in (urlsplit(place.endpoint).netloc, "clinic-files", place.prefix, "s3://"):
        assert secret not in answers


def test_with_s3_a_refused_or_interrupted_upload_leaves_neither_object_nor_parts(s3_house: House) -> None:
    body = PDF + bytes(11_000_000)
    for wrong in (body[:-1], b"x" + body[1:]):
        upload = created(s3_house.biller, byteSize=len(body))
        assert httpx.put(upload["uploadUrl"], content=in_chunks(wrong)).status_code in (400, 415)
    assert s3_house.place.held() == {}


def test_while_the_store_is_down_files_get_503_and_all_else_is_served(
    own_address: DatabaseUrls, tmp_path: Path
) -> None:
    with s3_server() as endpoint:
        gone = Bucket(tmp_path, endpoint, "p", None)
    for house in house_over(own_address, gone):
        upload = created(house.biller)
        response = httpx.put(upload["uploadUrl"], content=PDF, timeout=30)
        assert is_refused(response, 503)
        assert response.headers["retry-after"]
        assert "127.0.0.1" not in response.text
        assert document(house, upload["id"])["stored_at"] is None
        assert house.biller.read(WAITING)
