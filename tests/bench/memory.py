"""Decides how it is shown that the server's memory stays flat: many requests with many distinct documents, pass after pass."""

from dataclasses import dataclass, replace
from itertools import islice, product

import orjson

from domain.people import Role
from server.addresses import Address
from tests.bench.contests import our_server, tokens_of
from tests.bench.load import Order
from tests.bench.processor import resident_mebibytes
from tests.bench.rounds import LoadClient

DOCUMENTS, REQUESTS = 2_000, 20_000
GROWTH_AT_MOST = 0.10
_CONNECTIONS = 16
_FIELDS = ("number", "status", "createdOn", "serviceDate", "billedAmount", "balance", "ageDays", "agingBucket")
_RELATED = ("patient { id name }", "payer { name }", "physician { name }", "lines { label amount }", "case { number }")
_SECONDS_AT_MOST = 600.0


@dataclass(frozen=True)
class Memory:
    """What the server held before the first request and after each pass over all documents, in MiB."""

    at_start: float
    after_passes: list[float]

    def growth(self) -> float:
        """How far the farthest later pass is from the first, as a share of the first; negative when it shrank."""
        first, *later = self.after_passes
        farthest = max(later, key=lambda held: abs(held - first))
        return (farthest - first) / first


def run_memory(client: LoadClient, address: Address) -> Memory:
    """20,000 requests with 2,000 documents, each of which is a shape of its own."""
    bodies = [orjson.dumps({"query": document}).decode() for document in documents(DOCUMENTS)]
    with our_server(address) as server:
        token = tokens_of(server)[Role.BILLING]
        at_start = resident_mebibytes(server.process)
        order = Order(server.port, "/graphql", token, bodies, _CONNECTIONS, _SECONDS_AT_MOST)
        one_pass, held = replace(order, requests_at_most=DOCUMENTS), []
        for _ in range(REQUESTS // DOCUMENTS):
            client.put(one_pass)
            held.append(resident_mebibytes(server.process))
    return Memory(at_start, held)


def documents(count: int) -> list[str]:
    """So many valid documents that differ in page size, fields, relations and aliases, and so in their statements."""
    shapes = product(range(1, 51), _FIELDS, _RELATED)
    return [
        f"query D{size} {{ invoices(first: {size}) {{ nodes {{ id a{size}: {field} {related} }} }} }}"
        for size, field, related in islice(shapes, count)
    ]
