"""Decides what clients hear of a server that takes on no more: at once, with a status that says so, and when to come back."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from domain.people import Role
from server import protocol, requests, watching
from server.addresses import Address
from server.admission import Crowd
from server.app import Running
from tests.client import Client, serving
from tests.conftest import SignIn
from tests.databases import rows
from tests.faults.limits import locked
from tests.subscriber import connected

QUERY = "{ invoices(first: 1) { nodes { id } } }"
SETTLED = 0.2


@pytest.fixture
def slow_paced(address: Address) -> Iterator[str]:
    with serving(address, running=Running(requests_per_minute=5)) as url:
        yield url


def test_a_user_who_asks_too_fast_hears_429_and_others_go_on(slow_paced: str) -> None:
    with Client(slow_paced) as nobody, nobody.signed_in("billing@demo.clinic") as billing:
        for _ in range(5):
            assert billing.post(QUERY).status_code == 200
        refused = billing.post(QUERY)
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
        assert 1 <= int(refused.headers["retry-after"]) <= 12
        with nobody.signed_in("admin@demo.clinic") as admin:
            assert admin.post(QUERY).status_code == 200


def test_whoever_comes_where_there_is_no_room_hears_so_and_when_to_come_back(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(server_url) as nobody:
        monkeypatch.setattr(Crowd, "is_too_large", lambda crowd, count: True)
        refused = nobody.post("{ viewer { id } }")
        monkeypatch.undo()
        again = nobody.post("{ viewer { id } }")
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
    wanted = {"retry-after": "1", "cache-control": "no-store", "x-content-type-options": "nosniff"}
    assert wanted.items() <= dict(refused.headers).items()
    assert again.status_code == 200


def test_what_takes_too_long_is_stopped_in_postgresql_too(
    address: Address, server_url: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
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
    """Somebody who sends a request as slowly as they like."""

    connection: socket.socket

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def heard(self) -> bytes:
        """Everything that the server says until it hangs up."""
        said = b""
        with suppress(ConnectionResetError):
            while piece := self.connection.recv(65536):
                said += piece
        return said


@pytest.fixture
def slow(server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", 0.2)
    monkeypatch.setattr(requests, "_BODY_SECONDS", 0.2)
    parts = urlsplit(server_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        yield Slow(connection)


HEAD = b"POST /graphql HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"


def test_a_body_that_does_not_come_to_its_end_is_not_waited_for(slow: Slow) -> None:
    slow.send(HEAD + b'content-length: 100\r\n\r\n{"query": ')
    assert slow.heard().startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("sent", [b"", b"\r\n", HEAD], ids=["nothing", "a line", "half a head"])
@pytest.mark.parametrize("answered", [False, True], ids=["at first", "after an answer"])
def test_a_head_that_does_not_come_to_its_end_is_not_waited_for(slow: Slow, sent: bytes, answered: bool) -> None:
    if answered:
        slow.send(HEAD + b"content-length: 0\r\n\r\n")
        assert slow.connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        sent = sent or b"\r"
    slow.send(sent)
    began = time.monotonic()
    assert slow.heard() == b""
    assert time.monotonic() - began < 5


def test_a_websocket_may_be_silent_for_longer_than_a_head_may_take(
    server_url: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "_HEAD_SECONDS", 0.1)
    with connected(server_url, sign_in(Role.BILLING).token) as subscriber:
        assert subscriber.is_silent(0.5)
        subscriber.send(type="ping")
        assert subscriber.next()["type"] == "pong"


def test_a_head_without_end_is_refused(slow: Slow) -> None:
    slow.send(HEAD)
    with suppress(ConnectionError):
        for number in range(100):
            slow.send(b"x-%d: " % number + b"x" * 4_000 + b"\r\n")
    assert slow.heard().startswith(b"HTTP/1.1 431 ")
