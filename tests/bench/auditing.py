"""Decides how the cost of the audit trail is measured: the same server with and without it, in turn."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

from server.addresses import Address
from server.app import build_app
from server.files import open_files
from server.sessions import SessionTimes
from server.settings import read_settings
from tests.bench.bare import run
from tests.bench.contests import Contest, run_between
from tests.bench.rounds import Arena
from tests.bench.servers import Server, python, started
from tests.bench.viewers import Asker

AUDITED, NOT_AUDITED = "audited", "not audited"
MORE_AT_MOST = 0.05
# The page that has a target, and one record, of which an event is a larger part.
MEASURED = ("a", "b")


def run_auditing(arena: Arena, address: Address, asker: Asker) -> Iterator[Contest]:
    """The cases with and without the trail."""
    with ExitStack() as servers:
        both = [servers.enter_context(_server(address, name)) for name in (NOT_AUDITED, AUDITED)]
        yield from run_between(arena, asker, both, MEASURED)


@contextmanager
def _server(address: Address, name: str) -> Iterator[Server]:
    with started(name, python("tests.bench.auditing", address.owner, name)) as server:
        yield server


def main() -> None:
    """Serve, with the trail or without."""
    owner, name = sys.argv[1:]
    with TemporaryDirectory() as home:
        files = open_files(read_settings({"BILLING_HOME": home}))
        run(build_app(Address(owner), SessionTimes(), files, is_audited=name == AUDITED))


if __name__ == "__main__":
    main()
