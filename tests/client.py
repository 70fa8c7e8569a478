"""Decides how tests speak to a server: over real HTTP, signed in as one of the demo clinic's users or as nobody."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx
import uvicorn
from starlette.types import ASGIApp

from server.addresses import Address
from server.app import build_app
from server.files import Files, open_files
from server.serving import configured
from server.sessions import SessionTimes
from server.settings import read_settings
from tests.databases import PASSWORD

_SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token errors { message } } }"
_PATIENCE_SECONDS = 20


@contextmanager
def serving(
    address: Address, times: SessionTimes | None = None, files: Files | None = None, **options: Any
) -> Iterator[str]:
    """The URL of a server over a database, in a thread of its own, gone at the end; files that are not given go with it."""
    with TemporaryDirectory() as home:
        files = files or open_files(read_settings({"BILLING_HOME": home}))
        with _running(build_app(address, times or SessionTimes(), files, **options)) as url:
            yield url


@contextmanager
def _running(app: ASGIApp) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    # Tests ask from wherever they say by X-Forwarded-For that they do.
    config = configured(app, trusted_proxies="127.0.0.1")
    # On a busy machine a connection rests for longer than seconds, and must not be closed as it is used again.
    config.timeout_keep_alive = 60
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/graphql"
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_SECONDS)
        listening.close()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not server.started:
        assert thread.is_alive(), "the server ended while it was starting"
        assert time.monotonic() < deadline, "the server does not start"
        time.sleep(0.01)


class Client:
    """Somebody who asks a server: with a token, or as nobody."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url, self.token = url, token
        headers = {"accept": "application/graphql-response+json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        self.http = httpx.Client(headers=headers, timeout=_PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def post(self, query: str, **variables: Any) -> httpx.Response:
        """The response as it comes, whatever its status."""
        return self.http.post(self.url, json={"query": query, "variables": variables})

    def ask(self, query: str, **variables: Any) -> Any:
        """The whole answer, errors included."""
        return self.post(query, **variables).json()

    def read(self, query: str, **variables: Any) -> Any:
        """The data; fails when there is any error."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def refusals(self, query: str, **variables: Any) -> list[str]:
        """The messages of the errors; fails when there is none."""
        answer = self.ask(query, **variables)
        assert answer.get("errors"), answer
        return [error["message"] for error in answer["errors"]]

    def signed_in(self, email: str, password: str = PASSWORD) -> "Client":
        """The same server, asked by a user."""
        data = self.read(_SIGN_IN, input={"email": email, "password": password})
        assert data["signIn"]["token"], data
        return Client(self.url, data["signIn"]["token"])
