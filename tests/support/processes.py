"""Runs `billing` as a process of its own over a database of a test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import IO

from server.database_urls import DatabaseUrls

# The secret key of all servers and workers of the tests, as of all processes of one deployment.
SECRET = "the secret key of every process of the tests"
_BILLING = "from server.cli import main; main()"


@dataclass
class Process:
    """A process that is ready, and the line by which it announced that."""

    popen: "subprocess.Popen[str]"
    ready_line: str

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self.ready_line.split()[-1]


@contextmanager
def billing(
    address: DatabaseUrls,
    *command: str,
    at_home: str | None = None,
    program: str = _BILLING,
    log: IO[str] | None = None,
    **settings: str,
) -> Iterator[Process]:
    """`billing` with a command, once it is ready; killed at the end if it still runs. Without `at_home` it has a temporary home."""
    with nullcontext(at_home) if at_home else TemporaryDirectory() as home:
        popen = subprocess.Popen(
            [sys.executable, "-c", program, *command],
            env=_environment(address, {"BILLING_HOME": home or "", **settings}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert popen.stdout is not None
        try:
            ready_line = popen.stdout.readline().strip()
            assert ready_line.startswith("ready"), ready_line + popen.stdout.read()
            yield Process(popen, ready_line)
        finally:
            popen.kill()
            popen.wait()
            popen.stdout.close()


def completed(address: DatabaseUrls, *command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of `billing` to its end; returns its exit code and output."""
    return subprocess.run(
        [sys.executable, "-c", _BILLING, *command],
        env=_environment(address, settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _environment(address: DatabaseUrls, settings: dict[str, str]) -> dict[str, str]:
    shared = {"DATABASE_URL": address.owner, "BILLING_PORT": "0", "BILLING_SECRET_KEY": SECRET}
    return {**os.environ, **shared, **settings}
