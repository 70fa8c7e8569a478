"""Runs the reader of a file in a child process, within limits of memory and CPU time, and writes its messages to standard output."""

import os
import resource
import traceback
from collections.abc import Callable, Iterator
from typing import IO, Any

from imports.sandbox.framing import END, Encode, framed
from imports.sheets import SheetError

MOST_MEMORY = 256 * 1024 * 1024
_MOST_FILES = 16
_TOO_LARGE = "The file needs more memory than is allowed: import it in several files"
# The messages of a file.
Read = Callable[[IO[bytes]], Iterator[dict[str, Any]]]


def run(seconds: int, read: Read, encode: Encode | None = None, options: int = 0) -> None:
    """Read the file from standard input within so many seconds of CPU time; what is read, and errors, are written as messages."""
    _limit(seconds)
    with os.fdopen(0, "rb") as file, os.fdopen(1, "wb") as output:
        output.write(framed(_read(file, output, read, lambda message: framed(message, encode, options))))


def _limit(seconds: int) -> None:
    for what, bound in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (bound, bound))


def _read(file: IO[bytes], output: IO[bytes], read: Read, frame: Callable[[dict[str, Any]], bytes]) -> dict[str, Any]:
    """Write what is read; the last message says how reading ended."""
    try:
        for place, message in enumerate(read(file)):
            output.write(frame(message))
            if place == 0:
                # The parent may ask its user about the first message before it takes the others.
                output.flush()
    except SheetError as refusal:
        return {"refused": [refusal.reason, refusal.line]}
    except MemoryError:
        return {"refused": [_TOO_LARGE, 1]}
    except Exception as error:  # noqa: BLE001 (whatever a file does to its reader, the file is bad; an operator sees where)
        frames = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        return {"failed": [type(error).__name__, frames]}
    return END
