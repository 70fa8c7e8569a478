"""A timeout and a size limit for request headers, which protect against slow clients (Slowloris)."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_SECONDS = 10.0
_LONGEST_HEAD = 64 * 1024
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(HttpToolsProtocol):
    """The HTTP protocol of uvicorn with limits on the headers: by itself it has neither a timeout nor a maximum size for them.

    The body has limits of its own, where it is read.
    """

    _patience: asyncio.TimerHandle | None = None
    _is_in_head, _head = False, 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data, and keep the timeout running until the headers are complete."""
        super().data_received(data)
        # A connection that was upgraded to a WebSocket belongs to another protocol, and may be idle.
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
        """Start counting the size of the headers."""
        super().on_message_begin()
        self._is_in_head, self._head = True, 0

    def on_headers_complete(self) -> None:
        """Cancel the timeout: the headers are complete."""
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
