"""What ends a subscription: the end of its session, a lost connection, a subscriber that is too slow, the end of the server."""

import asyncio
import hashlib
import signal
import time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from graphql import GraphQLError

from db.security import STAFF_LOGIN
from server.addresses import Address
from server.announcements import LARGEST_QUEUE, Announcements
from tests.client import Client
from tests.databases import rows
from tests.hearing import Hears, Listen, sign_in
from tests.processes import billing
from tests.subscriber import announce, listening

# The end of a session is the end of what is heard.


def _token_row(address: Address, client: Client) -> Any:
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
def passing(address: Address) -> str:
    """A user of billing staff who is there for one test."""
    name = f"u{uuid4().hex[:8]}"
    rows(
        address,
        """insert into users (clinic_id, id, email, name, role, password_hash)
        select clinic_id, gen_random_uuid(), $1, 'Passing', 'billing', password_hash
        from users where email = 'billing@demo.clinic'""",
        f"{name}@demo.clinic",
    )
    return name


@pytest.mark.parametrize("end", ENDS)
def test_a_session_that_ends_ends_the_subscription_within_seconds(
    address: Address, ears: str, sentinel: UUID, passing: str, end: str
) -> None:
    with sign_in(ears, passing) as client, listening(address, ears, client.token, sentinel) as subscriber:
        rows(address, ENDS[end], _token_row(address, client)["id"])
        began = time.monotonic()
        assert subscriber.ended_with() == "UNAUTHENTICATED"
        assert time.monotonic() - began < 5


def test_nothing_is_heard_after_signing_out_at_another_process(
    address: Address, ears: str, hands: str, sentinel: UUID, passing: str
) -> None:
    with sign_in(ears, passing) as client, listening(address, ears, client.token, sentinel) as subscriber:
        with Client(hands, client.token) as elsewhere:
            elsewhere.read("mutation { signOut { signedOut } }")
        announce(address, sentinel)
        message = subscriber.next()
        assert message["payload"]["data"] is None
        assert message["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_token_revoked_at_one_process_is_refused_at_the_other_at_once(ears: str, hands: str, passing: str) -> None:
    with sign_in(ears, passing) as client:
        client.read("{ viewer { id } }")
        with Client(hands, client.token) as elsewhere:
            elsewhere.read("mutation { signOut { signedOut } }")
        # The notice is on its way: far less than the seconds for which a process would believe what it knows.
        time.sleep(0.3)
        assert client.post("{ viewer { id } }").status_code == 401


def test_listening_is_no_use_of_a_session(address: Address, ears: str, sentinel: UUID, passing: str) -> None:
    with sign_in(ears, passing) as client, listening(address, ears, client.token, sentinel):
        session = _token_row(address, client)["id"]
        rows(address, "update sessions set last_used_at = now() - interval '20 minutes' where id = $1", session)
        time.sleep(3)
        (row,) = rows(
            address, "select last_used_at < now() - interval '19 minutes' as idle from sessions where id = $1", session
        )
        assert row["idle"]


# The connection that listens.


def test_a_lost_connection_ends_subscriptions_and_new_ones_are_heard(
    address: Address, listen: Listen, hears: Hears
) -> None:
    with listen("billing") as subscriber:
        rows(
            address,
            """select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'billing announcements'""",
        )
        assert subscriber.ended_with() == "CHANGES_MISSED"
    with listen("billing") as again:
        assert hears(again) == [[]]


def test_words_that_make_no_sense_are_passed_over(address: Address, listen: Listen, hears: Hears) -> None:
    with listen("billing") as subscriber:
        for channel in ("invoice_changed", "session_ended"):
            for word in ("", "{", "[]", "{}", '{"clinic": "x"}', '{"clinic": 1, "invoice": 2, "columns": 3}', "null"):
                rows(address, "select pg_notify($1, $2)", channel, word)
        assert hears(subscriber) == [[]]


async def test_a_subscriber_that_reads_too_slowly_is_told_to_begin_anew(address: Address) -> None:
    clinic, invoice = uuid4(), uuid4()
    notice = f"""{{"clinic": "{clinic}", "invoice": "{invoice}", "columns": ["status"], "n": %s}}"""
    connection = await asyncpg.connect(address.owner)
    try:
        async with (
            Announcements(address.login(STAFF_LOGIN), lambda _: None) as announcements,
            announcements.of_invoices(clinic, frozenset({"status"})) as changes,
        ):
            for number in range(LARGEST_QUEUE + 10):
                await connection.execute("select pg_notify('invoice_changed', $1)", notice % number)
            await asyncio.sleep(0.5)
            with pytest.raises(GraphQLError) as refused:
                await anext(changes)
            assert refused.value.extensions == {"code": "TOO_SLOW"}
    finally:
        await connection.close()


def test_a_server_that_is_told_to_end_does_not_wait_for_its_subscribers(address: Address, sentinel: UUID) -> None:
    with (
        billing(address, "serve", "--no-worker") as server,
        sign_in(server.url, "billing") as client,
        listening(address, server.url, client.token, sentinel) as subscriber,
    ):
        server.popen.send_signal(signal.SIGTERM)
        assert server.popen.wait(10) == 0
        assert subscriber.hung_up() == 1012
