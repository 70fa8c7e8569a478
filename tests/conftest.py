"""Decides what every test can ask for: a database of its own with the demo clinic, a server over it, somebody signed in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from domain.people import Role
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.client import Client, serving
from tests.databases import copied, make_template

pytest_plugins = ["tests.postgres", "tests.hearing"]

SignIn = Callable[[Role], Client]


@pytest.fixture(scope="session")
def template_database(postgres_server: EmbeddedPostgres) -> str:
    """The name of the migrated database with the demo clinic, of which every test gets a copy; nobody connects to it."""
    return make_template(postgres_server)


@pytest.fixture(scope="module")
def address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    """A database with the demo clinic, shared by the tests of a module: for reading."""
    with copied(postgres_server, template_database) as copy:
        yield copy


@pytest.fixture
def own_address(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Address]:
    """A database with the demo clinic for one test alone: for writing."""
    with copied(postgres_server, template_database) as copy:
        yield copy


@pytest.fixture(scope="module")
def server_url(address: Address) -> Iterator[str]:
    """The URL of a real server over the module's database."""
    with serving(address) as url:
        yield url


@pytest.fixture(scope="module")
def nobody(server_url: str) -> Iterator[Client]:
    """Somebody who is not signed in."""
    with Client(server_url) as client:
        yield client


@pytest.fixture(scope="module")
def sign_in(nobody: Client) -> Iterator[SignIn]:
    """Who gives a client that is signed in as the demo user of a role; one sign-in per role and module."""
    known: dict[Role, Client] = {}
    with ExitStack() as open_clients:

        def as_role(role: Role) -> Client:
            if role not in known:
                known[role] = open_clients.enter_context(nobody.signed_in(f"{role.value}@demo.clinic"))
            return known[role]

        yield as_role
