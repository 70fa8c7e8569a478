"""A TCP proxy to the tests' PostgreSQL for programs under another account, because only the owner may use its Unix socket."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_SOCKET = ".s.PGSQL.5432"
_BUFFER = 65_536


@contextmanager
def forwarded_port(dsn: str) -> Iterator[int]:
    """A local TCP port that is forwarded to the Unix socket of a database address."""
    socket = str(Path(parse_qs(urlsplit(dsn).query)["host"][0]) / _SOCKET)
    loop, ports = asyncio.new_event_loop(), []
    ready = threading.Event()

    async def pass_on(client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_unix_connection(socket)
        await asyncio.wait(
            [asyncio.ensure_future(_pour(client, server)), asyncio.ensure_future(_pour(answers, back))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for writer in (server, back):
            writer.close()

    async def listen() -> None:
        listening = await asyncio.start_server(pass_on, "127.0.0.1", 0)
        ports.append(listening.sockets[0].getsockname()[1])
        ready.set()

    thread = threading.Thread(target=lambda: (loop.create_task(listen()), loop.run_forever()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(_BUFFER):
            target.write(data)
            await target.drain()
