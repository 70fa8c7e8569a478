"""The server works behind PgBouncer in transaction mode, and requests that share connections never get rows of another viewer."""

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

from db.security.policies import ATTORNEY_LOGIN, STAFF_LOGIN
from domain.access.people import Role
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.server.embedded.embedded_user import comes_true
from tests.support.api.mutations import answered
from tests.support.api.records import find_records, uuid_of
from tests.support.api.scenarios import INVOICE, TODAY, Clinic, broken_laws
from tests.support.client import Client, serving
from tests.support.databases import rows
from tests.support.socket_proxy import forwarded_port
from tests.support.subscriber import listening

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(not PGBOUNCER, reason="PgBouncer is not on this machine (Debian: pgbouncer)")
# Fewer connections for each login than the connection pools of the server would open.
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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def pooled(address: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseUrls]:
    """The same database, reached through PgBouncer."""
    assert PGBOUNCER
    folder = tmp_path_factory.mktemp("pgbouncer")
    users, settings, port = folder / "users.txt", folder / "pgbouncer.ini", free_port()
    users.write_text("".join(f'"{name}" "{address.password(name)}"\n' for name in (STAFF_LOGIN, ATTORNEY_LOGIN)))
    with forwarded_port(address.owner) as upstream:
        settings.write_text(SETTINGS.format(upstream=upstream, port=port, users=users, connections=CONNECTIONS))
        with subprocess.Popen(
            [PGBOUNCER, *_as_unprivileged(folder), str(settings)], stderr=subprocess.DEVNULL
        ) as process:
            try:
                assert comes_true(lambda: _listens(port))
                yield DatabaseUrls(
                    address.owner, pooled=f"postgresql://postgres@127.0.0.1:{port}{urlsplit(address.owner).path}"
                )
            finally:
                process.terminate()


def _as_unprivileged(folder: Path) -> list[str]:
    """The options to run PgBouncer as another account, because it does not run as root."""
    if os.geteuid() != 0:
        return []
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return ["-u", "nobody"]


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def server_url(pooled: DatabaseUrls) -> Iterator[str]:
    with serving(pooled) as url:
        yield url


@pytest.fixture(scope="module")
def clinic(sign_in: SignIn, address: DatabaseUrls) -> Clinic:
    return Clinic(sign_in(Role.BILLING), sign_in(Role.ADMIN), find_records(address), address)


def test_concurrent_requests_of_all_roles_get_the_same_answers_as_without_the_pooler(
    pooled: DatabaseUrls, address: DatabaseUrls, sign_in: SignIn
) -> None:
    with serving(address) as url, Client(url) as anonymous:
        expected = {
            role: anonymous.signed_in(f"{role}@demo.example").read(QUERY) for role in Role if role is not Role.ANALYST
        }
    clients = {role: sign_in(role) for role in expected}
    roles = [role for role in expected for _ in range(25)]
    with ThreadPoolExecutor(20) as executor:
        answers = list(executor.map(lambda role: clients[role].read(QUERY), roles))
    assert all(answer == expected[role] for role, answer in zip(roles, answers, strict=True))
    held = {row["usename"]: row["connections"] for row in rows(address, _SHARED)}
    # One more connection listens, bypassing the pooler.
    assert 1 <= held[ATTORNEY_LOGIN] <= CONNECTIONS
    assert held[STAFF_LOGIN] <= CONNECTIONS + 1


def test_of_many_concurrent_submissions_of_one_invoice_one_succeeds(clinic: Clinic) -> None:
    invoice = clinic.invoice()
    variables = {"invoiceId": invoice, "submittedOn": TODAY, "method": "EMAIL"}
    with ThreadPoolExecutor(20) as executor:
        answers = list(
            executor.map(lambda _: answered(clinic.billing, "submitInvoice", INVOICE, **variables), range(40))
        )
    outcomes = Counter(answer["errors"][0]["code"] if answer["errors"] else "done" for answer in answers)
    assert outcomes == {"done": 1, "ILLEGAL_TRANSITION": 39}


def test_subscriptions_get_events_past_the_pooler(server_url: str, clinic: Clinic) -> None:
    invoice = clinic.invoice()
    with listening(
        clinic.address, server_url, clinic.billing.token, uuid_of(clinic.found.own["Invoice"])
    ) as subscriber:
        clinic.step("submitInvoice", invoice, submittedOn=TODAY, method="EMAIL")
        assert subscriber.next_result()
    assert broken_laws(clinic.address) == ()


async def test_every_transaction_has_the_statement_timeout(pooled: DatabaseUrls) -> None:
    async with pooled.database() as database, database.signing_in() as connection:
        values = [await connection.fetchval(f"show {name}") for name in ("statement_timeout", "jit", "timezone")]
    assert values == ["15s", "off", "UTC"]
