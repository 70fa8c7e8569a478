"""The floods: request floods from many concurrent connections, each for a number of seconds."""

import asyncio
import json
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from domain.access.people import Role
from tests.attacks.target import Target

_PAGE = "{ invoices(first: 50) { nodes { number status billedAmount balance patient { name } payer { name } } } }"
_FIELDS = "id number status createdOn serviceDate submittedOn billedAmount agreedAmount balance patient { id name } payer { id name }"


async def _post_until(target: Target, until: float, at_once: int, role: Role | None, body: Callable[[], bytes]) -> int:
    """Send bodies from `at_once` concurrent connections until a moment; returns how many were answered."""
    headers = {**target.headers(role), "content-type": "application/json"}
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(headers=headers, timeout=30, limits=limits) as client:

        async def send_repeatedly() -> int:
            count = 0
            while monotonic() < until:
                with suppress(httpx.HTTPError):
                    await client.post(target.url, content=body())
                    count += 1
            return count

        return sum(await asyncio.gather(*(send_repeatedly() for _ in range(at_once))))


def _body_of(query: str, **variables: object) -> bytes:
    return json.dumps({"query": query, "variables": variables}).encode()


def _new_document() -> bytes:
    """A document near the token limit that no client has sent before."""
    mark = secrets.token_hex(4)
    roots = " ".join(
        f"x{mark}{n}: invoices(first: {n + 1}) {{ nodes {{ {_FIELDS} a{mark}: number }} }}" for n in range(20)
    )
    return _body_of(f"{{ {roots} }}")


async def new_documents(target: Target, seconds: float) -> int:
    """One user sends documents of 20 root fields, each different."""
    return await _post_until(target, monotonic() + seconds, 8, Role.ANALYST, _new_document)


async def large_bodies(target: Target, seconds: float) -> int:
    """Anonymous callers send bodies of just under 1 MiB."""
    junk = _body_of("{ " + "a" * 1_000_000 + " }")
    return await _post_until(target, monotonic() + seconds, 8, None, lambda: junk)


async def bad_tokens(target: Target, seconds: float) -> int:
    """Bearer tokens that belong to no session, a new one each time."""

    async def guess(client: httpx.AsyncClient, until: float) -> int:
        count = 0
        while monotonic() < until:
            token = {"authorization": f"Bearer {secrets.token_urlsafe(48)}"}
            with suppress(httpx.HTTPError):
                await client.post(target.url, json={"query": "{ viewer { id } }"}, headers=token)
                count += 1
        return count

    async with httpx.AsyncClient(headers={"x-forwarded-for": "203.0.113.9"}, timeout=30) as client:
        return sum(await asyncio.gather(*(guess(client, monotonic() + seconds) for _ in range(8))))


async def sign_ins(target: Target, seconds: float) -> int:
    """Wrong passwords, for another e-mail address each time."""
    mutation = 'mutation ($e: String!) { signIn(input: {email: $e, password: "wrong"}) { token errors { message } } }'
    return await _post_until(
        target, monotonic() + seconds, 32, None, lambda: _body_of(mutation, e=f"{secrets.token_hex(6)}@demo.example")
    )


async def pages(target: Target, seconds: float) -> int:
    """One user asks for pages over 64 connections, as fast as they are answered."""
    return await _post_until(target, monotonic() + seconds, 64, Role.ANALYST, lambda: _body_of(_PAGE))


async def nested_fragments(target: Target, seconds: float) -> int:
    """A hundred fragments, each of which spreads the next one twice."""
    parts = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(100))
    body = _body_of("{ ...f0 } " + parts + " fragment f100 on Query { __typename }")
    return await _post_until(target, monotonic() + seconds, 8, None, lambda: body)


async def websockets(target: Target, seconds: float) -> int:
    """A thousand idle WebSockets, as many as are accepted; then each sends a frame of a megabyte."""
    where, until = target.url.replace("http", "ws", 1), monotonic() + seconds
    headers, protocols = {"x-forwarded-for": "203.0.113.9"}, [Subprotocol("graphql-transport-ws")]
    opened: list[ClientConnection] = []

    async def open_one() -> None:
        with suppress(OSError, WebSocketException, TimeoutError):
            opened.append(await connect(where, subprotocols=protocols, additional_headers=headers))

    for _ in range(20):
        await asyncio.gather(*(open_one() for _ in range(50)))
    count = len(opened)
    while monotonic() < until and opened:
        with suppress(WebSocketException, OSError):
            await opened.pop().send("x" * 1_000_000)
        await asyncio.sleep(0.05)
    for one in opened:
        with suppress(Exception):
            await one.close()
    return count


async def slow_senders(target: Target, seconds: float) -> int:
    """Three hundred connections that send one byte a second, half of them in the headers, half in the body."""
    head = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nx-forwarded-for: 203.0.113.9\r\n"
    until, writers = monotonic() + seconds, []
    for number in range(300):
        _, writer = await asyncio.open_connection("127.0.0.1", target.port)
        writer.write(head + (b"content-length: 500\r\n\r\n{" if number % 2 else b"x-slow: "))
        writers.append(writer)
    while monotonic() < until:
        for writer in writers:
            with suppress(OSError):
                writer.write(b"a")
        await asyncio.sleep(1)
    for writer in writers:
        writer.close()
    return len(writers)


async def malformed_requests(target: Target, seconds: float) -> int:
    """Pipelined requests, endless headers, truncated bodies and random bytes."""
    many = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * 500
    endless = b"POST /graphql HTTP/1.1\r\n" + b"".join(b"x-%d: " % n + b"y" * 500 + b"\r\n" for n in range(1_000))
    cut = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"
    until, count = monotonic() + seconds, 0
    while monotonic() < until:
        for junk in (many, endless, cut, b"\x00\xff" * 500):
            reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
            with suppress(OSError, TimeoutError):
                writer.write(junk)
                async with asyncio.timeout(1):
                    await reader.read(1_000)
            writer.close()
            count += 1
    return count


@dataclass(frozen=True)
class Flood:
    """A flood: what is sent, and the function that sends it for some seconds and returns how often."""

    sent: str
    send: Callable[[Target, float], Coroutine[Any, Any, int]]


FLOODS = {
    "new documents": Flood("8 connections, 20 root fields each, none seen before", new_documents),
    "doubling fragments": Flood("8 connections, 2^100 fields when spread", nested_fragments),
    "large bodies": Flood("8 connections, 1 MB each", large_bodies),
    "bad tokens": Flood("8 connections, another token each time", bad_tokens),
    "sign-ins": Flood("32 connections, another e-mail each time", sign_ins),
    "pages": Flood("64 connections of one user", pages),
    "WebSockets": Flood(
        "1,000 idle ones from one address; those that are accepted then send frames of 1 MB", websockets
    ),
    "slow senders": Flood("300 connections, a byte a second", slow_senders),
    "junk": Flood("pipelined requests, endless headers, truncated bodies, random bytes", malformed_requests),
}


def flood(target: Target, name: str, seconds: float) -> str:
    """Send a flood; returns how often, in words."""
    return f"{asyncio.run(FLOODS[name].send(target, seconds)):,} sent"
