"""Decides how it is measured what a pooler in front of PostgreSQL costs the server: no kept statements, settings in each transaction.

The pooler itself stays out of it: `python -m tests.bench.pooling` compares the server as it asks through one with itself as it does not.
"""

import asyncio
from contextlib import ExitStack

from tests.bench.clinics import SMALL, Clinics
from tests.bench.contests import our_server, run_between
from tests.bench.processor import cpu_seconds_with_children
from tests.bench.rounds import Arena, LoadClient, Pace
from tests.bench.viewers import find_asker

_MEASURED = ("a", "b", "d")


def main() -> None:
    """Tell how much longer it takes, by case and clients: medians of the rounds, in which both take turns."""
    with Clinics() as clinics, LoadClient() as client, ExitStack() as servers:
        address = asyncio.run(clinics.of_size(SMALL))
        asker = asyncio.run(find_asker(address))
        postmaster = clinics.postmaster()
        arena = Arena(client, lambda: cpu_seconds_with_children(postmaster), Pace(15, 0.5))
        pooled = {"BILLING_DIRECT_DATABASE_URL": address.owner}
        both = [
            servers.enter_context(our_server(address, name, settings))
            for name, settings in (("direct", {}), ("pooled", pooled))
        ]
        for contest in run_between(arena, asker, both, _MEASURED):
            direct, through = contest.figures["direct"], contest.figures["pooled"]
            print(
                f"({contest.case}) {contest.connections:2} clients: {direct.p50:.2f} ms, {through.p50:.2f} ms as behind a pooler "
                f"({through.p50 / direct.p50:.2f} times; {through.work / direct.work:.2f} by processor time)",
                flush=True,
            )


if __name__ == "__main__":
    main()
