"""The subscriber of the tests: a real WebSocket with one subscription, and a way to show that no event was received."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from db.notifications import invoice_changed
from db.sealed_hints import Hints
from server.database_urls import DatabaseUrls
from tests.support.databases import rows
from tests.support.processes import SECRET

INVOICE = "subscription ($filter: InvoiceFilter) { invoiceChanged(filter: $filter) { number status } }"
_PATIENCE_SECONDS = 15.0
_CLINIC = "select clinic_id from invoices where id = $1"
# What seals the notifications of all processes of the tests.
HINTS = Hints(SECRET.encode())


def announce(address: DatabaseUrls, invoice_id: UUID, *columns: str) -> None:
    """Send the notification (NOTIFY) of a changed invoice, as a mutation does."""
    [[clinic_id]] = rows(address, _CLINIC, invoice_id)
    announce_in(address, clinic_id, invoice_id, *columns)


def announce_in(address: DatabaseUrls, clinic_id: UUID, invoice_id: UUID, *columns: str) -> None:
    """The same for an invoice that is said to belong to a clinic."""
    payload = invoice_changed(HINTS, clinic_id, invoice_id, columns or ["status"])
    rows(address, "select pg_notify('invoice_changed', $1)", payload)


class Subscriber:
    """A client with one WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        # The number of the invoice that is announced repeatedly until its event is received.
        self.sync_invoice: str | None = None

    def send(self, **message: Any) -> None:
        """Send a message of the protocol."""
        self._connection.send(json.dumps(message))

    def next(self, seconds: float = _PATIENCE_SECONDS) -> Any:
        """The next message; TimeoutError when nothing comes."""
        return json.loads(self._connection.recv(seconds))

    def next_result(self) -> Any:
        """The invoice of the next event, other than the sync invoice; of `invoiceEvents` the event."""
        message = self.next()
        assert (message["type"], message["payload"].get("errors")) == ("next", None), message
        [event] = message["payload"]["data"].values()
        invoice = event.get("invoice", event)
        return self.next_result() if invoice and invoice["number"] == self.sync_invoice else event

    def ended_with(self) -> Any:
        """The code of the error with which the subscription ends, from an `error` message or from a last result."""
        message = self.next()
        while message["type"] == "next" and "errors" not in message["payload"]:
            message = self.next()
        if message["type"] == "error":
            return message["payload"][0]["extensions"]["code"]
        assert (message["type"], message["payload"]["data"]) == ("next", None), message
        assert self.next()["type"] == "complete"
        return message["payload"]["errors"][0]["extensions"]["code"]

    def hung_up(self) -> int | None:
        """The code with which the server has closed the connection, after its last messages."""
        try:
            while True:
                self.next()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    def is_silent(self, seconds: float) -> bool:
        """Whether no message comes for a number of seconds."""
        try:
            self.next(seconds)
        except TimeoutError:
            return True
        return False


@contextmanager
def connected(url: str, token: str | None) -> Iterator[Subscriber]:
    """A WebSocket that the server has acknowledged."""
    with connect(url.replace("http", "ws", 1), subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        subscriber = Subscriber(connection)
        subscriber.send(type="connection_init", payload={"Authorization": f"Bearer {token}"} if token else {})
        assert subscriber.next()["type"] == "connection_ack"
        yield subscriber


@contextmanager
def listening(
    address: DatabaseUrls, url: str, token: str | None, sync_invoice: UUID, query: str = INVOICE, **variables: Any
) -> Iterator[Subscriber]:
    """A subscriber whose subscription is active: it has received an event of the sync invoice, which is in reach and matches the filter."""
    with connected(url, token) as subscriber:
        subscriber.send(id="1", type="subscribe", payload={"query": query, "variables": variables})
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while subscriber.is_silent(0.2):
            assert time.monotonic() < deadline, "no event is received"
            announce(address, sync_invoice)
        subscriber.sync_invoice = str(
            rows(address, "select number from invoices where id = $1", sync_invoice)[0]["number"]
        )
        yield subscriber
