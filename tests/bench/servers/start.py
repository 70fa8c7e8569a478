"""Starts and stops the measured servers: each a process of its own, on a free port, ended by its id."""

import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from tests.bench.clinics import ROOT
from tests.bench.servers.processor import cpu_seconds

_PATIENCE_SECONDS = 60.0


class StartError(Exception):
    """A server did not start; the message is its output."""


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
    """A server that says `ready http://127.0.0.1:PORT/…` on standard output; StartError with its last output when it does not."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        # One user sends the requests of a thousand, so the rate limit is off.
        env=os.environ | {"BILLING_REQUESTS_PER_MINUTE": "0"} | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        port = _port(name, process)
        # The output is read on, because a process that fills the pipe would block for ever.
        threading.Thread(target=_read_on, args=[process], daemon=True).start()
        yield Server(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def together(*openings: AbstractContextManager[Server]) -> Iterator[list[Server]]:
    """Servers that are started at the same time."""
    with ExitStack() as running:
        with ThreadPoolExecutor(len(openings)) as threads:
            servers = list(threads.map(running.enter_context, openings))
        yield servers


def _read_on(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout
    with process.stdout as output:
        while os.read(output.fileno(), 65536):
            pass


def _port(name: str, process: "subprocess.Popen[bytes]") -> int:
    """The port that a server announces."""
    output, deadline = b"", monotonic() + _PATIENCE_SECONDS
    assert process.stdout
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while monotonic() < deadline:
            if not selector.select(1.0):
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            output += piece
            for line in output.decode(errors="replace").splitlines():
                if line.startswith("ready http://") and output.endswith(b"\n"):
                    return urlsplit(line.split()[1]).port or 0
            if not piece:
                break
    raise StartError(f"{name} did not start: {output.decode(errors='replace')[-2000:].strip() or 'it printed nothing'}")


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of the benchmark."""
    return [sys.executable, "-m", module, *arguments]
