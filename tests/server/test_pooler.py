"""Decides that the server works behind PgBouncer in transaction mode: whoever shares connections, nobody gets what is another's."""

import os
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from db.security import ATTORNEY_LOGIN, STAFF_LOGIN
from domain.people import Role
from server.addresses import Address
from tests.api.lives import INVOICE, TODAY, Clinic, broken_laws
from tests.api.records import find_records, uuid_of
from tests.api.steps import answered
from tests.client import Client, serving
from tests.conftest import SignIn
from tests.databases import rows
from tests.server.embedded_user import comes_true
from tests.subscriber import listening
from tests.tunnel import tunnel

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(not PGBOUNCER, reason="PgBouncer is not on this machine (Debian: pgbouncer)")
# Fewer connections for each login than the server's pools would open by themselves.
CONNECTIONS = 4
SETTINGS = """[databases]
* = host=127.0.0.1 port={upstream}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
"""
QUERY = "{ viewer { role } invoices(first: 50) { nodes { number patient { name } } } }"
_SHARED = "select usename, count(distinct pid) as connections from pg_stat_activity where datname = current_database() group by 1"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def pooled(address: Address, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """The same database, reached through PgBouncer."""
    assert PGBOUNCER
    folder = tmp_path_factory.mktemp("pgbouncer")
    users, settings, port = folder / "users.txt", folder / "pgbouncer.ini", free_port()
    users.write_text("".join(f'"{name}" ""\n' for name in (STAFF_LOGIN, ATTORNEY_LOGIN)))
    with tunnel(address.owner) as upstream:
        settings.write_text(SETTINGS.format(upstream=upstream, port=port, users=users, connections=CONNECTIONS))
        with subprocess.Popen([PGBOUNCER, *_as_nobody(folder), str(settings)], stderr=subprocess.DEVNULL) as process:
            try:
                assert comes_true(lambda: _listens(port))
                yield Address(
                    address.owner, pooled=f"postgresql://postgres@127.0.0.1:{port}{urlsplit(address.owner).path}"
                )
            finally:
                process.terminate()


def _as_nobody(folder: Path) -> list[str]:
    """PgBouncer does not run as root, and reads its files before it becomes somebody else."""
    if os.geteuid() != 0:
        return []
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return ["-u", "nobody"]


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server_url(pooled: Address) -> Iterator[str]:
    with serving(pooled) as url:
        yield url


@pytest.fixture(scope="module")
def clinic(sign_in: SignIn, address: Address) -> Clinic:
    return Clinic(sign_in(Role.BILLING), sign_in(Role.ADMIN), find_records(address), address)


def test_everybody_at_once_is_answered_as_without_it(pooled: Address, address: Address, sign_in: SignIn) -> None:
    with serving(address) as url, Client(url) as nobody:
        alone = {role: nobody.signed_in(f"{role}@demo.clinic").read(QUERY) for role in Role if role is not Role.ANALYST}
    clients = {role: sign_in(role) for role in alone}
    asked = [role for role in alone for _ in range(25)]
    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(lambda role: clients[role].read(QUERY), asked))
    assert all(answer == alone[role] for role, answer in zip(asked, answers, strict=True))
    held = {row["usename"]: row["connections"] for row in rows(address, _SHARED)}
    # One more listens, past the pooler.
    assert 1 <= held[ATTORNEY_LOGIN] <= CONNECTIONS
    assert held[STAFF_LOGIN] <= CONNECTIONS + 1


def test_of_many_who_take_one_step_one_succeeds(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    said = {"invoiceId": invoice, "submittedOn": TODAY, "method": "EMAIL"}
    with ThreadPoolExecutor(20) as crowd:
        answers = list(crowd.map(lambda _: answered(clinic.billing, "submitInvoice", INVOICE, **said), range(40)))
    outcomes = Counter(answer["errors"][0]["code"] if answer["errors"] else "done" for answer in answers)
    assert outcomes == {"done": 1, "ILLEGAL_TRANSITION": 39}


def test_what_changes_is_heard_past_it(server_url: str, clinic: Clinic) -> None:
    invoice = clinic.invoice()
    with listening(
        clinic.address, server_url, clinic.billing.token, uuid_of(clinic.found.own["Invoice"])
    ) as subscriber:
        clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
        assert subscriber.heard()
    assert broken_laws(clinic.address) == ()


async def test_every_transaction_has_the_limits_of_time(pooled: Address) -> None:
    async with pooled.database() as database, database.signing_in() as connection:
        told = [await connection.fetchval(f"show {name}") for name in ("statement_timeout", "jit", "timezone")]
    assert told == ["15s", "off", "UTC"]
