"""Reads a file to import in a child process: if it crashes or exceeds its limits, the server goes on and reports a bad file."""

import subprocess
from collections.abc import Generator
from contextlib import closing
from io import BytesIO
from typing import Any, cast

from imports.files.formats import open_file
from imports.files.messages import options_argument, rows_of, shape_of
from imports.sandbox.sandboxes import Sandbox
from imports.sheets import FileShape, Line, Lines, ReadOptions, SheetFile

# Seconds of CPU time: an ordinary workbook takes three to seven for each MiB.
_SANDBOX = Sandbox(
    "imports.files.reading", "save it again in a spreadsheet program, or import it in several files", 12, 10, 18, 40
)
_AS_FOUND = ReadOptions()


def read_in_child(data: bytes, content_type: str, options: ReadOptions = _AS_FOUND) -> SheetFile:
    """A file that is read by a child process, which ends when the file is closed; SheetError if it cannot be read."""
    return _shaped(_parts(_SANDBOX.read(data, content_type, options_argument(options))))


def read_in_process(data: bytes, content_type: str, options: ReadOptions = _AS_FOUND) -> SheetFile:
    """The same without a child process, for trusted files."""
    return open_file(BytesIO(data), content_type, options)


def _shaped(parts: Generator[FileShape | Line, None, None]) -> SheetFile:
    """The file of which a child sends the parts: the shape comes first."""
    shape = next(parts)
    assert isinstance(shape, FileShape)
    return SheetFile(shape, cast(Lines, parts))


def received(child: subprocess.Popen[bytes], seconds: float) -> Generator[FileShape | Line, None, None]:
    """The shape and the rows that a child process sends, with a timeout in seconds; SheetError if it ends without its end message."""
    return _parts(_SANDBOX.received(child, seconds))


def _parts(messages: Generator[dict[str, Any], None, None]) -> Generator[FileShape | Line, None, None]:
    with closing(messages):
        for message in messages:
            if "shape" in message:
                yield shape_of(message)
            yield from rows_of(message)
