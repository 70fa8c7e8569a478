"""A real IMAP server for tests, with one mailbox in memory."""

import asyncio
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pysasl.hashing import BuiltinHash

from storage.report_mailbox import ReportMailbox
from tests.mail.smtp_server import HOST, PASSWORD, USER, Certificate, free_port


@dataclass
class ImapServer:
    """A mailbox, and what is put into it."""

    port: int
    # With it, the server takes STARTTLS or, if it is `encrypted`, TLS from the beginning.
    certificate: Certificate | None = None
    encrypted: bool = False
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    # The folder of the mailbox in the server, once somebody has signed in.
    backend: Any = None

    def mailbox(self, **others: Any) -> ReportMailbox:
        """The product's client of this mailbox."""
        options = {"security": "none", "user": USER, "password": PASSWORD, **others}
        return ReportMailbox(HOST, self.port, **options)

    def put(self, *messages: bytes) -> None:
        """Put messages into the mailbox."""
        self._run(self._append(messages))

    def flags(self) -> list[frozenset[Any]]:
        """The flags of each message."""
        found: list[frozenset[Any]] = self._run(self._flags())
        return found

    def renumber(self) -> None:
        """Replace the mailbox by an empty one, whose numbers begin anew."""
        self._run(self._forget())

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _inbox(self) -> Any:
        async with self.backend.login.demo_user_identity.new_session() as session:
            return await session.mailbox_set.get_mailbox("INBOX")

    async def _append(self, messages: tuple[bytes, ...]) -> None:
        inbox = await self._inbox()
        for message in messages:
            await inbox.append(AppendMessage(message, datetime.now(UTC), frozenset()))

    async def _flags(self) -> list[frozenset[Any]]:
        return [message.permanent_flags async for message in (await self._inbox()).messages()]

    async def _forget(self) -> None:
        self.backend.config.set_cache.clear()

    def serve(self, ready: Event, stop: asyncio.Event) -> None:
        """Serve until stopped, in a thread of its own."""
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve(ready, stop))

    async def _serve(self, ready: Event, stop: asyncio.Event) -> None:
        place = {"host": HOST, "port": self.port, "debug": False, "tls": self.certificate is not None}
        user = {"demo_data": False, "demo_user": USER, "demo_password": PASSWORD}
        args = Namespace(**place, **user, cert=None, key=None, passlib_cfg=None, proxy_protocol=None)
        context = self.certificate.of_server() if self.certificate else None
        # A password of tests needs no rounds of hashing.
        options = {"hash_context": BuiltinHash(rounds=1), "secure_auth": False, "ssl_context": context}
        self.backend, config = await DictBackend.init(args, **options)
        config.apply_context()
        answer = ProxyProtocolReader(ProxyProtocolNoop()).get_callback(IMAPServer(self.backend.login, config))
        server = await asyncio.start_server(answer, HOST, self.port, ssl=context if self.encrypted else None)
        async with server:
            ready.set()
            await stop.wait()


@contextmanager
def imap_server(certificate: Certificate | None = None, *, encrypted: bool = False) -> Iterator[ImapServer]:
    """An IMAP server on a free port."""
    server, ready, stop = ImapServer(free_port(), certificate, encrypted), Event(), asyncio.Event()
    thread = Thread(target=server.serve, args=(ready, stop), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        server.loop.call_soon_threadsafe(stop.set)
        thread.join(10)
