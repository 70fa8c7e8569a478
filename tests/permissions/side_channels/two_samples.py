"""The comparison of two samples of times by the rank test of Mann and Whitney, which assumes no distribution."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class Comparison:
    """The share of pairs in which the first sample is larger, and how many deviations that is from one half."""

    share: float
    deviations: float

    def __str__(self) -> str:
        return f"larger in {self.share:.1%} of pairs, {self.deviations:+.2f} deviations"


def compared(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Two samples compared by the ranks of their values; equal values share their ranks."""
    order = sorted([*first, *second])
    ranks: dict[float, float] = {}
    for place, value in enumerate(order, 1):
        ranks.setdefault(value, place + (order.count(value) - 1) / 2)
    n, m = len(first), len(second)
    larger = sum(ranks[value] for value in first) - n * (n + 1) / 2
    return Comparison(larger / (n * m), (larger - n * m / 2) / sqrt(n * m * (n + m + 1) / 12))
