"""The command line of `make bench-quick`: the cases (a) to (e) against the limit and, on request, against another commit.

It prints a table for a commit message, and writes no file.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import click

from server.database_urls import DatabaseUrls
from tests.bench.against import Other, other_commit
from tests.bench.benchmark_users import BenchmarkUsers, find_benchmark_users, sign_in
from tests.bench.cases import CASES, Case
from tests.bench.clinics import Clinics, Sizes
from tests.bench.comparisons import LIMIT, OURS, Comparison, DifferentAnswerError, Serve, check_same_answers, our_server
from tests.bench.measurements.pending import Pending, pending
from tests.bench.measurements.submitting import CASE as TRANSITION
from tests.bench.measurements.submitting import bodies, by_hand, check_writes
from tests.bench.records import commit
from tests.bench.rounds import Comparer, Figures, LoadClient, MeasuredServer, Pace
from tests.bench.servers.start import Server, StartError, python, started, together

SIZES = Sizes(large=20_000, pending=2_000)
PACE = Pace(rounds=15, seconds=0.4, warm_up=0.5, compared=10)


@dataclass(frozen=True)
class Quick:
    """The clinic of the current code, and optionally the server of another commit with its own clinic."""

    comparer: Comparer
    address: DatabaseUrls
    benchmark_users: BenchmarkUsers
    other: Other | None = None
    pending: int = SIZES.pending
    serve: Serve = our_server
    cases: Sequence[Case] = tuple(CASES.values())

    def run(self) -> Iterator[Comparison]:
        """Every case and the transition at every concurrency."""
        limits = started(LIMIT, python("tests.bench.servers.limit", self.benchmark_users.order_of_limit(self.address)))
        with together(self.serve(self.address), limits) as (ours, limit):
            for case in self.cases:
                yield from self._reads(case, ours, limit)
            yield from self._transition(ours)

    def _reads(self, case: Case, ours: Server, limit: Server) -> Iterator[Comparison]:
        bodies_sent = self.benchmark_users.bodies(case)
        measured_servers = [
            MeasuredServer(limit, f"/{case.name}", bodies_sent),
            _measured_server(ours, case, bodies_sent),
        ]
        check_same_answers(measured_servers, self.comparer.pace.compared)
        if self.other:
            theirs = asyncio.run(find_benchmark_users(self.other.address)).bodies(case)
            measured_servers.append(_measured_server(self.other.server, case, theirs, postmaster=self.other.postmaster))
        yield from self._compared(case, measured_servers)

    def _transition(self, ours: Server) -> Iterator[Comparison]:
        with ExitStack() as stack:
            invoices = stack.enter_context(_waiting(self.address, self.benchmark_users, self.pending))
            limit = stack.enter_context(by_hand(self.address, self.benchmark_users))
            bodies_sent = bodies(invoices)
            measured_servers = [
                MeasuredServer(limit, "/", bodies_sent, fresh_records=invoices),
                _measured_server(ours, TRANSITION, bodies_sent, invoices),
            ]
            check_writes(invoices, measured_servers, self.comparer.pace.compared)
            if self.other:
                benchmark_users = asyncio.run(find_benchmark_users(self.other.address))
                theirs = stack.enter_context(_waiting(self.other.address, benchmark_users, self.pending))
                server, postmaster = self.other.server, self.other.postmaster
                measured_servers.append(_measured_server(server, TRANSITION, bodies(theirs), theirs, postmaster))
            yield from self._compared(TRANSITION, measured_servers)

    def _compared(self, case: Case, measured_servers: Sequence[MeasuredServer]) -> Iterator[Comparison]:
        for connections in self.comparer.pace.connections:
            print(f"({case.name}) {connections} clients", file=sys.stderr, flush=True)
            yield Comparison(case.name, connections, self.comparer.compare(measured_servers, connections))


def _measured_server(
    server: Server, case: Case, bodies_sent: list[str], fresh_records: Pending | None = None, postmaster: int = 0
) -> MeasuredServer:
    token = sign_in(server.port, case.role)
    return MeasuredServer(server, "/graphql", bodies_sent, token, fresh_records=fresh_records, postmaster=postmaster)


def _waiting(address: DatabaseUrls, benchmark_users: BenchmarkUsers, count: int) -> AbstractContextManager[Pending]:
    return pending(address.owner, benchmark_users.viewers[TRANSITION.role].clinic_id, count)


def table(comparisons: Iterable[Comparison], other: str = "") -> str:
    """The measurements as Markdown; with `other`, the name of another commit, also those of that commit and the differences."""
    heads = ["case", "clients", "of the limit", "p50 ms", "CPU µs", "CPU µs of PostgreSQL", "CPU / limit"]
    if other:
        heads += [f"{other}: p50 ms", "CPU µs", "CPU µs of PostgreSQL", "throughput new / old", "CPU new / old"]
    lines = [heads, ["---", *("--:" for _ in heads[1:])], *(_cells(comparison, other) for comparison in comparisons)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(comparison: Comparison, other: str) -> list[str]:
    ours, limit = comparison.figures[OURS], comparison.figures[LIMIT]
    share = f"{ours.per_second / limit.per_second:.2f}"
    if comparison.case == TRANSITION.name:
        share = f"{ours.p50 / limit.p50:.2f} times p50"
    cells = [comparison.case, str(comparison.connections), share, *_shown(ours), _quotient(ours.work, limit.work)]
    if other:
        old = comparison.figures[other]
        cells += [*_shown(old), f"{ours.per_second / old.per_second:.2f}", _quotient(ours.work, old.work)]
    return cells


def _shown(figures: Figures) -> list[str]:
    return [f"{figures.p50:.2f}", f"{figures.cpu:,.0f}", f"{figures.database_cpu:,.0f}"]


def _quotient(one: float, other: float) -> str:
    """Empty where the system does not say how much processor time a process has used."""
    return f"{one / other:.2f}" if other else ""


def _measure(against: str, pace: Pace) -> str:
    load, began = os.getloadavg()[0], datetime.now(UTC)
    with Clinics(sizes=SIZES) as clinics, LoadClient() as client:
        address = asyncio.run(clinics.of_size(SIZES.large))
        benchmark_users = asyncio.run(find_benchmark_users(address))
        with other_commit(against, SIZES.large) if against else nullcontext() as other:
            comparer = Comparer(client, clinics.postmaster(), pace)
            comparisons = list(Quick(comparer, address, benchmark_users, other).run())
            shown = table(comparisons, other.commit if other else "")
    head = (
        f"`make bench-quick` at {commit()} on {began:%Y-%m-%d}: {SIZES.large:,} invoices, {pace.rounds} rounds of {pace.seconds:g} s "
        f"in turn, {os.cpu_count()} cores, load {load:.1f} before it began."
    )
    return f"{head}\n\n{shown}"


@click.command(help="Measure the cases (a) to (e) in a few minutes, and print a table.")
@click.option("--against", default="", help="A commit whose server is measured beside.")
@click.option("--rounds", default=PACE.rounds, show_default=True, type=click.IntRange(min=1))
@click.option("--seconds", default=PACE.seconds, show_default=True, type=click.FloatRange(min=0.1))
def main(against: str, rounds: int, seconds: float) -> None:
    """Measure, and print the table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        print(_measure(against, replace(PACE, rounds=rounds, seconds=seconds)))
    except (StartError, DifferentAnswerError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
