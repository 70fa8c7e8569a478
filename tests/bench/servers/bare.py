"""Runs the bare servers of the benchmark: uvicorn exactly as `billing serve` runs it, without a framework."""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
import uvloop

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Handler = Callable[[Any, Receive, Send], Awaitable[None]]


async def _nothing() -> None:
    """Open or close nothing: for a server without a database."""


class Application:
    """An ASGI application of one handler, which is opened at the start and closed at the end."""

    def __init__(
        self,
        handler: Handler,
        opening: Callable[[], Awaitable[None]] = _nothing,
        closing: Callable[[], Awaitable[None]] = _nothing,
    ) -> None:
        self._handler, self._opening, self._closing = handler, opening, closing

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._handler(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            await self._opening()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._closing()
            await send({"type": "lifespan.shutdown.complete"})


async def body_of(receive: Receive) -> bytes:
    """The whole body of a request."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


async def respond(send: Send, body: bytes) -> None:
    """Send a body as JSON."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Announcing(uvicorn.Server):
    """uvicorn's server, which prints one line with its URL when it is ready."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        assert sockets
        print(f"ready http://127.0.0.1:{sockets[0].getsockname()[1]}/", flush=True)


def run(application: Any) -> None:
    """Serve an ASGI application on a free port of this machine until SIGTERM."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(application))


async def _serve(application: Any) -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
    )
    await _Announcing(config).serve(sockets=[listening])


async def _trivial(scope: Any, receive: Receive, send: Send) -> None:
    await body_of(receive)
    await respond(send, b'{"data":null}')


if __name__ == "__main__":
    # The minimum work of any server of this kind: its throughput is the cost of the load client and uvicorn.
    run(Application(_trivial))
