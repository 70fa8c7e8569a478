"""The random generator of the demo clinic: seeded, so that the same seed generates the same clinic."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

from domain.billing.money import round_money

T = TypeVar("T")


class SeededRandom(Random):
    """A seeded random generator: the same calls in the same order return the same results."""

    def chance(self, probability: float) -> bool:
        """Whether an event of this probability (0 to 1) happens."""
        return self.random() < probability

    def between(self, low: int, high: int) -> int:
        """A random whole number, both ends included."""
        return low + int(self.random() * (high - low + 1))

    def one_of(self, things: Sequence[T]) -> T:
        """One of several items, each with the same probability."""
        return things[int(self.random() * len(things))]

    def after(self, day: date, low: int, high: int) -> date:
        """A day a random number of days after another."""
        return day + timedelta(days=self.between(low, high))

    def share(self, amount: Decimal, low: int, high: int) -> Decimal:
        """A random part of an amount, between two percentages, rounded to the cent and at least one cent."""
        return max(round_money(amount * self.between(low, high) / 100), Decimal("0.01"))
