"""The overload test (`make overload`): how many requests a server still answers when four times its capacity arrive."""

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

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.bench.benchmark_users import BenchmarkUsers, find_benchmark_users
from tests.bench.cases import CASES
from tests.bench.clinics import ROOT, Clinics
from tests.bench.comparisons import our_server, tokens_of
from tests.bench.load import Order, put, request_of
from tests.bench.servers.processor import machine, resident_mebibytes
from tests.overload.load_generator import LoadGenerator, LoadResult

PAGE = ROOT / "docs" / "overload.md"
CLINIC, OVERLOAD_FACTOR = 20_000, 4
_CLOSED, _CALM_SECONDS = 32, 10.0
# The requests in turn: mostly pages, and the most expensive report.
_AGING = "query Aging { aging { buckets { __typename } invoiceCount outstanding } }"


@dataclass
class Run:
    """One run: the capacity of the server before, between and after the overloads, and the result of each overload."""

    capacity: list[float] = field(default_factory=list)
    capacity_p50: list[float] = field(default_factory=list)
    overloads: list[LoadResult] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    recovered: list[float] = field(default_factory=list)
    # The load generator's share of the processor time of all cores.
    client: list[float] = field(default_factory=list)


async def measure(address: DatabaseUrls, benchmark_users: BenchmarkUsers, seconds: float, rounds: int) -> Run:
    """Measure the capacity and an overload in turn, on one server."""
    run = Run()
    with our_server(address) as server:
        token = tokens_of(server)[Role.BILLING]
        bodies = mix(benchmark_users)
        order = Order(server.port, "/graphql", token, bodies, _CLOSED, _CALM_SECONDS)
        await put(order)
        for _ in range(rounds):
            capacity = await put(order)
            run.capacity.append(capacity.per_second)
            run.capacity_p50.append(capacity.p50)
            rate = OVERLOAD_FACTOR * capacity.per_second
            run.rates.append(rate)
            overload = LoadGenerator(server.port, [request_of(order, body) for body in bodies])
            spent = process_time()
            outcome, peak_memory = await overload.send(rate, seconds, partial(resident_mebibytes, server.process))
            run.client.append((process_time() - spent) / seconds / (os.cpu_count() or 1))
            run.overloads.append(outcome)
            run.memory.append(peak_memory)
            run.recovered.append(await recovery(order))
        run.capacity.append((await put(order)).per_second)
    return run


def mix(benchmark_users: BenchmarkUsers) -> list[str]:
    """The requests in turn: six pages, three single invoices, one aging report."""
    pages, single = benchmark_users.bodies(CASES["a"]), benchmark_users.bodies(CASES["b"])
    aging = orjson.dumps({"query": _AGING}).decode()
    return [body for number in range(30) for body in (*pages * 6, *single[3 * number : 3 * number + 3], aging)]


async def recovery(order: Order) -> float:
    """After how many seconds one client gets all answers within 100 ms again, for half a second."""
    alone = Order(order.port, order.path, order.token, order.bodies, 1, 0.5)
    passed = 0.0
    while passed < 60:
        measured = await put(alone)
        if not measured.failures and measured.p99 < 100:
            return passed
        passed += 0.5
    return passed


def report(run: Run, seconds: float) -> str:
    """The text of the page."""
    capacity_median = statistics.median(run.capacity)
    around = [(before + after) / 2 for before, after in pairwise(run.capacity)]
    rows = "\n".join(
        f"| {rate:,.0f} | {overload.per_second(seconds):,.0f} | {overload.per_second(seconds) / capacity_around:.0%} "
        f"| {overload.percentile(0.5) * 1000:,.0f} | {overload.percentile(0.99) * 1000:,.0f} | {count_by_status(overload)} "
        f"| {client:.0%} | {peak_memory:,.0f} | {recovered:.1f} |"
        for rate, overload, capacity_around, client, peak_memory, recovered in zip(
            run.rates, run.overloads, around, run.client, run.memory, run.recovered, strict=True
        )
    )
    facts = ", ".join(f"{name}: {value}" for name, value in machine().items())
    capacity_text = f"**{capacity_median:,.0f} requests/s**, p50 {statistics.median(run.capacity_p50):.0f} ms"
    return f"""# Overload

`make overload` writes this page. One server process, its PostgreSQL and the load generator share the machine
({facts}; {datetime.now(UTC):%Y-%m-%d}). Requested are pages of 50 invoices, single invoices and the aging report (6 : 3 : 1) in
a clinic of {CLINIC:,} invoices. The capacity, with {_CLOSED} clients that wait for their answers (closed loop; median of {len(run.capacity)}
measurements before, between and after): {capacity_text}. Then the load generator sends {OVERLOAD_FACTOR} times as many requests
at a fixed rate for {seconds:.0f} s, whether or not they are answered (open loop). It takes processor time from the same cores; "of capacity"
compares with the capacity just before and after.

Targets: answers with status 200 ≥ 80 % of capacity; p99 of the accepted requests ≤ 1,000 ms; memory bounded; recovery within 5 s.

| requests/s | answers 200/s | of capacity | p50 ms | p99 ms | all answers | processor share of the load generator | peak memory MiB | recovery s |
|---:|---:|---:|---:|---:|---|---:|---:|---:|
{rows}
"""


def count_by_status(overload: LoadResult) -> str:
    """How many answers there were of each status, and how many requests got none, in words."""
    counts = [f"{status}: {count:,}" for status, count in sorted(overload.answers.items())]
    more = {"never sent, because the load generator had no free connection": overload.unsent, "lost": overload.lost}
    return ", ".join([*counts, *(f"{name}: {count:,}" for name, count in more.items() if count)])


@click.command(
    help="Send four times as many requests as a server can answer, and write the results into docs/overload.md."
)
@click.option("--seconds", default=60.0, show_default=True, help="How long each overload lasts.")
@click.option("--rounds", default=3, show_default=True, help="The number of overloads.")
@click.option("--keep/--no-keep", default=True, show_default=True)
def main(seconds: float, rounds: int, keep: bool) -> None:
    """Measure, and write the page."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with Clinics() as clinics:
        address = asyncio.run(clinics.of_size(CLINIC))
        benchmark_users = asyncio.run(find_benchmark_users(address))
        page_text = report(uvloop.run(measure(address, benchmark_users, seconds, rounds)), seconds)
    print(page_text)
    if keep:
        Path(PAGE).write_text(page_text, encoding="utf-8")


if __name__ == "__main__":
    main()
