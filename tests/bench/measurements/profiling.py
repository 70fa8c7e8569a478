"""Profiles the server: its ASGI application in this process answers repeated requests under cProfile."""

import cProfile
import io
import pstats
from collections.abc import Iterator
from itertools import cycle
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import orjson
import uvloop

from identity.sessions import SessionTimes
from server.app import build_app
from server.database_urls import DatabaseUrls
from server.settings import read_settings
from server.stores import open_files
from tests.bench.cases import Case
from tests.bench.clinics import PASSWORD

_WARM_UP, _REQUESTS = 200, 2_000


def profile(
    address: DatabaseUrls, case: Case, request_bodies: list[str], sort: str = "tottime", lines: int = 45
) -> str:
    """Time and processor time per request without a profiler, then the output of the profiler, as text."""
    return uvloop.run(_profile(address, case, request_bodies, sort, lines))


async def _profile(address: DatabaseUrls, case: Case, request_bodies: list[str], sort: str, lines: int) -> str:
    with TemporaryDirectory() as home:
        app: Any = build_app(address, SessionTimes(), open_files(read_settings({"BILLING_HOME": home})))
    async with app.router.lifespan_context(app):
        token = await _sign_in(app, case)
        bodies = cycle([body.encode() for body in request_bodies])
        await _ask(app, bodies, token, _WARM_UP)
        began, worked = perf_counter(), process_time()
        await _ask(app, bodies, token, _REQUESTS)
        took, cost = perf_counter() - began, process_time() - worked
        profiler = cProfile.Profile()
        profiler.enable()
        await _ask(app, bodies, token, _REQUESTS)
        profiler.disable()
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats(sort).print_stats(lines)
    each = f"{took / _REQUESTS * 1e6:.0f} µs, of which {cost / _REQUESTS * 1e6:.0f} µs of this process"
    return f"({case.name}) {case.meaning}: {each}, without uvicorn; below, {_REQUESTS:,} requests under cProfile\n{text.getvalue()}"


async def _sign_in(app: Any, case: Case) -> str:
    query = f'mutation {{ signIn(input: {{email: "{case.role}@demo.example", password: "{PASSWORD}"}}) {{ token }} }}'
    answer = await _call(app, orjson.dumps({"query": query}), "")
    token: str = orjson.loads(answer)["data"]["signIn"]["token"]
    return token


async def _ask(app: Any, bodies: Iterator[bytes], token: str, requests: int) -> None:
    for _ in range(requests):
        answer = await _call(app, next(bodies), token)
        assert answer.startswith(b'{"data"'), answer[:300]


async def _call(app: Any, body: bytes, token: str) -> bytes:
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"accept", b"application/json")]
    headers += [(b"authorization", f"Bearer {token}".encode())] if token else []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[bytes] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(sent)
