"""Decides how the measured servers are started and stopped: each a process of its own, on a free port, ended by its id."""

import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from tests.bench.clinics import ROOT
from tests.bench.processor import cpu_seconds

_PATIENCE_SECONDS = 60.0


class StartError(Exception):
    """A server that did not come up: its own words."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    port: int
    process: int

    def cpu_seconds(self) -> float:
        """The processor time that it has used so far, in seconds."""
        return cpu_seconds(self.process)


@contextmanager
def started(
    name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None, folder: Path = ROOT
) -> Iterator[Server]:
    """A server that says `ready http://127.0.0.1:PORT/…` on standard output; StartError with its last words when it does not."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        # One user sends what a thousand would.
        env=os.environ | {"BILLING_REQUESTS_PER_MINUTE": "0"} | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        port = _port(name, process)
        # Whoever writes more than a pipe holds would wait for ever.
        threading.Thread(target=_read_on, args=[process], daemon=True).start()
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _read_on(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout
    with process.stdout as said:
        while os.read(said.fileno(), 65536):
            pass


def _port(name: str, process: "subprocess.Popen[bytes]") -> int:
    """The port that a server announces."""
    said, deadline = b"", monotonic() + _PATIENCE_SECONDS
    assert process.stdout
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while monotonic() < deadline:
            if not selector.select(1.0):
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            said += piece
            for line in said.decode(errors="replace").splitlines():
                if line.startswith("ready http://") and said.endswith(b"\n"):
                    return urlsplit(line.split()[1]).port or 0
            if not piece:
                break
    raise StartError(f"{name} did not start: {said.decode(errors='replace')[-2000:].strip() or 'it said nothing'}")


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of the benchmark."""
    return [sys.executable, "-m", module, *arguments]
