"""Web pages of other origins: those that the operator lists may use the API, files and subscriptions; no other gets an answer."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from server.settings import SettingError, read_settings
from tests.support.api.scans import PDF, created, recorded
from tests.support.client import Client, serving

APP, OTHER = "https://app.example.org", "https://other.example.org"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture(scope="module")
def listed(address: DatabaseUrls) -> Iterator[str]:
    """The address of the API of a server that lists one origin."""
    with serving(address, running=ServerOptions(allowed_origins=frozenset({APP}))) as url:
        yield url


def asked(url: str, origin: str, **headers: str) -> httpx.Response:
    """A request for the number of cases, as a page of an origin sends it."""
    return httpx.post(f"{url}", json={"query": "{ __typename }"}, headers={"Origin": origin, **headers})


def cors(response: httpx.Response) -> dict[str, str]:
    """The headers of CORS."""
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


def listed_names(header: str) -> set[str]:
    """The names in a header that lists them."""
    return {name.strip().lower() for name in header.split(",")}


@pytest.mark.parametrize("path", ["/graphql", "/uploads/x", "/documents/x", "/issued/x", "/exports/x"])
def test_a_preflight_of_a_listed_origin_is_answered_for_ten_minutes_without_credentials(listed: str, path: str) -> None:
    answer = httpx.options(listed.removesuffix("/graphql") + path, headers={"Origin": APP, **PREFLIGHT})
    assert answer.status_code == 200
    found = cors(answer)
    assert found["access-control-allow-origin"] == APP
    assert found["access-control-max-age"] == "600"
    assert listed_names(found["access-control-allow-methods"]) == {"get", "head", "post", "put"}
    assert {"authorization", "content-type", "range"} <= listed_names(found["access-control-allow-headers"])
    assert "access-control-allow-credentials" not in found
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "http://app.example.org", f"{APP}:8443", f"{APP}.evil.example", APP.upper()]
)
def test_a_preflight_of_any_other_origin_is_forbidden_in_json(listed: str, origin: str) -> None:
    answer = httpx.options(f"{listed}", headers={"Origin": origin, **PREFLIGHT})
    assert (answer.status_code, cors(answer)) == (403, {})
    assert answer.json()["errors"][0]["extensions"]["code"] == "ORIGIN_NOT_ALLOWED"
    assert "Origin" in answer.headers["vary"]


def test_a_preflight_for_a_header_or_method_that_is_not_listed_is_refused(listed: str) -> None:
    for name, value in {"Headers": "cookie", "Method": "DELETE"}.items():
        asked_for = {**PREFLIGHT, f"Access-Control-Request-{name}": value}
        assert httpx.options(f"{listed}", headers={"Origin": APP, **asked_for}).status_code == 400


def test_answers_to_a_listed_origin_can_be_read_and_so_can_errors(listed: str) -> None:
    exposed = {"x-request-id", "retry-after", "content-disposition", "etag", "www-authenticate"}
    refused = asked(listed, APP, Authorization="Bearer no-such-session")
    not_post = httpx.get(f"{listed}", headers={"Origin": APP, "Accept": "application/json"})
    for answer, status in ((asked(listed, APP), 200), (refused, 401), (not_post, 405)):
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == APP
        assert listed_names(answer.headers["access-control-expose-headers"]) == exposed
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]


def test_answers_to_another_origin_and_to_programs_have_no_headers_of_cors(listed: str) -> None:
    for answer in (asked(listed, OTHER), httpx.post(f"{listed}", json={"query": "{ __typename }"})):
        assert (answer.status_code, cors(answer)) == (200, {})
        assert "Origin" in answer.headers["vary"]


def test_a_page_uploads_a_file_and_reads_the_name_of_a_download(listed: str) -> None:
    page = {"Origin": APP}
    with Client(listed) as anonymous, anonymous.signed_in("billing@demo.example") as billing:
        upload = created(billing)
        stored = httpx.put(upload["uploadUrl"], content=PDF, headers=page)
        assert (stored.status_code, stored.headers["access-control-allow-origin"]) == (201, APP)
        url = recorded(billing, upload["id"])["documentUrl"]
    for origin, allowed in ((APP, APP), (OTHER, None)):
        answer = httpx.get(url, headers={"Origin": origin})
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (200, allowed)
    answer = httpx.get(url, headers=page)
    assert 'filename="cheque.pdf"' in answer.headers["content-disposition"]
    assert "content-disposition" in listed_names(answer.headers["access-control-expose-headers"])


def own_origin(url: str) -> str:
    """The origin of the server's own pages."""
    return url.removesuffix("/graphql")


def opened(url: str, origin: str | None) -> int:
    """The status of the handshake of a WebSocket: 101 when it is accepted."""
    options: dict[str, Any] = {"subprotocols": [Subprotocol("graphql-transport-ws")]}
    if origin is not None:
        options["origin"] = Origin(origin)
    try:
        with connect(url.replace("http", "ws", 1), **options) as connection:
            connection.send(json.dumps({"type": "connection_init"}))
            assert json.loads(connection.recv(10))["type"] == "connection_ack"
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_a_websocket_is_opened_by_listed_and_own_pages_and_by_programs(listed: str) -> None:
    assert [opened(listed, origin) for origin in (APP, None, own_origin(listed))] == [101] * 3
    assert [
        opened(listed, origin)
        for origin in (OTHER, "null", f"{own_origin(listed)}1", "https://", "http://[", "x" * 5_000)
    ] == [403] * 6


def test_without_the_setting_only_own_pages_are_answered(
    address: DatabaseUrls, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "billing.origins"), serving(address) as url:
        assert [opened(url, origin) for origin in (APP, own_origin(url), None)] == [403, 101, 101]
        for _ in range(3):
            assert httpx.options(f"{url}", headers={"Origin": APP, **PREFLIGHT}).status_code == 403
        answer = asked(url, APP)
        assert (answer.status_code, cors(answer)) == (200, {})
    said = [record.getMessage() for record in caplog.records if record.name == "billing.origins"]
    assert said == [f"a web page of {APP} was refused: BILLING_ALLOWED_ORIGINS does not list this origin"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "*",
            "null",
            "app.example.org",
            "https://app.example.org/",
            "https://app.example.org/app",
            "https://*.example.org",
        ),
        *("https://app.example.org:443", "http://localhost:80", "http://app.example.org", "https://APP.example.org"),
        *(
            "https://a@app.example.org",
            "https://app.example.org?x",
            "ftp://app.example.org",
            "https://",
            "https://ä.example",
        ),
        "https://app.example.org,*",
    ],
)
def test_what_is_no_exact_origin_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(SettingError, match="BILLING_ALLOWED_ORIGINS"):
        read_settings({"BILLING_ALLOWED_ORIGINS": text})


def test_exact_origins_are_read() -> None:
    text = "https://app.example.org, https://app.example.org:8443,http://localhost:5173,http://127.0.0.1:3000,http://[::1]:1"
    assert len(read_settings({"BILLING_ALLOWED_ORIGINS": text}).allowed_origins) == 5
    assert read_settings({}).allowed_origins == frozenset()
