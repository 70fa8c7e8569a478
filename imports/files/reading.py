"""The child program that reads one file of rows from standard input, within limits, and writes its rows to standard output."""

import sys
from collections.abc import Iterator
from typing import IO, Any

from imports.files.formats import open_file
from imports.files.messages import OPTIONS, batches, encoded, options_of, shape_message
from imports.sandbox.program import run
from imports.sheets import ReadOptions


def main(seconds: str, content_type: str, options: str) -> None:
    """Read the file; its shape, its rows and errors are written as messages."""
    run(int(seconds), lambda file: _messages(file, content_type, options_of(options)), encoded, OPTIONS)


def _messages(file: IO[bytes], content_type: str, options: ReadOptions) -> Iterator[dict[str, Any]]:
    sheet = open_file(file, content_type, options)
    yield shape_message(sheet.shape)
    yield from batches(sheet)


if __name__ == "__main__":
    main(*sys.argv[1:])
