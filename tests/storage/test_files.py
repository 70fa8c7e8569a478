"""All processes of one home folder sign URLs with one private key; the base URL of signed URLs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from domain.access.secret_keys import SecretKeys
from server.http.requests import base_url
from server.settings import read_settings
from server.stores import open_files
from storage.files import Files

OWN = "a key that an operator has chosen by chance"


def opened(home: Path, **variables: str) -> Files:
    return open_files(read_settings({"BILLING_HOME": str(home), **variables}))


def test_a_key_is_generated_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    assert first.link_key == second.link_key
    assert len(bytes.fromhex(first.keys.current.decode())) == 32
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_another_home_folder_has_another_key(tmp_path: Path) -> None:
    assert opened(tmp_path / "a").link_key != opened(tmp_path / "b").link_key


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = {files.link_key for files in pool.map(lambda _: opened(tmp_path), range(64))}
    assert len(keys) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files", "secret-key"]


def test_a_configured_key_is_used_and_none_is_written(tmp_path: Path) -> None:
    assert opened(tmp_path, BILLING_SECRET_KEY=OWN).keys == SecretKeys(OWN.encode())
    assert not (tmp_path / "secret-key").exists()


def test_an_incoming_upload_has_no_file_name_that_a_killed_server_could_leave_behind(tmp_path: Path) -> None:
    with opened(tmp_path).spool() as spool:
        spool.write(b"half a scan")
        assert list((tmp_path / "incoming").iterdir()) == []


def scope(host: str | None, scheme: str = "http") -> dict[str, Any]:
    return {"type": "http", "scheme": scheme, "headers": [] if host is None else [(b"host", host.encode("latin-1"))]}


@pytest.mark.parametrize(
    ("host", "scheme", "base"),
    [
        ("127.0.0.1:8000", "http", "http://127.0.0.1:8000"),
        ("billing.example.org", "https", "https://billing.example.org"),
        ("[::1]:8000", "ws", "http://[::1]:8000"),
        ("billing.example.org", "wss", "https://billing.example.org"),
        ("evil/path?", "http", ""),
        ("user@evil", "http", ""),
        ('"><script>', "http", ""),
        ("", "http", ""),
        (None, "http", ""),
    ],
)
def test_signed_urls_point_to_the_host_of_the_request(tmp_path: Path, host: str | None, scheme: str, base: str) -> None:
    assert base_url(opened(tmp_path).public_url, scope(host, scheme)) == base


def test_signed_urls_point_to_the_configured_public_url_for_any_host_of_the_request(tmp_path: Path) -> None:
    files = opened(tmp_path, BILLING_PUBLIC_URL="https://billing.example.org/api/")
    assert base_url(files.public_url, scope("elsewhere.example")) == "https://billing.example.org/api"


def test_a_store_in_s3_creates_no_folder_of_files(tmp_path: Path) -> None:
    opened(tmp_path, BILLING_STORAGE_URL="s3://bucket/prefix")
    assert not (tmp_path / "files").exists()
