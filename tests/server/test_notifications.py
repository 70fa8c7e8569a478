"""Subscriptions end with their session, with a lost connection, when the subscriber is too slow, and with the server."""

import asyncio
import hashlib
import signal
import time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from db.notifications import LARGEST_QUEUE, Notifications, invoice_changed
from db.sealed_hints import Hints
from db.security.policies import STAFF_LOGIN
from domain.errors import RequestError
from identity.sessions import Sessions
from server.database_urls import DatabaseUrls
from tests.support.api.sign_in_attempts import add_account
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.processes import billing
from tests.support.subscriber import announce, listening
from tests.support.subscriptions import Listen, Received, sign_in

# A subscription ends with its session.


def _token_row(address: DatabaseUrls, client: Client) -> Any:
    assert client.token
    return rows(
        address,
        "select id, user_id from sessions where token_hash = $1",
        hashlib.sha256(client.token.encode()).digest(),
    )[0]


ENDS = {
    "expiry": "update sessions set expires_at = now() where id = $1",
    "idleness": "update sessions set last_used_at = now() - interval '1 hour' where id = $1",
    "revocation": "update sessions set revoked_at = now() where id = $1",
    "deactivation": "update users set active = false where id = (select user_id from sessions where id = $1)",
    "another role": "update users set role = 'analyst' where id = (select user_id from sessions where id = $1)",
}


@pytest.fixture
def temporary_user(address: DatabaseUrls) -> str:
    """A user of billing staff for one test."""
    name = f"u{uuid4().hex[:8]}"
    add_account(address, role="billing", email=f"{name}@demo.example")
    return name


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_session_ends_its_subscriptions_within_seconds(
    address: DatabaseUrls, listening_url: str, sync_invoice: UUID, temporary_user: str, end: str
) -> None:
    with (
        sign_in(listening_url, temporary_user) as client,
        listening(address, listening_url, client.token, sync_invoice) as subscriber,
    ):
        rows(address, ENDS[end], _token_row(address, client)["id"])
        began = time.monotonic()
        assert subscriber.ended_with() == "UNAUTHENTICATED"
        assert time.monotonic() - began < 5


def test_a_subscription_gets_no_event_after_a_sign_out_at_another_process(
    address: DatabaseUrls, listening_url: str, writing_url: str, sync_invoice: UUID, temporary_user: str
) -> None:
    with (
        sign_in(listening_url, temporary_user) as client,
        listening(address, listening_url, client.token, sync_invoice) as subscriber,
    ):
        with Client(writing_url, client.token) as other_process:
            other_process.read("mutation { signOut { signedOut } }")
        announce(address, sync_invoice)
        message = subscriber.next()
        assert message["payload"]["data"] is None
        assert message["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_token_revoked_at_one_process_is_refused_at_the_other_at_once(
    listening_url: str, writing_url: str, temporary_user: str
) -> None:
    with sign_in(listening_url, temporary_user) as client:
        client.read("{ viewer { id } }")
        with Client(writing_url, client.token) as other_process:
            other_process.read("mutation { signOut { signedOut } }")
        # The notification is on its way: this takes far less time than the time to live of the session cache.
        time.sleep(0.3)
        assert client.post("{ viewer { id } }").status_code == 401


def test_a_subscription_does_not_count_as_use_of_its_session(
    address: DatabaseUrls, listening_url: str, sync_invoice: UUID, temporary_user: str
) -> None:
    with (
        sign_in(listening_url, temporary_user) as client,
        listening(address, listening_url, client.token, sync_invoice),
    ):
        session = _token_row(address, client)["id"]
        rows(address, "update sessions set last_used_at = now() - interval '20 minutes' where id = $1", session)
        time.sleep(3)
        (row,) = rows(
            address, "select last_used_at < now() - interval '19 minutes' as idle from sessions where id = $1", session
        )
        assert row["idle"]


# The connection that listens for notifications.


def test_a_lost_connection_ends_subscriptions_and_new_ones_get_events(
    address: DatabaseUrls, listen: Listen, received: Received
) -> None:
    with listen("billing") as subscriber:
        rows(
            address,
            """select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'billing notifications'""",
        )
        assert subscriber.ended_with() == "CHANGES_MISSED"
    with listen("billing") as again:
        assert received(again) == [[]]


def test_malformed_notifications_are_ignored(address: DatabaseUrls, listen: Listen, received: Received) -> None:
    with listen("billing") as subscriber:
        for channel in ("invoice_changed", "session_ended"):
            for payload in (
                "",
                "{",
                "[]",
                "{}",
                '{"clinic": "x"}',
                '{"clinic": 1, "invoice": 2, "columns": 3}',
                "null",
            ):
                rows(address, "select pg_notify($1, $2)", channel, payload)
        assert received(subscriber) == [[]]


async def test_a_subscriber_that_reads_too_slowly_gets_an_error_that_asks_it_to_subscribe_again(
    address: DatabaseUrls,
) -> None:
    clinic, invoice = uuid4(), uuid4()
    hints = Hints()
    connection = await asyncpg.connect(address.owner)
    try:
        async with (
            address.database(hints=hints) as database,
            Notifications(address.login(STAFF_LOGIN), hints, Sessions(database)) as announcements,
            announcements.of_invoices(clinic, frozenset({"status"})) as changes,
        ):
            for _ in range(LARGEST_QUEUE + 10):
                payload = invoice_changed(hints, clinic, invoice, ["status"])
                await connection.execute("select pg_notify('invoice_changed', $1)", payload)
            await asyncio.sleep(0.5)
            with pytest.raises(RequestError) as refused:
                await anext(changes)
            assert refused.value.code == "TOO_SLOW"
    finally:
        await connection.close()


def test_a_server_that_gets_sigterm_does_not_wait_for_its_subscribers(
    address: DatabaseUrls, sync_invoice: UUID
) -> None:
    with (
        billing(address, "serve", "--no-worker") as server,
        sign_in(server.url, "billing") as client,
        listening(address, server.url, client.token, sync_invoice) as subscriber,
    ):
        server.popen.send_signal(signal.SIGTERM)
        assert server.popen.wait(10) == 0
        assert subscriber.hung_up() == 1012


@pytest.mark.parametrize("steps", range(6))
async def test_a_subscription_that_is_cancelled_as_it_begins_ends(address: DatabaseUrls, steps: int) -> None:
    async with (
        address.database() as database,
        Notifications(address.login(STAFF_LOGIN), Hints(), Sessions(database)) as announcements,
    ):

        async def subscribe() -> None:
            async with announcements.of_invoices(uuid4(), frozenset()) as changes:
                await anext(changes)

        async with announcements.of_exports():
            pass  # From here on it listens.
        task = asyncio.create_task(subscribe())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=5)
        task.cancel()
        assert done
        assert task.cancelled()
