"""Decides how chance is asked in the demo clinic: a seeded generator with the questions that its stories ask."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

from domain.money import round_money

T = TypeVar("T")


class Dice(Random):
    """Chance that a seed repeats: the same questions in the same order get the same answers."""

    def chance(self, probability: float) -> bool:
        """Whether something happens that happens this often (0 to 1)."""
        return self.random() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.random() * (high - low + 1))

    def one_of(self, things: Sequence[T]) -> T:
        """One of several things, each as likely."""
        return things[int(self.random() * len(things))]

    def after(self, day: date, low: int, high: int) -> date:
        """A day so many days after another."""
        return day + timedelta(days=self.between(low, high))

    def share(self, amount: Decimal, low: int, high: int) -> Decimal:
        """A part of an amount, between two percentages, to the cent and at least one cent."""
        return max(round_money(amount * self.between(low, high) / 100), Decimal("0.01"))
