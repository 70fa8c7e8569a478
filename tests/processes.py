"""Decides how tests run `billing` as a process of its own, over a database of theirs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import IO

from server.addresses import Address

_BILLING = "from server.cli import main; main()"


@dataclass
class Process:
    """A process that has said that it is ready, and what it said then."""

    popen: "subprocess.Popen[str]"
    said: str

    @property
    def url(self) -> str:
        """Where it serves."""
        return self.said.split()[-1]


@contextmanager
def billing(
    address: Address,
    *command: str,
    at_home: str | None = None,
    program: str = _BILLING,
    log: IO[str] | None = None,
    **settings: str,
) -> Iterator[Process]:
    """`billing` with a command, from when it is ready; killed at the end if it still runs. Its home goes with it, if none is given."""
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
            said = popen.stdout.readline().strip()
            assert said.startswith("ready"), said + popen.stdout.read()
            yield Process(popen, said)
        finally:
            popen.kill()
            popen.wait()
            popen.stdout.close()


def told(address: Address, *command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """How a command of `billing` that ends by itself has ended, and what it said."""
    return subprocess.run(
        [sys.executable, "-c", _BILLING, *command],
        env=_environment(address, settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _environment(address: Address, settings: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": address.owner, "BILLING_PORT": "0", **settings}
