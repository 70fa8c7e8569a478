"""Decides which reads a streaming replica answers, and that nobody notices when it is away, late, or asked too early."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from domain.people import Role
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from server.embedded_programs import find_programs
from tests.client import Client, serving
from tests.databases import make_template, rows
from tests.server.embedded_user import comes_true
from tests.tunnel import tunnel

QUERY = "{ invoices(first: 5) { totalCount nodes { number status } } }"
STATEMENTS = "select coalesce(sum(xact_commit), 0) as count from pg_stat_database where datname = current_database()"
NEW = 'mutation { createPayer(input: {name: "%s", kind: INSURANCE}) { payer { id } errors { message } } }'
FOUND = 'query { payers(first: 5, filter: {search: "%s"}) { nodes { name } } }'
FRESH_SECONDS = 15


@dataclass
class Pair:
    """A primary and its standby, each a real server of its own."""

    primary: Address
    standby: Address
    servers: tuple[EmbeddedPostgres, EmbeddedPostgres]

    def asked(self, address: Address, client: Client, times: int = 30) -> bool:
        """Whether a server has answered some queries of a client."""
        before = self._count(address)
        for _ in range(times):
            client.read(QUERY)
        # A backend tells what it did when it has a moment for it.
        return comes_true(lambda: self._count(address) - before >= times, 3)

    def _count(self, address: Address) -> int:
        count: int = rows(address, STATEMENTS)[0]["count"]
        return count


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    with EmbeddedPostgres(folder / "primary") as primary:
        name = make_template(primary)
        with tunnel(primary.dsn()) as port:
            _copy(primary, port, folder / "standby" / "postgres")
            with EmbeddedPostgres(folder / "standby") as standby:
                addresses = (primary.dsn(database=name), standby.dsn(database=name))
                yield Pair(Address(addresses[0]), Address(addresses[1]), (primary, standby))


def _copy(primary: EmbeddedPostgres, port: int, place: Path) -> None:
    """A base backup that follows the primary, in the place where an embedded server looks for its data."""
    place.mkdir(parents=True)
    command: list[str | Path] = [
        find_programs() / "bin" / "pg_basebackup",
        "--pgdata",
        place / "data",
        "--checkpoint=fast",
        "--no-sync",
    ]
    where = ["--dbname", primary.dsn()]
    subprocess.run([*command, *where, "--write-recovery-conf"], check=True, capture_output=True)
    with (place / "data" / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"primary_conninfo = 'host=127.0.0.1 port={port} user=postgres'\n")
    owner = (primary.socket_folder.parent / "data").stat()
    for path in (place / "data", *(place / "data").rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)


@pytest.fixture(scope="module")
def url(pair: Pair) -> Iterator[str]:
    with serving(Address(pair.primary.owner, replica=pair.standby.owner)) as served:
        yield served


@pytest.fixture(scope="module")
def people(url: str) -> Iterator[dict[Role, Client]]:
    with Client(url) as nobody:
        yield {role: nobody.signed_in(f"{role}@demo.clinic") for role in Role}


def _staff_and_analysts_read_at_the_replica_and_all_others_at_the_primary(
    pair: Pair, people: dict[Role, Client]
) -> None:
    for client in (people[Role.ANALYST], people[Role.ADMIN], people[Role.BILLING]):
        assert comes_true(lambda client=client: pair.asked(pair.standby, client), FRESH_SECONDS)  # type: ignore[misc]
    assert all(pair.asked(pair.primary, people[role]) for role in (Role.ATTORNEY, Role.PHYSICIAN))


def _there_the_same_rows_are_seen(pair: Pair, people: dict[Role, Client]) -> None:
    with serving(pair.primary) as alone, Client(alone) as nobody:
        for role in (Role.ANALYST, Role.BILLING):
            assert nobody.signed_in(f"{role}@demo.clinic").read(QUERY) == people[role].read(QUERY)


def _is_found(client: Client) -> bool:
    found = client.read(FOUND % "Newly written")["payers"]["nodes"]
    return bool(found == [{"name": "Newly written"}])


def _what_somebody_writes_everybody_of_the_clinic_reads_though_the_replica_stands_still(
    pair: Pair, people: dict[Role, Client]
) -> None:
    with serving(Address(pair.primary.owner, replica=pair.standby.owner)) as another:
        admin = Client(another, people[Role.ADMIN].token)
        assert comes_true(lambda: pair.asked(pair.standby, admin), FRESH_SECONDS)
        rows(pair.standby, "select pg_wal_replay_pause()")
        try:
            people[Role.BILLING].read(NEW % "Newly written")
            for client in (people[Role.BILLING], people[Role.ADMIN]):
                assert _is_found(client)
            # The other process hears of it, if not in the same moment.
            assert comes_true(lambda: _is_found(admin), 2)
            # One that has stood still for too long is not asked by anybody.
            assert comes_true(lambda: pair.asked(pair.primary, people[Role.ANALYST]), FRESH_SECONDS)
        finally:
            rows(pair.standby, "select pg_wal_replay_resume()")
    assert comes_true(lambda: pair.asked(pair.standby, people[Role.BILLING]), FRESH_SECONDS)


def _a_replica_that_goes_away_is_missed_by_nobody_and_asked_again_when_it_is_back(
    pair: Pair, people: dict[Role, Client]
) -> None:
    assert comes_true(lambda: pair.asked(pair.standby, people[Role.ANALYST]), FRESH_SECONDS)
    standby = pair.servers[1]
    standby.stop()
    for role in (Role.ANALYST, Role.BILLING):
        assert people[role].read(QUERY)["invoices"]["nodes"]
    standby.start()
    time.sleep(1)
    assert comes_true(lambda: pair.asked(pair.standby, people[Role.ANALYST]), FRESH_SECONDS)


def _a_replica_that_was_never_there_keeps_nothing_from_starting(pair: Pair) -> None:
    path = urlsplit(pair.primary.owner).path
    nowhere = f"postgresql://postgres@127.0.0.1:1{path}"
    with serving(Address(pair.primary.owner, replica=nowhere)) as url, Client(url) as nobody:
        assert nobody.signed_in("billing@demo.clinic").read(QUERY)["invoices"]["nodes"]


# One story, because the pair of servers takes longer to be made than all of it does.
def test_a_replica_answers_while_it_can_and_nobody_notices_when_it_cannot(
    pair: Pair, people: dict[Role, Client]
) -> None:
    _staff_and_analysts_read_at_the_replica_and_all_others_at_the_primary(pair, people)
    _there_the_same_rows_are_seen(pair, people)
    _what_somebody_writes_everybody_of_the_clinic_reads_though_the_replica_stands_still(pair, people)
    _a_replica_that_goes_away_is_missed_by_nobody_and_asked_again_when_it_is_back(pair, people)
    _a_replica_that_was_never_there_keeps_nothing_from_starting(pair)
