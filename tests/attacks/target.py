"""Decides what is attacked: the server as an operator starts it, whose own figures say how it answered."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from domain.people import Role
from server.addresses import Address
from tests.bench.contests import our_server
from tests.databases import PASSWORD

TOKEN = "a token that opens the figures of a server"
_SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"


@dataclass(frozen=True)
class Target:
    """A running server, and who is signed in to it."""

    url: str
    port: int
    process: int
    tokens: dict[Role | None, str]

    def responses(self) -> Counter[int]:
        """How many responses of each status there were so far."""
        shown = httpx.get(
            f"http://127.0.0.1:{self.port}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, timeout=60
        )
        found: Counter[int] = Counter()
        for family in text_string_to_metric_families(shown.text):
            for sample in family.samples:
                if sample.name == "billing_responses_total":
                    found[int(sample.labels["status"])] += int(sample.value)
                # Told with 200, as GraphQL has it, and an error 500 all the same.
                elif sample.name == "billing_errors_total" and sample.labels["code"] == "INTERNAL_ERROR":
                    found[500] += int(sample.value)
        return found

    def headers(self, role: Role | None, address: str = "203.0.113.9") -> dict[str, str]:
        """What somebody sends along who comes from an address."""
        own = {"authorization": f"Bearer {self.tokens[role]}"} if self.tokens[role] else {}
        return {"x-forwarded-for": address, **own}

    def ask(self, client: httpx.Client, role: Role | None, query: str, variables: Any = None) -> httpx.Response:
        """The answer to a query of a role."""
        return client.post(self.url, json={"query": query, "variables": variables}, headers=self.headers(role))


@contextmanager
def attacked(address: Address, **settings: str) -> Iterator[Target]:
    """A server with the proxies' addresses believed, so that attackers come from elsewhere than the office."""
    settings = {"BILLING_METRICS_TOKEN": TOKEN, "BILLING_TRUSTED_PROXIES": "127.0.0.1", **settings}
    with our_server(address, settings=settings) as server:
        url = f"http://127.0.0.1:{server.port}/graphql"
        tokens: dict[Role | None, str] = {None: ""}
        for role in Role:
            said = {"query": _SIGN_IN, "variables": {"input": {"email": f"{role}@demo.clinic", "password": PASSWORD}}}
            tokens[role] = httpx.post(url, json=said, timeout=30).json()["data"]["signIn"]["token"]
        yield Target(url, server.port, server.process, tokens)
