"""Measures whether the server's memory stays flat: many requests with many distinct documents, pass after pass."""

from dataclasses import dataclass, replace
from itertools import islice, product

import orjson

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.bench.clinics import SIZES, Sizes
from tests.bench.comparisons import Serve, our_server, tokens_of
from tests.bench.load import Order
from tests.bench.rounds import LoadClient
from tests.bench.servers.processor import resident_mebibytes

GROWTH_AT_MOST = 0.10
_CONNECTIONS = 16
_FIELDS = ("number", "status", "createdOn", "serviceDate", "billedAmount", "balance", "ageDays", "agingBucket")
_RELATED = ("patient { id name }", "payer { name }", "physician { name }", "lines { label amount }", "case { number }")
_SECONDS_AT_MOST = 600.0


@dataclass(frozen=True)
class Memory:
    """The memory of the server before the first request and after each pass over all documents, in MiB."""

    at_start: float
    after_passes: list[float]

    def growth(self) -> float:
        """The largest difference of a later pass to the first, as a share of the first; negative when memory shrank."""
        first, *later = self.after_passes
        farthest = max(later, key=lambda held: abs(held - first))
        return (farthest - first) / first


def run_memory(client: LoadClient, address: DatabaseUrls, sizes: Sizes = SIZES, serve: Serve = our_server) -> Memory:
    """Send as many requests with as many distinct documents as `sizes` says (by default 20,000 with 2,000)."""
    bodies = [orjson.dumps({"query": document}).decode() for document in documents(sizes.documents)]
    with serve(address) as server:
        token = tokens_of(server)[Role.BILLING]
        at_start = resident_mebibytes(server.process)
        order = Order(server.port, "/graphql", token, bodies, _CONNECTIONS, _SECONDS_AT_MOST)
        one_pass, held = replace(order, requests_at_most=sizes.documents), []
        for _ in range(sizes.requests // sizes.documents):
            client.put(one_pass)
            held.append(resident_mebibytes(server.process))
    return Memory(at_start, held)


def documents(count: int) -> list[str]:
    """`count` valid documents that differ in page size, fields, relations and aliases, and so in their statements."""
    shapes = product(range(1, 51), _FIELDS, _RELATED)
    return [
        f"query D{size} {{ invoices(first: {size}) {{ nodes {{ id a{size}: {field} {related} }} }} }}"
        for size, field, related in islice(shapes, count)
    ]
