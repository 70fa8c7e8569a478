"""Decides how what COPY says is written: in batches, of which one is written while the next one comes."""

import asyncio

from exports.formats import Writer

# Not much more than this is held in memory, whatever the file will have.
_BATCH_BYTES = 256_000


class Batches:
    """What COPY says is written in batches: one of them in a thread, while the next one comes."""

    def __init__(self, writer: Writer) -> None:
        self.writer, self.rows = writer, 0
        self._waiting = bytearray()
        self._batch: asyncio.Task[int] | None = None

    async def take(self, chunk: bytes) -> bool:
        """Take what comes next; whether a batch was begun with it."""
        self._waiting.extend(chunk)
        if len(self._waiting) < _BATCH_BYTES:
            return False
        await self._write()
        return True

    async def finish(self) -> None:
        """Write what is left."""
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
