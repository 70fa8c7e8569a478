"""Decides how long a connection may rest in the middle of a request's head, and how long the head may be."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_SECONDS = 10.0
_LONGEST_HEAD = 64 * 1024
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for ever for the end of a head, and takes one of any length.

    A body has limits of its own, where it is read.
    """

    _patience: asyncio.TimerHandle | None = None
    _is_in_head, _head = False, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and go on waiting where no request has come of it."""
        super().data_received(data)
        # A connection that has become a WebSocket is another protocol's, and may be silent for as long as it likes.
        is_handed_over = self.transport.get_protocol() is not self
        if is_handed_over or self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            return
        self._wait()
        self._head += len(data) if self._is_in_head else 0
        if self._head > _LONGEST_HEAD:
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A head has begun."""
        super().on_message_begin()
        self._is_in_head, self._head = True, 0

    def on_headers_complete(self) -> None:
        """A head has come."""
        self._is_in_head = False
        self._wait_no_more()
        super().on_headers_complete()

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(_HEAD_SECONDS, self._give_up)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if not self.transport.is_closing():
            self.transport.close()
