"""Captures the statements that a server sends to PostgreSQL from the wire, independently of the server's code."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from server.database_urls import DatabaseUrls

_SOCKET = ".s.PGSQL.5432"
_BUFFER = 65_536
# The roles of session lookups and of the audit log.
_OTHER_ROLES = ("clinic_sign_in", "clinic_audit")


@dataclass
class Wire:
    """A proxy socket to PostgreSQL that records the executed statements, by connection."""

    upstream: Path
    socket: Path
    executed: list[tuple[int, str]] = field(default_factory=list)
    cut: bool = False
    # All messages are dropped, in both directions, without an error.
    muted: bool = False

    async def pass_on(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        while self.muted:  # noqa: ASYNC110 (another thread says when it is over)
            await asyncio.sleep(0.05)
        if self.cut:
            back.close()
            return
        answers, server = await asyncio.open_unix_connection(str(self.upstream))
        both = [self._requests(client, server, id(client)), self._answers(answers, back)]
        _, waiting = await asyncio.wait(map(asyncio.ensure_future, both), return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        for writer in (server, back):
            writer.close()

    async def _requests(self, client: asyncio.StreamReader, server: asyncio.StreamWriter, connection: int) -> None:
        prepared: dict[bytes, str] = {}
        async for message in _messages(client):
            if self.muted:
                continue
            kind, body = message[:1], message[5:]
            if kind == b"P":
                name, text, _ = body.split(b"\0", 2)
                prepared[name] = text.decode()
            elif kind == b"B":
                # asyncpg binds to the portal that it executes next.
                self.executed.append((connection, prepared[body.split(b"\0", 2)[1]]))
            elif kind == b"Q":
                self.executed.append((connection, body.rstrip(b"\0").decode()))
            server.write(message)
            await server.drain()

    async def _answers(self, answers: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while not self.cut and (data := await answers.read(_BUFFER)):
            back.write(data)
            await back.drain()

    def transactions(self) -> list[list[str]]:
        """The statements of each transaction of a viewer, without begin and commit; those of sessions and of the audit log are left out."""
        found: list[list[str]] = []
        open_ones: dict[int, list[str] | None] = {}
        for connection, statement in self.executed:
            if statement.startswith("begin"):
                open_ones[connection] = None if any(role in statement for role in _OTHER_ROLES) else []
            elif statement == "commit":
                inside = open_ones.pop(connection, None)
                found += [inside] if inside is not None else []
            elif (inside := open_ones.get(connection, [])) is not None:
                inside.append(statement)
        assert not [inside for inside in open_ones.values() if inside is not None]
        return found


async def _messages(client: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The messages of a client in PostgreSQL's protocol: the first one has no type byte."""
    try:
        size = await client.readexactly(4)
        yield size + await client.readexactly(int.from_bytes(size) - 4)
        while True:
            head = await client.readexactly(5)
            yield head + await client.readexactly(int.from_bytes(head[1:]) - 4)
    except asyncio.IncompleteReadError:
        return


@contextmanager
def captured_statements(address: DatabaseUrls) -> Iterator[tuple[DatabaseUrls, Wire]]:
    """The address of a proxy to the same database, and the captured statements."""
    parts = urlsplit(address.owner)
    query = parse_qs(parts.query)
    with TemporaryDirectory(prefix="wire") as folder:
        wire = Wire(Path(query["host"][0]) / _SOCKET, Path(folder) / _SOCKET)
        loop, ready = asyncio.new_event_loop(), threading.Event()

        async def listen() -> None:
            await asyncio.start_unix_server(wire.pass_on, str(wire.socket))
            ready.set()

        thread = threading.Thread(target=lambda: (loop.create_task(listen()), loop.run_forever()), daemon=True)
        thread.start()
        assert ready.wait(10)
        through = urlencode({**{key: value[0] for key, value in query.items()}, "host": folder})
        try:
            yield DatabaseUrls(urlunsplit(parts._replace(query=through))), wire
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()
