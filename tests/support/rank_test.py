"""The Mann-Whitney U test (rank test), as in scipy: whether two samples of times could come from one distribution."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import erfc, sqrt
from statistics import median


@dataclass(frozen=True)
class Compared:
    """The result of a comparison: the statistic U, two-sided p, and the share of pairs in which `one` is above `other`."""

    u: float
    p: float
    share: float
    medians: tuple[float, float]

    def __str__(self) -> str:
        one, other = (f"{1000 * value:.2f} ms" for value in self.medians)
        return f"U = {self.u:,.0f}, p = {self.p:.3f}, P(one > other) = {self.share:.3f}, medians {one} and {other}"


def compare(one: Sequence[float], other: Sequence[float]) -> Compared:
    """Compare two samples of twenty or more, by the normal approximation with ties and continuity corrected."""
    n, m = len(one), len(other)
    ties = Counter([*one, *other])
    values = sorted(ties)
    # Equal values (ties) share the mean of their ranks.
    ends = list(accumulate(ties[value] for value in values))
    ranks = {value: end - (ties[value] - 1) / 2 for value, end in zip(values, ends, strict=True)}
    u = sum(ranks[value] for value in one) - n * (n + 1) / 2
    size = n + m
    tied = sum(count**3 - count for count in ties.values()) / (size * (size - 1))
    deviation = sqrt(n * m / 12 * (size + 1 - tied))
    z = max(abs(u - n * m / 2) - 0.5, 0) / deviation
    return Compared(u, erfc(z / sqrt(2)), u / (n * m), (median(one), median(other)))
