"""Concurrency limits: a bounded number of slots with a share per key, and a wait for a semaphore or lock with a timeout."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager


class ConcurrencyLimit:
    """A concurrency limit: the number of slots, how many of them one key holds at most, and the error when there is none."""

    def __init__(self, slots: int, per_key: int, refusal: Callable[[], Exception]) -> None:
        self._slots, self._per_key, self._refusal = slots, per_key, refusal
        self._taken: Counter[Hashable] = Counter()
        self._total = 0

    def __len__(self) -> int:
        return self._total

    @property
    def is_full(self) -> bool:
        """Whether no slot is free for any party."""
        return self._total >= self._slots

    @contextmanager
    def slot(self, party: Hashable) -> Iterator[None]:
        """A slot for as long as this context is open; the error of the limit when there is none."""
        if self.is_full or self._taken[party] >= self._per_key:
            raise self._refusal()
        self._taken[party] += 1
        self._total += 1
        try:
            yield
        finally:
            self._total -= 1
            self._taken[party] -= 1
            # A party without slots is forgotten, so that memory stays bounded.
            if not self._taken[party]:
                del self._taken[party]


@asynccontextmanager
async def acquire_within(
    lock: asyncio.Semaphore | asyncio.Lock, seconds: float, refusal: Callable[[], Exception]
) -> AsyncIterator[None]:
    """Hold a semaphore or lock, acquired within a timeout in seconds; the given error when the timeout is exceeded."""
    try:
        async with asyncio.timeout(seconds):
            await lock.acquire()
    except TimeoutError:
        raise refusal() from None
    try:
        yield
    finally:
        lock.release()
