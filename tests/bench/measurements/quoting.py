"""Measures a quote: priceQuote of twenty lines, against one hand-written statement that answers the same."""

from collections.abc import Iterator
from random import Random
from typing import Any

import asyncpg
import orjson
import uvloop

from db.global_ids import make_id
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.bench.benchmark_users import BenchmarkUsers
from tests.bench.cases import Case
from tests.bench.comparisons import LIMIT, Comparison, Serve, check_same_answers, our_server, tokens_of
from tests.bench.rounds import Comparer, MeasuredServer
from tests.bench.servers.start import python, started, together

CASE = Case(
    "f",
    "priceQuote of 20 lines with their traces over HTTP, other lines each time",
    Role.BILLING,
    "query Quote($input: PriceQuoteInput!) { priceQuote(input: $input) { quote { total lines { code label units bilateral "
    "unitPrice amount trace { source rate geographicFactor bilateralFactor overrideReason } } } errors { message } } }",
    # 1.5 times the time, as a share of the throughput.
    1 / 1.5,
    root="priceQuote",
)
P50_AT_MOST = 1.5
LINES = 20
_BODIES = 200
_FACTS = {
    "codes": "select code, bilateral_policy <> 'not_allowed' as may_double from cpt_codes where clinic_id = $1 and active",
    "payers": "select id from payers where clinic_id = $1 and kind = 'insurance' order by id limit 50",
    "facilities": "select id from facilities where clinic_id = $1 order by id",
}


async def _facts(address: DatabaseUrls, benchmark_users: BenchmarkUsers) -> dict[str, list[asyncpg.Record]]:
    connection = await asyncpg.connect(address.owner)
    try:
        clinic = benchmark_users.viewers[CASE.role].clinic_id
        return {name: await connection.fetch(query, clinic) for name, query in _FACTS.items()}
    finally:
        await connection.close()


def bodies(address: DatabaseUrls, benchmark_users: BenchmarkUsers) -> list[str]:
    """The requests, each with other payers, facilities and lines."""
    facts = uvloop.run(_facts(address, benchmark_users))
    rng = Random(20)  # noqa: S311 (the same requests in every run)
    return [
        orjson.dumps({"query": CASE.query, "variables": {"input": _input(rng, facts)}}).decode() for _ in range(_BODIES)
    ]


def _input(rng: Random, facts: dict[str, list[asyncpg.Record]]) -> dict[str, Any]:
    codes = [rng.choice(facts["codes"]) for _ in range(LINES)]
    return {
        "payerId": make_id("Payer", rng.choice(facts["payers"])["id"]),
        "facilityId": make_id("Facility", rng.choice(facts["facilities"])["id"]),
        "serviceDate": f"2026-{rng.randint(1, 6):02d}-15",
        "lines": [
            {"code": row["code"], "units": rng.randint(1, 4), "bilateral": row["may_double"] and rng.random() < 0.5}
            for row in codes
        ],
    }


def run_quoting(
    comparer: Comparer, address: DatabaseUrls, benchmark_users: BenchmarkUsers, serve: Serve = our_server
) -> Iterator[Comparison]:
    """The quote at every concurrency: our server and the hand-written statement, in turn."""
    order = benchmark_users.order_of_limit(address)
    with together(serve(address), started(LIMIT, python("tests.bench.servers.quoted_by_hand", order))) as (ours, limit):
        request_bodies = bodies(address, benchmark_users)
        measured_servers = [
            MeasuredServer(limit, "/", request_bodies),
            MeasuredServer(ours, "/graphql", request_bodies, tokens_of(ours)[CASE.role]),
        ]
        check_same_answers(measured_servers, comparer.pace.compared)
        for connections in comparer.pace.connections:
            yield Comparison(CASE.name, connections, comparer.compare(measured_servers, connections))
