"""HTTP itself, its headers, JSON bodies and GraphQL documents: each request is answered with a status that is documented."""

import json
import re
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import strategies as st

from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from tests.decoders.fuzzing import JSON_VALUES, TEXTS, answered, fuzz, fuzzed, mutants
from tests.support.client import Client, serving

_PATIENCE_SECONDS = 10
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
# Of GraphQL over HTTP, of files, and of requests that are no HTTP.
STATUSES = {200, 304, 307, 400, 401, 403, 404, 405, 406, 408, 410, 413, 415, 416, 426, 429, 431}
BODY = b'{"query":"{ viewer { email } }"}'
REQUEST = "\r\n".join(
    [
        "POST /graphql HTTP/1.1",
        "host: localhost",
        "content-type: application/json; charset=utf-8",
        "accept: application/graphql-response+json;q=0.9, */*;q=0.1",
        "authorization: Bearer x",
        "x-request-id: 1",
        "x-forwarded-for: 192.0.2.1, 2001:db8::1",
        "x-forwarded-proto: https",
        "forwarded: for=192.0.2.60;proto=http;by=203.0.113.43",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "range: bytes=0-1",
        'if-none-match: "x"',
        f"content-length: {len(BODY)}",
        "connection: close",
        "",
        BODY.decode(),
    ]
)
NAMES = [line.partition(":")[0] for line in REQUEST.split("\r\n")[1:-2]]
PATHS = ["/graphql", "/", "/healthz", "/readyz", "/metrics", "/ide/x", "/documents/x", "/uploads/x", "/exports/x"]
DOCUMENTS = [
    "{ viewer { email } }",
    "query Page($first: Int = 3, $after: String) { invoices(first: $first, after: $after) { nodes { number ...F } } } fragment F on Invoice { id }",
    'mutation { signIn(input: {email: "a@b.c", password: "\\u0041"}) { token errors { code } } }',
    '{ a: node(id: "x") { __typename ... on Invoice @include(if: true) { number } } }',
    '"""text""" { viewer { id } } # comment',
    "subscription { invoiceChanged { number } }",
    "{ __schema { types { name fields { name args { name type { ofType { name } } } } } } }",
]
DEEP = [
    "{a" * 5_000,
    "{ viewer(a: " + "[" * 5_000,
    "{ viewer(a: " + "{a:" * 5_000,
    "query ($a: " + "[" * 5_000 + "Int",
    "{ viewer { email " + "@include(if: true) " * 500 + "} }",
    '{ viewer(a: "' + "\\u{10FFFF}" * 500 + '") { id } }',
    '{ viewer(a: """' + "\n " * 20_000 + '""") { id } }',
    "{ viewer(a: " + "9" * 10_000 + ") { id } }",
    "{ viewer(a: 1e" + "9" * 10_000 + ") { id } }",
    "{ " + "viewer { id } " * 3_000 + "}",
    "{ ...F } " + "".join(f"fragment F{n} on Query {{ ...F{n + 1} }} " for n in range(400)),
    "query (" + "$a: Int " * 1_500 + ") { viewer { id } }",
]


def exchanged(url: str, request: bytes) -> bytes:
    """What the server sends for these bytes until it closes the connection, or stops sending."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), _PATIENCE_SECONDS) as client:
        try:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65_536), b""))
        except (ConnectionError, TimeoutError):
            return b""


def check_statuses(answer: bytes) -> None:
    assert {int(status) for status in _STATUS.findall(answer)} <= STATUSES, answer[:500]
    assert b"INTERNAL_ERROR" not in answer


@fuzzed
def test_any_bytes_of_http_are_answered_or_the_connection_is_closed(server_url: str, examples: int) -> None:
    shapes = st.one_of(mutants([REQUEST, REQUEST.replace("POST", "GET")], "\r\n: ;,="), TEXTS)
    fuzz(examples, shapes, lambda text: check_statuses(exchanged(server_url, text.encode("utf-8", "replace"))))


@fuzzed
def test_any_value_of_any_header_on_any_path_is_answered(server_url: str, examples: int) -> None:
    values = st.one_of(
        TEXTS,
        st.sampled_from(
            [
                "bytes=-",
                "bytes=0-0,1-1",
                "q=" + "9" * 400,
                "*/*;q=\u0661",
                "1" * 5_000,
                "-1",
                "+5",
                "0x5",
                "chunked, gzip",
            ]
        ),
        mutants([line.partition(": ")[2] for line in REQUEST.split("\r\n")[1:-2]], ",;=/ "),
    )
    headers = st.dictionaries(
        st.sampled_from([*NAMES, "upgrade", "expect", "cookie", "transfer-encoding"]), values, max_size=3
    )
    methods = st.sampled_from(["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH"])

    def check(given: tuple[str, str, dict[str, str]]) -> None:
        method, path, changed = given
        lines = {"host": "localhost", "content-type": "application/json", "content-length": str(len(BODY)), **changed}
        text = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in lines.items())
        head = f"{method} {path} HTTP/1.1\r\n{text}connection: close\r\n\r\n"
        check_statuses(exchanged(server_url, head.encode() + BODY))

    fuzz(examples, st.tuples(methods, st.sampled_from(PATHS), headers), check)


def _one_line(text: str) -> str:
    return "".join(letter for letter in text if ord(letter) >= 0x20 and ord(letter) != 0x7F)


@fuzzed
def test_any_body_is_answered(anonymous: Client, examples: int) -> None:
    whole = json.dumps({"query": DOCUMENTS[0], "variables": {"a": [1]}, "operationName": None, "extensions": {}})
    names = st.sampled_from(["query", "variables", "operationName", "extensions", "documentId", "id"])
    persisted = st.fixed_dictionaries(
        {"persistedQuery": JSON_VALUES | st.fixed_dictionaries({"sha256Hash": JSON_VALUES})}
    )
    objects = st.dictionaries(names, JSON_VALUES | persisted | st.just(DOCUMENTS[0]), max_size=4).map(json.dumps)
    known = [
        "",
        "null",
        "[]",
        "1",
        '"x"',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"query":1e999}',
        "\ufeff{}",
        '{"query":"\\ud800"}',
        '{"query":"{viewer{id}}","variables":{"a":' + "9" * 5_000 + "}}",
    ]
    shapes = st.one_of(
        mutants([whole], ',:{}"').map(str.encode),
        objects.map(str.encode),
        st.sampled_from(known).map(str.encode),
        st.binary(max_size=80),
    )
    headers = {"content-type": "application/json"}

    def check(body: bytes) -> None:
        answered(anonymous.http.post(anonymous.url, content=body, headers=headers), 200, 400)

    fuzz(examples * 2, shapes, check)


@fuzzed
def test_any_document_is_answered(admin: Client, examples: int) -> None:
    shapes = st.one_of(mutants(DOCUMENTS, "{}()[]:$ "), st.sampled_from(DEEP), TEXTS)
    fuzz(examples * 2, shapes, lambda document: answered(admin.post(document), 200, 400))


@pytest.mark.parametrize("document", DEEP, ids=lambda document: document[:12])
def test_a_document_that_is_deep_or_long_is_refused_or_answered(admin: Client, document: str) -> None:
    fuzz(1, st.just(document), lambda text: answered(admin.post(text), 200, 400))


@pytest.fixture(scope="module")
def trusting(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a server that runs trusted documents alone."""
    folder: Path = tmp_path_factory.mktemp("documents")
    (folder / "page.graphql").write_text("query Page { viewer { email } }")
    with serving(address, running=ServerOptions(trusted_documents=str(folder))) as url, Client(url) as client:
        yield client


@fuzzed
def test_only_the_exact_name_or_hash_runs_a_trusted_document(trusting: Client, examples: int) -> None:
    digest = sha256(b"query Page { viewer { email } }").hexdigest()
    whole = ["page", f"sha256:{digest}", digest, "query Page { viewer { email } }"]
    right = {
        ("documentId", "page"),
        ("documentId", whole[1]),
        ("documentId", whole[3]),
        ("query", whole[3]),
        ("query", "page"),
        ("query", whole[1]),
    }

    def check(given: tuple[str, Any]) -> None:
        name, value = given
        answer = answered(
            trusting.http.post(
                trusting.url, content=json.dumps({name: value}).encode(), headers={"content-type": "application/json"}
            ),
            200,
            400,
        )
        assert ("data" in answer) is (isinstance(value, str) and (name, value) in right), given

    fuzz(
        examples,
        st.tuples(
            st.sampled_from(["documentId", "query"]), mutants(whole, ": ") | JSON_VALUES | st.sampled_from(whole)
        ),
        check,
    )
