"""The attacked server, started as an operator starts it; its own metrics count how it answered."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.bench.comparisons import our_server
from tests.support.databases import PASSWORD

TOKEN = "a bearer token for the metrics of a server"
_SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { token } }"


@dataclass(frozen=True)
class Target:
    """A running server, with a bearer token for each role."""

    url: str
    port: int
    process: int
    tokens: dict[Role | None, str]

    def responses(self) -> Counter[int]:
        """How many responses of each status the server has sent so far."""
        response = httpx.get(
            f"http://127.0.0.1:{self.port}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, timeout=60
        )
        found: Counter[int] = Counter()
        for family in text_string_to_metric_families(response.text):
            for sample in family.samples:
                if sample.name == "billing_responses_total":
                    found[int(sample.labels["status"])] += int(sample.value)
                # GraphQL answers a failed field with status 200; it counts as an error 500 here.
                elif sample.name == "billing_errors_total" and sample.labels["code"] == "INTERNAL_ERROR":
                    found[500] += int(sample.value)
        return found

    def headers(self, role: Role | None, address: str = "203.0.113.9") -> dict[str, str]:
        """The headers of a role's request from an address."""
        own = {"authorization": f"Bearer {self.tokens[role]}"} if self.tokens[role] else {}
        return {"x-forwarded-for": address, **own}

    def ask(self, client: httpx.Client, role: Role | None, query: str, variables: Any = None) -> httpx.Response:
        """Send a query as a role; returns the response."""
        return client.post(self.url, json={"query": query, "variables": variables}, headers=self.headers(role))


@contextmanager
def running_target(address: DatabaseUrls, **settings: str) -> Iterator[Target]:
    """A server that trusts the proxy's header, so that the attackers have another address than the probe client."""
    settings = {"BILLING_METRICS_TOKEN": TOKEN, "BILLING_TRUSTED_PROXIES": "127.0.0.1", **settings}
    with our_server(address, settings=settings) as server:
        url = f"http://127.0.0.1:{server.port}/graphql"
        tokens: dict[Role | None, str] = {None: ""}
        for role in Role:
            body = {"query": _SIGN_IN, "variables": {"input": {"email": f"{role}@demo.example", "password": PASSWORD}}}
            tokens[role] = httpx.post(url, json=body, timeout=30).json()["data"]["signIn"]["token"]
        yield Target(url, server.port, server.process, tokens)
