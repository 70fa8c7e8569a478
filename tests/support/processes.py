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
from tests.support.forking.forked import Forked

# The secret key of all servers and workers of the tests, as of all processes of one deployment.
SECRET = "the secret key of every process of the tests"


@dataclass
class Process:
    """A process that is ready, and the line by which it announced that."""

    popen: "subprocess.Popen[str] | Forked"
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
    program: str | None = None,
    log: IO[str] | None = None,
    **settings: str,
) -> Iterator[Process]:
    """`billing` with a command, once it is ready; killed at the end if it still runs. Without `at_home` it has a temporary home.

    It is forked from a process that has imported `billing` already; one that runs another `program` begins by itself.
    """
    with nullcontext(at_home) if at_home else TemporaryDirectory() as home:
        environment = _environment(address, {"BILLING_HOME": home or "", **settings})
        with (
            Forked(command, environment, log)
            if program is None
            else _begun(program, command, environment, log) as popen
        ):
            try:
                assert popen.stdout is not None
                ready_line = popen.stdout.readline().strip()
                assert ready_line.startswith("ready"), ready_line + popen.stdout.read()
                yield Process(popen, ready_line)
            finally:
                popen.kill()


def _begun(
    program: str, arguments: tuple[str, ...], environment: dict[str, str], errors: IO[str] | None
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )


def completed(address: DatabaseUrls, *command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of `billing` to its end; returns its exit code and output."""
    with Forked(command, _environment(address, settings), subprocess.STDOUT) as process:
        output = process.stdout.read()
        return subprocess.CompletedProcess(command, process.wait(), output)


def _environment(address: DatabaseUrls, settings: dict[str, str]) -> dict[str, str]:
    shared = {"DATABASE_URL": address.owner, "BILLING_PORT": "0", "BILLING_SECRET_KEY": SECRET}
    return {**os.environ, **shared, **settings}
