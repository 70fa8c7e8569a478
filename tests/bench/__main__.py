"""Decides what `make bench` does: which parts are measured, shown and kept in docs/performance.md."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import click

from server.addresses import Address
from tests.bench import peers
from tests.bench.auditing import run_auditing
from tests.bench.cases import CASES
from tests.bench.clinics import LARGE, SMALL, Clinics
from tests.bench.contests import Contest, DifferentAnswerError, run_cases, run_floor, run_growth, run_locks
from tests.bench.exporting import run_exporting
from tests.bench.memory import run_memory
from tests.bench.processor import cpu_seconds_with_children
from tests.bench.profiling import profile as profile_case
from tests.bench.quoting import run_quoting
from tests.bench.records import Part, facts, keep
from tests.bench.report import PAGE, page
from tests.bench.reporting import run_reporting
from tests.bench.rounds import Arena, LoadClient, Pace
from tests.bench.servers import StartError
from tests.bench.submitting import CASE as TRANSITION
from tests.bench.submitting import pending, run_submitting
from tests.bench.viewers import Asker, find_asker


@dataclass
class _Run:
    """One run: the clinics, who asks, and whether the results are kept."""

    clinics: Clinics
    client: LoadClient
    pace: Pace
    is_kept: bool

    def __post_init__(self) -> None:
        self.postgres = asyncio.run(self.clinics.version())
        postmaster = self.clinics.postmaster()
        self.arena = Arena(self.client, lambda: cpu_seconds_with_children(postmaster), self.pace)

    @cached_property
    def _large(self) -> tuple[Address, Asker]:
        return self.clinic(LARGE)

    @property
    def large(self) -> Address:
        """The clinic that most is measured on."""
        return self._large[0]

    @property
    def asker(self) -> Asker:
        """Who asks there."""
        return self._large[1]

    def clinic(self, invoices: int) -> tuple[Address, Asker]:
        """A clinic and who asks in it."""
        address = asyncio.run(self.clinics.of_size(invoices))
        return address, asyncio.run(find_asker(address))

    def cases(self, names: str, textbook: bool) -> None:
        """The cases, after what measuring itself costs."""
        self._contests("floor", run_floor(self.arena))
        cases = [CASES[name] for name in names]
        self._contests("cases", run_cases(self.arena, self.large, self.asker, cases, textbook))

    def transition(self) -> None:
        """A mutation against one hand-written function call."""
        self._contests("transition", run_submitting(self.arena, self.large, self.asker))

    def auditing(self) -> None:
        """The server with and without the audit trail."""
        self._contests("auditing", run_auditing(self.arena, self.large, self.asker))

    def quote(self) -> None:
        """A quote against one hand-written statement."""
        self._contests("quote", run_quoting(self.arena, self.large, self.asker))

    def profile(self, name: str, sort: str) -> str:
        """Where our server spends the time of a case."""
        if name != TRANSITION.name:
            return profile_case(self.large, CASES[name], self.asker.bodies(CASES[name]), sort)
        with pending(self.large, self.asker) as invoices:
            return profile_case(self.large, TRANSITION, invoices.bodies(), sort)

    def figures(self) -> None:
        """Every report on a million invoices."""
        address = asyncio.run(self.clinics.of_a_million())
        table = run_reporting(address, asyncio.run(find_asker(address)), self.pace.rounds)
        self._tell("figures", Part(facts(self.postgres, self.pace), [], table=table))

    def files(self) -> None:
        """Files of a million invoices."""
        address = asyncio.run(self.clinics.of_a_million())
        table = run_exporting(self.client, address, self.pace.rounds, self.pace.seconds)
        self._tell("files", Part(facts(self.postgres, self.pace), [], table=table))

    def growth(self) -> None:
        """Case (a) on the small clinic and on the large one."""
        small, _ = self.clinic(SMALL)
        self._contests("growth", run_growth(self.arena, small, self.large, self.asker, CASES["a"]))

    def locks(self) -> None:
        """Case (a) with both locks against the same server with none."""
        self._contests("locks", run_locks(self.arena, self.large, self.asker, CASES["a"]))

    def memory(self) -> None:
        """What the server holds over many documents."""
        self._tell("memory", Part(facts(self.postgres, None), [], run_memory(self.client, self.large)))

    def peers(self) -> None:
        """PostGraphile and Mercurius, or why they could not be measured."""
        try:
            peers.install()
            self._contests("peers", peers.run_peers(self.arena, self.large, self.asker), **peers.versions())
        except (StartError, DifferentAnswerError) as error:
            self._tell("peers", Part(facts(self.postgres, self.pace), [], failure=str(error)))

    def _contests(self, name: str, contests: Iterator[Contest], **versions: str) -> None:
        found = []
        for contest in contests:
            found.append(contest)
            reached = ", ".join(f"{server} {figures.per_second:,.0f}/s" for server, figures in contest.figures.items())
            print(f"{name} ({contest.case}) {contest.connections:2} clients: {reached}", flush=True)
        self._tell(name, Part(facts(self.postgres, self.pace, **versions), found))

    def _tell(self, name: str, part: Part) -> None:
        print("\n" + page({name: part}).partition("\n## ")[2] + "\n", flush=True)
        if self.is_kept:
            PAGE.write_text(page(keep(name, part)), encoding="utf-8")


@dataclass(frozen=True)
class _Wanted:
    """What the command line asks for."""

    is_peers: bool
    is_memory: bool
    is_growth: bool
    is_transition: bool
    is_auditing: bool
    is_quote: bool
    is_figures: bool
    is_files: bool
    is_locks: bool
    profile: str | None
    sort: str
    names: str
    no_textbook: bool
    rounds: int
    seconds: float

    @property
    def is_whole(self) -> bool:
        """Whether all of a part is measured, and for long enough to be kept."""
        is_long = self.rounds >= Pace.rounds and self.seconds >= Pace.seconds
        return is_long and self.names == "".join(CASES) and not self.no_textbook


@click.command(help="Measure the server. Without options: everything but the peers, kept in docs/performance.md.")
@click.option("--peers", "is_peers", is_flag=True, help="PostGraphile and Mercurius instead; needs npm.")
@click.option("--memory", "is_memory", is_flag=True, help="Only the server's memory over many documents.")
@click.option("--growth", "is_growth", is_flag=True, help="Only the small clinic against the large one.")
@click.option("--transition", "is_transition", is_flag=True, help="Only the mutation against a hand-written function.")
@click.option("--auditing", "is_auditing", is_flag=True, help="Only the server with and without the audit trail.")
@click.option("--quote", "is_quote", is_flag=True, help="Only the quote against a hand-written statement.")
@click.option("--figures", "is_figures", is_flag=True, help="Only the reports, on a million invoices.")
@click.option("--files", "is_files", is_flag=True, help="Only the files, of a million invoices.")
@click.option("--locks", "is_locks", is_flag=True, help="Only what both locks cost.")
@click.option(
    "--profile", type=click.Choice([*CASES, TRANSITION.name]), help="Show where our server spends the time of a case."
)
@click.option("--sort", default="tottime", show_default=True, help="How the profile is sorted, as pstats names it.")
@click.option("--cases", "names", default="".join(CASES), show_default=True, help="Only these cases; shown, not kept.")
@click.option("--no-textbook", is_flag=True, help="Leave out the textbook; shown, not kept.")
@click.option(
    "--rounds", default=Pace.rounds, show_default=True, type=click.IntRange(min=1), help="Fewer are shown, not kept."
)
@click.option(
    "--seconds", default=Pace.seconds, show_default=True, type=click.FloatRange(min=0.1), help="Per round and server."
)
def main(**said: Any) -> None:
    """Run the benchmark."""
    wanted = _Wanted(**said)
    # Being told to stop must end the servers as well, which are processes of their own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with Clinics() as clinics, LoadClient() as client:
        run = _Run(clinics, client, Pace(wanted.rounds, wanted.seconds), wanted.is_whole)
        if wanted.profile:
            print(run.profile(wanted.profile, wanted.sort))
            return
        chosen = {
            run.peers: wanted.is_peers,
            run.memory: wanted.is_memory,
            run.growth: wanted.is_growth,
            run.transition: wanted.is_transition,
            run.auditing: wanted.is_auditing,
            run.quote: wanted.is_quote,
            run.figures: wanted.is_figures,
            run.files: wanted.is_files,
            run.locks: wanted.is_locks,
        }
        if not any(chosen.values()):
            run.cases(wanted.names, not wanted.no_textbook)
            # A run of some cases alone is for looking, and ends here.
            parts = (run.transition, run.quote, run.auditing, run.growth, run.locks, run.memory, run.figures, run.files)
            chosen = dict.fromkeys(parts, wanted.is_whole)
        for part, is_chosen in chosen.items():
            if is_chosen:
                part()


if __name__ == "__main__":
    main()
