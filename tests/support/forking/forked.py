"""Runs `billing` in a fork of the fork server, and watches and ends it as `subprocess.Popen` does."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import IO, Self

from tests.support.forking.fork_server import HEADER_BYTES, PROGRAM, STATUS_BYTES

_lock = threading.Lock()


@cache
def _control() -> socket.socket:
    """The socket of this process's fork server, which is started with the first request and ends with this process."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-c", PROGRAM, str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _requested(arguments: Sequence[str], environment: Mapping[str, str], output: int, errors: int, status: int) -> None:
    request = {"arguments": arguments, "environment": dict(environment), "folder": os.getcwd()}
    text = json.dumps(request).encode()
    with _lock:
        socket.send_fds(_control(), [len(text).to_bytes(HEADER_BYTES, "big")], [output, errors, status])
        _control().sendall(text)


class Forked:
    """A process that runs `billing` with arguments and an environment; what it writes is read from `stdout`."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], errors: IO[str] | int | None) -> None:
        """As `Popen`: `errors` is a file, None for this process's own, or STDOUT."""
        reading, writing = os.pipe()
        status, writing_status = os.pipe()
        to = 2 if errors is None else errors if isinstance(errors, int) else errors.fileno()
        try:
            _requested(arguments, environment, writing, writing if to == subprocess.STDOUT else to, writing_status)
        finally:
            os.close(writing)
            os.close(writing_status)
        self.stdout: IO[str] = os.fdopen(reading)
        self._status = status
        self._reading = threading.Lock()
        self.pid = int.from_bytes(os.read(status, STATUS_BYTES), "big")
        self.returncode: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.wait()
        os.close(self._status)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while the process runs."""
        with self._reading:
            if self.returncode is None and self._has_ended(0):
                written = os.read(self._status, STATUS_BYTES)
                self.returncode = os.waitstatus_to_exitcode(int.from_bytes(written, "big"))
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once the process has ended; TimeoutExpired when that takes longer."""
        if self.returncode is None and not self._has_ended(timeout) and self.returncode is None:
            raise subprocess.TimeoutExpired("billing", timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def _has_ended(self, timeout: float | None) -> bool:
        return bool(select.select([self._status], [], [], timeout)[0])

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)
