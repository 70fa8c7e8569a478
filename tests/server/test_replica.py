"""Reads at a streaming replica, and the fallback to the primary while the replica is down, behind or unreachable."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.embedded.programs import find_programs
from tests.server.embedded.embedded_user import comes_true
from tests.support.client import Client, serving
from tests.support.databases import make_template, rows
from tests.support.socket_proxy import forwarded_port

QUERY = "{ invoices(first: 5) { totalCount nodes { number status } } }"
STATEMENTS = "select coalesce(sum(xact_commit), 0) as count from pg_stat_database where datname = current_database()"
NEW = 'mutation { createPayer(input: {name: "%s", kind: INSURANCE}) { payer { id } errors { message } } }'
FOUND = 'query { payers(first: 5, filter: {search: "%s"}) { nodes { name } } }'
FRESH_SECONDS = 15


@dataclass
class Pair:
    """A primary and its standby, each a real PostgreSQL server."""

    primary: DatabaseUrls
    standby: DatabaseUrls
    servers: tuple[EmbeddedPostgres, EmbeddedPostgres]

    def has_answered(self, address: DatabaseUrls, client: Client, times: int = 30) -> bool:
        """Whether a server has answered `times` queries of a client."""
        before = self._count(address)
        for _ in range(times):
            client.read(QUERY)
        # A backend reports its statistics with a delay.
        return comes_true(lambda: self._count(address) - before >= times, 3)

    def _count(self, address: DatabaseUrls) -> int:
        count: int = rows(address, STATEMENTS)[0]["count"]
        return count


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    with EmbeddedPostgres(folder / "primary") as primary:
        name = make_template(primary)
        with forwarded_port(primary.dsn()) as port:
            _copy(primary, port, folder / "standby" / "postgres")
            with EmbeddedPostgres(folder / "standby") as standby:
                addresses = (primary.dsn(database=name), standby.dsn(database=name))
                yield Pair(DatabaseUrls(addresses[0]), DatabaseUrls(addresses[1]), (primary, standby))


def _copy(primary: EmbeddedPostgres, port: int, folder_of_standby: Path) -> None:
    """Make a base backup that follows the primary, in the data folder of an embedded server."""
    folder_of_standby.mkdir(parents=True)
    shutil.copy(primary.socket_folder.parent / "pgpass", folder_of_standby / "pgpass")
    command: list[str | Path] = [
        find_programs() / "bin" / "pg_basebackup",
        "--pgdata",
        folder_of_standby / "data",
        "--checkpoint=fast",
        "--no-sync",
    ]
    where = ["--dbname", primary.dsn()]
    subprocess.run([*command, *where, "--write-recovery-conf"], check=True, capture_output=True)
    with (folder_of_standby / "data" / "postgresql.auto.conf").open("a") as settings:
        password = urlsplit(primary.dsn()).password
        settings.write(f"primary_conninfo = 'host=127.0.0.1 port={port} user=postgres password={password}'\n")
    owner = (primary.socket_folder.parent / "data").stat()
    for path in (folder_of_standby / "data", *(folder_of_standby / "data").rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)


@pytest.fixture(scope="module")
def url(pair: Pair) -> Iterator[str]:
    with serving(DatabaseUrls(pair.primary.owner, replica=pair.standby.owner)) as served:
        yield served


@pytest.fixture(scope="module")
def clients(url: str) -> Iterator[dict[Role, Client]]:
    with Client(url) as anonymous:
        yield {role: anonymous.signed_in(f"{role}@demo.example") for role in Role}


def _staff_and_analysts_read_at_the_replica_and_other_roles_at_the_primary(
    pair: Pair, clients: dict[Role, Client]
) -> None:
    for client in (clients[Role.ANALYST], clients[Role.ADMIN], clients[Role.BILLING]):
        assert comes_true(lambda client=client: pair.has_answered(pair.standby, client), FRESH_SECONDS)  # type: ignore[misc]
    assert all(pair.has_answered(pair.primary, clients[role]) for role in (Role.ATTORNEY, Role.PHYSICIAN))


def _the_replica_returns_the_same_rows(pair: Pair, clients: dict[Role, Client]) -> None:
    with serving(pair.primary) as alone, Client(alone) as anonymous:
        for role in (Role.ANALYST, Role.BILLING):
            assert anonymous.signed_in(f"{role}@demo.example").read(QUERY) == clients[role].read(QUERY)


def _is_found(client: Client) -> bool:
    found = client.read(FOUND % "Newly written")["payers"]["nodes"]
    return bool(found == [{"name": "Newly written"}])


def _a_write_is_visible_to_all_users_of_the_clinic_though_replay_is_paused(
    pair: Pair, clients: dict[Role, Client]
) -> None:
    with serving(DatabaseUrls(pair.primary.owner, replica=pair.standby.owner)) as another:
        admin = Client(another, clients[Role.ADMIN].token)
        assert comes_true(lambda: pair.has_answered(pair.standby, admin), FRESH_SECONDS)
        rows(pair.standby, "select pg_wal_replay_pause()")
        try:
            clients[Role.BILLING].read(NEW % "Newly written")
            for client in (clients[Role.BILLING], clients[Role.ADMIN]):
                assert _is_found(client)
            # The other process gets the notification a moment later.
            assert comes_true(lambda: _is_found(admin), 2)
            # A replica that has been behind for too long is not used for any read.
            assert comes_true(lambda: pair.has_answered(pair.primary, clients[Role.ANALYST]), FRESH_SECONDS)
        finally:
            rows(pair.standby, "select pg_wal_replay_resume()")
    assert comes_true(lambda: pair.has_answered(pair.standby, clients[Role.BILLING]), FRESH_SECONDS)


def _changes_are_in_the_audit_log_as_with_one_database(pair: Pair, clients: dict[Role, Client]) -> None:
    written = "select role from audit_events where operation = 'createPayer'"
    before = len(rows(pair.primary, written))
    clients[Role.BILLING].read(NEW % "Audited")
    assert [row["role"] for row in rows(pair.primary, written)][before:] == [Role.BILLING]


def _reads_continue_while_the_replica_is_down_and_return_to_it_afterwards(
    pair: Pair, clients: dict[Role, Client]
) -> None:
    assert comes_true(lambda: pair.has_answered(pair.standby, clients[Role.ANALYST]), FRESH_SECONDS)
    standby = pair.servers[1]
    standby.stop()
    for role in (Role.ANALYST, Role.BILLING):
        assert clients[role].read(QUERY)["invoices"]["nodes"]
    standby.start()
    time.sleep(1)
    assert comes_true(lambda: pair.has_answered(pair.standby, clients[Role.ANALYST]), FRESH_SECONDS)


def _the_server_starts_without_a_reachable_replica(pair: Pair) -> None:
    path = urlsplit(pair.primary.owner).path
    unreachable = f"postgresql://postgres@127.0.0.1:1{path}"
    with serving(DatabaseUrls(pair.primary.owner, replica=unreachable)) as url, Client(url) as anonymous:
        assert anonymous.signed_in("billing@demo.example").read(QUERY)["invoices"]["nodes"]


# One test, because making the pair of servers takes longer than all of its parts.
def test_reads_use_the_replica_while_it_is_current_and_the_primary_otherwise(
    pair: Pair, clients: dict[Role, Client]
) -> None:
    _staff_and_analysts_read_at_the_replica_and_other_roles_at_the_primary(pair, clients)
    _the_replica_returns_the_same_rows(pair, clients)
    _a_write_is_visible_to_all_users_of_the_clinic_though_replay_is_paused(pair, clients)
    _changes_are_in_the_audit_log_as_with_one_database(pair, clients)
    _reads_continue_while_the_replica_is_down_and_return_to_it_afterwards(pair, clients)
    _the_server_starts_without_a_reachable_replica(pair)
