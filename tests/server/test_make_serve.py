"""Whoever types `make serve` waits for seconds once everything is set up, and leaves no PostgreSQL behind, however it ends."""

import os
import re
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.embedded_user import PROJECT, comes_true, nothing_is_left, postgres_processes, read_link

READY = re.compile(r"^ready (http://127\.0\.0\.1:\d+/graphql)$", re.MULTILINE)
PATIENCE_SECONDS = 60
# What a second start may compute, as a multiple of what the libraries alone take to be loaded: machines differ, and other
# tests run on the same cores, so that either of the two may come out half as much again.
SECOND_START_FACTOR = 3
LIBRARIES = "aiosmtplib, alembic.command, asyncpg, jinja2.sandbox, pgqueuer, sqlalchemy.ext.asyncio, starlette.applications, strawberry, uvicorn"


def seconds_for_libraries() -> float:
    """The processor time of a program that loads the libraries and does nothing else."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PROJECT / ".venv" / "bin" / "python", "-c", f"import {LIBRARIES}"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


class Made:
    """A `make serve` in a process group of its own, as a terminal or a script would start it."""

    def __init__(self, home: Path) -> None:
        self.home, self.said = home, home / "said"
        settings = {"BILLING_HOME": str(home / "data"), "BILLING_PORT": "0", "BILLING_DEMO_PASSWORD": "made for a test"}
        home.mkdir(exist_ok=True)
        with self.said.open("w") as said:
            self.process = subprocess.Popen(
                ["make", "serve"],
                cwd=PROJECT,
                env={**os.environ, **settings, "MAKEFLAGS": "", "MAKELEVEL": "0"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def url(self) -> str:
        """The address, when the server is ready."""
        assert comes_true(lambda: bool(READY.search(self.said.read_text())), PATIENCE_SECONDS), self.said.read_text()
        found = READY.search(self.said.read_text())
        assert found
        return found[1]

    def server(self) -> int:
        """The process number of the server that make started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        [child] = [int(number) for number in children]
        assert "python" in read_link(f"/proc/{child}/exe")
        return child

    def cpu_seconds(self) -> float:
        """What the server has computed so far, its children that have ended included."""
        times = Path(f"/proc/{self.server()}/stat").read_text().rpartition(")")[2].split()[11:15]
        return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")

    def ends(self) -> bool:
        """Whether make, and every PostgreSQL of the folder, is gone within seconds."""
        comes_true(lambda: self.process.poll() is not None)
        return self.process.poll() is not None and nothing_is_left(self.home / "data", seconds=10)


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a server that was started once, and has ended."""
    first = Made(tmp_path_factory.mktemp("first"))
    first.url()
    first.process.terminate()
    assert first.ends()
    assert "Setting up" not in first.said.read_text()
    return first.home / "data"


@pytest.fixture
def made(set_up: Path, tmp_path: Path) -> Iterator[Made]:
    """A server that answers."""
    subprocess.run(["cp", "-a", set_up, tmp_path / "data"], check=True)
    started = Made(tmp_path)
    try:
        assert httpx.post(started.url(), json={"query": "{ viewer { role } }"}).json() == {"data": {"viewer": None}}
        assert postgres_processes(tmp_path / "data")
        yield started
    finally:
        if started.process.poll() is None:
            os.killpg(started.process.pid, signal.SIGKILL)
            started.process.wait()


def test_ctrl_c_ends_everything(made: Made) -> None:
    os.killpg(made.process.pid, signal.SIGINT)
    assert made.ends()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_a_script_that_ends_make_alone_ends_everything(made: Made, number: signal.Signals) -> None:
    server = made.server()
    made.process.send_signal(number)
    assert made.ends()
    assert comes_true(lambda: not Path(f"/proc/{server}").exists())


def test_a_server_that_is_told_to_end_has_left_postgresql_when_it_does_and_is_content(made: Made) -> None:
    os.kill(made.server(), signal.SIGTERM)
    assert made.process.wait(10) == 0
    assert not postgres_processes(made.home / "data")


def test_killing_the_server_ends_everything(made: Made) -> None:
    os.kill(made.server(), signal.SIGKILL)
    assert made.ends()


def test_a_second_start_is_ready_in_seconds_and_has_the_same_clinic(made: Made) -> None:
    made.process.terminate()
    assert made.ends()
    again = Made(made.home)
    try:
        again.url()
        assert again.cpu_seconds() < SECOND_START_FACTOR * seconds_for_libraries()
        assert "there already" in again.said.read_text()
        assert "Setting up" not in again.said.read_text()
    finally:
        again.process.terminate()
        assert again.ends()
