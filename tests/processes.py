"""Decides how tests run `billing` as a process of its own, over a database of theirs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory

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
def billing(address: Address, *command: str) -> Iterator[Process]:
    """`billing` with a command, from when it is ready; killed at the end if it still runs."""
    with TemporaryDirectory() as home:
        settings = {"DATABASE_URL": address.owner, "BILLING_PORT": "0", "BILLING_HOME": home}
        popen = subprocess.Popen(
            [sys.executable, "-c", _BILLING, *command],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
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
