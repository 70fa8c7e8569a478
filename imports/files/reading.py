"""The child program that reads one file from standard input, within limits of memory and CPU time, and writes its rows to standard output."""

import os
import resource
import sys
import traceback
from typing import IO, Any

from imports.files.formats import open_file
from imports.files.messages import END, batches, framed, options_of, shape_message
from imports.sheets import ReadOptions, SheetError

MOST_MEMORY = 256 * 1024 * 1024
_MOST_FILES = 16
_TOO_LARGE = "The file needs more memory than is allowed: import it in several files"


def main(content_type: str, seconds: str, options: str) -> None:
    """Read the file; its shape, its rows and errors are written as messages."""
    _limit(int(seconds))
    with os.fdopen(0, "rb") as file, os.fdopen(1, "wb") as output:
        output.write(framed(_read(file, output, content_type, options_of(options))))


def _limit(seconds: int) -> None:
    for what, bound in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (bound, bound))


def _read(file: IO[bytes], output: IO[bytes], content_type: str, options: ReadOptions) -> dict[str, Any]:
    """Write the shape of the file and its rows; the last message says how reading ended."""
    try:
        sheet = open_file(file, content_type, options)
        output.write(framed(shape_message(sheet.shape)))
        # The parent may ask its user about the shape before it takes the rows.
        output.flush()
        for batch in batches(sheet):
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
