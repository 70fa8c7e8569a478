"""Looks again when asked to: at once the first time, then after a pause, however often it is asked for meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

logger = logging.getLogger("billing.notifications")
# A look may keep the database busy for at most a fifth of the time.
_RESTS = 4


class Look:
    """A function that reads again what may have changed; what asks for it says nothing more, and may be anybody."""

    def __init__(self, look: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
        self._look, self._pause = look, pause_seconds
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Ask for a look; several requests before it begins are one."""
        self._asked.set()

    async def run(self) -> None:
        """Look whenever it was asked for, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            began = monotonic()
            try:
                await self._look()
            except Exception as failure:  # noqa: BLE001 (after any failure, the next request looks again)
                logger.warning("a look at what has changed failed: %s", type(failure).__name__)
            await asyncio.sleep(max(self._pause, _RESTS * (monotonic() - began)))
