"""The download of an export: its owner gets it whole or in part, until they may not see all of it any more; others get no byte."""

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
from domain.access.signed_urls import Bearer, signer_of
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.http.byte_ranges import UnsatisfiableError, part_of
from tests.storage.stores import Bucket, Folder, Place, s3_client, s3_server
from tests.support.api.export_files import Bureau, bureau_over, changed, uuid_of
from tests.support.databases import copied, rows

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


def url_for(bureau: Bureau, export: Any, user_id: UUID, expires_at: datetime, clinic_id: UUID | None = None) -> str:
    """A signed URL of a file as the server would have made it for a user."""
    [row] = rows(bureau.address, "select clinic_id from exports where id = $1", uuid_of(export["id"]))
    made = signer_of(bureau.files.link_key, "exports", Bearer(clinic_id or row["clinic_id"], user_id, expires_at))
    parts = {"token": made.token, "signature": made.signature(uuid_of(export["id"]))}
    return changed(export["downloadUrl"], **parts)


def token_payload(url: str) -> bytes:
    """The payload of a URL's token, with its expiry at the end: of two URLs of one bearer, the later one is the greater."""
    token = httpx.URL(url).params["token"]
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def user_of(bureau: Bureau, role: Role) -> UUID:
    query = "select id from users where email = $1"
    return UUID(str(rows(bureau.address, query, f"{role.value}@demo.clinic")[0]["id"]))


def test_a_signed_url_is_valid_for_an_hour_and_for_its_owner(bureau: Bureau) -> None:
    export, now = bureau.ready(Role.BILLING), datetime.now(UTC)
    billing, admin = (user_of(bureau, role) for role in (Role.BILLING, Role.ADMIN))
    assert httpx.get(url_for(bureau, export, billing, now + timedelta(minutes=1))).status_code == 200
    assert is_refused(httpx.get(url_for(bureau, export, billing, now - timedelta(seconds=1))), 403)
    # Another user's valid URL does not open a file of theirs.
    assert is_refused(httpx.get(url_for(bureau, export, admin, now + timedelta(minutes=1))), 410)
    hour = [url_for(bureau, export, billing, now + timedelta(hours=1, seconds=late)) for late in (-30, 30)]
    earliest, made, latest = (token_payload(url) for url in (hour[0], export["downloadUrl"], hour[1]))
    assert earliest < made < latest


@pytest.mark.parametrize("lost", ["account", "role", "case", "file", "week"])
def test_an_owner_who_may_not_see_all_of_a_file_any_more_gets_no_byte(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path: Path, lost: str
) -> None:
    with copied(postgres_server, template_database) as address, bureau_over(address, Folder(tmp_path)) as bureau:
        export, user = bureau.ready(Role.ATTORNEY), user_of(bureau, Role.ATTORNEY)
        assert httpx.get(export["downloadUrl"]).status_code == 200
        if lost == "account":
            rows(address, "update users set active = false where id = $1", user)
        elif lost == "role":
            rows(address, "update users set role = 'billing', attorney_id = null where id = $1", user)
        elif lost == "case":
            rows(
                address,
                """update cases set attorney_id = null where id = (select case_id from invoices where attorney_id =
                (select attorney_id from users where id = $1) and status <> 'void' limit 1)""",
                user,
            )
        elif lost == "file":
            rows(address, "update exports set status = 'failed' where id = $1", uuid_of(export["id"]))
        else:
            rows(address, "update exports set expires_at = now() where id = $1", uuid_of(export["id"]))
        assert is_refused(httpx.get(export["downloadUrl"]), 403 if lost == "account" else 410)
        assert is_refused(
            httpx.get(export["downloadUrl"], headers={"Range": "bytes=0-1"}), 403 if lost == "account" else 410
        )


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
