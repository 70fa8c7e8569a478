"""Decides what a bounded number of seats is, of which nobody takes all."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager


class Room:
    """So many seats, how many of them one party takes at most, and what is raised for whoever finds none."""

    def __init__(self, seats: int, of_one: int, refusal: Callable[[], Exception]) -> None:
        self._seats, self._of_one, self._refusal = seats, of_one, refusal
        self._taken: Counter[Hashable] = Counter()
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def check(self) -> None:
        """Refuse when nobody at all would find a seat now."""
        if self._total >= self._seats:
            raise self._refusal()

    @contextmanager
    def seat(self, party: Hashable) -> Iterator[None]:
        """A seat for as long as this is open."""
        self.check()
        if self._taken[party] >= self._of_one:
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
