"""An app is told a minute before its session ends, and goes on with it; a subscription by itself keeps no session alive."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from identity.sessions import SessionTimes
from server.database_urls import DatabaseUrls
from tests.api.http.test_websocket import opened
from tests.support.client import Client, serving

# Told a minute before, so two seconds after the last use.
IDLE = timedelta(seconds=62)
OWN = "{ viewer { idleMinutes sessions { isCurrent lastUsedAt expiresAt idleExpiresAt } } }"
EXTEND = "mutation { extendSession { session { isCurrent idleExpiresAt } errors { message } } }"
ENDING = "subscription { sessionEnding { endsAt } }"


def own(client: Client) -> dict[str, str]:
    """The session of the client."""
    return next(one for one in client.read(OWN)["viewer"]["sessions"] if one["isCurrent"])


def at(text: str) -> datetime:
    """A moment as the API writes it."""
    return datetime.fromisoformat(text)


def test_the_end_of_a_session_is_told_a_minute_before_and_again_after_it_went_on(address: DatabaseUrls) -> None:
    with (
        serving(address, SessionTimes(idle=IDLE)) as url,
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example") as client,
        opened(url) as socket,
    ):
        began = own(client)
        assert at(began["idleExpiresAt"]) - at(began["lastUsedAt"]) == IDLE
        socket.greet(client.token)
        socket.send(id="1", type="subscribe", payload={"query": ENDING})
        ends_at = socket.next()["payload"]["data"]["sessionEnding"]["endsAt"]
        assert at(ends_at) - datetime.now(UTC) <= timedelta(minutes=1)
        extended = client.read(EXTEND)["extendSession"]
        assert (extended["errors"], extended["session"]["isCurrent"]) == ([], True)
        assert at(extended["session"]["idleExpiresAt"]) > at(ends_at)
        again = socket.next()["payload"]["data"]["sessionEnding"]["endsAt"]
        assert at(again) >= at(extended["session"]["idleExpiresAt"])


def test_an_open_subscription_is_no_use_of_a_session(address: DatabaseUrls) -> None:
    with (
        serving(address, SessionTimes(idle=timedelta(seconds=4))) as url,
        Client(url) as anonymous,
        anonymous.signed_in("billing@demo.example") as client,
        opened(url) as socket,
    ):
        socket.greet(client.token)
        socket.send(id="1", type="subscribe", payload={"query": "subscription { invoiceChanged { id } }"})
        began = time.monotonic()
        message = socket.next()
        assert message["payload"][0]["message"] == "The session has ended: sign in again"
        assert time.monotonic() - began < 9
        assert client.post(OWN).status_code == 401


@pytest.mark.parametrize("role", ["admin", "physician", "attorney", "analyst"])
def test_every_role_goes_on_with_its_session(anonymous: Client, role: str) -> None:
    with anonymous.signed_in(f"{role}@demo.example") as client:
        assert client.read(OWN)["viewer"]["idleMinutes"] == 30
        assert client.read(EXTEND)["extendSession"]["errors"] == []
