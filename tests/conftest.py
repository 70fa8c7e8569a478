"""Decides what every test can ask for: a database of its own with the demo clinic, a server over it, somebody signed in.

What only some tests need is imported where it is used, so that a test of the rules alone begins within a second.
"""

from __future__ import annotations

import gc
import os
import ssl
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from domain.access.people import Role
    from server.database_urls import DatabaseUrls
    from server.embedded.postgres import EmbeddedPostgres
    from tests.support.client import Client

pytest_plugins = ["tests.postgres", "tests.without_database"]

SignIn = Callable[["Role"], "Client"]

# A client of httpx reads a file of all certificate authorities as it is made, for 20 ms of processor time, and thousands of
# clients of these tests speak HTTP without TLS. From a folder, OpenSSL reads an authority when it needs it.
if os.path.isdir(_authorities := ssl.get_default_verify_paths().openssl_capath):
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = _authorities


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Import and collect without garbage collection, which begins with the first test and leaves out everything until then.

    What is imported and collected stays: to search it again and again was a tenth of the processor time of all tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let Hypothesis's plugin go where no test used Hypothesis: its summary would load all of it, for more than a second."""
    if "hypothesis" not in sys.modules:
        session.config.pluginmanager.unregister(name="hypothesispytest")


@pytest.fixture(scope="session")
def template_database(postgres_server: EmbeddedPostgres) -> str:
    """The name of the migrated database with the demo clinic, of which every test gets a copy; nobody connects to it."""
    from tests.support.databases import make_template

    return make_template(postgres_server)


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """A database with the demo clinic, shared by the tests of a module: for reading."""
    from tests.support.databases import copied

    with copied(postgres_server, template_database) as copy:
        yield copy


@pytest.fixture
def own_address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[DatabaseUrls]:
    """A database with the demo clinic for one test alone: for writing."""
    from tests.support.databases import copied

    with copied(postgres_server, template_database) as copy:
        yield copy


@pytest.fixture(scope="module")
def server_url(address: DatabaseUrls) -> Iterator[str]:
    """The URL of a real server over the module's database."""
    from tests.support.client import serving

    with serving(address) as url:
        yield url


@pytest.fixture(scope="module")
def anonymous(server_url: str) -> Iterator[Client]:
    """Somebody who is not signed in."""
    from tests.support.client import Client

    with Client(server_url) as client:
        yield client


@pytest.fixture(scope="module")
def sign_in(anonymous: Client) -> Iterator[SignIn]:
    """Who gives a client that is signed in as the demo user of a role; one sign-in per role and module."""
    known: dict[Role, Client] = {}
    with ExitStack() as open_clients:

        def as_role(role: Role) -> Client:
            if role not in known:
                known[role] = open_clients.enter_context(anonymous.signed_in(f"{role.value}@demo.example"))
            return known[role]

        yield as_role
