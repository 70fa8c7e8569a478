"""An outage of the database: clients get 503 and a time to retry after at once, and the server recovers without a restart."""

import time
from collections.abc import Iterator

import pytest

from server.database_urls import DatabaseUrls
from tests.support.api.wire_capture import Wire, captured_statements
from tests.support.client import Client, serving

QUERY = "{ invoices(first: 1) { totalCount nodes { number } } }"
_STEP = 'mutation { acceptInFull(input: {invoiceId: "aW4AAAAAAAAAAAAAAAAAAAAH"}) { errors { message } } }'


@pytest.fixture
def cut_off(address: DatabaseUrls) -> Iterator[tuple[Wire, Client]]:
    """A client that is signed in to a server whose connection to PostgreSQL can be cut."""
    with (
        captured_statements(address) as (through, wire),
        serving(through) as url,
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example") as billing,
    ):
        assert billing.read(QUERY)["invoices"]["nodes"]
        yield wire, billing


@pytest.mark.parametrize("listening", [True, False], ids=["connections are dropped", "no process listens"])
@pytest.mark.parametrize("is_cached", [True, False], ids=["session just seen", "session to be looked up"])
def test_without_the_database_a_request_fails_fast_with_503_and_a_time_to_retry_after(
    cut_off: tuple[Wire, Client], is_cached: bool, listening: bool
) -> None:
    wire, billing = cut_off
    if not is_cached:
        time.sleep(2.1)
    wire.cut = True
    if not listening:
        wire.socket.unlink()
    for _ in range(3):
        began = time.monotonic()
        response = billing.post(QUERY)
        assert time.monotonic() - began < 5
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
        [error] = response.json()["errors"]
        assert error["message"] == "The database cannot be reached: try again"
        assert error["extensions"] == {"code": "UNAVAILABLE", "requestId": response.headers["x-request-id"]}


def test_without_the_database_a_sign_in_gets_503_and_anonymous_queries_are_answered(
    cut_off: tuple[Wire, Client],
) -> None:
    wire, billing = cut_off
    wire.cut = True
    with Client(billing.url) as anonymous:
        response = anonymous.post(
            'mutation { signIn(input: {email: "billing@demo.example", password: "x"}) { token } }'
        )
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert anonymous.read("{ viewer { id } }") == {"viewer": None}


def test_the_server_recovers_when_the_database_is_back(cut_off: tuple[Wire, Client]) -> None:
    wire, billing = cut_off
    before = billing.read(QUERY)
    wire.cut = True
    assert billing.post(QUERY).status_code == 503
    wire.cut = False
    assert billing.read(QUERY) == before


def test_a_token_is_not_refused_because_it_cannot_be_looked_up(cut_off: tuple[Wire, Client]) -> None:
    wire, billing = cut_off
    wire.cut = True
    with Client(billing.url, "A" * 64) as stranger:
        assert stranger.post("{ viewer { id } }").status_code == 503
    wire.cut = False
    with Client(billing.url, "A" * 64) as stranger:
        assert stranger.post("{ viewer { id } }").status_code == 401


def test_a_database_that_does_not_answer_times_out(cut_off: tuple[Wire, Client]) -> None:
    wire, billing = cut_off
    before = billing.read(QUERY)
    time.sleep(1.1)
    wire.muted = True
    for query in (QUERY, _STEP):
        began = time.monotonic()
        response = billing.post(query)
        assert time.monotonic() - began < 6
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    wire.muted = False
    assert billing.read(QUERY) == before
