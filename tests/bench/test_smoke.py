"""Every part of `make bench` runs to its end on a small clinic, all servers answer the same, and its section can be written."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.bench import records
from tests.bench.cases import CASES
from tests.bench.clinics import Clinics, Sizes
from tests.bench.comparisons import LIMIT, OURS, Comparison, our_server
from tests.bench.parts import Parts
from tests.bench.quick import Quick, table
from tests.bench.records import Part
from tests.bench.report import PAGE, WRITERS, page
from tests.bench.rounds import Figures, LoadClient, Pace
from tests.bench.servers.start import Server
from tests.postgres import server_folder

SIZES = Sizes(small=300, large=300, million=1_500, pending=300, documents=20, requests=40)
PACE = Pace(rounds=1, seconds=0.1, warm_up=0.05, compared=3, patience=0, connections=(1, 2))
# The servers that each part compares. Tables and the memory part have other figures.
SERVERS = {
    "floor": {"nothing"},
    "cases": {"limit", "server", "textbook"},
    "transition": {"limit", "server"},
    "quote": {"limit", "server"},
    "auditing": {"audited", "not audited"},
    "growth": {"small", "large"},
    "locks": {"server", "without locks"},
}
TABLES = ("figures", "files")
# The peers are installed by npm from a registry, which `make test` must not need: `make bench-peers` runs them.
LEFT_OUT = {"peers"}


class _OneClinic(Clinics):
    """One clinic for all parts, the one that is filled by SQL alone: each further one would cost its migrations and a server."""

    async def of_size(self, invoices: int) -> DatabaseUrls:
        """The clinic, for any requested size."""
        return await self.of_a_million()


class _Shared:
    """Our server, started once per database for all parts: its start would otherwise take most of a part's time."""

    def __init__(self, open_servers: ExitStack) -> None:
        self._open, self._known = open_servers, dict[DatabaseUrls, Server]()

    @contextmanager
    def __call__(self, address: DatabaseUrls, name: str = OURS) -> Iterator[Server]:
        if address not in self._known:
            home = self._open.enter_context(TemporaryDirectory())
            self._known[address] = self._open.enter_context(our_server(address, settings={"BILLING_HOME": home}))
        yield replace(self._known[address], name=name)


@pytest.fixture(scope="module")
def found() -> dict[str, Part]:
    """The measured parts by name."""
    return {}


@pytest.fixture(scope="module")
def parts(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory, found: dict[str, Part]
) -> Iterator[Parts]:
    """The benchmark on the PostgreSQL of the tests, with clinics of its own."""
    clinics = _OneClinic(server_folder(tmp_path_factory), SIZES, f"bench_{uuid4().hex[:12]}")
    with clinics, LoadClient() as client, ExitStack() as open_servers:
        shared = _Shared(open_servers)
        yield Parts(clinics, client, PACE, found.__setitem__, shared, shared, worker_nice=0)


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in LEFT_OUT])
def test_a_part_of_the_benchmark_runs_to_its_end_and_gives_figures(
    name: str, parts: Parts, found: dict[str, Part]
) -> None:
    kept, written = records.kept_parts(), PAGE.read_bytes()
    getattr(parts, name)()
    part = found[name]
    assert all(set(comparison.figures) == SERVERS[name] for comparison in part.comparisons)
    assert all(
        one.per_second > 0 and one.p50 > 0 for comparison in part.comparisons for one in comparison.figures.values()
    )
    assert (bool(part.comparisons), bool(part.table), part.memory is not None) == (
        name in SERVERS,
        name in TABLES,
        name == "memory",
    )
    assert page({name: part}).count("\n## ") == 1
    assert (records.kept_parts(), PAGE.read_bytes()) == (kept, written)


def test_the_quick_benchmark_runs_reads_and_the_transition_and_prints_a_row_for_each(parts: Parts) -> None:
    quick = Quick(parts.comparer, parts.large, parts.benchmark_users, None, SIZES.pending, parts.serve, [CASES["b"]])
    comparisons = list(quick.run())
    assert [(one.case, one.connections) for one in comparisons] == [
        (case, n) for case in "be" for n in PACE.connections
    ]
    rows = table(comparisons).splitlines()[2:]
    assert all(float(row.split("|")[4]) > 0 for row in rows)


def test_the_table_against_another_commit_says_by_how_much_they_differ() -> None:
    limit, ours, old = Figures(400, 2, 9, 100, 100), Figures(300, 4, 9, 150, 150), Figures(200, 8, 9, 300, 300)
    read, write = (Comparison(case, 1, {LIMIT: limit, OURS: ours, "abc1234": old}) for case in "ae")
    assert [row.strip("| ").split(" | ") for row in table([read, write], "abc1234").splitlines()[2:]] == [
        ["a", "1", "0.75", "4.00", "150", "150", "1.50", "8.00", "300", "300", "1.50", "0.50"],
        ["e", "1", "2.00 times p50", "4.00", "150", "150", "1.50", "8.00", "300", "300", "1.50", "0.50"],
    ]
