"""GraphQL over HTTP: which requests are run, and the status and the media type with which all others are refused."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.client import Client, serving
from tests.support.databases import rows

AUDIT = Path(__file__).parents[1] / "audit"
JSON, GRAPHQL = "application/json", "application/graphql-response+json"
QUERY = b'{"query": "{ viewer { id } }"}'
MIB = 1024 * 1024
# The errors of npm on a machine without a network; any other error is a failure.
OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH")


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20) as client:
        yield client


def post(http: httpx.Client, url: str, content: Any, accept: str | None = None, **headers: str) -> httpx.Response:
    sent = {"content-type": JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = http.build_request("POST", url, content=content, headers=sent)
    # httpx would send an Accept header of its own.
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    return http.send(request)


def is_an_error(response: httpx.Response) -> bool:
    """Whether the body is a GraphQL error without data, in the media type of its header."""
    body = response.json()
    errors = body.get("errors")
    keys = {key for error in errors for key in error}
    return (
        set(body) == {"errors"}
        and bool(errors)
        and "message" in keys
        and keys <= {"message", "extensions", "locations"}
    )


@pytest.fixture(scope="module")
def audit_tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The npm package graphql-http, installed as the lock file says."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("node and npm are not on this machine")
    folder = tmp_path_factory.mktemp("audit")
    for name in (".npmrc", "package.json", "package-lock.json", "audit.mjs"):
        shutil.copy(AUDIT / name, folder)
    installed = subprocess.run([npm, "ci", "--no-fund"], cwd=folder, capture_output=True, text=True, check=False)
    if installed.returncode and any(code in installed.stderr for code in OFFLINE):
        pytest.skip("npm reaches no registry from this machine")
    assert installed.returncode == 0, installed.stderr
    return folder


def test_the_audit_of_npm_graphql_http_finds_neither_error_nor_warning(audit_tool: Path, server_url: str) -> None:
    audit = subprocess.run(
        ["node", "audit.mjs", server_url], cwd=audit_tool, capture_output=True, text=True, check=True
    )
    findings = json.loads(audit.stdout)
    assert len(findings) > 50
    # The remaining notices say that GET, which is optional, is not offered.
    assert {finding["status"] for finding in findings} == {"ok", "notice"}
    assert all("GET" in finding["name"] for finding in findings if finding["status"] == "notice")


def test_the_lock_file_of_the_audit_names_no_registry() -> None:
    assert "http" not in (AUDIT / "package-lock.json").read_text().replace("graphql-http", "").replace("http-audit", "")


@dataclass(frozen=True)
class InvalidRequest:
    """A request that is no GraphQL request, and its status for every Accept header."""

    what: str
    status: int
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)


NO_REQUESTS = [
    InvalidRequest("a body of 1 MiB and a byte", 413, b" " * (MIB + 1)),
    InvalidRequest("an empty body", 400, b""),
    InvalidRequest("no JSON", 400, b"{"),
    InvalidRequest("a query without JSON around it", 400, b"{ viewer { id } }"),
    InvalidRequest("text that is no UTF-8", 400, b'{"query": "{ viewer { id } } #\xff"}'),
    InvalidRequest("half a surrogate pair", 400, b'{"query": "{ viewer { id } }", "variables": {"a": "\\ud800"}}'),
    InvalidRequest("numbers that are not in JSON", 400, b'{"query": "{ viewer { id } }", "variables": {"a": NaN}}'),
    InvalidRequest(
        "JSON nested without end", 400, b'{"query": "{ viewer { id } }", "variables": {"a": ' + b"[" * 100_000
    ),
    InvalidRequest("null", 400, b"null"),
    InvalidRequest("a number", 400, b"7"),
    InvalidRequest("a string", 400, b'"{ viewer { id } }"'),
    InvalidRequest("true", 400, b"true"),
    InvalidRequest("a list", 400, b"[]"),
    InvalidRequest("a batch", 400, b"[" + QUERY + b"," + QUERY + b"]"),
    InvalidRequest("an object without a query", 400, b"{}"),
    InvalidRequest("null for the query", 400, b'{"query": null}'),
    InvalidRequest("a number for the query", 400, b'{"query": 7}'),
    InvalidRequest("a list for the query", 400, b'{"query": ["{ viewer { id } }"]}'),
    InvalidRequest("a list for the variables", 400, b'{"query": "{ viewer { id } }", "variables": []}'),
    InvalidRequest("a string for the variables", 400, b'{"query": "{ viewer { id } }", "variables": "{}"}'),
    InvalidRequest("a number for the operation's name", 400, b'{"query": "{ viewer { id } }", "operationName": 7}'),
    InvalidRequest("a list for the extensions", 400, b'{"query": "{ viewer { id } }", "extensions": []}'),
    InvalidRequest("a body without a content type", 415, QUERY, {"content-type": ""}),
    InvalidRequest("a form", 415, b"query=%7Bviewer%7Bid%7D%7D", {"content-type": "application/x-www-form-urlencoded"}),
    InvalidRequest("plain text", 415, QUERY, {"content-type": "text/plain"}),
    InvalidRequest("a file upload", 415, QUERY, {"content-type": "multipart/form-data; boundary=x"}),
    InvalidRequest("a bare document", 415, b"{ viewer { id } }", {"content-type": "application/graphql"}),
    InvalidRequest("JSON in another charset", 415, QUERY, {"content-type": "application/json; charset=utf-16"}),
    InvalidRequest("a type that begins like JSON", 415, QUERY, {"content-type": "application/jsonx"}),
]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL, None])
@pytest.mark.parametrize("sent", NO_REQUESTS, ids=lambda sent: sent.what)
def test_an_invalid_request_gets_a_clear_error_and_its_own_status(
    http: httpx.Client, server_url: str, sent: InvalidRequest, accept: str | None
) -> None:
    response = post(http, server_url, sent.content, accept, **sent.headers)
    assert response.status_code == sent.status
    assert response.headers["content-type"] == f"{accept or JSON}; charset=utf-8"
    assert is_an_error(response)


def test_a_body_of_exactly_1_mib_is_read(http: httpx.Client, server_url: str) -> None:
    response = post(http, server_url, QUERY.ljust(MIB))
    assert (response.status_code, response.json()) == (200, {"data": {"viewer": None}})


def test_a_body_without_a_length_is_read_up_to_1_mib_and_refused_beyond(http: httpx.Client, server_url: str) -> None:
    def body(size: int) -> Iterator[bytes]:
        whole = QUERY.ljust(size)
        yield from (whole[start : start + 50_000] for start in range(0, size, 50_000))

    assert post(http, server_url, body(MIB)).json() == {"data": {"viewer": None}}
    refused = post(http, server_url, body(MIB + 1))
    assert (refused.status_code, is_an_error(refused)) == (413, True)


def test_a_body_that_is_too_long_by_its_header_is_refused_before_it_is_sent(server_url: str) -> None:
    address = urlsplit(server_url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
        length = f"POST /graphql HTTP/1.1\r\nhost: here\r\ncontent-type: {JSON}\r\ncontent-length: {10**12}\r\n\r\n"
        connection.sendall(length.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_an_interrupted_request_does_not_harm_the_server(http: httpx.Client, server_url: str) -> None:
    address = urlsplit(server_url)
    for _ in range(5):
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
            head = f"POST /graphql HTTP/1.1\r\nhost: here\r\ncontent-type: {JSON}\r\ncontent-length: 100\r\n\r\n"
            connection.sendall(head.encode() + b'{"query"')
    assert post(http, server_url, QUERY).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_but_post_is_refused(http: httpx.Client, server_url: str, method: str) -> None:
    response = http.request(method, server_url, params={"query": "{ viewer { id } }"}, headers={"accept": GRAPHQL})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert method == "HEAD" or is_an_error(response)


def test_a_get_request_of_a_browser_runs_no_query(http: httpx.Client, server_url: str) -> None:
    response = http.get(server_url, params={"query": "{ viewer { id } }"}, headers={"accept": "text/html"})
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "viewer" not in response.text


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (f"{JSON}; charset=utf-8", JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8", GRAPHQL),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", JSON),
        (f"{JSON};q=0.5, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0.1, {JSON};q=0.9", JSON),
        (f"{GRAPHQL};q=0, {JSON}", JSON),
        (f"text/html, {GRAPHQL};q=0.2", GRAPHQL),
        ("text/html, */*;q=0.8", JSON),
        (GRAPHQL.upper(), GRAPHQL),
    ],
)
def test_an_answer_has_the_accepted_media_type(
    http: httpx.Client, server_url: str, accept: str | None, content_type: str
) -> None:
    response = post(http, server_url, QUERY, accept)
    assert (response.status_code, response.json()) == (200, {"data": {"viewer": None}})
    assert response.headers["content-type"] == f"{content_type}; charset=utf-8"


@pytest.mark.parametrize("accept", ["", "text/html", "image/*", f"{JSON};q=0", f"{JSON}; charset=utf-16", "json"])
def test_a_client_that_accepts_no_json_gets_406(http: httpx.Client, server_url: str, accept: str) -> None:
    response = post(http, server_url, QUERY, accept)
    assert (response.status_code, is_an_error(response)) == (406, True)


DOCUMENT_ERRORS = [
    ("no document", {"query": ""}),
    ("a syntax error", {"query": "{ viewer { id }"}),
    ("an empty selection", {"query": "{ }"}),
    ("a field that does not exist", {"query": "{ nothing }"}),
    ("a fragment and no operation", {"query": "fragment F on Viewer { id }"}),
    ("a type definition", {"query": "type Query { viewer: String }"}),
    ("two operations without names", {"query": "{ viewer { id } } { viewer { id } }"}),
    ("two operations and no choice", {"query": "query A { viewer { id } } query B { viewer { id } }"}),
    ("two operations and null for the choice", {"query": "query A { viewer { id } } query B { viewer { id } }"}),
    ("a name that no operation has", {"query": "query A { viewer { id } }", "operationName": "B"}),
    ("an empty name", {"query": "query A { viewer { id } }", "operationName": ""}),
    ("a name where the operation has none", {"query": "{ viewer { id } }", "operationName": "A"}),
    ("a subscription", {"query": "subscription { viewer { id } }"}),
    ("a variable that is required", {"query": "query ($a: Boolean!) { viewer @include(if: $a) { id } }"}),
    (
        "a variable of another type",
        {"query": "query ($a: Boolean!) { viewer @include(if: $a) { id } }", "variables": {"a": "yes"}},
    ),
]


@pytest.mark.parametrize(("accept", "status"), [(JSON, 200), (GRAPHQL, 400)])
@pytest.mark.parametrize(("what", "request_"), DOCUMENT_ERRORS, ids=[what for what, _ in DOCUMENT_ERRORS])
def test_a_document_that_cannot_run_gets_errors_and_no_data(
    http: httpx.Client, server_url: str, what: str, request_: dict[str, Any], accept: str, status: int
) -> None:
    response = post(http, server_url, json.dumps(request_), accept)
    assert response.status_code == status
    assert is_an_error(response)


def test_the_named_operation_is_the_one_that_runs(http: httpx.Client, server_url: str) -> None:
    document = "query A { a: viewer { id } } query B { b: viewer { id } }"
    response = post(http, server_url, json.dumps({"query": document, "operationName": "B"}))
    assert response.json() == {"data": {"b": None}}


def test_unknown_keys_and_null_parameters_are_accepted(http: httpx.Client, server_url: str) -> None:
    request = {"query": "{ viewer { id } }", "variables": None, "operationName": None, "extensions": {"x": 1}, "id": 3}
    assert post(http, server_url, json.dumps(request)).json() == {"data": {"viewer": None}}


def test_answers_are_neither_cached_nor_sniffed_as_another_type(anonymous: Client) -> None:
    response = anonymous.post("{ viewer { id } }")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in response.headers


def test_every_answer_has_a_request_id_of_its_own(http: httpx.Client, server_url: str) -> None:
    answers = [post(http, server_url, content) for content in (QUERY, QUERY, b"null")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


def test_an_error_in_a_field_leaves_status_200_and_the_other_fields(sign_in: SignIn) -> None:
    response = sign_in(Role.BILLING).post('{ viewer { email } invoice(id: "nothing") { id } }')
    assert (response.status_code, response.json()["data"]) == (
        200,
        {"viewer": {"email": "billing@demo.example"}, "invoice": None},
    )
    assert [error["path"] for error in response.json()["errors"]] == [["invoice"]]


SECRET = "Winterbottom"


def test_an_unexpected_exception_shows_a_request_id_and_nothing_else(
    own_address: DatabaseUrls, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with serving(own_address) as url, Client(url) as anonymous, anonymous.signed_in("billing@demo.example") as billing:
        rows(own_address, "alter table patients rename column first_name to elsewhere")
        query = f'{{ patients(filter: {{search: "{SECRET}"}}) {{ nodes {{ firstName }} }} }}'
        response = billing.post(query)
    [error] = response.json()["errors"]
    assert error["message"] == "Internal server error"
    assert error["extensions"] == {"code": "INTERNAL_ERROR", "requestId": response.headers["x-request-id"]}
    logged = caplog.text + "".join(capfd.readouterr())
    assert response.headers["x-request-id"] in logged
    assert "UndefinedColumnError" in logged
    assert SECRET not in logged
    assert "elsewhere" not in response.text


def test_an_exception_outside_of_any_field_is_answered_in_the_same_way(own_address: DatabaseUrls) -> None:
    with serving(own_address) as url, Client(url) as anonymous, anonymous.signed_in("billing@demo.example") as billing:
        rows(own_address, "alter table sessions rename column kind to elsewhere")
        response = billing.post("{ viewer { email } }")
    assert (response.status_code, is_an_error(response)) == (500, True)
    assert response.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert response.json()["errors"][0]["extensions"]["requestId"] == response.headers["x-request-id"]
