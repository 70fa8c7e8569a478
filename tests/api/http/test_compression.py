"""Long answers are compressed for clients that take gzip, and no answer with a secret in it ever is."""

import gzip
from typing import Any

import httpx
import pytest

from domain.access.people import Role
from server.http.compression import compressed
from tests.conftest import SignIn
from tests.support.api import scans
from tests.support.api.scans import CREATE, announced
from tests.support.client import Client
from tests.support.databases import PASSWORD

LONG = "{ invoices(first: 100) { nodes { id number status balance billedAmount patient { name } payer { name } } } }"
SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token expiresAt viewer { id name role } } }"


def sent(client: Client, query: str, accepted: str = "gzip", **variables: Any) -> httpx.Response:
    """An answer as it is sent: `raw` has its bytes."""
    headers = {"Accept-Encoding": accepted}
    return client.http.post(client.url, json={"query": query, "variables": variables}, headers=headers)


@pytest.fixture
def biller(sign_in: SignIn) -> Client:
    return sign_in(Role.BILLING)


def test_a_long_answer_is_compressed_and_is_the_same(biller: Client) -> None:
    whole, short = sent(biller, LONG, "identity"), sent(biller, LONG)
    assert ("content-encoding" in whole.headers, short.headers["content-encoding"]) == (False, "gzip")
    assert "Accept-Encoding" in short.headers["vary"]
    assert short.json() == whole.json()
    assert int(short.headers["content-length"]) * 5 < int(whole.headers["content-length"])


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        *(("gzip", True), ("x-gzip", True), ("br, gzip;q=0.5", True), ("GZIP", True), ("deflate, gzip", True)),
        *(("", False), ("identity", False), ("br", False), ("gzip;q=0", False), ("gzip; q=0.000", False), ("*", False)),
    ],
)
def test_only_who_takes_gzip_gets_it(biller: Client, accepted: str, *, is_compressed: bool) -> None:
    assert ("content-encoding" in sent(biller, LONG, accepted).headers) is is_compressed


def test_a_short_answer_is_not_compressed(biller: Client) -> None:
    assert "content-encoding" not in sent(biller, "{ viewer { id } }").headers


def test_no_answer_with_a_secret_is_compressed(biller: Client, anonymous: Client) -> None:
    padding = " ".join(f"an_alias_that_makes_the_answer_long_{n}: __typename" for n in range(25))
    account = {"email": "billing@demo.example", "password": PASSWORD}
    signed_in = sent(anonymous, SIGN_IN.replace("token", f"token {padding}", 1), input=account)
    assert "token" in signed_in.json()["data"]["signIn"]
    uploads = sent(biller, CREATE.replace("upload {", f"{padding} upload {{", 1), input=announced())
    cheque = scans.recorded(biller, scans.sent(biller))["id"]
    link = sent(
        biller, f"query ($id: ID!) {{ node(id: $id) {{ {padding} ... on Cheque {{ documentUrl }} }} }}", id=cheque
    )
    assert "signature" in link.json()["data"]["node"]["documentUrl"]
    for answer in (signed_in, uploads, link):
        assert len(answer.content) > 1_024
        assert "content-encoding" not in answer.headers


async def test_what_is_longer_than_64_kilobytes_is_compressed_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = httpx.Headers({"accept-encoding": "gzip"})
    body = b"a long answer " * 10_000
    found = await compressed(body, headers)  # type: ignore[arg-type]
    assert found is not None
    assert gzip.decompress(found) == body
