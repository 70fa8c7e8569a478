"""The download of an export: its owner gets it whole or in part, until they may not see all of it any more; others get no byte."""

import asyncio
import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from db.global_ids import make_id
from domain.access.people import Role
from domain.access.signed_urls import signer_of
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.http.files.byte_ranges import UnsatisfiableError, part_of
from tests.storage.stores import Bucket, Folder, Place, s3_client, s3_server
from tests.support.api.url_bearers import bearer_with_session
from tests.support.databases import copied, rows
from tests.support.files.export_files import Bureau, bureau_over, changed, uuid_of

_WHOLE = None


@pytest.fixture(scope="module", params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("home")
    if request.param == "folder":
        yield Folder(home)
        return
    with s3_server() as endpoint:
        yield Bucket(home, endpoint, "some/files", s3_client(endpoint))


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    with copied(postgres_server, template_database) as copy:
        yield copy


@pytest.fixture(scope="module")
def bureau(address: DatabaseUrls, place: Place) -> Iterator[Bureau]:
    with bureau_over(address, place) as found:
        yield found


def is_refused(response: httpx.Response, status: int) -> bool:
    """Whether an answer is a refusal that shows nothing of the file."""
    [error] = response.json()["errors"]
    assert not {"Σ", "invoice", "PI-"} & set(error["message"].split())
    return response.status_code == status and set(error) == {"message", "extensions"}


def test_a_download_has_the_name_the_length_and_the_media_type_of_its_file(bureau: Bureau) -> None:
    for kind, content_type in (
        ("CSV", "text/csv; charset=utf-8"),
        ("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ):
        export = bureau.ready(Role.BILLING, format=kind)
        response = httpx.get(export["downloadUrl"])
        assert response.status_code == 200
        assert response.headers["content-type"] == content_type == export["contentType"]
        assert response.headers["content-disposition"].startswith(f'attachment; filename="{export["fileName"]}"')
        assert response.headers["content-length"] == str(export["byteSize"])
        assert response.headers["etag"] == f'"{hashlib.sha256(response.content).hexdigest()}"'
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        head = httpx.head(export["downloadUrl"])
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(export["byteSize"])
        assert httpx.get(export["downloadUrl"], headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_an_interrupted_download_is_resumed(bureau: Bureau) -> None:
    export = bureau.ready(Role.BILLING)
    url, size = export["downloadUrl"], export["byteSize"]
    whole = httpx.get(url).content
    first = httpx.get(url, headers={"Range": "bytes=0-999"})
    rest = httpx.get(url, headers={"Range": "bytes=1000-", "If-Range": first.headers["etag"]})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == whole
    assert rest.headers["content-range"] == f"bytes 1000-{size - 1}/{size}"
    assert httpx.get(url, headers={"Range": "bytes=-7"}).content == whole[-7:]
    other = httpx.get(url, headers={"Range": "bytes=1000-", "If-Range": '"of another file"'})
    assert (other.status_code, other.content) == (200, whole)
    beyond = httpx.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.content, beyond.headers["content-range"]) == (416, b"", f"bytes */{size}")


@pytest.mark.parametrize(
    ("range_header", "part"),
    [
        (None, _WHOLE),
        ("bytes=0-0", (0, 1)),
        ("bytes=5-", (5, 10)),
        ("bytes=5-99", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=5-4", _WHOLE),
        ("bytes=-", _WHOLE),
        ("bytes=0-1,3-4", _WHOLE),
        ("lines=0-1", _WHOLE),
        ("bytes=a-b", _WHOLE),
        ("bytes=" + "9" * 99 + "-", _WHOLE),
    ],
)
def test_a_range_is_one_part_or_the_whole(range_header: str | None, part: tuple[int, int] | None) -> None:
    assert part_of(range_header, 10) == part


@pytest.mark.parametrize("range_header", ["bytes=10-", "bytes=10-11", "bytes=-0"])
def test_an_unsatisfiable_range_is_refused(range_header: str) -> None:
    with pytest.raises(UnsatisfiableError):
        part_of(range_header, 10)


def test_a_changed_signed_url_is_refused(bureau: Bureau) -> None:
    url = bureau.ready(Role.BILLING)["downloadUrl"]
    other = bureau.ready(Role.BILLING)
    parts = httpx.URL(url).params
    for bad in (
        changed(url, signature=parts["signature"][:-1] + ("A" if parts["signature"][-1] != "A" else "B")),
        changed(url, token="B" + parts["token"][1:]),
        changed(url, token=""),
        url.partition("?")[0],
        url.replace(urlsplit(url).path, f"/exports/{other['id']}"),
        url.replace("/exports/", "/documents/"),
    ):
        assert is_refused(httpx.get(bad), 403), bad
    assert httpx.post(url).status_code == 405


def url_for(bureau: Bureau, export: Any, user_id: UUID, expires_at: datetime) -> str:
    """A signed URL of a file as the server would have made it for a user."""
    bearer = bearer_with_session(bureau.address, user_id, expires_at)
    made = signer_of(bureau.files.link_key, "exports", bearer)
    parts = {"token": made.token, "signature": made.signature(uuid_of(export["id"]))}
    return changed(export["downloadUrl"], **parts)


def expiry_of(url: str) -> int:
    """When a URL expires, in seconds since the epoch: the last eight bytes of its token."""
    token = httpx.URL(url).params["token"]
    return int.from_bytes(urlsafe_b64decode(token + "=" * (-len(token) % 4))[-8:])


def user_of(bureau: Bureau, role: Role) -> UUID:
    query = "select id from users where email = $1"
    return UUID(str(rows(bureau.address, query, f"{role.value}@demo.example")[0]["id"]))


def test_a_signed_url_is_valid_for_an_hour_and_for_its_owner(bureau: Bureau) -> None:
    export, now = bureau.ready(Role.BILLING), datetime.now(UTC)
    billing, admin = (user_of(bureau, role) for role in (Role.BILLING, Role.ADMIN))
    assert httpx.get(url_for(bureau, export, billing, now + timedelta(minutes=1))).status_code == 200
    assert is_refused(httpx.get(url_for(bureau, export, billing, now - timedelta(seconds=1))), 403)
    # Another user's valid URL does not open a file of theirs.
    assert is_refused(httpx.get(url_for(bureau, export, admin, now + timedelta(minutes=1))), 410)
    assert abs(expiry_of(export["downloadUrl"]) - (now + timedelta(hours=1)).timestamp()) < 30


_MINE = "(select attorney_id from users where id = $1)"
# An invoice in the attorney's file, and a payer that only one invoice in it names.
_SHOWN = f"(select id from invoices where attorney_id = {_MINE} and status = 'pending_invoice' order by id limit 1)"
LOSSES = {
    "case": f"update cases set attorney_id = null where id = (select case_id from invoices where id = {_SHOWN})",
    "invoice": f"update invoices set status = 'void', agreed_amount = null where id = {_SHOWN}",
    "payer": f"""update invoices set payer_id = (select p.id from payers p where p.id <> payer_id and p.retired_at is null limit 1)
        where attorney_id = {_MINE} and payer_id = (select payer_id from invoices where id = {_SHOWN})""",
    "table": "select 1 from users where id = $1; revoke select (first_name) on patients from clinic_attorney",
    "file": "update exports set status = 'failed' where requested_by = $1",
    "week": "update exports set expires_at = now() where requested_by = $1",
    "list": "update exports set record_count = null where requested_by = $1",
}
LOOK = (
    """query ($id: ID!) { export(id: $id) { status rowCount rowsWritten byteSize sha256 billedTotal downloadUrl } }"""
)
NOTHING = dict.fromkeys(("rowCount", "byteSize", "sha256", "billedTotal", "downloadUrl")) | {"rowsWritten": 0}


def lose(address: DatabaseUrls, statements: str, user: UUID) -> None:
    statement, _, more = statements.partition("; ")
    rows(address, statement, user)
    if more:
        rows(address, more)


@pytest.mark.parametrize("lost", LOSSES)
def test_an_owner_who_may_not_see_all_of_a_file_any_more_gets_no_byte(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path: Path, lost: str
) -> None:
    with copied(postgres_server, template_database) as address, bureau_over(address, Folder(tmp_path)) as bureau:
        export, user = bureau.ready(Role.ATTORNEY), user_of(bureau, Role.ATTORNEY)
        others = bureau.ready(Role.BILLING)
        assert httpx.get(export["downloadUrl"]).status_code == 200
        lose(address, LOSSES[lost], user)
        if lost != "table":
            # Nothing is said of the file even before somebody tries to download it.
            told = bureau.people[Role.ATTORNEY].read(LOOK, id=export["id"])["export"]
            assert {name: told[name] for name in NOTHING} == NOTHING
        for headers in ({}, {"Range": "bytes=0-1"}, {"If-None-Match": f'"{export["sha256"]}"'}):
            refused = httpx.get(export["downloadUrl"], headers=headers)
            assert is_refused(refused, 410)
            assert refused.json()["errors"][0]["message"].endswith("export again")
        told = bureau.people[Role.ATTORNEY].read(LOOK, id=export["id"])["export"]
        assert {name: told[name] for name in NOTHING} == NOTHING
        assert told["status"] == (
            "FAILED" if lost == "file" else "EXPIRED" if lost not in ("week", "list") else "READY"
        )
        assert httpx.get(others["downloadUrl"]).status_code == 200


def test_a_loss_that_ends_again_does_not_bring_a_file_back(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path: Path
) -> None:
    with copied(postgres_server, template_database) as address, bureau_over(address, Folder(tmp_path)) as bureau:
        export, user = bureau.ready(Role.ATTORNEY), user_of(bureau, Role.ATTORNEY)
        mine = rows(address, f"select id from cases where attorney_id = {_MINE}", user)
        changes = "update cases set attorney_id = $1 where id = any($2)"
        [person] = rows(address, f"select {_MINE} as id", user)
        rows(address, changes, None, [row["id"] for row in mine])
        assert is_refused(httpx.get(export["downloadUrl"]), 410)
        rows(address, changes, person["id"], [row["id"] for row in mine])
        assert is_refused(httpx.get(export["downloadUrl"]), 410)
        assert httpx.get(bureau.ready(Role.ATTORNEY)["downloadUrl"]).status_code == 200


def test_a_change_that_hides_nothing_leaves_a_file_as_it_is(bureau: Bureau) -> None:
    export = bureau.ready(Role.ATTORNEY, filter={"status": ["PENDING_INVOICE"]})
    user = user_of(bureau, Role.ATTORNEY)
    rows(
        bureau.address,
        f"update invoices set submitted_on = '2026-06-29', version = version + 1 where id = {_SHOWN}",
        user,
    )
    assert httpx.get(export["downloadUrl"]).status_code == 200


def test_the_file_of_billing_staff_outlives_a_void_that_they_still_see_but_not_one_for_quickbooks(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path: Path
) -> None:
    with copied(postgres_server, template_database) as address, bureau_over(address, Folder(tmp_path)) as bureau:
        kinds = ("exportInvoices", "exportAdjustments", "exportPayments", "exportQuickbooksInvoices")
        urls = {kind: bureau.ready(Role.BILLING, kind)["downloadUrl"] for kind in kinds}
        assert [httpx.get(url).status_code for url in urls.values()] == [200] * 4
        lose(address, LOSSES["invoice"], user_of(bureau, Role.ATTORNEY))
        assert [httpx.get(url).status_code for url in urls.values()] == [200, 200, 200, 410]


def test_a_file_that_the_store_has_lost_is_gone(bureau: Bureau) -> None:
    export = bureau.ready(Role.BILLING)
    [key] = [name for name in bureau.place.held() if str(uuid_of(export["id"])) in name]
    asyncio.run(bureau.files.store.drop(key))
    assert is_refused(httpx.get(export["downloadUrl"]), 410)
    told = bureau.people[Role.BILLING].read(LOOK, id=export["id"])["export"]
    assert told == {**NOTHING, "status": "EXPIRED"}


def test_an_additional_case_does_not_block_a_download(bureau: Bureau) -> None:
    export, user = bureau.ready(Role.ATTORNEY), user_of(bureau, Role.ATTORNEY)
    rows(
        bureau.address,
        """update cases set attorney_id = (select attorney_id from users where id = $1) where id =
        (select id from cases where attorney_id is null limit 1)""",
        user,
    )
    assert httpx.get(export["downloadUrl"]).status_code == 200


def test_no_url_of_the_object_store_is_shown(bureau: Bureau) -> None:
    export = bureau.ready(Role.ADMIN)
    assert export["downloadUrl"].startswith(bureau.url.removesuffix("graphql") + "exports/")
    [key] = [name for name in bureau.place.held() if str(uuid_of(export["id"])) in name]
    assert key not in export["downloadUrl"]
    assert make_id("Export", uuid_of(export["id"])) == export["id"]
