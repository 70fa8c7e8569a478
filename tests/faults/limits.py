"""Decides how a server is asked for more than it can do, for something that takes too long, and to end."""

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

from server.addresses import Address
from tests.bench.load import Order, put, request_of
from tests.bench.processor import resident_mebibytes
from tests.client import Client
from tests.databases import rows
from tests.faults.asking import READ, Heard, hear
from tests.faults.outcomes import Outcome
from tests.faults.premises import premises
from tests.overload.storm import Storm
from tests.server.embedded_user import comes_true
from tests.subscriber import connected

_TIMES, _SECONDS, _CALM_SECONDS, _CLOSED = 4, 15.0, 5.0, 16
_KEPT_SECONDS = 1.5
_MEMORY_MIB = 150.0
_OTHER = "{ payers(first: 3) { nodes { name } } }"
_WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
_LIMIT_SECONDS = 15.0


def flooded() -> Outcome:
    """Four times as many requests as the machine can do, for a while."""
    outcome = Outcome()
    with premises() as place, place.serving(BILLING_REQUESTS_PER_MINUTE="0") as server, Client(server.url) as nobody:
        client = nobody.signed_in("billing@demo.clinic")
        port = urlsplit(server.url).port or 0
        order = Order(port, "/graphql", client.token or "", [json.dumps({"query": READ})], _CLOSED, _CALM_SECONDS)
        uvloop.run(put(order))
        calm = uvloop.run(put(order))
        before = resident_mebibytes(server.popen.pid)
        storm = Storm(port, [request_of(order, body) for body in order.bodies])
        with _somebody_beside(client) as heard:
            came, most = uvloop.run(
                storm.blow(_TIMES * calm.per_second, _SECONDS, partial(resident_mebibytes, server.popen.pid))
            )
        after = uvloop.run(put(order))
    shown = ", ".join(f"{status}: {count:,}" for status, count in sorted(came.answers.items()))
    refused = [one for one in heard if one.status == 503]
    outcome.tell(
        f"{calm.per_second:,.0f} a second are done by {_CLOSED} clients (p50 {calm.p50:.0f} ms); of {_TIMES} times as many for {_SECONDS:g} s "
        f"came {shown}, {came.per_second(_SECONDS):,.0f} good ones a second, p50 {came.percentile(0.5) * 1000:,.0f} ms, "
        f"p99 {came.percentile(0.99) * 1000:,.0f} ms; memory {before:.0f} MiB before, {most:.0f} at most; afterwards {after.per_second:,.0f} a second"
    )
    outcome.promise(came.answers[503] > 0 and set(came.answers) == {200, 503}, "who is too much hears 503")
    outcome.promise(bool(refused) and all(one.says_when for one in refused), "and when to come back")
    outcome.promise(
        came.percentile(0.99) < _KEPT_SECONDS, f"99 % of the accepted are answered within {_KEPT_SECONDS:g} s"
    )
    outcome.promise(most - before < _MEMORY_MIB, f"it takes less than {_MEMORY_MIB:g} MiB more")
    outcome.promise(after.per_second > calm.per_second / 2, "it is as fast as before afterwards")
    return outcome


@contextmanager
def _somebody_beside(client: Client) -> Iterator[list[Heard]]:
    """What one more client hears meanwhile, who looks at the headers, too."""
    heard: list[Heard] = []
    ended = threading.Event()

    def ask() -> None:
        with httpx.Client(headers=client.http.headers) as http:
            while not ended.wait(0.05):
                heard.append(hear(http, client.url))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield heard
    finally:
        ended.set()
        thread.join(60)


@contextmanager
def locked(address: Address) -> Iterator[None]:
    """While nobody can read invoices."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(address.owner))
        runner.run(connection.execute("begin; lock table invoices"))
        try:
            yield
        finally:
            runner.run(connection.close())


def too_long() -> Outcome:
    """Somebody holds a lock for longer than an operation may take."""
    outcome = Outcome()
    with premises() as place, place.serving() as server, Client(server.url) as nobody:
        client = nobody.signed_in("billing@demo.clinic")
        client.http.timeout = 60
        with locked(place.address):
            began = time.monotonic()
            answers: list[Heard] = []
            thread = threading.Thread(target=lambda: answers.append(hear(client.http, client.url)))
            thread.start()
            assert comes_true(lambda: bool(rows(place.address, _WAITING)))
            beside = hear(client.http, client.url, _OTHER)
            thread.join(60)
            took = time.monotonic() - began
            is_cancelled = comes_true(lambda: not rows(place.address, _WAITING), 2.0)
        afterwards = hear(client.http, client.url)
    (answer,) = answers
    outcome.tell(
        f"{answer.status} after {took:.1f} s, in PostgreSQL nothing waits any more; meanwhile another read: {beside.status} after "
        f"{beside.seconds * 1000:.0f} ms; afterwards {afterwards.status}"
    )
    outcome.promise(answer.status == 504 and took < _LIMIT_SECONDS + 2, "it is stopped after 15 s")
    outcome.promise(is_cancelled, "it is cancelled in PostgreSQL, too")
    outcome.promise((beside.status, afterwards.status) == (200, 200), "nothing else suffers")
    return outcome


_HELD_SECONDS = 4.0


def told_to_end() -> Outcome:
    """SIGTERM while a request runs and somebody listens."""
    outcome = Outcome()
    with premises() as place, place.serving() as server, Client(server.url) as nobody:
        client, answers = nobody.signed_in("billing@demo.clinic"), list[Heard]()
        with connected(server.url, client.token) as subscriber:
            subscriber.send(id="1", type="subscribe", payload={"query": "subscription { invoiceChanged { number } }"})
            with locked(place.address):
                thread = threading.Thread(target=lambda: answers.append(hear(client.http, client.url)))
                thread.start()
                assert comes_true(lambda: bool(rows(place.address, _WAITING)))
                server.popen.send_signal(signal.SIGTERM)
                began = time.monotonic()
                is_shut = comes_true(lambda: not _takes(server.url), 3.0)
                shut_after = time.monotonic() - began
                time.sleep(_HELD_SECONDS)
            thread.join(60)
            hung_up = subscriber.hung_up()
        code = server.popen.wait(40)
        took = time.monotonic() - began
    (answer,) = answers
    outcome.tell(
        f"new connections are refused after {shut_after:.2f} s; the running request was answered {answer.status} after {answer.seconds:.1f} s; "
        f"who listened heard the close code {hung_up}; exit {code} after {took:.1f} s"
    )
    outcome.promise(is_shut, "no new requests")
    outcome.promise(answer.status == 200, "those running finish")
    outcome.promise(code == 0 and took < 30.0, "exit 0 within 30 s")
    return outcome


def _takes(url: str) -> bool:
    """Whether somebody new is let in."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port or 0), 1.0).close()
    except OSError:
        return False
    return True
