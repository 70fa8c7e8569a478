"""The HTTP client of the tests, and a real server in a thread; the client is signed in as a user of the demo clinic, or anonymous."""

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

from identity.passwords import Passwords
from identity.sessions import SessionTimes
from server.app import build_app
from server.database_urls import DatabaseUrls
from server.serving import configured
from server.settings import read_settings
from server.stores import open_files
from storage.files import Files
from tests.support.databases import CHEAP, PASSWORD
from tests.support.processes import SECRET

_SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token errors { message } } }"
_PATIENCE_SECONDS = 20
_TRIES_AGAIN = 3


@contextmanager
def serving(
    address: DatabaseUrls, times: SessionTimes | None = None, files: Files | None = None, **options: Any
) -> Iterator[str]:
    """The URL of a server over a database, in a thread of its own, stopped at the end; without `files` it has a temporary store.

    Passwords are hashed with the parameters of the demo users' hashes, so that a sign-in costs a millisecond and not a tenth
    of a second; a test of the cost of hashing passes its own `passwords`.
    """
    options.setdefault("passwords", Passwords(CHEAP))
    with TemporaryDirectory() as home:
        files = files or open_files(read_settings({"BILLING_HOME": home, "BILLING_SECRET_KEY": SECRET}))
        with _running(build_app(address, times or SessionTimes(), files, **options)) as url:
            yield url


@contextmanager
def _running(app: ASGIApp) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    # Tests set their network address by X-Forwarded-For.
    config = configured(app, trusted_proxies="127.0.0.1")
    # On a busy machine a connection is idle for seconds, and must not be closed as it is used again.
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
    """A client of a server: with a bearer token, or anonymous."""

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
        """The response, with any status."""
        return self.http.post(self.url, json={"query": query, "variables": variables})

    def ask(self, query: str, **variables: Any) -> Any:
        """The whole answer, errors included."""
        return self.post(query, **variables).json()

    def read(self, query: str, **variables: Any) -> Any:
        """The data; fails when there is any error.

        A server on a machine that stood still for seconds answers 503 before it does anything: the request is retried, as clients do.
        """
        response = self.post(query, **variables)
        for _ in range(_TRIES_AGAIN):
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
            response = self.post(query, **variables)
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def refusals(self, query: str, **variables: Any) -> list[str]:
        """The messages of the errors; fails when there is none."""
        answer = self.ask(query, **variables)
        assert answer.get("errors"), answer
        return [error["message"] for error in answer["errors"]]

    def signed_in(self, email: str, password: str = PASSWORD) -> "Client":
        """A client of the same server, signed in as a user."""
        data = self.read(_SIGN_IN, input={"email": email, "password": password})
        assert data["signIn"]["token"], data
        return Client(self.url, data["signIn"]["token"])
