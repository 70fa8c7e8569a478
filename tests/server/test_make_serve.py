"""The command `make serve` is ready within seconds once everything is set up, and no PostgreSQL is left however it ends."""

import os
import re
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.embedded.embedded_user import PROJECT, comes_true, nothing_is_left, postgres_processes, read_link

READY = re.compile(r"^ready (http://127\.0\.0\.1:\d+/graphql)$", re.MULTILINE)
TIMEOUT_SECONDS = 60
# The processor time of a second start as a multiple of the time to load the libraries (2.8 on idle cores, of which the modules of the
# schema are more than half): hosts differ, and other tests run on the same cores, so that each of the two may vary by half.
SECOND_START_FACTOR = 4.5
LIBRARIES = "aiosmtplib, alembic.command, asyncpg, jinja2.sandbox, pgqueuer, sqlalchemy.ext.asyncio, starlette.applications, strawberry, uvicorn"


def seconds_for_libraries() -> float:
    """The processor time of a program that loads the libraries and does nothing else."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PROJECT / ".venv" / "bin" / "python", "-c", f"import {LIBRARIES}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


class MakeServe:
    """A `make serve` in a process group of its own, as a terminal or a script would start it."""

    def __init__(self, home: Path) -> None:
        self.home, self.log = home, home / "log"
        settings = {"BILLING_HOME": str(home / "data"), "BILLING_PORT": "0", "BILLING_DEMO_PASSWORD": "made for a test"}
        # The web apps that are built beside the server would count as a part of its processor time.
        settings["CLIENTS"] = "0"
        home.mkdir(exist_ok=True)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["make", "serve"],
                cwd=PROJECT,
                env={**os.environ, **settings, "MAKEFLAGS": "", "MAKELEVEL": "0"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def url(self) -> str:
        """The address of the server, after waiting until it is ready."""
        assert comes_true(lambda: bool(READY.search(self.log.read_text())), TIMEOUT_SECONDS), self.log.read_text()
        found = READY.search(self.log.read_text())
        assert found
        return found[1]

    def server(self) -> int:
        """The process id of the server that make started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        [child] = [int(number) for number in children]
        assert "python" in read_link(f"/proc/{child}/exe")
        return child

    def cpu_seconds(self) -> float:
        """The processor time of the server so far, including its ended children."""
        times = Path(f"/proc/{self.server()}/stat").read_text().rpartition(")")[2].split()[11:15]
        return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")

    def ends(self) -> bool:
        """Whether make and every PostgreSQL of the folder end within seconds."""
        comes_true(lambda: self.process.poll() is not None)
        return self.process.poll() is not None and nothing_is_left(self.home / "data", seconds=10)


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a server that was started once and has ended."""
    first = MakeServe(tmp_path_factory.mktemp("first"))
    first.url()
    first.process.terminate()
    assert first.ends()
    assert "Setting up" not in first.log.read_text()
    return first.home / "data"


@pytest.fixture
def made(set_up: Path, tmp_path: Path) -> Iterator[MakeServe]:
    """A running server."""
    subprocess.run(["cp", "-a", set_up, tmp_path / "data"], check=True)
    started = MakeServe(tmp_path)
    try:
        assert httpx.post(started.url(), json={"query": "{ viewer { role } }"}).json() == {"data": {"viewer": None}}
        assert postgres_processes(tmp_path / "data")
        yield started
    finally:
        if started.process.poll() is None:
            os.killpg(started.process.pid, signal.SIGKILL)
            started.process.wait()


def test_ctrl_c_ends_everything(made: MakeServe) -> None:
    os.killpg(made.process.pid, signal.SIGINT)
    assert made.ends()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_ending_make_alone_ends_everything(made: MakeServe, number: signal.Signals) -> None:
    server = made.server()
    made.process.send_signal(number)
    assert made.ends()
    assert comes_true(lambda: not Path(f"/proc/{server}").exists())


def test_a_server_that_gets_sigterm_leaves_postgresql_before_it_ends_and_exits_with_success(made: MakeServe) -> None:
    os.kill(made.server(), signal.SIGTERM)
    assert made.process.wait(10) == 0
    assert not postgres_processes(made.home / "data")


def test_killing_the_server_ends_everything(made: MakeServe) -> None:
    os.kill(made.server(), signal.SIGKILL)
    assert made.ends()


def test_a_second_start_is_ready_within_seconds_with_the_same_clinic(made: MakeServe) -> None:
    made.process.terminate()
    assert made.ends()
    again = MakeServe(made.home)
    try:
        again.url()
        assert again.cpu_seconds() < SECOND_START_FACTOR * seconds_for_libraries()
        assert "already exists" in again.log.read_text()
        assert "Setting up" not in again.log.read_text()
    finally:
        again.process.terminate()
        assert again.ends()
