"""Decides what a row of the table of faults says: what was promised, what happened, and whether it is as promised."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """What happened, in sentences, and which of the promises were not kept."""

    happened: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def tell(self, words: str) -> None:
        """Something that happened."""
        self.happened.append(words)

    def promise(self, is_kept: bool, words: str) -> None:
        """Something that was promised, in words that are true when it is kept."""
        if not is_kept:
            self.broken.append(words)


@dataclass(frozen=True)
class Fault:
    """A fault, what is promised of it, and how it is caused."""

    name: str
    promise: str
    cause: Callable[[], Outcome]
