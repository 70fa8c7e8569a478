"""The parts of the benchmark: each measures one subject and passes its result on under a name."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from server.database_urls import DatabaseUrls
from tests.bench.benchmark_users import BenchmarkUsers, find_benchmark_users
from tests.bench.cases import CASES
from tests.bench.clinics import Clinics
from tests.bench.comparisons import (
    Comparison,
    DifferentAnswerError,
    Serve,
    our_server,
    run_cases,
    run_floor,
    run_growth,
    run_locks,
)
from tests.bench.measurements import peers
from tests.bench.measurements.auditing import run_auditing
from tests.bench.measurements.exporting import NICE, run_exporting, without_worker
from tests.bench.measurements.memory import run_memory
from tests.bench.measurements.pending import pending
from tests.bench.measurements.profiling import profile as profile_case
from tests.bench.measurements.quoting import run_quoting
from tests.bench.measurements.reporting import run_reporting
from tests.bench.measurements.submitting import CASE as TRANSITION
from tests.bench.measurements.submitting import bodies, run_submitting
from tests.bench.records import Part, facts
from tests.bench.rounds import Comparer, LoadClient, Pace
from tests.bench.servers.start import StartError

# The duration of a round of these parts on a million invoices, in units of half a second; they have fewer rounds.
_REPORTS, _FILES = 2, 4


@dataclass
class Parts:
    """The clinics, the pace, and the receiver of the results: `give` gets the name and the measurements of each part."""

    clinics: Clinics
    client: LoadClient
    pace: Pace
    give: Callable[[str, Part], None]
    serve: Serve = our_server
    serve_without_worker: Serve = without_worker
    worker_nice: int = NICE

    def __post_init__(self) -> None:
        self.postgres = asyncio.run(self.clinics.version())
        self.comparer = Comparer(self.client, self.clinics.postmaster(), self.pace)

    @cached_property
    def _large(self) -> tuple[DatabaseUrls, BenchmarkUsers]:
        address = asyncio.run(self.clinics.of_size(self.clinics.sizes.large))
        return address, asyncio.run(find_benchmark_users(address))

    @property
    def large(self) -> DatabaseUrls:
        """The clinic of most measurements."""
        return self._large[0]

    @property
    def benchmark_users(self) -> BenchmarkUsers:
        """The users of that clinic."""
        return self._large[1]

    def floor(self) -> None:
        """The cost of measuring itself."""
        self._comparisons("floor", run_floor(self.comparer))

    def cases(self, names: str = "".join(CASES), *, textbook: bool = True) -> None:
        """The pages and the single invoice, against the limit and the textbook."""
        cases = [CASES[name] for name in names]
        comparisons = run_cases(
            self.comparer, self.large, self.benchmark_users, cases, textbook=textbook, serve=self.serve
        )
        self._comparisons("cases", comparisons)

    def transition(self) -> None:
        """A mutation against one hand-written function call."""
        count = self.clinics.sizes.pending
        self._comparisons(
            "transition", run_submitting(self.comparer, self.large, self.benchmark_users, count, self.serve)
        )

    def auditing(self) -> None:
        """The server with and without the audit log."""
        self._comparisons("auditing", run_auditing(self.comparer, self.large, self.benchmark_users))

    def quote(self) -> None:
        """A quote against one hand-written statement."""
        self._comparisons("quote", run_quoting(self.comparer, self.large, self.benchmark_users, self.serve))

    def profile(self, name: str, sort: str) -> str:
        """The profile of our server for a case."""
        if name != TRANSITION.name:
            return profile_case(self.large, CASES[name], self.benchmark_users.bodies(CASES[name]), sort)
        clinic_id = self.benchmark_users.viewers[TRANSITION.role].clinic_id
        with pending(self.large.owner, clinic_id, self.clinics.sizes.pending) as invoices:
            return profile_case(self.large, TRANSITION, bodies(invoices), sort)

    def figures(self) -> None:
        """Every report on a million invoices."""
        address, pace = asyncio.run(self.clinics.of_a_million()), self.pace.over(_REPORTS)
        benchmark_users = asyncio.run(find_benchmark_users(address))
        table = run_reporting(address, benchmark_users, pace.rounds, self.clinics.sizes.million, self.serve)
        self.give("figures", Part(facts(self.postgres, pace), [], table=table))

    def files(self) -> None:
        """Files of a million invoices."""
        address, pace = asyncio.run(self.clinics.of_a_million()), self.pace.over(_FILES)
        invoices = self.clinics.sizes.million
        table = run_exporting(self.client, address, pace, invoices, self.serve_without_worker, self.worker_nice)
        self.give("files", Part(facts(self.postgres, pace), [], table=table))

    def growth(self) -> None:
        """Case (a) on the small clinic and on the large one."""
        small = asyncio.run(self.clinics.of_size(self.clinics.sizes.small))
        self._comparisons(
            "growth", run_growth(self.comparer, (small, self.large), self.benchmark_users, CASES["a"], self.serve)
        )

    def locks(self) -> None:
        """Case (a) with both locks against the same server with none."""
        self._comparisons("locks", run_locks(self.comparer, self.large, self.benchmark_users, CASES["a"], self.serve))

    def memory(self) -> None:
        """The memory of the server over many documents."""
        memory = run_memory(self.client, self.large, self.clinics.sizes, self.serve)
        self.give("memory", Part(facts(self.postgres, None), [], memory))

    def peers(self) -> None:
        """PostGraphile and Mercurius, or the reason why they could not be measured."""
        try:
            peers.install()
            self._comparisons(
                "peers", peers.run_peers(self.comparer, self.large, self.benchmark_users), **peers.versions()
            )
        except (StartError, DifferentAnswerError) as error:
            self.give("peers", Part(facts(self.postgres, self.pace), [], failure=str(error)))

    def _comparisons(self, name: str, comparisons: Iterator[Comparison], **versions: str) -> None:
        found = []
        for comparison in comparisons:
            found.append(comparison)
            reached = ", ".join(
                f"{server} {figures.per_second:,.0f}/s" for server, figures in comparison.figures.items()
            )
            print(f"{name} ({comparison.case}) {comparison.connections:2} clients: {reached}", flush=True)
        self.give(name, Part(facts(self.postgres, self.pace, **versions), found))
