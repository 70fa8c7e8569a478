"""Measures the cost of the audit log: the same server with and without it, in turn."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from tempfile import TemporaryDirectory

from identity.sessions import SessionTimes
from server.app import build_app
from server.database_urls import DatabaseUrls
from server.settings import read_settings
from server.stores import open_files
from tests.bench.benchmark_users import BenchmarkUsers
from tests.bench.comparisons import Comparison, run_between
from tests.bench.rounds import Comparer
from tests.bench.servers.bare import run
from tests.bench.servers.start import Server, python, started, together

AUDITED, NOT_AUDITED = "audited", "not audited"
MORE_AT_MOST = 0.05
# The page has a target; for one record, the event is a larger share of the time.
MEASURED = ("a", "b")


def run_auditing(comparer: Comparer, address: DatabaseUrls, benchmark_users: BenchmarkUsers) -> Iterator[Comparison]:
    """The cases with and without the audit log."""
    with together(*(_server(address, name) for name in (NOT_AUDITED, AUDITED))) as both:
        yield from run_between(comparer, benchmark_users, both, MEASURED)


def _server(address: DatabaseUrls, name: str) -> AbstractContextManager[Server]:
    return started(name, python("tests.bench.measurements.auditing", address.owner, name))


def main() -> None:
    """Serve with the audit log or without it."""
    owner, name = sys.argv[1:]
    with TemporaryDirectory() as home:
        files = open_files(read_settings({"BILLING_HOME": home}))
        run(build_app(DatabaseUrls(owner), SessionTimes(), files, is_audited=name == AUDITED))


if __name__ == "__main__":
    main()
