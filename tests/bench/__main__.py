"""The command line of `make bench`: it measures the parts, and writes docs/performance.md."""

import signal
import sys
from typing import Any

import click

from tests.bench.cases import CASES
from tests.bench.clinics import Clinics
from tests.bench.measurements.submitting import CASE as TRANSITION
from tests.bench.parts import Parts
from tests.bench.records import Part, keep
from tests.bench.report import PAGE, page, section
from tests.bench.rounds import LoadClient, Pace

# With fewer or shorter rounds, two runs differ by more than the effects to be measured.
LEAST_ROUNDS, LEAST_SECONDS = 10, 0.3
ALL_CASES = "".join(CASES)
# Name → help; without any of these options all parts are measured except the peers, which need npm.
_PARTS = {
    "floor": "what measuring itself costs",
    "transition": "the mutation against a hand-written function",
    "quote": "the quote against a hand-written statement",
    "auditing": "the server with and without the audit log",
    "growth": "the small clinic against the large one",
    "locks": "what both locks cost",
    "memory": "the server's memory over many documents",
    "figures": "the reports, on a million invoices",
    "files": "the files, of a million invoices",
}


def _give(name: str, part: Part) -> None:
    print(section(name, part), flush=True)


def _keep(name: str, part: Part) -> None:
    _give(name, part)
    PAGE.write_text(page(keep(name, part)), encoding="utf-8")


def _flags(command: click.Command) -> click.Command:
    for name, text in reversed(_PARTS.items()):
        command.params.insert(0, click.Option([f"--{name}", name], is_flag=True, help=f"Only {text}."))
    return command


@_flags
@click.command(help="Measure the server. Without options: everything but the peers, kept in docs/performance.md.")
@click.option("--peers", is_flag=True, help="PostGraphile and Mercurius instead; needs npm.")
@click.option(
    "--profile", type=click.Choice([*CASES, TRANSITION.name]), help="Show where our server spends the time of a case."
)
@click.option("--sort", default="tottime", show_default=True, help="How the profile is sorted, as pstats names it.")
@click.option("--cases", "names", default=ALL_CASES, show_default=True, help="Only these cases; shown, not kept.")
@click.option("--no-textbook", is_flag=True, help="Leave out the textbook; shown, not kept.")
@click.option(
    "--rounds",
    default=Pace.rounds,
    show_default=True,
    type=click.IntRange(min=1),
    help=f"Fewer than {LEAST_ROUNDS} are shown, not kept.",
)
@click.option(
    "--seconds",
    default=Pace.seconds,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help=f"Per round and server; less than {LEAST_SECONDS:g} is shown, not kept.",
)
def main(**options: Any) -> None:
    """Run the benchmark."""
    # SIGTERM must also end the servers, which are processes of their own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    names, rounds, seconds, is_bare = (options[key] for key in ("names", "rounds", "seconds", "no_textbook"))
    is_whole = names == ALL_CASES and not is_bare
    is_kept = is_whole and rounds >= LEAST_ROUNDS and seconds >= LEAST_SECONDS
    with Clinics() as clinics, LoadClient() as client:
        parts = Parts(clinics, client, Pace(rounds, seconds), _keep if is_kept else _give)
        if options["profile"]:
            print(parts.profile(options["profile"], options["sort"]))
            return
        chosen = [name for name in (*_PARTS, "peers") if options[name]]
        if not chosen:
            parts.cases(names, textbook=not is_bare)
            # A run of some cases is only printed, and ends here.
            chosen = list(_PARTS) if is_whole else []
        for name in chosen:
            getattr(parts, name)()


if __name__ == "__main__":
    main()
