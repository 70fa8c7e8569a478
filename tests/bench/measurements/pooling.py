"""Measures the cost of a pooler in front of PostgreSQL for the server: no prepared statements, settings in each transaction.

The pooler itself stays out of it: `python -m tests.bench.pooling` compares the server with the settings for a pooler to the server without them.
"""

import asyncio
from contextlib import ExitStack

from tests.bench.benchmark_users import find_benchmark_users
from tests.bench.clinics import SIZES, Clinics
from tests.bench.comparisons import our_server, run_between
from tests.bench.rounds import Comparer, LoadClient, Pace

_MEASURED = ("a", "b", "d")


def main() -> None:
    """Print how much longer requests take, by case and clients: medians of the rounds, in which both take turns."""
    with Clinics() as clinics, LoadClient() as client, ExitStack() as servers:
        address = asyncio.run(clinics.of_size(SIZES.small))
        benchmark_users = asyncio.run(find_benchmark_users(address))
        comparer = Comparer(client, clinics.postmaster(), Pace(15, 0.5))
        pooled = {"BILLING_DIRECT_DATABASE_URL": address.owner}
        both = [
            servers.enter_context(our_server(address, name, settings))
            for name, settings in (("direct", {}), ("pooled", pooled))
        ]
        for comparison in run_between(comparer, benchmark_users, both, _MEASURED):
            direct, through = comparison.figures["direct"], comparison.figures["pooled"]
            print(
                f"({comparison.case}) {comparison.connections:2} clients: {direct.p50:.2f} ms, {through.p50:.2f} ms as behind a pooler "
                f"({through.p50 / direct.p50:.2f} times; {through.work / direct.work:.2f} by processor time)",
                flush=True,
            )


if __name__ == "__main__":
    main()
