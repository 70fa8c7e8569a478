"""Decides what a bounded number of seats is, of which nobody takes all, and how somebody waits for a turn."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager


class Room:
    """So many seats, how many of them one party takes at most, and what is raised for whoever finds none."""

    def __init__(self, seats: int, of_one: int, refusal: Callable[[], Exception]) -> None:
        self._seats, self._of_one, self._refusal = seats, of_one, refusal
        self._taken: Counter[Hashable] = Counter()
        self._total = 0

    def __len__(self) -> int:
        return self._total

    @property
    def is_full(self) -> bool:
        """Whether nobody at all would find a seat now."""
        return self._total >= self._seats

    @contextmanager
    def seat(self, party: Hashable) -> Iterator[None]:
        """A seat for as long as this is open."""
        if self.is_full or self._taken[party] >= self._of_one:
            raise self._refusal()
        self._taken[party] += 1
        self._total += 1
        try:
            yield
        finally:
            self._total -= 1
            self._taken[party] -= 1
            # Of a party that has left nothing stays behind.
            if not self._taken[party]:
                del self._taken[party]


@asynccontextmanager
async def in_turn(
    door: asyncio.Semaphore | asyncio.Lock, seconds: float, refusal: Callable[[], Exception]
) -> AsyncIterator[None]:
    """Through a door when it is one's turn, and what is raised for whoever has waited for so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await door.acquire()
    except TimeoutError:
        raise refusal() from None
    try:
        yield
    finally:
        door.release()
