"""The child process that draws documents: started when it is needed, bounded in time, replaced when it hangs, dies or has grown."""

import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from typing import IO, Any

from documents.program import LENGTH

logger = logging.getLogger("billing.documents")
# Seconds that one document may take: of CPU time, and as the clock goes, for other work shares the cores.
CPU_SECONDS, WAIT_SECONDS = 30, 90.0
# What the compiler keeps in memory grows with what it has drawn, and is given back by ending it.
MOST_DRAWN = 500
LARGE_PDF = 512 * 1024
LARGEST_PDF = 64 * 1024 * 1024
_CHUNK = 256 * 1024


class DrawingError(Exception):
    """A document could not be drawn within its limits."""


class Child:
    """A child process that draws one document after the other."""

    def __init__(self, cpu_seconds: int = CPU_SECONDS, wait_seconds: float = WAIT_SECONDS) -> None:
        self._cpu_seconds, self._wait_seconds = cpu_seconds, wait_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._drawn = 0
        self._lock = threading.Lock()

    def drawn(self, request: dict[str, Any]) -> bytes:
        """The PDF that the child draws; DrawingError, and a new child next time, if there is none in time."""
        with self._lock:
            process = self._running()
            try:
                pdf = self._exchange(process, json.dumps(request).encode())
            except BaseException:
                self._end()
                raise
            self._drawn += 1
            if self._drawn >= MOST_DRAWN or len(pdf) > LARGE_PDF:
                self._end()
            return pdf

    def end(self) -> None:
        """End the child process; the next document starts another."""
        with self._lock:
            self._end()

    @property
    def pid(self) -> int | None:
        """The id of the child process, while there is one."""
        return self._process.pid if self._process else None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process and self._process.poll() is not None:
            self._end()
        if self._process is None:
            # The program is our own, started without a shell and without our environment.
            program = [sys.executable, "-I", "-X", "utf8", "-m", "documents.program", str(self._cpu_seconds)]
            self._process = subprocess.Popen(  # noqa: S603
                program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
            )
        return self._process

    def _end(self) -> None:
        process, self._process, self._drawn = self._process, None, 0
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)

    def _exchange(self, process: subprocess.Popen[bytes], request: bytes) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = time.monotonic() + self._wait_seconds
        _write(process.stdin, LENGTH.pack(len(request)) + request, deadline)
        length = LENGTH.unpack(_read(process.stdout, LENGTH.size, deadline))[0]
        if not 0 < length <= LARGEST_PDF:
            raise _failure("refused")
        return _read(process.stdout, length, deadline)


def _write(pipe: IO[bytes], data: bytes, deadline: float) -> None:
    os.set_blocking(pipe.fileno(), False)
    left = memoryview(data)
    while left:
        _wait(pipe, select.POLLOUT, deadline)
        try:
            left = left[os.write(pipe.fileno(), left[:_CHUNK]) :]
        except BrokenPipeError:
            raise _failure("ended") from None


def _read(pipe: IO[bytes], count: int, deadline: float) -> bytes:
    found = bytearray()
    while len(found) < count:
        _wait(pipe, select.POLLIN, deadline)
        more = os.read(pipe.fileno(), min(_CHUNK, count - len(found)))
        if not more:
            raise _failure("ended")
        found += more
    return bytes(found)


def _wait(pipe: IO[bytes], event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(deadline - time.monotonic(), 0) * 1000):
        raise _failure("took too long")


def _failure(how: str) -> DrawingError:
    # What was drawn is not named: it is a patient's.
    logger.error("the child process that draws documents failed", extra={"how": how})
    return DrawingError(f"The document could not be drawn: its process {how}")


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        logger.debug("the pipe of a dead child was closed")
