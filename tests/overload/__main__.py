"""Decides what `make overload` shows: how much of its work a server still does when four times as much is asked of it."""

import asyncio
import os
import signal
import statistics
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import process_time

import click
import orjson
import uvloop

from domain.people import Role
from server.addresses import Address
from tests.bench.cases import CASES
from tests.bench.clinics import ROOT, Clinics
from tests.bench.contests import our_server, tokens_of
from tests.bench.load import Order, put, request_of
from tests.bench.processor import machine, resident_mebibytes
from tests.bench.viewers import Asker, find_asker
from tests.overload.storm import Heard, Storm

PAGE = ROOT / "docs" / "overload.md"
CLINIC, TIMES = 20_000, 4
_CLOSED, _CALM_SECONDS = 32, 10.0
# What is asked in turn: mostly pages, and the figures that cost most.
_AGING = "query Aging { aging { buckets { __typename } invoiceCount outstanding } }"


@dataclass
class Run:
    """One run: what the server does at most before, between and after storms, and what came of each."""

    calm: list[float] = field(default_factory=list)
    calm_p50: list[float] = field(default_factory=list)
    storms: list[Heard] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    recovered: list[float] = field(default_factory=list)
    # What part of all cores' time the client itself took.
    client: list[float] = field(default_factory=list)


async def measure(address: Address, asker: Asker, seconds: float, rounds: int) -> Run:
    """Calm and storm in turn, on one server."""
    run = Run()
    with our_server(address) as server:
        token = tokens_of(server)[Role.BILLING]
        bodies = mix(asker)
        order = Order(server.port, "/graphql", token, bodies, _CLOSED, _CALM_SECONDS)
        await put(order)
        for _ in range(rounds):
            calm = await put(order)
            run.calm.append(calm.per_second)
            run.calm_p50.append(calm.p50)
            rate = TIMES * calm.per_second
            run.rates.append(rate)
            storm = Storm(server.port, [request_of(order, body) for body in bodies])
            spent = process_time()
            heard, held = await storm.blow(rate, seconds, partial(resident_mebibytes, server.process))
            run.client.append((process_time() - spent) / seconds / (os.cpu_count() or 1))
            run.storms.append(heard)
            run.memory.append(held)
            run.recovered.append(await recovery(order))
        run.calm.append((await put(order)).per_second)
    return run


def mix(asker: Asker) -> list[str]:
    """Requests in turn: six pages, three single invoices, one report on aging."""
    pages, single = asker.bodies(CASES["a"]), asker.bodies(CASES["b"])
    aging = orjson.dumps({"query": _AGING}).decode()
    return [body for number in range(30) for body in (*pages * 6, *single[3 * number : 3 * number + 3], aging)]


async def recovery(order: Order) -> float:
    """After how many seconds one client has half a second of usual answers again, which are those of within 100 ms."""
    alone = Order(order.port, order.path, order.token, order.bodies, 1, 0.5)
    passed = 0.0
    while passed < 60:
        measured = await put(alone)
        if not measured.failures and measured.p99 < 100:
            return passed
        passed += 0.5
    return passed


def report(run: Run, seconds: float) -> str:
    """The page."""
    most = statistics.median(run.calm)
    around = [(before + after) / 2 for before, after in pairwise(run.calm)]
    rows = "\n".join(
        f"| {rate:,.0f} | {storm.per_second(seconds):,.0f} | {storm.per_second(seconds) / usual:.0%} "
        f"| {storm.percentile(0.5) * 1000:,.0f} | {storm.percentile(0.99) * 1000:,.0f} | {said(storm)} "
        f"| {client:.0%} | {held:,.0f} | {recovered:.1f} |"
        for rate, storm, usual, client, held, recovered in zip(
            run.rates, run.storms, around, run.client, run.memory, run.recovered, strict=True
        )
    )
    facts = ", ".join(f"{name}: {value}" for name, value in machine().items())
    most_of_all = f"**{most:,.0f} a second**, p50 {statistics.median(run.calm_p50):.0f} ms"
    return f"""# More than the machine can do

`make overload` writes this page. One server process, its PostgreSQL and the client that asks share the machine
({facts}; {datetime.now(UTC):%Y-%m-%d}). Asked are pages of 50 invoices, single invoices and the report on aging (6 : 3 : 1) in
a clinic of {CLINIC:,} invoices. The most that it does, by {_CLOSED} clients that wait for their answers (median of {len(run.calm)} measurements
before, between and after): {most_of_all}. Then requests begin by the clock, {TIMES} times as many,
for {seconds:.0f} s, whether or not answers come. What the client itself does for them costs the same cores; "of the most" compares
with the calm just before and after.

Targets: good answers ≥ 80 % of the most; p99 of those that are taken on ≤ 1,000 ms; memory bounded; usual again within 5 s.

| asked a second | good a second | of the most | p50 ms | p99 ms | all answers | client's part of the cores | most memory MiB | usual again after s |
|---:|---:|---:|---:|---:|---|---:|---:|---:|
{rows}
"""


def said(storm: Heard) -> str:
    """How many answers there were of each status, and how many requests got none."""
    told = [f"{status}: {count:,}" for status, count in sorted(storm.answers.items())]
    more = {"never sent, for want of one of the client's connections": storm.unsent, "lost": storm.lost}
    return ", ".join([*told, *(f"{name}: {count:,}" for name, count in more.items() if count)])


@click.command(help="Ask four times as much of a server as it can do, and keep what came of it in docs/overload.md.")
@click.option("--seconds", default=60.0, show_default=True, help="How long each storm lasts.")
@click.option("--rounds", default=3, show_default=True, help="How many storms there are.")
@click.option("--keep/--no-keep", default=True, show_default=True)
def main(seconds: float, rounds: int, keep: bool) -> None:
    """Measure, and write the page."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with Clinics() as clinics:
        address = asyncio.run(clinics.of_size(CLINIC))
        asker = asyncio.run(find_asker(address))
        shown = report(uvloop.run(measure(address, asker, seconds, rounds)), seconds)
    print(shown)
    if keep:
        Path(PAGE).write_text(shown, encoding="utf-8")


if __name__ == "__main__":
    main()
