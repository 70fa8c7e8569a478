"""The child program that reads one file from standard input, within limits of memory and CPU time, and writes its rows to standard output."""

import os
import resource
import sys
import traceback
from typing import IO, Any

from imports.files.formats import lines_of
from imports.files.messages import END, batches, framed
from imports.sheets import SheetError

MOST_MEMORY = 256 * 1024 * 1024
_MOST_FILES = 16
_TOO_LARGE = "The file needs more memory than is allowed: import it in several files"


def main(content_type: str, seconds: str) -> None:
    """Read the file; rows and errors are written as messages."""
    _limit(int(seconds))
    with os.fdopen(0, "rb") as file, os.fdopen(1, "wb") as output:
        output.write(framed(_read(file, output, content_type)))


def _limit(seconds: int) -> None:
    for what, bound in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (bound, bound))


def _read(file: IO[bytes], output: IO[bytes], content_type: str) -> dict[str, Any]:
    """Write the rows; the last message says how reading ended."""
    try:
        for batch in batches(lines_of(file, content_type)):
            output.write(framed(batch))
    except SheetError as refusal:
        return {"refused": [refusal.reason, refusal.line]}
    except MemoryError:
        return {"refused": [_TOO_LARGE, 1]}
    except Exception as error:  # noqa: BLE001 (whatever a file does to its reader, the file is bad; an operator sees where)
        frames = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        return {"failed": [type(error).__name__, frames]}
    return END


if __name__ == "__main__":
    main(*sys.argv[1:])
