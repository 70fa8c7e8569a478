"""Draws documents as PDF with Typst, in a child process with bounded time and memory; the same contents give the same bytes."""

import asyncio
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson

from domain.documents.contents import Contents, canonical_json

_LONGEST_SECONDS = 25.0
_DRAWN_AT_ONCE = 2
_PAGE_BYTES = 4
_ROOT = Path(__file__).parent.parent


class DrawingError(Exception):
    """A document could not be drawn in time, or not at all."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn document: the file, its number of pages, and its SHA-256 in hexadecimal digits."""

    pdf: bytes
    pages: int
    sha256: str


class Drawer:
    """Draws a few documents at once, each in a process of its own."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_DRAWN_AT_ONCE)

    async def draw(self, contents: Contents, *, is_preview: bool = False) -> Drawn:
        """The document of some contents; of a preview, every page says so. DrawingError when it cannot be drawn."""
        asked = orjson.dumps({"contents": canonical_json(contents).decode(), "preview": is_preview})
        async with self._slots:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "documents.child"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": str(_ROOT)},
                cwd="/",
            )
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    answer, _ = await child.communicate(asked)
            except TimeoutError as error:
                child.kill()
                await child.wait()
                raise DrawingError("the time limit was exceeded") from error
        if child.returncode != 0 or len(answer) <= _PAGE_BYTES:
            # What the child writes about an error may quote the contents: it is not read.
            raise DrawingError("the document could not be drawn")
        pdf = answer[_PAGE_BYTES:]
        return Drawn(pdf, int.from_bytes(answer[:_PAGE_BYTES], "big"), hashlib.sha256(pdf).hexdigest())
