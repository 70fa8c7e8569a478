"""Admission control: the answers of an overloaded server come at once, with their status and a time to retry after."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from domain.access.people import Role
from limits.admission import OverloadDetector
from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from server.execution import operation_monitor as watching
from server.http import header_timeout as protocol
from server.http import requests
from tests.conftest import SignIn
from tests.faults.limits import locked
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.subscriber import connected

QUERY = "{ invoices(first: 1) { nodes { id } } }"
SETTLED = 0.2


@pytest.fixture
def rate_limited(address: DatabaseUrls) -> Iterator[str]:
    with serving(address, running=ServerOptions(requests_per_minute=5)) as url:
        yield url


def test_a_user_above_the_rate_limit_gets_429_and_others_are_served(rate_limited: str) -> None:
    with Client(rate_limited) as anonymous, anonymous.signed_in("billing@demo.example") as billing:
        for _ in range(5):
            assert billing.post(QUERY).status_code == 200
        refused = billing.post(QUERY)
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
        assert 1 <= int(refused.headers["retry-after"]) <= 12
        with anonymous.signed_in("admin@demo.example") as admin:
            assert admin.post(QUERY).status_code == 200


def test_the_addresses_of_one_ipv6_network_share_one_rate_limit_for_new_documents(address: DatabaseUrls) -> None:
    def send(client: Client, number: int, source: str) -> int:
        document = {"query": f"{{ viewer {{ id }} }} # {number}".ljust(100_000)}
        return client.http.post(client.url, json=document, headers={"x-forwarded-for": source}).status_code

    with serving(address, running=ServerOptions(requests_per_minute=1_000)) as url, Client(url) as anonymous:
        sent = [send(anonymous, number, f"2001:db8:0:7::{number + 1:x}") for number in range(4)]
        assert (429 in sent[:3], sent[3]) == (False, 429)
        assert send(anonymous, 4, "2001:db8:0:8::1") != 429


def test_an_overloaded_server_answers_503_with_a_time_to_retry_after(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(server_url) as anonymous:
        monkeypatch.setattr(OverloadDetector, "is_overloaded", lambda crowd, count: True)
        refused = anonymous.post("{ viewer { id } }")
        monkeypatch.undo()
        again = anonymous.post("{ viewer { id } }")
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
    wanted = {"retry-after": "1", "cache-control": "no-store", "x-content-type-options": "nosniff"}
    assert wanted.items() <= dict(refused.headers).items()
    assert again.status_code == 200


def test_a_query_that_times_out_is_cancelled_in_postgresql_too(
    address: DatabaseUrls, server_url: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    billing = sign_in(Role.BILLING)
    assert billing.post(QUERY).status_code == 200
    monkeypatch.setattr(watching, "_SECONDS", 0.3)
    with locked(address):
        answer = billing.post(QUERY)
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]["code"]) == (504, "TIMEOUT")
        assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
        time.sleep(SETTLED)
        waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        assert rows(address, waiting) == []
    assert billing.post(QUERY).status_code == 200


@dataclass
class Slow:
    """A client that sends a request as slowly as the test wants."""

    connection: socket.socket

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def next_result(self) -> bytes:
        """Everything that the server sends until it closes the connection."""
        received = b""
        with suppress(ConnectionResetError):
            while piece := self.connection.recv(65536):
                received += piece
        return received


@pytest.fixture
def slow(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", 0.2)
    monkeypatch.setattr(requests, "_BODY_SECONDS", 0.2)
    parts = urlsplit(server_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        yield Slow(connection)


HEAD = b"POST /graphql HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"


def test_an_incomplete_body_times_out(slow: Slow) -> None:
    slow.send(HEAD + b'content-length: 100\r\n\r\n{"query": ')
    assert slow.next_result().startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("sent", [b"", b"\r\n", HEAD], ids=["nothing", "a line", "half a head"])
@pytest.mark.parametrize("answered", [False, True], ids=["at first", "after an answer"])
def test_an_incomplete_header_times_out(slow: Slow, sent: bytes, answered: bool) -> None:
    if answered:
        slow.send(HEAD + b"content-length: 0\r\n\r\n")
        assert slow.connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        sent = sent or b"\r"
    slow.send(sent)
    began = time.monotonic()
    assert slow.next_result() == b""
    assert time.monotonic() - began < 5


def test_a_websocket_may_be_idle_for_longer_than_the_header_timeout(
    server_url: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", 0.1)
    with connected(server_url, sign_in(Role.BILLING).token) as subscriber:
        assert subscriber.is_silent(0.5)
        subscriber.send(type="ping")
        assert subscriber.next()["type"] == "pong"


def test_an_endless_header_is_refused(slow: Slow) -> None:
    slow.send(HEAD)
    with suppress(ConnectionError):
        for number in range(100):
            slow.send(b"x-%d: " % number + b"x" * 4_000 + b"\r\n")
    assert slow.next_result().startswith(b"HTTP/1.1 431 ")
