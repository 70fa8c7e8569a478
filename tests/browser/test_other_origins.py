"""A web page of another origin in a real browser: a listed one does everything, another one learns nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.async_api import Error

from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from tests.support.api.scans import PDF, cheque_for, waiting
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD

# The functions of an app without a library of its own; Playwright awaits what they return.
_APP = """
async (url) => {
    window.ask = async (query, variables, token) => {
        const headers = {"Content-Type": "application/json", ...(token && {Authorization: `Bearer ${token}`})};
        const answer = await fetch(url, {method: "POST", headers, body: JSON.stringify({query, variables})});
        return {requestId: answer.headers.get("X-Request-ID"), ...await answer.json()};
    };
    window.subscribe = (query, token) => new Promise((resolve) => {
        window.events = [];
        const socket = new WebSocket(url.replace("http", "ws"), "graphql-transport-ws");
        socket.onopen = () => socket.send(JSON.stringify({type: "connection_init", payload: {authorization: `Bearer ${token}`}}));
        socket.onclose = (event) => resolve(event.code);
        socket.onmessage = ({data}) => {
            const message = JSON.parse(data);
            if (message.type === "connection_ack") {
                socket.send(JSON.stringify({id: "1", type: "subscribe", payload: {query}}));
                resolve("open");
            } else if (message.type === "next") window.events.push(message.payload);
        };
    });
    window.put = async (to, text) => (await fetch(to, {method: "PUT", body: text})).status;
    window.get = async (from) => {
        const answer = await fetch(from);
        return {text: await answer.text(), name: answer.headers.get("Content-Disposition"), tag: answer.headers.get("ETag")};
    };
}
"""
_SIGN_IN = """mutation ($input: SignInInput!) { signIn(input: $input) { token errors { message } } }"""
_UPLOAD = """mutation ($input: CreateUploadInput!) { createUpload(input: $input) { upload { id uploadUrl } errors { message } } }"""
_RECORD = """mutation ($input: RecordChequeInput!) { recordCheque(input: $input) { cheque { documentUrl } errors { message } } }"""
_NOTE = """mutation ($input: AddInternalNoteInput!) { addInternalNote(input: $input) { errors { message } } }"""
_ACCOUNT = {"email": "billing@demo.example", "password": PASSWORD}


class _Blank(BaseHTTPRequestHandler):
    """Answers everything with an empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>App</title>")

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@contextmanager
def _pages() -> Iterator[str]:
    """The origin of a server of pages."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Blank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def origin() -> Iterator[str]:
    with _pages() as listed:
        yield listed


@pytest.fixture
def api(address: DatabaseUrls, origin: str) -> Iterator[str]:
    """The address of the API of a server that lists the origin."""
    with serving(address, running=ServerOptions(allowed_origins=frozenset({origin}))) as url:
        yield url


def _app(page: Any, origin: str, api: str) -> None:
    page.goto(origin)
    page.evaluate(_APP, api)


def _asked(page: Any, query: str, variables: Any = None, token: str = "") -> Any:
    answer = page.evaluate("([query, variables, token]) => ask(query, variables, token)", [query, variables, token])
    assert (answer.get("errors"), bool(answer["requestId"])) == (None, True)
    return answer["data"]


def test_a_page_of_a_listed_origin_signs_in_asks_subscribes_uploads_and_downloads(
    page: Any, origin: str, api: str
) -> None:
    _app(page, origin, api)
    token = _asked(page, _SIGN_IN, {"input": _ACCOUNT})["signIn"]["token"]
    assert _asked(page, "{ viewer { role } }", token=token) == {"viewer": {"role": "BILLING"}}
    with Client(api) as anonymous, anonymous.signed_in("billing@demo.example") as biller:
        invoice = waiting(biller)
    subscription = "subscription { invoiceChanged { id status } }"
    assert page.evaluate("([query, token]) => subscribe(query, token)", [subscription, token]) == "open"
    announced = {"fileName": "scan of a cheque.pdf", "contentType": "application/pdf", "byteSize": len(PDF)}
    upload = _asked(page, _UPLOAD, {"input": announced}, token)["createUpload"]["upload"]
    assert page.evaluate("([to, text]) => put(to, text)", [upload["uploadUrl"], PDF.decode()]) == 201
    made = _asked(page, _RECORD, {"input": cheque_for(invoice, upload["id"])}, token)["recordCheque"]
    assert made["errors"] == []
    page.wait_for_function("id => events.some((event) => event.data.invoiceChanged.id === id)", arg=invoice["id"])
    found = page.evaluate("from => get(from)", made["cheque"]["documentUrl"])
    assert found["text"].encode() == PDF
    assert "scan%20of%20a%20cheque.pdf" in found["name"]
    assert found["tag"]


def test_a_page_of_another_origin_gets_no_answer(page: Any, api: str) -> None:
    with _pages() as other:
        _app(page, other, api)
        for query in (_SIGN_IN, "{ __typename }"):
            with pytest.raises(Error, match="Failed to fetch"):
                _asked(page, query, {"input": _ACCOUNT})
        # A connection that is refused closes without a reason.
        assert page.evaluate("([query, token]) => subscribe(query, token)", ["subscription { x }", "none"]) == 1006
        with pytest.raises(Error, match="Failed to fetch"):
            page.evaluate("to => put(to, 'x')", api.replace("/graphql", "/uploads/x"))
        with pytest.raises(Error, match="Failed to fetch"):
            page.evaluate("from => get(from)", api.replace("/graphql", "/documents/x"))
