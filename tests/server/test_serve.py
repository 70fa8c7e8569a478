"""The lifecycle of `billing serve`: its printed lines, the data it keeps between starts, and a shutdown that leaves no process behind."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from domain.access.people import Role
from server.cli import main
from server.demo import DEMO_USERS
from tests.server.embedded.embedded_user import PROJECT, ask, comes_true, nothing_is_left, postgres_processes
from tests.support.client import Client

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")

BILLING = Path(sys.executable).parent / "billing"
READY = re.compile(r"^ready (http://127\.0\.0\.1:\d+/graphql)$", re.MULTILINE)
PASSWORD = "chosen for a test"
TIMEOUT_SECONDS = 60


class Serve:
    """A `billing serve` process, started as an operator would."""

    def __init__(self, home: Path, *arguments: str, **settings: str) -> None:
        self.home = home
        home.mkdir(exist_ok=True)
        self.log = home / f"log-{time.monotonic_ns()}"
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("BILLING_", "DATABASE_"))
        }
        environment |= {"BILLING_HOME": str(home / "data"), "BILLING_PORT": "0", **settings}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [BILLING, "serve", *arguments], cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def text(self) -> str:
        """The output so far."""
        return self.log.read_text()

    def url(self) -> str:
        """The address of the server, after waiting until it is ready."""
        comes_true(lambda: bool(READY.search(self.text())) or self.process.poll() is not None, TIMEOUT_SECONDS)
        found = READY.search(self.text())
        assert found, self.text()
        return found[1]

    def ends(self, number: signal.Signals | None = None) -> int:
        """Send a signal, if any, wait for the end and return the exit code."""
        if number:
            self.process.send_signal(number)
        return self.process.wait(TIMEOUT_SECONDS)


@contextmanager
def serving(home: Path, *arguments: str, **settings: str) -> Iterator[Serve]:
    """A server that is ended at the end of the test, also when the test fails."""
    started = Serve(home, *arguments, **settings)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()


@contextmanager
def signed_in(url: str, role: Role, password: str = PASSWORD) -> Iterator[Client]:
    with Client(url) as anonymous, anonymous.signed_in(f"{role}@demo.example", password) as client:
        yield client


def count(client: Client) -> int:
    found: int = client.read("{ invoices { totalCount } }")["invoices"]["totalCount"]
    return found


EVERYTHING = "{ invoices(first: 500) { totalCount nodes { id number status billedAmount } } }"


@dataclass(frozen=True)
class First:
    """The results of the first start on an empty folder, before and after a SIGTERM."""

    home: Path
    log: str
    url: str
    password: str
    counts: dict[Role, int]
    token: str | None
    invoices: Any
    printed_query: str
    exit_code: int
    postgres: set[int]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    home = tmp_path_factory.mktemp("served")
    with serving(home, "--demo") as server:
        url, counts = server.url(), {}
        password = password_of(server)
        for role in Role:
            with signed_in(url, role, password) as client:
                counts[role] = count(client)
        with signed_in(url, Role.BILLING, password) as billing:
            token, invoices = billing.token, billing.read(EVERYTHING)
        printed = the_printed_query(server)
        exit_code = server.ends(signal.SIGTERM)
        left = postgres_processes(home / "data")
        return First(home, server.text(), url, password, counts, token, invoices, printed, exit_code, left)


def password_of(server: Serve) -> str:
    found = re.search(r"^with the password (\S{12,})$", server.text(), re.MULTILINE)
    assert found
    return found[1]


def the_printed_query(server: Serve) -> str:
    """Run the commands that are printed at the start, and return their output."""
    commands = server.text().partition("With curl:\n")[2].partition("\nready ")[0]
    return subprocess.run(["sh", "-ec", commands], capture_output=True, text=True, check=True).stdout


def test_the_first_start_prints_the_users_and_ends_with_the_line_that_it_is_ready(first: First) -> None:
    assert set(DEMO_USERS) == {f"{role}@demo.example" for role in Role}
    for user in DEMO_USERS:
        assert re.search(rf"^  {re.escape(user)}$", first.log, re.MULTILINE)
    # A slow operation on a busy host can add a log line after it.
    printed = [line for line in first.log.splitlines() if not line.startswith("{")]
    assert printed[-1] == f"ready {first.url}"
    assert "Traceback" not in first.log


def test_every_user_can_sign_in_with_the_printed_password(first: First) -> None:
    assert set(first.counts) == set(Role)
    assert first.counts[Role.ADMIN] == first.counts[Role.BILLING] == first.counts[Role.ANALYST] == 400
    assert 0 < first.counts[Role.ATTORNEY] < 400
    assert 0 < first.counts[Role.PHYSICIAN] < 400


def test_the_printed_query_works_as_printed(first: First) -> None:
    assert '{"data":{"invoices":{"totalCount":400,"nodes":[{"number":"INV-' in first.printed_query


def test_a_generated_password_is_stored_readable_by_its_owner_only(first: First) -> None:
    kept = first.home / "data" / "demo-password"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (first.password, 0o600)


def test_sigterm_ends_the_server_with_0_and_leaves_no_postgresql(first: First) -> None:
    assert (first.exit_code, first.postgres) == (0, set())


def test_a_later_start_keeps_data_password_and_sessions_and_kill_9_leaves_no_process(
    first: First,
) -> None:
    with serving(first.home, "--demo") as server, Client(server.url(), first.token) as still_signed_in:
        assert "already exists" in server.text()
        assert password_of(server) == first.password
        assert still_signed_in.read("{ viewer { role } }") == {"viewer": {"role": "BILLING"}}
        assert still_signed_in.read(EVERYTHING) == first.invoices
        assert postgres_processes(first.home / "data")
        assert server.ends(signal.SIGKILL) == -signal.SIGKILL
    assert nothing_is_left(first.home / "data", seconds=5)


def test_two_servers_on_one_folder_serve_one_clinic_and_each_shuts_down_in_order(first: First) -> None:
    home = first.home
    with serving(home, "--demo", BILLING_DEMO_PASSWORD=PASSWORD) as one, serving(home) as other:
        assert one.url() != other.url()
        with signed_in(one.url(), Role.BILLING) as billing, Client(other.url(), billing.token) as at_other:
            assert billing.read(EVERYTHING) == at_other.read(EVERYTHING) == first.invoices
            assert one.ends(signal.SIGINT) == 0
            assert count(at_other) == 400
            assert postgres_processes(home / "data")
            # A request that is running when the server gets SIGTERM is answered.
            assert a_running_request_is_answered(home, other, at_other) == [400]
        assert "Traceback" not in one.text() + other.text()
    assert nothing_is_left(home / "data")


def a_running_request_is_answered(home: Path, server: Serve, client: Client) -> list[int]:
    """The answer to a request that waits for a lock in PostgreSQL when its server gets SIGTERM."""
    place = home / "data" / "postgres"
    dsn = f"postgresql://postgres@/billing?host={place / 'socket'}&port=5432&passfile={place / 'pgpass'}"

    async def hold() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute("begin; lock table invoices; select pg_sleep(2)")
        await connection.close()

    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: asyncio.run(hold())),
        threading.Thread(target=lambda: answers.append(count(client))),
    ]
    for thread, sign in zip(threads, ("mode = 'AccessExclusiveLock' and granted", "not granted"), strict=True):
        thread.start()
        query = f"select count(*) from pg_locks where relation = 'invoices'::regclass and {sign}"
        assert comes_true(lambda query=query: ask(dsn, query) != 0)  # type: ignore[misc]
    assert server.ends(signal.SIGTERM) == 0
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BILLING_PORT", "eighty"),
        ("BILLING_PORT", "70000"),
        ("BILLING_PORT", "-1"),
        ("BILLING_SESSION_HOURS", "0"),
        ("BILLING_SESSION_IDLE_MINUTES", "soon"),
        ("DATABASE_URL", "mysql://somewhere"),
        ("BILLING_PROT", "8000"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_its_name(tmp_path: Path, variable: str, value: str) -> None:
    settings = {"BILLING_HOME": str(tmp_path / "data"), variable: value}
    started = CliRunner().invoke(main, ["serve"], env=settings)
    assert started.exit_code == 1
    assert started.output.startswith(f"Error: {variable} is ")
    assert not (tmp_path / "data").exists()


def test_a_start_that_is_stopped_by_a_setting_exits_with_an_error_message(tmp_path: Path) -> None:
    with serving(tmp_path, BILLING_PORT="eighty") as server:
        assert server.ends() == 1
        assert server.text().startswith("Error: BILLING_PORT is wrong: expected a number")


def test_a_port_in_use_stops_the_start_with_a_message_and_leaves_no_process(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with serving(tmp_path, BILLING_PORT=port) as server:
            assert server.ends() != 0
            assert port in server.text() or "BILLING_PORT" in server.text()
            assert server.text().startswith(
                "Error: BILLING_HOST and BILLING_PORT are wrong: the server cannot listen on"
            )
            assert "Traceback" not in server.text()
    assert not (tmp_path / "data").exists()
