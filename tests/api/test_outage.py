"""Decides what a client hears while the database cannot be reached: at once, to come back later; and that the server heals by itself."""

import time
from collections.abc import Iterator

import pytest

from server.addresses import Address
from tests.api.overheard import Wire, overheard
from tests.client import Client, serving

QUERY = "{ invoices(first: 1) { totalCount nodes { number } } }"
_STEP = 'mutation { acceptInFull(input: {invoiceId: "aW4AAAAAAAAAAAAAAAAAAAAH"}) { errors { message } } }'


@pytest.fixture
def cut_off(address: Address) -> Iterator[tuple[Wire, Client]]:
    """Somebody signed in to a server whose way to PostgreSQL can be cut."""
    with (
        overheard(address) as (through, wire),
        serving(through) as url,
        Client(url) as nobody,
        nobody.signed_in("billing@demo.clinic") as billing,
    ):
        assert billing.read(QUERY)["invoices"]["nodes"]
        yield wire, billing


@pytest.mark.parametrize("listening", [True, False], ids=["connections are dropped", "nobody listens"])
@pytest.mark.parametrize("believed", [True, False], ids=["session just seen", "session to be looked up"])
def test_without_the_database_a_request_fails_fast_with_503_and_when_to_come_back(
    cut_off: tuple[Wire, Client], believed: bool, listening: bool
) -> None:
    wire, billing = cut_off
    if not believed:
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


def test_nobody_can_sign_in_and_everybody_can_be_told_so(cut_off: tuple[Wire, Client]) -> None:
    wire, billing = cut_off
    wire.cut = True
    with Client(billing.url) as nobody:
        response = nobody.post('mutation { signIn(input: {email: "billing@demo.clinic", password: "x"}) { token } }')
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert nobody.read("{ viewer { id } }") == {"viewer": None}


def test_the_server_heals_when_the_database_is_back(cut_off: tuple[Wire, Client]) -> None:
    wire, billing = cut_off
    before = billing.read(QUERY)
    wire.cut = True
    assert billing.post(QUERY).status_code == 503
    wire.cut = False
    assert billing.read(QUERY) == before


def test_a_token_is_not_refused_because_nobody_can_look_it_up(cut_off: tuple[Wire, Client]) -> None:
    wire, billing = cut_off
    wire.cut = True
    with Client(billing.url, "A" * 64) as stranger:
        assert stranger.post("{ viewer { id } }").status_code == 503
    wire.cut = False
    with Client(billing.url, "A" * 64) as stranger:
        assert stranger.post("{ viewer { id } }").status_code == 401


def test_a_database_that_answers_nothing_is_not_waited_for(cut_off: tuple[Wire, Client]) -> None:
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
