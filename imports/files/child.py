"""Reads a file to import in a child process: if it crashes or exceeds its limits, the server goes on and reports a bad file."""

import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any, NoReturn, cast

import orjson

from imports.files.formats import open_file
from imports.files.messages import LENGTH_BYTES, LONGEST_MESSAGE, options_argument, rows_of, shape_of
from imports.sheets import FileShape, Line, Lines, ReadOptions, SheetError, SheetFile

logger = logging.getLogger("billing.imports")
# Seconds of CPU time: an ordinary workbook takes three to seven for each MiB. The timeout is longer, because other work
# shares the cores.
_SECONDS, _SECONDS_PER_MIB = 12, 10
_WAIT, _WAIT_PER_MIB = 18, 40
_AGAIN = "save it again in a spreadsheet program, or import it in several files"
_TOO_SLOW = f"The file takes too long to read: {_AGAIN}"
_UNREADABLE = f"The file cannot be read: {_AGAIN}"
_CHUNK = 256 * 1024


_AS_FOUND = ReadOptions()


def read_in_child(data: bytes, content_type: str, options: ReadOptions = _AS_FOUND) -> SheetFile:
    """A file that is read by a child process, which ends when the file is closed; SheetError if it cannot be read."""
    return _shaped(_read(data, content_type, options))


def read_in_process(data: bytes, content_type: str, options: ReadOptions = _AS_FOUND) -> SheetFile:
    """The same without a child process, for trusted files."""
    return open_file(BytesIO(data), content_type, options)


def _read(data: bytes, content_type: str, options: ReadOptions) -> Generator[FileShape | Line, None, None]:
    size = len(data) / 1024**2
    with TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        with _started(file, content_type, int(_SECONDS + _SECONDS_PER_MIB * size), options) as child:
            try:
                yield from received(child, _WAIT + _WAIT_PER_MIB * size)
            finally:
                child.kill()


def _shaped(parts: Generator[FileShape | Line, None, None]) -> SheetFile:
    """The file of which a child sends the parts: the shape comes first."""
    shape = next(parts)
    assert isinstance(shape, FileShape)
    return SheetFile(shape, cast(Lines, parts))


def _started(file: IO[bytes], content_type: str, seconds: int, options: ReadOptions) -> subprocess.Popen[bytes]:
    arguments = [content_type, str(seconds), options_argument(options)]
    program = [sys.executable, "-I", "-X", "utf8", "-m", "imports.files.reading", *arguments]
    # The program is our own, started without a shell; what a user chose is one argument in JSON.
    return subprocess.Popen(  # noqa: S603
        program, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/"
    )


def received(child: subprocess.Popen[bytes], seconds: float) -> Generator[FileShape | Line, None, None]:
    """The shape and the rows that a child process sends, with a timeout in seconds; SheetError if it ends without its end message."""
    for message in _messages(child, seconds):
        if "shape" in message:
            yield shape_of(message)
        if "refused" in message:
            raise SheetError(*message["refused"])
        if "failed" in message:
            name, frames = message["failed"]
            logger.error("a file to import failed in its reader", extra={"exception": name, "frames": frames})
            raise SheetError(_UNREADABLE)
        if "end" in message:
            return
        yield from rows_of(message)


def _messages(child: subprocess.Popen[bytes], seconds: float) -> Iterator[dict[str, Any]]:
    """The messages of the child; SheetError if it ends without its end message, or exceeds the timeout."""
    pipe = _Pipe(child, seconds)
    while True:
        length = int.from_bytes(pipe.read(LENGTH_BYTES), "big")
        if length > LONGEST_MESSAGE:
            raise SheetError(_UNREADABLE)
        yield orjson.loads(pipe.read(length))


class _Pipe:
    """The output of the child, with a total timeout in seconds for waiting; the time that the consumer takes does not count."""

    def __init__(self, child: subprocess.Popen[bytes], seconds: float) -> None:
        assert child.stdout is not None
        self._child, self._pipe, self._left, self._bytes = child, child.stdout, seconds, bytearray()
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
            raise SheetError(_TOO_SLOW)
        more = os.read(self._pipe.fileno(), _CHUNK)
        if not more:
            self._refuse_end()
        return more

    def _refuse_end(self) -> NoReturn:
        code = self._child.wait()
        logger.error("the reader of a file to import ended early", extra={"exit_code": code})
        raise SheetError(_TOO_SLOW if code in (-signal.SIGXCPU, -signal.SIGKILL) else _UNREADABLE)
