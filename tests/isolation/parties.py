"""Two users of one clinic, the user of another clinic with the same e-mail, and a second token of the first user."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from server.app import ServerOptions
from server.database_urls import DatabaseUrls
from tests.support.client import Client, serving
from tests.support.databases import PASSWORD, rows

_SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token errors { code } } }"


@dataclass
class Party:
    """A signed-in user: the clinic, the network address and the token."""

    email: str
    clinic: str
    address: str
    url: str
    clinic_id: UUID
    user_id: UUID
    nobody: httpx.Client
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        token = self.sign_in()
        assert token
        self.client = Client(self.url, token)
        self.client.http.headers["x-forwarded-for"] = self.address

    def anonymous(self, query: str, **variables: Any) -> httpx.Response:
        """The answer to a request from the address, without token."""
        headers = {"x-forwarded-for": self.address}
        return self.nobody.post(self.url, json={"query": query, "variables": variables}, headers=headers)

    def sign_in(self, password: str = PASSWORD) -> str | None:
        """The token of a new session; None when the sign-in is refused."""
        given = {"email": self.email, "password": password, "clinic": self.clinic}
        token: str | None = self.anonymous(_SIGN_IN, input=given).json()["data"]["signIn"]["token"]
        return token


@dataclass
class Parties:
    """The party that moves something, and those that must not be moved by it; `notes` is what the party has got."""

    first: Party
    second_token: Party
    colleague: Party
    stranger: Party
    address: DatabaseUrls
    notes: dict[str, Any] = field(default_factory=dict)


@contextmanager
def parties(address: DatabaseUrls, requests_per_minute: int) -> Iterator[Parties]:
    """The parties at a new server, whose limits in memory nobody has used."""
    with ExitStack() as stack:
        url = stack.enter_context(serving(address, running=ServerOptions(requests_per_minute)))
        nobody = stack.enter_context(httpx.Client(timeout=20))

        def party(email: str, clinic: str, network: str) -> Party:
            query = """select u.clinic_id, u.id from users u join clinics c on c.clinic_id = u.clinic_id
                where u.email = $1 and c.short_name = $2"""
            clinic_id, user_id = rows(address, query, email, clinic)[0]
            made = Party(email, clinic, network, url, clinic_id, user_id, nobody)
            stack.enter_context(made.client)
            return made

        billing = "billing@demo.example"
        yield Parties(
            party(billing, "demo", "192.0.2.1"),
            party(billing, "demo", "192.0.2.1"),
            party("admin@demo.example", "demo", "198.51.100.1"),
            party(billing, "other", "2001:db8:1::1"),
            address,
        )
