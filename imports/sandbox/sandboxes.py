"""Has a file read by a child process: if it crashes or exceeds its limits, the server goes on and reports a bad file."""

import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any, NoReturn

import orjson

from imports.sandbox.framing import LENGTH_BYTES, LONGEST_MESSAGE
from imports.sheets import SheetError

logger = logging.getLogger("billing.imports")
_CHUNK = 256 * 1024
Messages = Generator[dict[str, Any], None, None]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The child processes that read a kind of files: their program, and their limits in seconds.

    `module` is run with its own arguments, after the seconds of CPU time. `advice` is what a user can do about a file that
    cannot be read. The seconds of CPU time are `seconds` and `seconds_per_mib` for each MiB of the file; `wait` and
    `wait_per_mib`, in which the child has to answer, are longer, because other work shares the cores.
    """

    module: str
    advice: str
    seconds: float
    seconds_per_mib: float
    wait: float
    wait_per_mib: float

    def read(self, data: bytes, *arguments: str) -> Messages:
        """The messages of a child that reads a file; it ends when they are closed. SheetError if the file cannot be read."""
        size = len(data) / 1024**2
        with TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            with self._started(file, int(self.seconds + self.seconds_per_mib * size), arguments) as child:
                try:
                    yield from self.received(child, self.wait + self.wait_per_mib * size)
                finally:
                    child.kill()

    def _started(self, file: IO[bytes], seconds: int, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-I", "-X", "utf8", "-m", self.module, str(seconds), *arguments]
        # The program is our own, started without a shell; what a user chose is one argument in JSON.
        return subprocess.Popen(  # noqa: S603
            program, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
        )

    def received(self, child: subprocess.Popen[bytes], seconds: float) -> Messages:
        """The messages that a child sends, with a timeout in seconds; SheetError if it ends without its end message."""
        for message in self._messages(child, seconds):
            if "refused" in message:
                raise SheetError(*message["refused"])
            if "failed" in message:
                name, frames = message["failed"]
                logger.error("a file to import failed in its reader", extra={"exception": name, "frames": frames})
                raise SheetError(self.unreadable)
            if "end" in message:
                return
            yield message

    def _messages(self, child: subprocess.Popen[bytes], seconds: float) -> Iterator[dict[str, Any]]:
        pipe = _Pipe(self, child, seconds)
        while True:
            length = int.from_bytes(pipe.read(LENGTH_BYTES), "big")
            if length > LONGEST_MESSAGE:
                raise SheetError(self.unreadable)
            yield orjson.loads(pipe.read(length))

    @property
    def too_slow(self) -> str:
        """What a user is told about a file that exceeds the time."""
        return f"The file takes too long to read: {self.advice}"

    @property
    def unreadable(self) -> str:
        """What a user is told about a file at which the reader failed."""
        return f"The file cannot be read: {self.advice}"


class _Pipe:
    """The output of the child, with a total timeout in seconds for waiting; the time that the consumer takes does not count."""

    def __init__(self, sandbox: Sandbox, child: subprocess.Popen[bytes], seconds: float) -> None:
        assert child.stdout is not None
        self._sandbox, self._child, self._pipe = sandbox, child, child.stdout
        self._left, self._bytes = seconds, bytearray()
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)

    def read(self, count: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._bytes) < count:
            self._bytes += self._more()
        found = bytes(self._bytes[:count])
        del self._bytes[:count]
        return found

    def _more(self) -> bytes:
        began = time.monotonic()
        ready = self._poll.poll(max(self._left, 0) * 1000)
        self._left -= time.monotonic() - began
        if not ready:
            raise SheetError(self._sandbox.too_slow)
        more = os.read(self._pipe.fileno(), _CHUNK)
        if not more:
            self._refuse_end()
        return more

    def _refuse_end(self) -> NoReturn:
        code = self._child.wait()
        logger.error("the reader of a file to import ended early", extra={"exit_code": code})
        raise SheetError(
            self._sandbox.too_slow if code in (-signal.SIGXCPU, -signal.SIGKILL) else self._sandbox.unreadable
        )
