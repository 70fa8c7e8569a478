"""Overload, an operation that exceeds its timeout, and SIGTERM: how a server behaves at its limits."""

import asyncio
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import asyncpg
import httpx
import uvloop

from server.database_urls import DatabaseUrls
from tests.bench.load import Order, put, request_of
from tests.bench.servers.processor import resident_mebibytes
from tests.faults.isolated_clinic import isolated_clinic
from tests.faults.outcomes import Outcome
from tests.faults.probe_clients import READ, Answer, send_request
from tests.overload.load_generator import LoadGenerator
from tests.server.embedded.embedded_user import comes_true
from tests.support.client import Client
from tests.support.databases import rows
from tests.support.subscriber import connected

_TIMES, _SECONDS, _CALM_SECONDS, _CLOSED = 4, 15.0, 5.0, 16
_KEPT_SECONDS = 1.5
_MEMORY_MIB = 150.0
_OTHER = "{ payers(first: 3) { nodes { name } } }"
_WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
_LIMIT_SECONDS = 15.0


def overloaded() -> Outcome:
    """Send four times as many requests as the machine can answer, for a while."""
    outcome = Outcome()
    with (
        isolated_clinic() as place,
        place.serving(BILLING_REQUESTS_PER_MINUTE="0") as server,
        Client(server.url) as anonymous,
    ):
        client = anonymous.signed_in("billing@demo.example")
        port = urlsplit(server.url).port or 0
        order = Order(port, "/graphql", client.token or "", [json.dumps({"query": READ})], _CLOSED, _CALM_SECONDS)
        uvloop.run(put(order))
        calm = uvloop.run(put(order))
        before = resident_mebibytes(server.popen.pid)
        load_generator = LoadGenerator(port, [request_of(order, body) for body in order.bodies])
        with _another_client(client) as answers:
            came, most = uvloop.run(
                load_generator.send(_TIMES * calm.per_second, _SECONDS, partial(resident_mebibytes, server.popen.pid))
            )
        after = uvloop.run(put(order))
    shown = ", ".join(f"{status}: {count:,}" for status, count in sorted(came.answers.items()))
    refused = [one for one in answers if one.status == 503]
    outcome.describe(
        f"{calm.per_second:,.0f} requests/s are answered to {_CLOSED} clients (p50 {calm.p50:.0f} ms); {_TIMES} times as many for {_SECONDS:g} s "
        f"were answered {shown}, {came.per_second(_SECONDS):,.0f} of status 200 per second, p50 {came.percentile(0.5) * 1000:,.0f} ms, "
        f"p99 {came.percentile(0.99) * 1000:,.0f} ms; memory {before:.0f} MiB before, {most:.0f} at most; "
        f"afterwards {after.per_second:,.0f} requests/s"
    )
    outcome.promise(came.answers[503] > 0 and set(came.answers) == {200, 503}, "requests beyond the capacity get 503")
    outcome.promise(bool(refused) and all(one.has_retry_after for one in refused), "each 503 has Retry-After")
    outcome.promise(
        came.percentile(0.99) < _KEPT_SECONDS, f"99 % of the accepted requests are answered within {_KEPT_SECONDS:g} s"
    )
    outcome.promise(most - before < _MEMORY_MIB, f"memory grows by less than {_MEMORY_MIB:g} MiB")
    outcome.promise(after.per_second > calm.per_second / 2, "afterwards the throughput is at least half of that before")
    return outcome


@contextmanager
def _another_client(client: Client) -> Iterator[list[Answer]]:
    """The answers to one more client meanwhile, which also records the headers."""
    answers: list[Answer] = []
    ended = threading.Event()

    def ask() -> None:
        with httpx.Client(headers=client.http.headers) as http:
            while not ended.wait(0.05):
                answers.append(send_request(http, client.url))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        ended.set()
        thread.join(60)


@contextmanager
def locked(address: DatabaseUrls) -> Iterator[None]:
    """Hold a table lock, so that no client can read invoices."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(address.owner))
        runner.run(connection.execute("begin; lock table invoices"))
        try:
            yield
        finally:
            runner.run(connection.close())


def timed_out() -> Outcome:
    """Hold a lock for longer than the timeout of an operation."""
    outcome = Outcome()
    with isolated_clinic() as place, place.serving() as server, Client(server.url) as anonymous:
        client = anonymous.signed_in("billing@demo.example")
        client.http.timeout = 60
        with locked(place.address):
            began = time.monotonic()
            answers: list[Answer] = []
            thread = threading.Thread(target=lambda: answers.append(send_request(client.http, client.url)))
            thread.start()
            assert comes_true(lambda: bool(rows(place.address, _WAITING)))
            other = send_request(client.http, client.url, _OTHER)
            thread.join(60)
            took = time.monotonic() - began
            is_cancelled = comes_true(lambda: not rows(place.address, _WAITING), 2.0)
        afterwards = send_request(client.http, client.url)
    (answer,) = answers
    outcome.describe(
        f"{answer.status} after {took:.1f} s, no statement waits in PostgreSQL any more; meanwhile another read: {other.status} after "
        f"{other.seconds * 1000:.0f} ms; afterwards {afterwards.status}"
    )
    outcome.promise(answer.status == 504 and took < _LIMIT_SECONDS + 2, "the operation is stopped after 15 s")
    outcome.promise(is_cancelled, "the statement is cancelled in PostgreSQL, too")
    outcome.promise((other.status, afterwards.status) == (200, 200), "other requests are not affected")
    return outcome


_HELD_SECONDS = 4.0


def terminated() -> Outcome:
    """Send SIGTERM while a request and a subscription run."""
    outcome = Outcome()
    with isolated_clinic() as place, place.serving() as server, Client(server.url) as anonymous:
        client, answers = anonymous.signed_in("billing@demo.example"), list[Answer]()
        with connected(server.url, client.token) as subscriber:
            subscriber.send(id="1", type="subscribe", payload={"query": "subscription { invoiceChanged { number } }"})
            with locked(place.address):
                thread = threading.Thread(target=lambda: answers.append(send_request(client.http, client.url)))
                thread.start()
                assert comes_true(lambda: bool(rows(place.address, _WAITING)))
                server.popen.send_signal(signal.SIGTERM)
                began = time.monotonic()
                is_shut = comes_true(lambda: not _accepts(server.url), 3.0)
                shut_after = time.monotonic() - began
                time.sleep(_HELD_SECONDS)
            thread.join(60)
            hung_up = subscriber.hung_up()
        code = server.popen.wait(40)
        took = time.monotonic() - began
    (answer,) = answers
    outcome.describe(
        f"new connections are refused after {shut_after:.2f} s; the running request was answered {answer.status} after {answer.seconds:.1f} s; "
        f"the subscription got the close code {hung_up}; exit {code} after {took:.1f} s"
    )
    outcome.promise(is_shut, "no new requests are accepted")
    outcome.promise(answer.status == 200, "running requests finish")
    outcome.promise(code == 0 and took < 30.0, "exit 0 within 30 s")
    return outcome


def _accepts(url: str) -> bool:
    """Whether the server accepts a new connection."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 0), 1.0).close()
    except OSError:
        return False
    return True
