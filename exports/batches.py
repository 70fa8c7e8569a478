"""Writes the output of COPY in batches: one is written in a thread while the next one arrives."""

import asyncio

from exports.formats import Writer

# Not much more than this is held in memory, whatever the size of the file.
_BATCH_BYTES = 256_000


class Batches:
    """The output of COPY, written in batches: one of them in a thread, while the next one arrives."""

    def __init__(self, writer: Writer, rows: int = 0) -> None:
        # How many rows were written, with those of earlier parts of the file.
        self.writer, self.rows = writer, rows
        self._waiting = bytearray()
        self._batch: asyncio.Task[int] | None = None

    async def take(self, chunk: bytes) -> bool:
        """Add a chunk; returns whether a batch was written."""
        self._waiting.extend(chunk)
        if len(self._waiting) < _BATCH_BYTES:
            return False
        await self._write()
        return True

    async def finish(self) -> None:
        """Write the rest."""
        await self._write()
        await self._written()

    async def _write(self) -> None:
        await self._written()
        batch, self._waiting = bytes(self._waiting), bytearray()
        self._batch = asyncio.create_task(asyncio.to_thread(self.writer.write, batch))

    async def _written(self) -> None:
        batch, self._batch = self._batch, None
        if batch:
            self.rows += await batch
