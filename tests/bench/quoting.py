"""Decides how a quote is measured: priceQuote of twenty lines, against one hand-written statement that answers the same."""

from collections.abc import Iterator
from random import Random
from typing import Any

import asyncpg
import orjson
import uvloop

from db.identity import make_id
from domain.people import Role
from server.addresses import Address
from tests.bench.cases import CONCURRENCIES, Case
from tests.bench.contests import LIMIT, Contest, check_same, our_server, tokens_of
from tests.bench.rounds import Arena, Entrant
from tests.bench.servers import python, started
from tests.bench.viewers import Asker

CASE = Case(
    "f",
    "priceQuote of 20 lines with their traces over HTTP, other lines each time",
    Role.BILLING,
    "query Quote($input: PriceQuoteInput!) { priceQuote(input: $input) { quote { total lines { code label units bilateral "
    "unitPrice amount trace { source rate geographicFactor bilateralFactor overrideReason } } } errors { message } } }",
    # What twice the time is in throughput.
    1 / 2,
    root="priceQuote",
)
P50_AT_MOST = 2.0
LINES = 20
_BODIES = 200
_FACTS = {
    "codes": "select code, bilateral_policy <> 'not_allowed' as may_double from cpt_codes where clinic_id = $1 and active",
    "payers": "select id from payers where clinic_id = $1 and kind = 'insurance' order by id limit 50",
    "facilities": "select id from facilities where clinic_id = $1 order by id",
}


async def _facts(address: Address, asker: Asker) -> dict[str, list[asyncpg.Record]]:
    connection = await asyncpg.connect(address.owner)
    try:
        clinic = asker.viewers[CASE.role].clinic_id
        return {name: await connection.fetch(query, clinic) for name, query in _FACTS.items()}
    finally:
        await connection.close()


def bodies(address: Address, asker: Asker) -> list[str]:
    """The requests: other payers, places and lines in each."""
    facts = uvloop.run(_facts(address, asker))
    dice = Random(20)  # noqa: S311 (the same requests in every run)
    return [
        orjson.dumps({"query": CASE.query, "variables": {"input": _said(dice, facts)}}).decode() for _ in range(_BODIES)
    ]


def _said(dice: Random, facts: dict[str, list[asyncpg.Record]]) -> dict[str, Any]:
    codes = [dice.choice(facts["codes"]) for _ in range(LINES)]
    return {
        "payerId": make_id("Payer", dice.choice(facts["payers"])["id"]),
        "facilityId": make_id("Facility", dice.choice(facts["facilities"])["id"]),
        "serviceDate": f"2026-{dice.randint(1, 6):02d}-15",
        "lines": [
            {"code": row["code"], "units": dice.randint(1, 4), "bilateral": row["may_double"] and dice.random() < 0.5}
            for row in codes
        ],
    }


def run_quoting(arena: Arena, address: Address, asker: Asker) -> Iterator[Contest]:
    """The quote at every concurrency: our server and the hand-written statement, in turn."""
    order = asker.order_of_limit(address)
    with our_server(address) as ours, started(LIMIT, python("tests.bench.quoted_by_hand", order)) as limit:
        asked = bodies(address, asker)
        entrants = [Entrant(limit, "/", asked), Entrant(ours, "/graphql", asked, tokens_of(ours)[CASE.role])]
        check_same(entrants)
        for connections in CONCURRENCIES:
            yield Contest(CASE.name, connections, arena.compare(entrants, connections))
